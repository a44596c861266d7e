//! Data that changes while it is read, and readings that several tables share.

use behaviour::Stage;
use pluralsight_sandbox::{Config, Cursors};

const USERS: u64 = 2_345;
const ALL: &str = "SELECT user_id FROM pluralsight.users";

/// Cursors that count records: who leaves in front of one makes the next page begin too late.
fn stage() -> Stage {
    Stage::new(Config {
        users: USERS,
        cursors: Cursors::Offset,
        ..Config::default()
    })
}

/// Five people are gone from the front of the list before the requests that `which` names.
fn leaving(stage: &Stage, which: &str) {
    spoil(stage, &format!("{which}=forget=5"));
}

fn spoil(stage: &Stage, rule: &str) {
    stage.sandbox.faults().script(rule).expect("a valid rule");
}

fn on_drift(stage: &mut Stage, value: &str) {
    stage.session.run(&format!(
        "ALTER FOREIGN TABLE pluralsight.users OPTIONS (ADD on_drift '{value}')"
    ));
}

fn drifted(stage: &mut Stage) -> u64 {
    let scans = stage
        .session
        .value("SELECT drifted_scans FROM pluralsight_fdw_internal.session_statistics()");
    scans.parse().expect("a number")
}

fn everybody(stage: &Stage) -> Vec<String> {
    let organization = stage.sandbox.organization();
    let mut ids: Vec<String> = organization.users().map(|user| user.ps_user_id).collect();
    ids.sort();
    ids
}

#[test]
fn a_reading_that_saw_the_total_move_is_counted() {
    let mut stage = stage();
    stage.session.rows(ALL);
    assert_eq!(drifted(&mut stage), 0);
    leaving(&stage, "users@2");
    stage.session.rows(ALL);
    assert_eq!(drifted(&mut stage), 1);
    // One that stops at its first page saw nothing move.
    leaving(&stage, "users");
    stage.session.rows(&format!("{ALL} LIMIT 10"));
    assert_eq!(drifted(&mut stage), 1);
}

#[test]
fn retry_reads_again_and_returns_one_moment() {
    let mut stage = stage();
    on_drift(&mut stage, "retry");
    leaving(&stage, "users@2");
    stage.sandbox.reset();
    let mut read = stage.session.column(ALL);
    read.sort();
    assert_eq!(read, everybody(&stage));
    assert_eq!(stage.sandbox.count("users"), 2 + 4, "two pages, then all");
    assert_eq!(drifted(&mut stage), 0, "what was returned did not drift");
    // A LIMIT reads no further than it needs.
    assert_eq!(stage.requests(&format!("{ALL} LIMIT 5")), 1);
    assert_eq!(stage.session.rows(&format!("{ALL} LIMIT 5")).len(), 5);
}

#[test]
fn retry_is_bounded_and_its_hint_accepts_the_rows() {
    let mut stage = stage();
    on_drift(&mut stage, "retry");
    leaving(&stage, "users@%2");
    let refused = stage.session.error(ALL);
    assert_eq!(refused.code, "40001", "{refused:?}");
    assert_eq!(
        refused.message,
        "users: the data changed while it was read, each of 3 times"
    );
    assert_eq!(stage.sandbox.count("users"), 6);
    follow(&mut stage, refused.hint);
    stage.session.rows(ALL);
}

#[test]
fn error_fails_and_its_hint_makes_scans_read_again() {
    let mut stage = stage();
    on_drift(&mut stage, "error");
    stage.session.rows(ALL);
    leaving(&stage, "users@2");
    let refused = stage.session.error(ALL);
    assert_eq!(refused.code, "40001", "{refused:?}");
    follow(&mut stage, refused.hint);
    stage.sandbox.faults().clear();
    leaving(&stage, "users@2");
    let mut read = stage.session.column(ALL);
    read.sort();
    assert_eq!(read, everybody(&stage));
}

#[test]
fn retry_also_mends_an_answer_that_came_short() {
    let mut stage = stage();
    on_drift(&mut stage, "retry");
    spoil(&stage, "users@4=drop-rows=3");
    let mut read = stage.session.column(ALL);
    read.sort();
    assert_eq!(read, everybody(&stage));
}

#[test]
fn a_large_reading_is_kept_on_disk_while_it_is_judged() {
    let mut stage = stage();
    on_drift(&mut stage, "retry");
    stage.session.run("SET work_mem = '64kB'");
    leaving(&stage, "users@4");
    let rows = stage.session.rows("SELECT * FROM pluralsight.users");
    assert_eq!(rows.len() as u64, USERS - 5);
    assert_eq!(
        stage.session.notices(),
        Vec::<String>::new(),
        "no temporary file is left behind"
    );
}

#[test]
fn tables_that_differ_in_a_policy_share_no_reading() {
    let mut stage = Stage::new(Config {
        users: 5,
        ..Config::default()
    });
    stage.session.run(
        "CREATE FOREIGN TABLE pluralsight.lenient (user_id text OPTIONS (field 'psUserId'), email text) SERVER pluralsight
             OPTIONS (query 'users', key 'psUserId', on_incomplete 'warning');
         CREATE FOREIGN TABLE pluralsight.strict (user_id text OPTIONS (field 'psUserId'), email text) SERVER pluralsight
             OPTIONS (query 'users', key 'psUserId')",
    );
    let both = |first: &str, second: &str| {
        format!(
            "SELECT email FROM pluralsight.{first} UNION ALL SELECT email FROM pluralsight.{second}"
        )
    };
    spoil(&stage, "users=drop-rows=2");
    for query in [both("lenient", "strict"), both("strict", "lenient")] {
        let refused = stage.session.error(&query);
        assert!(
            refused.message.starts_with("strict: incomplete answer"),
            "{query}: {refused:?}"
        );
    }
    assert_eq!(stage.session.rows(&both("lenient", "lenient")).len(), 6);
    // Equal tables share, whatever their names.
    stage.sandbox.faults().clear();
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.strict OPTIONS (ADD on_incomplete 'warning')");
    assert_eq!(stage.requests(&both("lenient", "strict")), 1);
    for option in ["on_drift 'error'", "page_size '10'", "truncated 'teams.x'"] {
        stage.session.run(&format!(
            "ALTER FOREIGN TABLE pluralsight.strict OPTIONS (ADD {option})"
        ));
        assert_eq!(
            stage.requests(&both("lenient", "strict")),
            2,
            "{option} differs"
        );
        let name = option.split(' ').next().expect("a name");
        stage.session.run(&format!(
            "ALTER FOREIGN TABLE pluralsight.strict OPTIONS (DROP {name})"
        ));
    }
}

/// Runs the statement that a hint holds.
fn follow(stage: &mut Stage, hint: Option<String>) {
    let hint = hint.expect("a hint");
    let start = hint.find("ALTER").expect("a statement");
    stage.session.run(&hint[start..]);
}
