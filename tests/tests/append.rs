//! Several organizations in one statement: scans below one Append wait for the network together, and ask for nothing more.

use behaviour::copies::wait_until;
use behaviour::{Session, Stage};
use pluralsight_sandbox::{Config, Sandbox};

const ORGANIZATIONS: [&str; 3] = ["first", "second", "third"];
const EVERYONE: &str = "SELECT user_id, email FROM first.users
     UNION ALL SELECT user_id, email FROM second.users
     UNION ALL SELECT user_id, email FROM third.users";

/// A database over three organizations, each behind a server of its own, in a schema of its own.
fn organizations() -> (Stage, Vec<Sandbox>) {
    let mut stage = Stage::bare(Config::default());
    let sandboxes = (1..)
        .zip(ORGANIZATIONS)
        .map(|(seed, name)| {
            let sandbox = Sandbox::start(Config {
                users: 2_345,
                seed,
                ..Config::default()
            })
            .expect("the sandbox starts");
            let (url, token) = (sandbox.url(), sandbox.token());
            stage.session.run(&format!(
                "CREATE SERVER {name} FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{url}');
                 CREATE USER MAPPING FOR CURRENT_USER SERVER {name} OPTIONS (api_token '{token}');
                 CALL pluralsight_fdw.set_up('{name}', '{name}')"
            ));
            sandbox.reset();
            sandbox
        })
        .collect();
    (stage, sandboxes)
}

fn hold(sandboxes: &[Sandbox]) {
    for sandbox in sandboxes {
        let faults = sandbox.faults();
        faults.script("users=delay=60s").expect("a rule");
        sandbox.reset();
    }
}

fn asked(sandboxes: &[Sandbox]) -> Vec<u64> {
    sandboxes
        .iter()
        .map(|sandbox| sandbox.count("users"))
        .collect()
}

fn is_asynchronous(session: &mut Session, sql: &str) -> bool {
    session.plan(sql).contains("Async Foreign Scan")
}

#[test]
fn organizations_are_asked_at_once_and_a_cancel_ends_the_wait() {
    let (mut stage, sandboxes) = organizations();
    assert!(is_asynchronous(&mut stage.session, EVERYONE));
    hold(&sandboxes);
    for (parallel, expected) in [(1, [1, 0, 0]), (2, [1, 1, 0]), (4, [1, 1, 1])] {
        sandboxes.iter().for_each(Sandbox::reset);
        let mut session = stage.another_session();
        session.run(&format!(
            "SET pluralsight_fdw.parallel_readings = {parallel}"
        ));
        let canceller = session.canceller();
        let reader = std::thread::spawn(move || session.error(EVERYONE));
        // No reply comes, so that none was waited for.
        wait_until("the requests", || asked(&sandboxes) == expected);
        canceller.cancel();
        assert_eq!(reader.join().expect("no panic").code, "57014");
        assert_eq!(asked(&sandboxes), expected);
    }
}

#[test]
fn a_timeout_ends_the_wait() {
    let (mut stage, sandboxes) = organizations();
    hold(&sandboxes);
    stage.session.run("SET statement_timeout = '200ms'");
    assert_eq!(stage.session.error(EVERYONE).code, "57014");
    stage.session.run("RESET statement_timeout");
    for sandbox in &sandboxes {
        sandbox.faults().clear();
    }
    assert_eq!(stage.session.rows(EVERYONE).len(), 3 * 2_345);
}

