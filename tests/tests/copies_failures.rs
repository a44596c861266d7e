//! Stored copies: what a refresh leaves alone when anything goes wrong, and how it tells.

use std::sync::mpsc;
use std::thread;

use behaviour::cluster::Cluster;
use behaviour::copies::{REFRESH, config, logged, set_up, stage, stored, wait_until};
use behaviour::{Session, Stage};
use pluralsight_sandbox::{Place, Sandbox};

/// Whatever happens, the copies and their history stay as they were, the log tells, and the next refresh works.
fn refused(stage: &mut Stage, what: &str, code: &str, message: &str) {
    let before = stored(&mut stage.session);
    let error = stage.session.error(REFRESH);
    assert_eq!((error.code.as_str(), what), (code, what), "{error:?}");
    assert!(error.message.contains(message), "{what}: {error:?}");
    assert!(
        error
            .detail
            .as_deref()
            .is_some_and(|detail| detail.contains("The copies stay as they are. This is run ")),
        "{what}: {error:?}"
    );
    assert_eq!(stored(&mut stage.session), before, "{what}");
    let told = logged(&mut stage.session, "outcome, sqlstate, error");
    assert_eq!(told, ["failed", code, &error.message], "{what}");
    assert_eq!(
        stage.session.rows(
            "SELECT DISTINCT last_refresh_failed, last_error = (SELECT error FROM pluralsight_copy.refresh_log ORDER BY id DESC LIMIT 1) FROM pluralsight_copy.data_freshness"
        ),
        [[Some("t".to_owned()), Some("t".to_owned())]],
        "{what}"
    );
    stage.sandbox.faults().clear();
    stage.sandbox.restore_token();
    stage.session.run(REFRESH);
    assert_eq!(logged(&mut stage.session, "outcome"), ["ok"], "{what}");
}

#[test]
fn a_refresh_that_fails_leaves_the_last_good_data() {
    let mut stage = stage(7_500);
    stage.session.run(
        "ALTER SERVER pluralsight OPTIONS (ADD max_attempts '2', ADD initial_backoff '1ms', ADD request_timeout '2s')",
    );
    let fault = |stage: &Stage, rule: &str| {
        stage.sandbox.faults().script(rule).expect("a valid rule");
    };
    for (what, rule, code, message) in [
        ("the API is down", "=503", "HV000", "503"),
        (
            "the API is down at the last table",
            "teams=503",
            "HV000",
            "teams",
        ),
        (
            "nobody answers",
            "users@3-=reset",
            "HV000",
            "connection reset",
        ),
        (
            "the key is revoked in the middle",
            "users@4=revoke",
            "28000",
            "users",
        ),
        ("cut short on page 7", "users@7=last-page", "HV004", "users"),
        (
            "rows lost on page 7",
            "users@7=drop-rows=3",
            "HV004",
            "users",
        ),
        (
            "GraphQL error",
            "planAdmins=errors=broken",
            "HV000",
            "broken",
        ),
    ] {
        fault(&stage, rule);
        refused(&mut stage, what, code, message);
    }
    // An incomplete answer that a query would put up with is none to replace good data with.
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.users OPTIONS (ADD on_incomplete 'warning')");
    fault(&stage, "users@7=last-page");
    refused(
        &mut stage,
        "incomplete, and allowed to be",
        "22000",
        "incomplete",
    );
}

