//! Stored copies: what a refresh writes, and what it leaves alone when anything goes wrong.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use behaviour::cluster::{self, Cluster};
use behaviour::{Session, Stage};
use pluralsight_sandbox::{Action, Config, Place, Rule, Sandbox, When};

const TABLES: [&str; 4] = ["plan", "users", "admins", "teams"];
const REFRESH: &str = "CALL pluralsight_fdw.refresh()";

fn config(users: u64) -> Config {
    Config {
        users,
        ..Config::default()
    }
}

/// A stage with copies that hold what the API holds.
fn stage(users: u64) -> Stage {
    let mut stage = Stage::new(config(users));
    stage.session.run("SELECT pluralsight_fdw.create_copies()");
    stage.session.notices();
    stage.sandbox.reset();
    stage
}

/// Every row of every copy and of history, with the place where it is stored: a row that was written again has another.
fn stored(session: &mut Session) -> Vec<Vec<Option<String>>> {
    TABLES
        .iter()
        .chain(&["account_history", "license_history"])
        .flat_map(|table| {
            session.rows(&format!(
                "SELECT '{table}', ctid, xmin, t::text FROM pluralsight_copy.{table} AS t ORDER BY ctid"
            ))
        })
        .collect()
}

/// The last row of the log, in the order of `columns`.
fn logged(session: &mut Session, columns: &str) -> Vec<String> {
    session
        .rows(&format!(
            "SELECT {columns} FROM pluralsight_fdw.refresh_log ORDER BY id DESC LIMIT 1"
        ))
        .remove(0)
        .into_iter()
        .map(Option::unwrap_or_default)
        .collect()
}

/// Rows that one has and the other lacks.
fn differences(session: &mut Session, table: &str) -> usize {
    let columns = session
        .column(&format!(
            "SELECT quote_ident(column_name) FROM information_schema.columns
             WHERE table_schema = 'pluralsight' AND table_name = '{table}' ORDER BY ordinal_position"
        ))
        .join(", ");
    session
        .rows(&format!(
            "(SELECT {columns} FROM pluralsight.{table} EXCEPT ALL SELECT {columns} FROM pluralsight_copy.{table})
             UNION ALL
             (SELECT {columns} FROM pluralsight_copy.{table} EXCEPT ALL SELECT {columns} FROM pluralsight.{table})"
        ))
        .len()
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn copies_hold_what_the_foreign_tables_hold_with_their_comments_indexes_and_grants() {
    let mut stage = Stage::new(config(1_234));
    let session = &mut stage.session;
    session.run(
        "DO $$ BEGIN CREATE ROLE copies_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         GRANT SELECT ON pluralsight.users, pluralsight.accounts TO copies_reader",
    );
    session.run("SELECT pluralsight_fdw.create_copies()");
    assert_eq!(session.notices(), Vec::<String>::new());
    for table in TABLES.iter().chain(&["accounts", "licenses"]) {
        assert_eq!(differences(session, table), 0, "{table}");
    }
    assert_eq!(
        session.value("SELECT count(*) FROM pluralsight_copy.users"),
        "1234"
    );
    let indexes = session
        .column("SELECT indexdef FROM pg_indexes WHERE schemaname = 'pluralsight_copy' AND tablename = 'users'")
        .join("\n");
    for indexed in ["(user_id)", "(lower(email))", "(last_login)"] {
        assert!(indexes.contains(indexed), "{indexed}: {indexes}");
    }
    assert_eq!(
        session.rows(
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
             WHERE c.relnamespace = 'pluralsight_copy'::regnamespace AND c.relkind IN ('r', 'v')
               AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)"
        ),
        Vec::<Vec<Option<String>>>::new()
    );
    session.run("SET ROLE copies_reader");
    session.run("SELECT * FROM pluralsight_copy.users LIMIT 1");
    session.run("SELECT * FROM pluralsight_copy.accounts LIMIT 1");
    assert_eq!(
        session.error("SELECT * FROM pluralsight_copy.admins").code,
        "42501"
    );
    session.run("RESET ROLE");
}

