//! The program: its first line, its flags, its end.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Output, Stdio},
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

fn program(flags: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_pluralsight-sandbox"));
    program.args(flags);
    program
}

fn output(flags: &[&str]) -> Output {
    program(flags).output().expect("the program")
}

#[tokio::test]
async fn it_says_where_it_listens_serves_and_ends_on_sigterm() {
    let flags = [
        "--users",
        "300",
        "--token",
        "secret",
        "--variant",
        "only-id",
    ];
    let mut child = program(&flags)
        .args(["--fault", "teams=503,body=no"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("piped"))
        .read_line(&mut line)
        .expect("a line");
    let url = line.trim().strip_prefix("listening on ").expect(&line);
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("a client");
    let ask = async |document: &str| {
        let body = json!({ "query": document });
        let request = client.post(url).bearer_auth("secret").json(&body);
        let response = request.send().await.expect("an answer");
        response.json::<Value>().await.unwrap_or(Value::Null)
    };
    let answer = ask("{ users(first: 300) { nodes { id lastLogin } } }").await;
    assert_eq!(ask("{ teams { totalCount } }").await, Value::Null);
    // Its people were active lately.
    let nodes = answer["data"]["users"]["nodes"].as_array().expect("nodes");
    let logins = nodes.iter().filter_map(|node| node["lastLogin"].as_str());
    let newest = logins.max().expect("somebody signed in");
    let age = Utc::now() - newest.parse::<DateTime<Utc>>().expect("an instant");
    assert!(nodes[0]["id"].is_string() && age.num_seconds() >= 0 && age.num_days() < 14);

    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .arg(id)
            .status()
            .expect("kill")
            .success()
    );
    assert!(child.wait().expect("an end").success());
    let mut written = String::new();
    let mut errors = child.stderr.take().expect("piped");
    errors.read_to_string(&mut written).expect("text");
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines.len(), 2, "{written}");
    assert!(lines[0].contains(" 200 users "), "{written}");
    assert!(lines[1].contains(" 503 teams "), "{written}");
    assert!(lines[1].ends_with("[teams=503,body=no]"), "{written}");
    assert!(!written.contains("secret"));
}

#[test]
fn it_lists_variants_and_its_help_has_the_grammar_of_faults() {
    for (flag, parts) in [
        ("--variant", ["only-id", "number-ids"]),
        ("--help", ["--fault", "gzip-bomb"]),
    ] {
        let text = String::from_utf8(output(&[flag]).stdout).expect("text");
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}

#[test]
fn what_it_does_not_understand_it_refuses() {
    for flags in [
        &["--fault", "users@2=nonsense"][..],
        &["--variant", "nothing"],
        &["--bogus"],
    ] {
        let output = output(flags);
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{flags:?}"
        );
        assert!(!output.stderr.is_empty(), "{flags:?}");
    }
}