#[test]
fn what_a_failed_refresh_says_shows_nobodys_data() {
    let mut stage = stage(20);
    let reader = stage.role("reader");
    stage.session.run(&format!(
        "CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{reader}', anonymous => true)"
    ));
    stage
        .sandbox
        .faults()
        .script(r#"users=set=/data/users/nodes/3/firstName:["Zelda Fitzgerald"]"#)
        .expect("a valid rule");
    // Who may read the table sees what does not fit.
    let live = stage
        .session
        .error("SELECT first_name FROM pluralsight.users");
    assert!(live.message.contains("Zelda"), "{live:?}");
    let error = stage.session.error(REFRESH);
    assert!(error.message.contains("first_name"), "{error:?}");
    assert!(!format!("{error:?}").contains("Zelda"), "{error:?}");
    let said = stage
        .session_of(&reader)
        .value("SELECT last_error FROM pluralsight_copy.data_freshness WHERE table_name = 'users'");
    assert!(
        said.contains("first_name") && !said.contains("Zelda"),
        "{said}"
    );
    assert_eq!(
        stage.session.value(
            "SELECT count(*) FROM pluralsight_copy.refresh_log AS log WHERE log::text LIKE '%Zelda%'"
        ),
        "0"
    );
}

#[test]
fn a_copy_that_would_shrink_is_refused_unless_forced() {
    let mut stage = stage(100);
    let before = stored(&mut stage.session);
    let people = stage.people();
    for person in &people[..10] {
        assert!(stage.sandbox.organization().forget_user(person));
    }
    stage.session.run(REFRESH);
    stage.sandbox.organization().restore();
    stage.session.run(REFRESH);
    for person in &people[..11] {
        assert!(stage.sandbox.organization().forget_user(person));
    }
    let error = stage.session.error(REFRESH);
    assert_eq!(error.code, "22000");
    assert_eq!(
        error.message,
        "\"pluralsight_copy\".\"users\" would lose 11 of 100 rows"
    );
    assert!(
        error
            .detail
            .expect("a detail")
            .contains("more than max_shrink allows, 10 %"),
    );
    assert_eq!(
        error.hint.as_deref(),
        Some("CALL pluralsight_fdw.refresh('pluralsight_copy', force => true);")
    );
    // The limit can be another one, for once or for good.
    stage
        .session
        .run("CALL pluralsight_fdw.refresh(max_shrink => 0.2)");
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight_copy.users"),
        "89"
    );
    assert_ne!(stored(&mut stage.session), before);

    // Nothing at all left, of whatever size.
    let nobody = Sandbox::start(config(0)).expect("the sandbox starts");
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url '{}')",
        nobody.url()
    ));
    let error = stage.session.error(REFRESH);
    assert!(error.message.contains("would lose "), "{error:?}");
    stage
        .session
        .run("CALL pluralsight_fdw.refresh(force => true)");
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight_copy.users"),
        "0"
    );
    assert_eq!(logged(&mut stage.session, "outcome, forced"), ["ok", "t"]);
    // Whoever was here stays in history.
    assert_eq!(
        stage.session.value(
            "SELECT count(*) FROM pluralsight_copy.accounts_at(now()) WHERE forgotten AND status = 'removed' AND deleted_at IS NOT NULL"
        ),
        stage.session.value("SELECT count(DISTINCT user_id) - 3 FROM pluralsight_copy.account_history")
    );
}

#[test]
fn two_refreshes_never_overlap() {
    let mut stage = stage(300);
    let (started, first_asks) = mpsc::channel();
    stage.sandbox.observe(move |_| {
        let _ = started.send(());
    });
    stage
        .sandbox
        .faults()
        .script("users=delay=3s")
        .expect("a valid rule");
    let mut other = stage.another_session();
    let first = thread::spawn(move || other.run(REFRESH));
    // The plan has been answered, so the lock is held.
    first_asks.recv().expect("a request");
    let error = stage.session.error(REFRESH);
    assert_eq!(error.code, "55P03");
    let running = stage.session.rows(
        "SELECT started_by, pid, started_at::text FROM pluralsight_copy.refresh_log WHERE outcome = 'running'",
    );
    let [Some(role), Some(pid), Some(since)] = running[0].as_slice() else {
        panic!("{running:?}");
    };
    assert_eq!(
        error.message,
        format!(
            "the stored copies in schema \"pluralsight_copy\" are being refreshed by role \"{role}\" (process {pid}) since {since}"
        )
    );
    // So do all that would change the set, and inside a transaction block.
    for call in [
        "CALL pluralsight_fdw.create_copies()",
        "CALL pluralsight_fdw.drop_copies('pluralsight_copy')",
        "CALL pluralsight_fdw.prune_history('pluralsight_copy', now())",
        "CALL pluralsight_fdw.forget_person('pluralsight_copy', 'x')",
        "BEGIN; CALL pluralsight_fdw.refresh()",
    ] {
        let refused = stage.session.error(call);
        assert_eq!(
            (&refused.code, &refused.message),
            (&error.code, &error.message),
            "{call}"
        );
        stage.session.run("ROLLBACK");
    }
    // A call that was refused has not failed: the copies are as fresh as before.
    assert_eq!(
        stage.session.column("SELECT DISTINCT last_outcome || ' ' || last_refresh_failed FROM pluralsight_copy.data_freshness"),
        ["running false"]
    );
    first.join().expect("the first refresh goes on to its end");
    assert_eq!(
        stage
            .session
            .column("SELECT outcome FROM pluralsight_copy.refresh_log ORDER BY id"),
        ["ok", "ok"]
    );
}