#[test]
fn a_refresh_asks_for_each_table_once_and_in_order() {
    let mut stage = stage(2_345);
    stage.session.run(REFRESH);
    let asked: Vec<String> = stage
        .sandbox
        .requests()
        .iter()
        .map(|request| request.operation.clone())
        .collect();
    assert_eq!(
        asked,
        [
            "planInfo",
            "users",
            "users",
            "users",
            "users",
            "planAdmins",
            "teams"
        ]
    );
    assert_eq!(
        logged(
            &mut stage.session,
            "outcome, requests, retries, finished_at > started_at, bytes > 100000"
        ),
        ["ok", "7", "0", "t", "t"]
    );
}

#[test]
fn a_refresh_that_finds_nothing_changed_writes_no_row_but_its_log() {
    let mut stage = stage(500);
    let before = stored(&mut stage.session);
    stage.session.run(REFRESH);
    assert_eq!(stage.session.notices(), Vec::<String>::new());
    assert_eq!(stored(&mut stage.session), before);
    assert_eq!(
        logged(&mut stage.session, "rows_added, rows_changed, rows_removed"),
        ["0", "0", "0"]
    );
}

#[test]
fn only_rows_that_changed_are_written_and_the_log_counts_them() {
    let mut stage = stage(500);
    let before = stored(&mut stage.session);
    let people: Vec<String> = stage
        .sandbox
        .organisation()
        .users()
        .map(|user| user.ps_user_id)
        .collect();
    let organisation = stage.sandbox.organisation();
    assert!(organisation.edit_user(&people[3], |user| user.first_name = Some("Ada".to_owned())));
    assert!(organisation.edit_user(&people[4], |user| user.note = None));
    assert!(organisation.edit_user(&people[4], |user| user.last_login = None));
    assert!(organisation.forget_user(&people[5]));
    organisation.add_users(3, Place::Start);
    stage.session.run(REFRESH);
    assert_eq!(differences(&mut stage.session, "users"), 0);
    let of_users = logged(
        &mut stage.session,
        "tables -> 'users' ->> 'rows', tables -> 'users' ->> 'added', tables -> 'users' ->> 'changed', tables -> 'users' ->> 'removed'",
    );
    assert_eq!(of_users[0], "502");
    assert_eq!(of_users[1], "3");
    // Whoever had a note or a sign-in to lose has changed.
    assert!(["1", "2"].contains(&of_users[2].as_str()), "{of_users:?}");
    assert_eq!(of_users[3], "1");
    let after = stored(&mut stage.session);
    let rewritten = after
        .iter()
        .filter(|row| row[0].as_deref() == Some("users") && !before.contains(row))
        .count();
    assert_eq!(
        rewritten.to_string(),
        (3 + of_users[2].parse::<usize>().expect("a number")).to_string()
    );
}

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
            "SELECT DISTINCT last_refresh_failed, last_error = (SELECT error FROM pluralsight_fdw.refresh_log ORDER BY id DESC LIMIT 1) FROM pluralsight_copy.data_freshness"
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
fn a_copy_that_would_shrink_is_refused_unless_forced() {
    let mut stage = stage(100);
    let before = stored(&mut stage.session);
    let people: Vec<String> = stage
        .sandbox
        .organisation()
        .users()
        .map(|user| user.ps_user_id)
        .collect();
    for person in &people[..10] {
        assert!(stage.sandbox.organisation().forget_user(person));
    }
    stage.session.run(REFRESH);
    stage.sandbox.organisation().restore();
    stage.session.run(REFRESH);
    for person in &people[..11] {
        assert!(stage.sandbox.organisation().forget_user(person));
    }
    let error = stage.session.error(REFRESH);
    assert_eq!(error.code, "22000");
    assert_eq!(
        error.message,
        "\"pluralsight_copy\".\"users\" would shrink from 100 rows to 89"
    );
    assert!(
        error
            .detail
            .expect("a detail")
            .contains("more than max_shrink, 10 %"),
    );
    assert_eq!(
        error.hint.as_deref(),
        Some("If it is right: CALL pluralsight_fdw.refresh('pluralsight_copy', force => true);")
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
    assert!(error.message.contains("from 89 rows to 0"), "{error:?}");
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
    assert!(
        error
            .message
            .contains("is being refreshed by another session already"),
        "{error:?}"
    );
    assert!(error.detail.expect("a detail").starts_with("Process "));
    first.join().expect("the first refresh goes on to its end");
    assert_eq!(
        stage
            .session
            .column("SELECT outcome FROM pluralsight_fdw.refresh_log ORDER BY id"),
        ["ok", "ok", "failed"]
    );
}

#[test]
fn a_cancelled_refresh_says_so_in_the_log_and_a_killed_one_is_found_dead() {
    let mut stage = stage(300);
    let before = stored(&mut stage.session);
    for ending in ["cancel", "terminate"] {
        stage
            .sandbox
            .faults()
            .script("users=delay=60s")
            .expect("a valid rule");
        stage.sandbox.reset();
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
            .column("SELECT outcome FROM pluralsight_fdw.refresh_log ORDER BY id"),
        ["ok", "failed", "died", "ok"]
    );
}

#[test]
fn readers_see_the_old_set_or_the_new_one_and_never_wait() {
    let mut stage = stage(300);
    // One more person and one more licence a refresh: whoever sees both at once sees the same number.
    let product = stage.sandbox.organisation().products()[0].clone();
    let consistent = "SELECT (SELECT count(*) FROM pluralsight_copy.users) - 300 - ((SELECT product_purchased[1] FROM pluralsight_copy.plan) - ";
    let consistent = format!("{consistent}{})", product.purchased);
    assert_eq!(stage.session.value(&consistent), "0");

    let mut steadfast = stage.another_session();
    steadfast.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    let seen_first = steadfast.value("SELECT count(*) FROM pluralsight_copy.users");

    let done = Arc::new(AtomicBool::new(false));
    let mut reader = stage.another_session();
    // A reader that had to wait for a refresh would fail here.
    reader.run("SET lock_timeout = '1ms'");
    let reading = {
        let (done, consistent) = (Arc::clone(&done), consistent.clone());
        thread::spawn(move || {
            let mut reads = 0_u32;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(reader.value(&consistent), "0");
                reads += 1;
            }
            reads
        })
    };
    for step in 1..=15 {
        stage.sandbox.organisation().add_users(1, Place::End);
        assert!(
            stage
                .sandbox
                .organisation()
                .set_purchased(&product.id, product.purchased + step)
        );
        stage.session.run(REFRESH);
    }
    done.store(true, Ordering::Relaxed);
    assert!(reading.join().expect("never a half set") > 15);
    assert_eq!(
        steadfast.value("SELECT count(*) FROM pluralsight_copy.users"),
        seen_first
    );
    steadfast.run("COMMIT");
    assert_eq!(
        steadfast.value("SELECT count(*) FROM pluralsight_copy.users"),
        "315"
    );
}