#[test]
fn nothing_is_asked_for_that_would_not_be_asked_for_otherwise() {
    let (mut stage, sandboxes) = organizations();
    stage.session.run(
        "CREATE TABLE local AS SELECT user_id, email FROM first.users LIMIT 20;
         CREATE VIEW everyone AS SELECT 'first' AS organization, * FROM first.users
             UNION ALL SELECT 'second', * FROM second.users UNION ALL SELECT 'third', * FROM third.users;
         CREATE TABLE parent (user_id text, email text);
         CREATE FOREIGN TABLE child_1 () INHERITS (parent) SERVER first OPTIONS (query 'users', shape 'connection', key 'psUserId');
         CREATE FOREIGN TABLE child_2 () INHERITS (parent) SERVER second OPTIONS (query 'users', shape 'connection', key 'psUserId');
         ALTER FOREIGN TABLE child_1 ALTER COLUMN user_id OPTIONS (field 'psUserId');
         ALTER FOREIGN TABLE child_1 ALTER COLUMN email OPTIONS (field 'email');
         ALTER FOREIGN TABLE child_2 ALTER COLUMN user_id OPTIONS (field 'psUserId');
         ALTER FOREIGN TABLE child_2 ALTER COLUMN email OPTIONS (field 'email')",
    );
    let mut asynchronous = 0;
    for sql in [
        EVERYONE,
        &format!("{EVERYONE} LIMIT 3"),
        &format!("{EVERYONE} OFFSET 2400 LIMIT 3"),
        &format!("SELECT count(*), count(DISTINCT email) FROM ({EVERYONE}) AS every"),
        &format!("SELECT 1 WHERE EXISTS ({EVERYONE})"),
        &format!("SELECT count(*) FROM ({EVERYONE} LIMIT 2000) AS every"),
        &format!("SELECT every.* FROM ({EVERYONE}) AS every WHERE now() < '2000-01-01'"),
        &format!("{EVERYONE} UNION ALL SELECT user_id, email FROM local"),
        &format!("SELECT user_id, email FROM local UNION ALL {EVERYONE} UNION ALL {EVERYONE}"),
        &format!("SELECT l.email, e.email FROM local AS l JOIN ({EVERYONE}) AS e USING (user_id)"),
        &format!(
            "SELECT l.email, (SELECT count(*) FROM ({EVERYONE}) AS e WHERE e.user_id = l.user_id) FROM local AS l"
        ),
        &format!(
            "SELECT l.email, e.email FROM local AS l, LATERAL (SELECT * FROM ({EVERYONE}) AS e WHERE e.user_id >= l.user_id OFFSET 0) AS e WHERE l.email > 'k'"
        ),
        &format!("SELECT * FROM ({EVERYONE}) AS a JOIN ({EVERYONE}) AS b USING (user_id)"),
        "SELECT organization, count(*), max(last_login) FROM everyone GROUP BY 1",
        "SELECT organization, email FROM everyone WHERE email = (SELECT min(email) FROM local)",
        "SELECT * FROM everyone WHERE organization = 'second'",
        "SELECT u.email, a.status FROM first.users AS u JOIN first.accounts AS a USING (user_id)",
        "SELECT * FROM first.accounts UNION ALL SELECT * FROM second.accounts",
        "SELECT * FROM first.accounts WHERE billable",
        "SELECT count(*) FROM parent",
        "SELECT email FROM parent ORDER BY 1 LIMIT 5",
        "SELECT tableoid::regclass, count(*) FROM parent GROUP BY 1",
    ] {
        let mut seen = Vec::new();
        for on in [false, true] {
            let session = &mut stage.session;
            session.run(&format!("SET enable_async_append = {on}"));
            asynchronous += usize::from(is_asynchronous(session, sql));
            sandboxes.iter().for_each(Sandbox::reset);
            let mut rows = session.rows(sql);
            let requests: Vec<u64> = sandboxes.iter().map(Sandbox::total).collect();
            if !sql.contains("LIMIT") {
                rows.sort();
            }
            seen.push((requests, rows));
        }
        assert_eq!(seen[0].0, seen[1].0, "{sql}");
        assert!(seen[0].1 == seen[1].1, "{sql}");
    }
    assert!(asynchronous > 10, "{asynchronous}");
}

#[test]
fn a_cursor_asks_one_organization_after_the_other() {
    let (mut stage, sandboxes) = organizations();
    stage
        .session
        .run(&format!("BEGIN; DECLARE c CURSOR FOR {EVERYONE}"));
    assert_eq!(stage.session.rows("FETCH 5 FROM c").len(), 5);
    assert_eq!(asked(&sandboxes), [1, 0, 0]);
    assert_eq!(stage.session.rows("FETCH ALL FROM c").len(), 3 * 2_345 - 5);
    assert_eq!(asked(&sandboxes), [4, 4, 4]);
}

#[test]
fn an_organization_that_fails_fails_the_statement() {
    let (mut stage, sandboxes) = organizations();
    sandboxes[1].faults().script("users@3=401").expect("a rule");
    let refusal = stage.session.error(EVERYONE);
    assert_eq!(refusal.code, "28000", "{refusal:?}");
    sandboxes[1].faults().clear();
    assert_eq!(stage.session.rows(EVERYONE).len(), 3 * 2_345);
}