#[test]
fn a_canceled_refresh_says_so_in_the_log_and_a_killed_one_is_found_dead() {
    let mut stage = stage(300);
    let before = stored(&mut stage.session);
    for ending in ["cancel", "terminate"] {
        stage.hold_users();
        let mut other = stage.another_session();
        let pid = other.pid();
        let refreshing = thread::spawn(move || other.try_rows(REFRESH).expect_err("it must end"));
        wait_until("users are asked for", || stage.sandbox.count("users") > 0);
        stage
            .session
            .run(&format!("SELECT pg_{ending}_backend({pid})"));
        let error = refreshing.join().expect("no panic");
        match ending {
            "cancel" => {
                assert_eq!(error.code, "57014");
                assert_eq!(
                    logged(&mut stage.session, "outcome, sqlstate"),
                    ["failed", "57014"]
                );
            }
            _ => {
                wait_until("the backend is gone", || {
                    stage.session.value(&format!(
                        "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"
                    )) == "0"
                });
                assert_eq!(logged(&mut stage.session, "outcome"), ["running"]);
                assert_eq!(
                    stage.session.value(
                        "SELECT DISTINCT last_outcome FROM pluralsight_copy.data_freshness WHERE last_refresh_failed"
                    ),
                    "died"
                );
            }
        }
        assert_eq!(stored(&mut stage.session), before, "{ending}");
        stage.sandbox.faults().clear();
    }
    stage.session.run(REFRESH);
    assert_eq!(
        stage
            .session
            .column("SELECT outcome FROM pluralsight_copy.refresh_log ORDER BY id"),
        ["ok", "failed", "died", "ok"]
    );
}

/// The server ends, in whatever way, while copies are refreshed, and starts again.
fn ends_in_the_middle(name: &str, end: impl FnOnce(&Cluster)) {
    let sandbox = Sandbox::start(config(300)).expect("the sandbox starts");
    // Durable, unlike the other servers of the tests: it is to survive.
    let server = Cluster::fresh(name, "fsync = on");
    let mut session = Session::connect(&server.config());
    set_up(&mut session, &sandbox);
    session.run("CALL pluralsight_fdw.create_copies()");
    let before = stored(&mut session);
    sandbox
        .faults()
        .script("users=delay=60s")
        .expect("a valid rule");
    sandbox.reset();
    let refreshing = thread::spawn(move || session.try_rows(REFRESH).expect_err("it must end"));
    wait_until("users are asked for", || sandbox.count("users") > 0);
    end(&server);
    refreshing.join().expect("no panic");
    server.start();
    let mut session = Session::connect(&server.config());
    assert_eq!(stored(&mut session), before);
    assert_eq!(logged(&mut session, "outcome"), ["running"], "{name}");
    sandbox.faults().clear();
    session.run(REFRESH);
    assert_eq!(
        session.column("SELECT outcome FROM pluralsight_copy.refresh_log ORDER BY id"),
        ["ok", "died", "ok"]
    );
}

#[test]
fn a_server_that_crashes_in_the_middle_comes_back_with_the_last_good_data() {
    ends_in_the_middle("crash", Cluster::crash);
}

#[test]
fn a_server_whose_main_process_is_killed_in_the_middle_starts_again() {
    ends_in_the_middle("killed", |server| {
        // From here on the WAL tells of the tables of the refresh.
        Session::connect(&server.config()).run("CREATE TABLE another (one int)");
        server.lose_postmaster();
    });
}

#[test]
fn a_refresh_inside_a_transaction_belongs_to_it() {
    let mut stage = stage(200);
    stage.sandbox.organization().add_users(1, Place::End);
    stage.session.run("BEGIN");
    stage.session.run(REFRESH);
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight_copy.users"),
        "201"
    );
    stage.session.run("ROLLBACK");
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight_copy.users"),
        "200"
    );
    // From a function, too, which may not commit either.
    stage.session.run(
        "CREATE FUNCTION refresh_now() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL pluralsight_fdw.refresh(); END $$;
         SELECT refresh_now()",
    );
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight_copy.users"),
        "201"
    );
    // And twice in one.
    stage
        .session
        .run("BEGIN; CALL pluralsight_fdw.refresh(); CALL pluralsight_fdw.refresh(); COMMIT");
    stage.sandbox.revoke_token();
    stage.session.run("BEGIN");
    let error = stage.session.error(REFRESH);
    assert_eq!(error.code, "28000");
    assert!(
        error
            .detail
            .expect("a detail")
            .contains("refresh_log keeps no row of a failed refresh"),
    );
    stage.session.run("ROLLBACK");
    assert_eq!(
        stage
            .session
            .column("SELECT outcome FROM pluralsight_copy.refresh_log ORDER BY id"),
        ["ok", "ok", "ok", "ok"]
    );
}