#[test]
fn a_server_that_crashes_in_the_middle_comes_back_with_the_last_good_data() {
    let sandbox = Sandbox::start(config(300)).expect("the sandbox starts");
    // Durable, unlike the other servers of the tests: it is to survive.
    let server = Cluster::fresh("crash", "fsync = on");
    let mut session = Session::connect(&server.config());
    set_up(&mut session, &sandbox);
    session.run("SELECT pluralsight_fdw.create_copies()");
    let before = stored(&mut session);
    sandbox.faults().add(Rule::new(
        "users",
        When::Always,
        Action::Delay(Duration::from_secs(60)),
    ));
    sandbox.reset();
    let refreshing = thread::spawn(move || session.try_rows(REFRESH).expect_err("it must end"));
    wait_until("users are asked for", || sandbox.count("users") > 0);
    server.crash();
    refreshing.join().expect("no panic");
    server.start();
    let mut session = Session::connect(&server.config());
    assert_eq!(stored(&mut session), before);
    assert_eq!(logged(&mut session, "outcome"), ["running"]);
    sandbox.faults().clear();
    session.run(REFRESH);
    assert_eq!(
        session.column("SELECT outcome FROM pluralsight_fdw.refresh_log ORDER BY id"),
        ["ok", "died", "ok"]
    );
}

fn set_up(session: &mut Session, sandbox: &Sandbox) {
    session.run(&format!(
        "CREATE EXTENSION pluralsight_fdw; CREATE SCHEMA pluralsight;
         CREATE SERVER pluralsight FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{}');
         CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token '{}');
         IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO pluralsight;
         SELECT pluralsight_fdw.create_views()",
        sandbox.url(),
        sandbox.token()
    ));
}

