//! Stored copies: what they hold, what a refresh writes, and what create_copies() and drop_copies() make and take away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use behaviour::Stage;
use behaviour::copies::{REFRESH, TABLES, config, differences, logged, stage, stored};
use pluralsight_sandbox::{Config, Place, Sandbox};

#[test]
fn copies_hold_what_the_foreign_tables_hold_with_their_comments_and_indexes() {
    let mut stage = Stage::new(config(1_234));
    let session = &mut stage.session;
    session.run("CALL pluralsight_fdw.create_copies()");
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
    // No table, staged or other, is left behind by the work.
    assert_eq!(
        session.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'pluralsight_copy'::regnamespace AND relname ~ '^(staged|answered)_'"),
        "0"
    );
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
            "teams",
            "planPermissionSets"
        ]
    );
    assert_eq!(
        logged(
            &mut stage.session,
            "outcome, requests, retries, finished_at > started_at, bytes > 100000"
        ),
        ["ok", "8", "0", "t", "t"]
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
    let people = stage.people();
    let organization = stage.sandbox.organization();
    assert!(organization.edit_user(&people[3], |user| user.first_name = Some("Ada".to_owned())));
    assert!(organization.edit_user(&people[4], |user| user.note = None));
    assert!(organization.edit_user(&people[4], |user| user.last_login = None));
    assert!(organization.forget_user(&people[5]));
    organization.add_users(3, Place::Start);
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

#[test]
fn readers_see_the_old_set_or_the_new_one_and_never_wait() {
    let mut stage = stage(300);
    // One more person and one more license a refresh: whoever sees both at once sees the same number.
    let product = stage.sandbox.organization().products()[0].clone();
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
        stage.sandbox.organization().add_users(1, Place::End);
        assert!(
            stage
                .sandbox
                .organization()
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
fn a_column_that_comes_or_goes_is_mended_with_the_statement_that_the_error_names() {
    let mut stage = Stage::new(Config {
        extra: vec!["User.favoriteColor: String".to_owned()],
        ..config(50)
    });
    let session = &mut stage.session;
    session.run("CALL pluralsight_fdw.create_copies()");
    session.run("ALTER FOREIGN TABLE pluralsight.users ADD COLUMN color text OPTIONS (field 'favoriteColor')");
    // The copy does without, until it is told.
    session.run(REFRESH);
    session.run("CALL pluralsight_fdw.create_copies()");
    assert_ne!(
        session.value("SELECT count(color) FROM pluralsight_copy.users"),
        "0"
    );
    session.run("CREATE VIEW colors AS SELECT user_id, color FROM pluralsight_copy.users");
    session.run("ALTER FOREIGN TABLE pluralsight.users DROP COLUMN color");
    let error = session.error(REFRESH);
    assert_eq!(error.code, "42804");
    assert_eq!(
        error.message,
        "column \"color\" of \"pluralsight_copy\".\"users\" is missing in foreign table \"pluralsight\".\"users\""
    );
    session.run(&error.hint.expect("a hint"));
    session.run(REFRESH);
    // Nothing of the user's was dropped; what is unknown is null.
    assert_eq!(session.value("SELECT count(color) FROM colors"), "0");
}

#[test]
fn a_column_of_another_type_is_mended_with_the_statement_that_the_error_names() {
    let mut stage = stage(20);
    let session = &mut stage.session;
    session.run("ALTER FOREIGN TABLE pluralsight.users ADD COLUMN nickname text OPTIONS (field 'firstName')");
    session.run("CALL pluralsight_fdw.create_copies()");
    session.run("ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN nickname TYPE varchar(80)");
    let error = session.error(REFRESH);
    assert_eq!(error.code, "42804");
    session.run(&error.hint.expect("a hint"));
    session.run(REFRESH);
}

#[test]
fn what_cannot_be_copied_is_refused_with_what_to_do() {
    let mut stage = Stage::new(config(20));
    let session = &mut stage.session;
    for (call, code, message, help) in [
        (
            "create_copies('nowhere')",
            "3F000",
            "schema \"nowhere\" does not exist",
            "CALL pluralsight_fdw.set_up('pluralsight', 'nowhere');",
        ),
        (
            "create_copies('public')",
            "42P01",
            "schema \"public\" holds no foreign table \"users\" of pluralsight_fdw",
            "CALL pluralsight_fdw.set_up('pluralsight', 'public');",
        ),
        (
            "create_copies('pluralsight', 'pluralsight')",
            "22023",
            "the copies cannot be in schema \"pluralsight\" itself, where the foreign tables are",
            "another schema",
        ),
        (
            "create_copies(tables => '{users,secrets}')",
            "42P01",
            "schema \"pluralsight\" holds no foreign table \"secrets\" of pluralsight_fdw",
            "It holds admins, permission_sets, plan, teams, users.",
        ),
        (
            "create_copies(copies => 'pluralsight_fdw')",
            "22023",
            "schema \"pluralsight_fdw\" is not for tables of a user's own",
            "another schema",
        ),
        (
            "create_copies(tables => '{}')",
            "22023",
            "argument \"tables\" names no table",
            "Leave it out",
        ),
        (
            "create_copies(tables => '{users,NULL}')",
            "22004",
            "argument \"tables\" must not hold nulls",
            "",
        ),
        (
            "create_copies(fill => NULL)",
            "22004",
            "argument \"fill\" must not be null",
            "",
        ),
        (
            "create_copies(max_shrink => 2)",
            "22023",
            "max_shrink must be between 0 and 1, and is 2",
            "0.1 stands for 10 %",
        ),
        (
            "create_copies(max_shrink => -1)",
            "22023",
            "max_shrink must be between 0 and 1, and is -1",
            "",
        ),
        (
            "create_copies(max_shrink => 'NaN')",
            "22023",
            "max_shrink must be between 0 and 1, and is NaN",
            "",
        ),
        (
            "refresh(max_shrink => 10)",
            "22023",
            "max_shrink must be between 0 and 1, and is 10",
            "",
        ),
        (
            "refresh(max_shrink => -1)",
            "22023",
            "max_shrink must be between 0 and 1, and is -1",
            "",
        ),
        (
            "refresh(NULL)",
            "22004",
            "argument \"copies\" must not be null",
            "",
        ),
        (
            "refresh(force => NULL)",
            "22004",
            "argument \"force\" must not be null",
            "",
        ),
        (
            "refresh()",
            "42704",
            "schema \"pluralsight_copy\" holds no stored copies",
            "CALL pluralsight_fdw.create_copies(copies => 'pluralsight_copy');",
        ),
        (
            "drop_copies('public')",
            "42704",
            "schema \"public\" holds no stored copies",
            "",
        ),
    ] {
        let error = session.error(&format!("CALL pluralsight_fdw.{call}"));
        assert_eq!(error.code, code, "{call}: {error:?}");
        assert!(error.message.contains(message), "{call}: {error:?}");
        assert!(
            format!("{:?} {:?}", error.detail, error.hint).contains(help),
            "{call}: {error:?}"
        );
        // Nothing was made of it.
        assert_eq!(session.value("SELECT count(*) FROM pg_namespace WHERE nspname IN ('nowhere', 'nowhere_copy', 'pluralsight_copy')"), "0", "{call}");
    }
    let long = "x".repeat(60);
    assert_eq!(
        session
            .error(&format!("CALL pluralsight_fdw.create_copies('{long}')"))
            .code,
        "22023"
    );
    // A table of somebody else's is never taken for a copy.
    session.run("CREATE SCHEMA pluralsight_copy; CREATE TABLE pluralsight_copy.users (mine text)");
    let error = session.error("CALL pluralsight_fdw.create_copies()");
    assert_eq!(error.code, "42P07");
    assert_eq!(
        session.column("SELECT mine FROM pluralsight_copy.users"),
        Vec::<String>::new()
    );
    session.run(&error.hint.expect("a hint"));
    session.run("CALL pluralsight_fdw.create_copies()");
    assert_eq!(
        session.column("SELECT mine FROM pluralsight_copy.users_old"),
        Vec::<String>::new()
    );
}

#[test]
fn copies_of_some_tables_say_what_they_lack() {
    let mut stage = Stage::new(config(20));
    let session = &mut stage.session;
    session.run("CALL pluralsight_fdw.create_copies(tables => '{users,teams}')");
    assert_eq!(
        session.notices(),
        [
            "NOTICE: schema \"pluralsight_copy\" holds copies of users, teams only: without plan, admins there are no views accounts and licenses, and no history"
        ]
    );
    assert_eq!(
        session.column("SELECT table_name FROM pluralsight_copy.data_freshness"),
        ["users", "teams"]
    );
    assert_eq!(
        session.column("SELECT relname FROM pg_class WHERE relnamespace = 'pluralsight_copy'::regnamespace AND relkind = 'v' ORDER BY 1"),
        ["current_prices", "data_freshness", "duplicate_people", "memberships", "report_known", "team_tree", "team_utilization"]
    );
    session.run("CALL pluralsight_fdw.create_copies(tables => '{plan,admins}')");
    assert_eq!(session.notices(), Vec::<String>::new());
    assert_eq!(
        session.column("SELECT table_name FROM pluralsight_copy.data_freshness"),
        ["plan", "users", "admins", "teams"]
    );
    assert_ne!(
        session.value("SELECT count(*) FROM pluralsight_copy.account_history"),
        "0"
    );
}

#[test]
fn what_a_set_holds_beside_copies_outlives_them() {
    let mut stage = stage(20);
    let session = &mut stage.session;
    session.run("CREATE VIEW mine AS SELECT email FROM pluralsight_copy.users");
    let error = session.error("CALL pluralsight_fdw.drop_copies('pluralsight_copy')");
    assert_eq!(error.code, "2BP01");
    session.run("DROP VIEW mine; CREATE TABLE pluralsight_copy.notes (note text)");
    session.run("CALL pluralsight_fdw.drop_copies('pluralsight_copy')");
    assert_eq!(
        session.notices(),
        ["NOTICE: schema \"pluralsight_copy\" stays, because it holds other objects"]
    );
    assert_eq!(
        session.column(
            "SELECT relname FROM pg_class WHERE relnamespace = 'pluralsight_copy'::regnamespace"
        ),
        ["notes"]
    );
    // And the schema can hold copies again.
    session.run("CALL pluralsight_fdw.create_copies()");
    session.run("DROP TABLE pluralsight_copy.notes");
    session.run("CALL pluralsight_fdw.drop_copies('pluralsight_copy')");
    assert_eq!(
        session.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'pluralsight_copy'"),
        "0"
    );
}

#[test]
fn several_organizations_have_copies_of_their_own() {
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
    session.run("CALL pluralsight_fdw.create_copies('acme', 'acme_kept')");
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
