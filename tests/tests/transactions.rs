//! Transactions, cursors, cached plans, other sessions, standbys.

use behaviour::cluster::Cluster;
use behaviour::{Session, Stage};
use pluralsight_sandbox::Config;

fn stage(users: u64) -> Stage {
    Stage::new(Config {
        users,
        ..Config::default()
    })
}

#[test]
fn a_read_only_transaction_reads_and_writes_nothing() {
    let mut stage = stage(300);
    stage.session.run("BEGIN READ ONLY");
    assert_eq!(
        stage
            .session
            .rows("SELECT * FROM pluralsight.accounts WHERE billable OR NOT billable")
            .len(),
        stage
            .session
            .rows("SELECT * FROM pluralsight.accounts")
            .len()
    );
    assert_eq!(
        stage
            .session
            .value("SELECT pg_current_xact_id_if_assigned()"),
        ""
    );
    stage.session.run("COMMIT");
}

#[test]
fn a_savepoint_rolled_back_mid_scan_leaves_the_outer_cursor_alone() {
    let mut stage = stage(2_345);
    let all = stage
        .session
        .column("SELECT user_id FROM pluralsight.users");
    let session = &mut stage.session;
    session.run("BEGIN; DECLARE outside CURSOR FOR SELECT user_id FROM pluralsight.users");
    let mut read = session.column("FETCH 50 FROM outside");
    session.run("SAVEPOINT s; DECLARE inside CURSOR FOR SELECT email FROM pluralsight.users");
    session.column("FETCH 120 FROM inside");
    read.extend(session.column("FETCH 100 FROM outside"));
    session.run("ROLLBACK TO s");
    read.extend(session.column("FETCH ALL FROM outside"));
    session.run("COMMIT");
    assert_eq!(read, all);
}

#[test]
fn cursors_scroll_and_outlive_their_transaction() {
    let mut stage = stage(2_345);
    let all = stage
        .session
        .column("SELECT user_id FROM pluralsight.users");
    let session = &mut stage.session;
    session
        .run("BEGIN; DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT user_id FROM pluralsight.users");
    assert_eq!(session.column("FETCH 1500 FROM c"), all[..1_500]);
    assert_eq!(
        session.column("FETCH BACKWARD 2 FROM c"),
        [all[1_498].clone(), all[1_497].clone()]
    );
    assert_eq!(session.column("FETCH ABSOLUTE 1 FROM c"), all[..1]);
    session.run("COMMIT");
    assert_eq!(session.column("FETCH LAST FROM c"), all[2_344..]);
    session.run("CLOSE c");
}

#[test]
fn a_cached_plan_runs_again_and_again() {
    let mut stage = stage(300);
    stage.session.run(
        "CREATE FUNCTION note_of(address text) RETURNS text LANGUAGE plpgsql AS $$
         DECLARE found text;
         BEGIN SELECT note INTO found FROM pluralsight.users WHERE email = address; RETURN found; END $$;
         CREATE FUNCTION everyone() RETURNS bigint LANGUAGE plpgsql AS $$
         DECLARE person record; seen bigint := 0;
         BEGIN FOR person IN SELECT * FROM pluralsight.users LOOP seen := seen + 1; END LOOP; RETURN seen; END $$;
         PREPARE whole AS SELECT count(email) FROM pluralsight.users",
    );
    let emails = stage.session.column(
        "SELECT email FROM pluralsight.users WHERE note IS NOT NULL AND email IS NOT NULL LIMIT 12",
    );
    for email in &emails {
        let literal = email.replace('\'', "''");
        let expected = stage.session.value(&format!(
            "SELECT note FROM pluralsight.users WHERE email = '{literal}'"
        ));
        assert_eq!(
            stage.session.value(&format!("SELECT note_of('{literal}')")),
            expected
        );
        assert_eq!(stage.session.value("SELECT everyone()"), "300");
        stage.session.rows("EXPLAIN EXECUTE whole");
        stage.session.value("EXECUTE whole");
    }
    // A first execution that fails leaves nothing behind in the plan.
    stage
        .session
        .run("DEALLOCATE whole; PREPARE whole AS SELECT count(email) FROM pluralsight.users");
    stage
        .sandbox
        .faults()
        .script("users@1-3=503")
        .expect("a rule");
    stage
        .session
        .run("ALTER SERVER pluralsight OPTIONS (ADD initial_backoff '1ms')");
    stage.sandbox.reset();
    stage.session.error("EXECUTE whole");
    stage.sandbox.faults().clear();
    stage.session.value("EXECUTE whole");
    // A changed table is planned anew.
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN email OPTIONS (SET field 'note')");
    let notes = stage
        .session
        .value("SELECT count(note) FROM pluralsight.users");
    assert_eq!(stage.session.value("EXECUTE whole"), notes);
}

#[test]
fn a_view_asks_with_its_owners_token() {
    let mut stage = stage(50);
    let role = format!("analyst_{}", std::process::id());
    stage.session.run(&format!("CREATE ROLE {role}; GRANT USAGE ON SCHEMA pluralsight TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA pluralsight TO {role}"));
    stage.session.run(&format!("SET ROLE {role}"));
    let rows = stage
        .session
        .rows("SELECT * FROM pluralsight.accounts WHERE is_active OR NOT is_active");
    assert!(rows.len() >= 50);
    assert_eq!(
        stage
            .session
            .error("SELECT * FROM pluralsight.users")
            .message,
        "API token is missing"
    );
    stage.session.run(&format!("RESET ROLE; REVOKE ALL ON ALL TABLES IN SCHEMA pluralsight FROM {role}; REVOKE USAGE ON SCHEMA pluralsight FROM {role}; DROP ROLE {role}"));
}

#[test]
fn a_terminated_backend_is_gone_at_once() {
    let mut stage = stage(50);
    stage.hold_users();
    let mut victim = stage.another_session();
    let pid = victim.pid();
    let worker = std::thread::spawn(move || victim.error("SELECT email FROM pluralsight.users"));
    while stage.sandbox.count("users") == 0 {
        std::thread::yield_now();
    }
    let started = std::time::Instant::now();
    stage
        .session
        .run(&format!("SELECT pg_terminate_backend({pid})"));
    let error = worker.join().expect("the worker does not panic");
    assert!(error.code == "57P01" || error.code == "08006", "{error:?}");
    assert!(
        started.elapsed() < std::time::Duration::from_millis(500),
        "{:?}",
        started.elapsed()
    );
    stage.sandbox.faults().clear();
    assert_eq!(
        stage
            .session
            .rows("SELECT email FROM pluralsight.users")
            .len(),
        50
    );
}

#[test]
fn a_hot_standby_reads() {
    let mut stage = stage(250);
    let standby = Cluster::standby();
    let mut session = Session::connect(standby.config().dbname(stage.database()));
    assert_eq!(session.value("SELECT pg_is_in_recovery()"), "t");
    assert_eq!(
        session
            .rows("SELECT * FROM pluralsight.accounts WHERE is_active OR NOT is_active")
            .len(),
        stage
            .session
            .rows("SELECT * FROM pluralsight.accounts WHERE is_active OR NOT is_active")
            .len()
    );
    assert_eq!(
        session.value("SELECT count(*) FROM pluralsight.users"),
        "250"
    );
}