#[test]
fn a_dump_is_restored_without_the_api_and_refreshes_again_with_it() {
    let mut stage = stage(400);
    let person = stage.sandbox.organisation().user(7).ps_user_id;
    assert!(stage.sandbox.organisation().forget_user(&person));
    stage.session.run(REFRESH);
    // Everything but where it is stored.
    let contents = |session: &mut Session| -> Vec<Vec<Option<String>>> {
        [
            "pluralsight_copy.plan",
            "pluralsight_copy.users",
            "pluralsight_copy.admins",
            "pluralsight_copy.teams",
            "pluralsight_copy.account_history",
            "pluralsight_copy.license_history",
            "pluralsight_copy.accounts",
            "pluralsight_fdw.refresh_log",
            "pluralsight_fdw.copy_sets",
        ]
        .iter()
        .flat_map(|table| session.rows(&format!("SELECT t::text FROM {table} AS t ORDER BY 1")))
        .collect()
    };
    let before = contents(&mut stage.session);
    stage.sandbox.reset();
    let dump = cluster::output_of("pg_dump", &["-d", stage.database()]);
    assert_eq!(stage.sandbox.requests().len(), 0, "pg_dump asks the API");

    let fresh = Cluster::fresh("restore", "");
    fresh.restore(&dump);
    let mut session = Session::connect(&fresh.config());
    assert_eq!(contents(&mut session), before);
    assert_eq!(stage.sandbox.requests().len(), 0, "a restore asks the API");

    // Later, somebody joins, and the restored database learns of it.
    stage.sandbox.organisation().add_users(1, Place::End);
    session.run(REFRESH);
    assert_eq!(
        logged(&mut session, "id, outcome, rows_added"),
        ["3", "ok", "1"]
    );
    assert_eq!(
        session.column("SELECT change FROM pluralsight_copy.changes_between('-infinity', 'infinity') WHERE change IN ('joined', 'left') ORDER BY changed_at"),
        if session.value(&format!("SELECT bool_or(is_active) FROM pluralsight_copy.account_history WHERE user_id = '{person}'")) == "t" {
            vec!["left", "joined"]
        } else {
            vec!["joined"]
        }
    );
}

#[test]
fn a_refresh_inside_a_transaction_belongs_to_it() {
    let mut stage = stage(200);
    stage.sandbox.organisation().add_users(1, Place::End);
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
            .column("SELECT outcome FROM pluralsight_fdw.refresh_log ORDER BY id"),
        ["ok", "ok", "ok", "ok"]
    );
}

#[test]
fn a_column_that_comes_or_goes_is_mended_with_the_statement_that_the_error_names() {
    let mut stage = Stage::new(Config {
        extra: vec!["User.favouriteColour: String".to_owned()],
        ..config(50)
    });
    let session = &mut stage.session;
    session.run("SELECT pluralsight_fdw.create_copies()");
    session.run("ALTER FOREIGN TABLE pluralsight.users ADD COLUMN colour text OPTIONS (field 'favouriteColour')");
    // The copy does without, until it is told.
    session.run(REFRESH);
    session.run("SELECT pluralsight_fdw.create_copies()");
    assert_ne!(
        session.value("SELECT count(colour) FROM pluralsight_copy.users"),
        "0"
    );
    session.run("ALTER FOREIGN TABLE pluralsight.users DROP COLUMN colour");
    let error = session.error(REFRESH);
    assert_eq!(error.code, "42804");
    assert_eq!(
        error.message,
        "column \"colour\" of pluralsight_copy.users is text there and missing in pluralsight.users"
    );
    let hint = error.hint.expect("a hint");
    let cure = hint.split_once("for example: ").expect("an example").1;
    session.run(cure);
    session.run(REFRESH);
}

