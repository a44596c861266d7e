//! A PostgreSQL that cannot load the extension, beside a small one that can: what `docs/managed.md` says, word for word.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use behaviour::cluster::{self, Cluster};
use behaviour::copies::set_up;
use behaviour::{Session, Stage};
use pluralsight_sandbox::{Config, Sandbox};

const SOON: Duration = Duration::from_secs(60);

/// What stands on the page for the servers and the like, and what stands for it here.
struct Places(Vec<(&'static str, String)>);

impl Places {
    /// The blocks of the page in that language.
    fn blocks(&self, language: &str) -> Vec<String> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/managed.md");
        let mut page = std::fs::read_to_string(path).expect("the page is there");
        for (on_the_page, here) in &self.0 {
            assert!(page.contains(on_the_page), "{on_the_page}");
            page = page.replace(on_the_page, here);
        }
        page.split(&format!("```{language}\n"))
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
            .collect()
    }
}

/// Each statement alone: some must not stand in a transaction.
fn run(session: &mut Session, block: &str) {
    for statement in block.split(";\n").filter(|text| !text.trim().is_empty()) {
        session.run(statement);
    }
}

#[test]
fn keys_and_counts_cost_the_same_requests_through_postgres_fdw() {
    let mut stage = Stage::new(Config {
        users: 3000,
        ..Config::default()
    });
    let places = Places(vec![
        (
            "small.internal",
            cluster::socket_directory().display().to_string(),
        ),
        ("5432", stage.session.value("SHOW port")),
        (
            "dbname 'pluralsight'",
            format!("dbname '{}'", stage.database()),
        ),
        ("managed_reader", format!("managed_{}", stage.database())),
        (
            "api_token_file '/etc/pluralsight-token'",
            format!("api_token '{}'", stage.sandbox.token()),
        ),
    ]);
    let blocks = places.blocks("sql");
    run(&mut stage.session, &blocks[0]);
    let managed = Cluster::fresh("managed", "");
    let mut session = Session::connect(&managed.config());
    run(&mut session, &blocks[1]);
    session.run(
        "CREATE SCHEMA hr; CREATE TABLE hr.leavers (user_id text PRIMARY KEY, cost_center int)",
    );
    for place in 0..20 {
        session.run(&format!(
            "INSERT INTO hr.leavers VALUES ('{}', {place})",
            stage.sandbox.organization().user(place * 7).ps_user_id
        ));
    }
    session.run("ANALYZE hr.leavers");
    let one = stage.sandbox.organization().user(11).ps_user_id;
    // The first query also connects, and finds out how the API counts.
    session.run("SELECT count(*) FROM pluralsight.users");

    for (query, rows, requests) in [
        ("SELECT count(*) FROM pluralsight.users".to_owned(), 1, 1),
        (
            format!("SELECT * FROM pluralsight.users WHERE user_id = '{one}'"),
            1,
            1,
        ),
        (
            "SELECT email FROM pluralsight.users WHERE user_id = ANY (ARRAY(SELECT user_id FROM hr.leavers))".to_owned(),
            20,
            1,
        ),
    ] {
        stage.sandbox.reset();
        assert_eq!(session.rows(&query).len(), rows, "{query}");
        assert_eq!(
            stage.sandbox.requests().len(),
            requests,
            "{query}\n{}",
            session.plan(&query)
        );
    }
    // A view costs what it costs on the small server, and a plain join what the whole table costs there.
    let person = format!("SELECT * FROM pluralsight.accounts WHERE user_id = '{one}'");
    const WHOLE: &str = "SELECT * FROM pluralsight.users";
    const JOIN: &str =
        "SELECT cost_center, email FROM hr.leavers JOIN pluralsight.users USING (user_id)";
    for (there, here, rows) in [(person.as_str(), person.as_str(), 1), (WHOLE, JOIN, 20)] {
        stage.session.run(there);
        session.run(there);
        let expected = stage.requests(there);
        stage.sandbox.reset();
        assert_eq!(session.rows(here).len(), rows);
        assert_eq!(stage.sandbox.requests().len(), expected, "{here}");
    }
}

#[test]
fn copies_and_history_reach_a_server_without_the_extension() {
    let sandbox = Sandbox::start(Config {
        users: 60,
        ..Config::default()
    })
    .expect("the sandbox starts");
    let beside = Cluster::fresh("beside", "wal_level = logical");
    let mut session = Session::connect(&beside.config());
    set_up(&mut session, &sandbox);
    let managed = Cluster::fresh("managed", "wal_level = logical");
    let mut follower = Session::connect(&managed.config());
    let at = |session: &mut Session| {
        let port = session.value("SHOW port");
        format!("{} --port {port}", cluster::socket_directory().display())
    };
    let places = Places(vec![
        (
            "--host small.internal",
            format!("--host {}", at(&mut session)),
        ),
        (
            "--host managed.internal",
            format!("--host {}", at(&mut follower)),
        ),
        (
            "host=small.internal port=5432",
            format!(
                "host={} port={}",
                cluster::socket_directory().display(),
                session.value("SHOW port")
            ),
        ),
        ("dbname=pluralsight", "dbname=postgres".to_owned()),
        ("    pluralsight)", "    postgres)".to_owned()),
        ("$tables pluralsight", "$tables postgres".to_owned()),
    ]);
    let blocks = places.blocks("sql");
    if cluster::major() > 14 {
        run(&mut session, &blocks[2]);
    } else {
        run(&mut session, "CALL pluralsight_fdw.create_copies()");
        let by_name = blocks[3].replace("\\gexec", "");
        let statement = session.value(&by_name);
        session.run(&statement);
    }
    for block in places.blocks("sh") {
        let mut shell = Command::new("sh");
        shell.args(["-ec", &block]).env("PATH", search_path());
        cluster::run(shell);
    }
    run(&mut follower, &blocks[4]);

    let mut follows = |session: &mut Session| {
        let expected = contents(session);
        let until = Instant::now() + SOON;
        loop {
            let found = contents(&mut follower);
            if found == expected {
                break;
            }
            assert!(Instant::now() < until, "{found:?} of {expected:?}");
            thread::yield_now();
        }
        expected
    };
    let before = follows(&mut session);
    let person = sandbox.organization().user(3).ps_user_id;
    sandbox.organization().forget_user(&person);
    session.run("CALL pluralsight_fdw.refresh()");
    let after = follows(&mut session);
    assert_ne!(before, after);
    assert!(!after[0].contains(&person), "{after:?}");
    assert!(after[1].contains(&person), "{after:?}");
    // The small server is gone, and what was there stays.
    drop(session);
    drop(beside);
    assert_eq!(contents(&mut follower), after);
}

/// Everybody who is there, and everybody who ever was.
fn contents(session: &mut Session) -> [String; 2] {
    ["users", "account_history"].map(|table| {
        session.value(&format!(
            "SELECT COALESCE(string_agg(t::text, ' ' ORDER BY t::text), '') FROM pluralsight_copy.{table} AS t"
        ))
    })
}

/// Where the programs of the PostgreSQL under test are found first.
fn search_path() -> String {
    let others = std::env::var("PATH").expect("there is a PATH");
    format!("{}:{others}", cluster::home().join("bin").display())
}
