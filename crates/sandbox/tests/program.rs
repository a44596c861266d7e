//! The program: its first line, its flags, its end, its memory.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start(flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pluralsight-sandbox"))
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped"))
            .read_line(&mut line)
            .expect("a line");
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .expect(&line)
            .to_owned();
        Self { child, url }
    }

    /// Sends SIGTERM and answers whether the program ended well, and what it wrote.
    fn stop(mut self) -> (bool, String) {
        let kill = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .expect("kill");
        assert!(kill.success());
        let mut written = String::new();
        self.child
            .stderr
            .take()
            .expect("piped")
            .read_to_string(&mut written)
            .expect("text");
        (self.child.wait().expect("an end").success(), written)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn ask(url: &str, token: &str, document: &str, variables: Value) -> Value {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(60))
        .build()
        .expect("a client");
    let body = json!({ "query": document, "variables": variables });
    let response = client
        .post(url)
        .bearer_auth(token)
        .json(&body)
        .send()
        .await
        .expect("an answer");
    response.json().await.unwrap_or(Value::Null)
}

#[tokio::test]
async fn it_says_where_it_listens_serves_and_ends_on_sigterm() {
    let flags = [
        "--users",
        "12",
        "--token",
        "secret",
        "--fault",
        "teams=503,body=no",
        "--without",
        "User.note",
        "--page-cap",
        "none",
        "--latency",
        "1ms",
    ];
    let program = Program::start(&flags);
    let answer = ask(
        &program.url,
        "secret",
        "query($n: Int) { users(first: $n) { totalCount } }",
        json!({ "n": 5000 }),
    )
    .await;
    assert_eq!(answer, json!({ "data": { "users": { "totalCount": 12 } } }));
    assert_eq!(
        ask(
            &program.url,
            "secret",
            "{ teams { totalCount } }",
            Value::Null
        )
        .await,
        Value::Null
    );
    assert!(
        ask(
            &program.url,
            "secret",
            "{ users { nodes { note } } }",
            Value::Null
        )
        .await["errors"]
            .is_array()
    );
    let (ended_well, written) = program.stop();
    assert!(ended_well);
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines.len(), 3, "{written}");
    assert!(
        lines[0].contains(" 200 users {\"n\":5000} ")
            && lines[1].contains(" 503 teams ")
            && lines[1].contains("[503,body='no']")
    );
    assert!(!written.contains("secret"));
}

#[tokio::test]
async fn its_people_were_active_lately_and_it_can_be_quiet() {
    let program = Program::start(&["--users", "300", "--quiet"]);
    let answer = ask(
        &program.url,
        "sandbox-token",
        "{ users(first: 300) { nodes { lastLogin } } }",
        Value::Null,
    )
    .await;
    let nodes = answer["data"]["users"]["nodes"]
        .as_array()
        .expect("nodes")
        .clone();
    let now = chrono::Utc::now();
    let age = |node: &Value| {
        Some(
            now - node["lastLogin"]
                .as_str()?
                .parse::<chrono::DateTime<chrono::Utc>>()
                .ok()?,
        )
    };
    let newest = nodes
        .iter()
        .filter_map(age)
        .min()
        .expect("somebody signed in");
    assert!(newest.num_seconds() >= 0 && newest.num_days() < 14);
    assert_eq!(program.stop(), (true, String::new()));
}

#[tokio::test]
async fn it_serves_variants_and_lists_them() {
    let program = Program::start(&["--users", "3", "--variant", "only-id", "--quiet"]);
    let document = "{ users { nodes { id } } }";
    let answer = ask(&program.url, "sandbox-token", document, Value::Null).await;
    assert!(
        answer["data"]["users"]["nodes"][2]["id"].is_string(),
        "{answer}"
    );
    drop(program);
    let output = Command::new(env!("CARGO_BIN_EXE_pluralsight-sandbox"))
        .arg("--variant")
        .output()
        .expect("the program");
    let list = String::from_utf8(output.stdout).expect("text");
    assert!(
        list.contains("only-id") && list.lines().count() >= 60,
        "{list}"
    );
}

#[test]
fn what_it_does_not_understand_it_refuses() {
    for flags in [
        &["--fault", "users@2=nonsense"][..],
        &["--without", "User.nothing"],
        &["--page-cap", "many"],
        &["--latency", "soon"],
        &["--variant", "nothing"],
        &["--bogus"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_pluralsight-sandbox"))
            .args(flags)
            .output()
            .expect("the program");
        assert!(
            !output.status.success() && !output.stderr.is_empty() && output.stdout.is_empty(),
            "{flags:?}"
        );
    }
}

#[test]
fn its_help_has_the_grammar_of_faults() {
    let output = Command::new(env!("CARGO_BIN_EXE_pluralsight-sandbox"))
        .arg("--help")
        .output()
        .expect("the program");
    let help = String::from_utf8(output.stdout).expect("text");
    for part in [
        "--fault",
        "retry-after=1",
        "--page-cap",
        "--variant",
        "gzip-bomb",
    ] {
        assert!(help.contains(part), "{part}");
    }
}