#[test]
fn what_cannot_be_copied_is_refused_with_what_to_do() {
    let mut stage = Stage::new(config(20));
    let session = &mut stage.session;
    for (call, code, message, hint) in [
        (
            "create_copies('nowhere')",
            "42P01",
            "schema \"nowhere\" holds no foreign table of pluralsight_fdw",
            "IMPORT FOREIGN SCHEMA",
        ),
        (
            "create_copies('pluralsight', 'pluralsight')",
            "22023",
            "the copies cannot be in schema \"pluralsight\" themselves, where the foreign tables are",
            "another copy_schema",
        ),
        (
            "create_copies(tables => '{users,secrets}')",
            "42P01",
            "schema \"pluralsight\" holds no foreign table \"secrets\" of pluralsight_fdw",
            "It holds admins, plan, teams, users.",
        ),
        ("create_copies(max_shrink => 2)", "23514", "max_shrink", ""),
        (
            "schedule_refresh()",
            "42704",
            "schema \"pluralsight_copy\" holds no stored copies of yours",
            "create_copies()",
        ),
    ] {
        let error = session.error(&format!("SELECT pluralsight_fdw.{call}"));
        assert_eq!(error.code, code, "{call}: {error:?}");
        assert!(error.message.contains(message), "{call}: {error:?}");
        assert!(error.hint.unwrap_or_default().contains(hint), "{call}");
    }
    let error = session.error(REFRESH);
    assert_eq!(error.code, "42704");
    assert_eq!(
        error.hint.as_deref(),
        Some("Make them first: SELECT pluralsight_fdw.create_copies();")
    );
    // A table of somebody else's is never overwritten.
    session.run("CREATE SCHEMA pluralsight_copy; CREATE TABLE pluralsight_copy.users (mine text)");
    let error = session.error("SELECT pluralsight_fdw.create_copies()");
    assert_eq!(error.code, "42P07");
    assert_eq!(
        session.column("SELECT mine FROM pluralsight_copy.users"),
        Vec::<String>::new()
    );
}

#[test]
fn several_organisations_have_copies_of_their_own() {
    let mut stage = stage(120);
    let other = Sandbox::start(Config {
        seed: 8,
        ..config(80)
    })
    .expect("the sandbox starts");
    let session = &mut stage.session;
    session.run(&format!(
        "CREATE SCHEMA acme;
         CREATE SERVER acme FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{}');
         CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (api_token '{}');
         IMPORT FOREIGN SCHEMA pluralsight LIMIT TO (users, teams) FROM SERVER acme INTO acme",
        other.url(),
        other.token()
    ));
    session.run("SELECT pluralsight_fdw.create_copies('acme', 'acme_kept')");
    session.run("CALL pluralsight_fdw.refresh('acme_kept')");
    assert_eq!(session.value("SELECT count(*) FROM acme_kept.users"), "80");
    assert_eq!(
        session.value("SELECT count(*) FROM pluralsight_copy.users"),
        "120"
    );
    assert_eq!(
        session.column("SELECT table_name FROM acme_kept.data_freshness"),
        ["users", "teams"]
    );
}

#[test]
fn a_role_without_special_rights_keeps_copies_that_others_cannot_touch() {
    let mut stage = Stage::new(config(60));
    let database = stage.database().to_owned();
    let (url, token) = (stage.sandbox.url(), stage.sandbox.token());
    let session = &mut stage.session;
    session.run(&format!(
        "DO $$ BEGIN CREATE ROLE copies_analyst; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         DO $$ BEGIN CREATE ROLE copies_stranger; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         GRANT CREATE ON DATABASE {database} TO copies_analyst;
         GRANT USAGE ON SCHEMA pluralsight TO copies_analyst, copies_stranger;
         GRANT USAGE ON FOREIGN SERVER pluralsight TO copies_analyst;
         CREATE USER MAPPING FOR copies_analyst SERVER pluralsight OPTIONS (api_token '{token}')",
    ));
    assert!(url.starts_with("http://127.0.0.1"));
    session.run("SET ROLE copies_analyst");
    session.run(
        "CREATE SCHEMA mine;
         IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO mine;
         SELECT pluralsight_fdw.create_views('mine');
         SELECT pluralsight_fdw.create_copies('mine')",
    );
    session.run("CALL pluralsight_fdw.refresh('mine_copy')");
    assert_eq!(session.value("SELECT count(*) FROM mine_copy.users"), "60");
    assert_eq!(
        session.value("SELECT count(*) FROM pluralsight_fdw.refresh_log"),
        "2"
    );
    session.run("RESET ROLE; SET ROLE copies_stranger");
    assert_eq!(
        session.value("SELECT count(*) FROM pluralsight_fdw.refresh_log"),
        "0"
    );
    assert_eq!(
        session
            .error("CALL pluralsight_fdw.refresh('mine_copy')")
            .code,
        "42704"
    );
    assert_eq!(
        session
            .error("INSERT INTO pluralsight_fdw.refresh_log (copy_schema, owner) VALUES ('mine_copy', 'copies_analyst')")
            .code,
        "42501"
    );
    session.run("RESET ROLE");
}
