//! Schemas of others.

use super::*;

#[test]
fn a_schema_that_another_role_has_made_is_not_taken_for_the_copies() {
    let mut stage = Stage::new(config(20));
    let mut mallory = attacker(&mut stage, "mallory");
    mallory.session.run(
        "CREATE SCHEMA pluralsight_copy;
         GRANT ALL ON SCHEMA pluralsight_copy TO PUBLIC;
         CREATE TABLE pluralsight_copy.account_history (user_id text);
         CREATE TRIGGER trap BEFORE INSERT ON pluralsight_copy.account_history FOR EACH ROW EXECUTE FUNCTION evil.grab_row()",
    );
    let error = stage.session.error("CALL pluralsight_fdw.create_copies()");
    assert_eq!(error.code, "42P06");
    assert_eq!(
        error.message,
        format!(
            "schema \"pluralsight_copy\" already exists and belongs to role \"{}\"",
            mallory.role
        )
    );
    // Even a table that looks like the settings of a set makes it no set of the superuser's.
    mallory.session.run(
        "CREATE TABLE pluralsight_copy.settings (only_row boolean PRIMARY KEY, source_schema name, source_id oid, source_database text, tables name[], max_shrink numeric, history_from timestamptz);
         INSERT INTO pluralsight_copy.settings VALUES (true, 'pluralsight', NULL, NULL, '{users}', 1, NULL);
         CREATE TRIGGER trap BEFORE UPDATE ON pluralsight_copy.settings FOR EACH ROW EXECUTE FUNCTION evil.grab_row()",
    );
    for call in ["CALL pluralsight_fdw.create_copies()", REFRESH] {
        stage.session.error(call);
        mallory.has_caught_nobody(&mut stage, call);
    }
    assert_eq!(
        stage.session.value(
            "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'pluralsight_copy'"
        ),
        mallory.role
    );
    // A schema of one's own, into which others may put things, is no better.
    stage
        .session
        .run("CREATE SCHEMA open_copy; GRANT CREATE ON SCHEMA open_copy TO PUBLIC");
    let error = stage
        .session
        .error("CALL pluralsight_fdw.create_copies(copies => 'open_copy')");
    assert_eq!(error.code, "42501");
    assert_eq!(
        error.message,
        "role PUBLIC may create objects in schema \"open_copy\""
    );
    stage.session.run(&error.hint.expect("a hint"));
    stage
        .session
        .run("CALL pluralsight_fdw.create_copies(copies => 'open_copy')");
    // Nor is one that gets so later.
    stage.session.run(&format!(
        "GRANT CREATE, USAGE ON SCHEMA open_copy TO {}",
        mallory.role
    ));
    mallory.session.run(
        "CREATE FUNCTION open_copy.lower(text) RETURNS text LANGUAGE sql AS 'SELECT evil.grab()'",
    );
    for _ in 0..2 {
        let error = stage
            .session
            .error("CALL pluralsight_fdw.refresh('open_copy')");
        assert_eq!(error.code, "42501");
        mallory.has_caught_nobody(&mut stage, "a function among the copies");
        stage.session.run(&error.hint.expect("a hint"));
    }
    stage
        .session
        .run("CALL pluralsight_fdw.refresh('open_copy')");
}

#[test]
fn nothing_in_the_callers_reach_stands_in_for_what_is_meant() {
    let mut stage = stage(30);
    let mut mallory = attacker(&mut stage, "mallory");
    mallory.session.run(
        "CREATE FUNCTION public.unnest(text[]) RETURNS SETOF text LANGUAGE sql AS 'SELECT evil.grab()';
         CREATE FUNCTION public.same(text[], text[]) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.grab() = 'x' $$;
         CREATE OPERATOR public.= (LEFTARG = text[], RIGHTARG = text[], FUNCTION = public.same);
         CREATE FUNCTION public.refresh(text) RETURNS text LANGUAGE sql AS 'SELECT evil.grab()';
         CREATE FUNCTION public.count(text) RETURNS bigint LANGUAGE sql AS 'SELECT length(evil.grab())';
         CREATE FUNCTION public.cardinality(text[]) RETURNS integer LANGUAGE sql AS 'SELECT length(evil.grab())';
         CREATE TABLE public.settings (source_schema name);
         CREATE VIEW public.refresh_log AS SELECT evil.grab() AS id",
    );
    for path in ["public, pg_catalog", "evil, public", "public"] {
        stage.session.run(&format!("SET search_path = {path}"));
        for call in [
            "CALL pluralsight_fdw.refresh(force => true)",
            "CALL pluralsight_fdw.create_copies()",
            "CALL pluralsight_fdw.create_copies(copies => 'another')",
            "CALL pluralsight_fdw.drop_copies('another')",
            "CALL pluralsight_fdw.prune_history('pluralsight_copy', clock_timestamp() - interval '1 hour')",
            "SELECT * FROM pluralsight_copy.accounts_at('infinity')",
            "SELECT * FROM pluralsight_copy.changes_between('-infinity', 'infinity')",
            "SELECT * FROM pluralsight_copy.data_freshness",
        ] {
            stage.session.run(call);
            mallory.has_caught_nobody(&mut stage, call);
        }
    }
    // A temporary table of the caller's is not in the way, and not dropped.
    stage.session.run(
        "RESET search_path;
         CREATE TEMPORARY TABLE staged_users AS SELECT 1 AS one;
         CREATE TEMPORARY TABLE incoming_users AS SELECT 2 AS two;
         CREATE TEMPORARY TABLE settings AS SELECT 3 AS three",
    );
    stage.session.run(REFRESH);
    assert_eq!(
        stage
            .session
            .value("SELECT one + two + three FROM staged_users, incoming_users, settings"),
        "6"
    );
}

/// Whether a new name for a schema waits for whoever makes something in it. Minor releases before the end of 2026 do not.
fn a_new_name_waits(stage: &mut Stage) -> bool {
    stage.session.run("CREATE SCHEMA probe");
    stage.session.run("BEGIN; CREATE TABLE probe.held ()");
    let outcome = stage
        .another_session()
        .try_rows("SET lock_timeout = '1s'; ALTER SCHEMA probe RENAME TO probed");
    stage.session.run("ROLLBACK");
    match outcome {
        Ok(_) => false,
        Err(refusal) => {
            assert_eq!(refusal.code, "55P03", "{refusal:?}");
            true
        }
    }
}

#[test]
fn a_schema_gets_no_other_name_in_the_middle_of_a_refresh() {
    if !a_new_name_waits(&mut stage(30)) {
        return;
    }
    // Otherwise somebody could make one of the old name, whose objects would be taken for those that were meant.
    for renamed in ["pluralsight_copy", "pluralsight"] {
        let mut stage = stage(30);
        stage.hold_users();
        let mut other = stage.another_session();
        let (refreshing, canceller) = (other.pid(), other.canceller());
        let refresh = std::thread::spawn(move || other.error(REFRESH));
        wait_until("users are asked for", || stage.sandbox.count("users") > 0);
        let mut renaming = stage.another_session();
        let pid = renaming.pid();
        let statement = format!("ALTER SCHEMA {renamed} RENAME TO moved");
        let rename = std::thread::spawn(move || renaming.run(&statement));
        wait_until("the new name waits", || {
            stage.session.value(&format!(
                "SELECT {refreshing} = ANY (pg_blocking_pids({pid}))"
            )) == "t"
        });
        canceller.cancel();
        assert_eq!(refresh.join().expect("a session").code, "57014");
        rename.join().expect("a session");
        stage.sandbox.faults().clear();
        let copies = if renamed == "pluralsight" {
            "pluralsight_copy"
        } else {
            "moved"
        };
        assert_eq!(
            refresh_as_others(&mut stage, copies),
            ["ok", "ok"],
            "{renamed}"
        );
        assert_eq!(
            stage.session.column(&format!(
                "SELECT outcome FROM {copies}.refresh_log ORDER BY id"
            )),
            ["ok", "failed", "ok", "ok"]
        );
    }
}

#[test]
fn a_source_in_a_schema_of_another_role_is_no_source() {
    let mut stage = stage(30);
    let mallory = attacker(&mut stage, "mallory");
    stage.session.run(&format!(
        "ALTER SCHEMA pluralsight OWNER TO {}",
        mallory.role
    ));
    let error = stage.session.error(REFRESH);
    assert_eq!(error.code, "55000");
    assert_eq!(
        error.message,
        format!(
            "foreign table \"pluralsight\".\"plan\" is in a schema of role \"{}\"",
            mallory.role
        )
    );
    stage.session.run(&error.hint.expect("a hint"));
    stage.session.run(REFRESH);
}

#[test]
fn a_trigger_that_is_made_in_the_middle_of_a_refresh_does_not_run() {
    let mut stage = stage(30);
    let mut mallory = attacker(&mut stage, "mallory");
    let role = mallory.role.clone();
    stage.session.run(&format!(
        "GRANT USAGE ON SCHEMA pluralsight_copy TO {role};
         GRANT ALL ON ALL TABLES IN SCHEMA pluralsight_copy TO {role}"
    ));
    let mut refreshing = stage.another_session();
    let pid = refreshing.pid();
    for (table, isolation) in [
        ("users", "read committed"),
        ("team_history", "read committed"),
        ("refresh_log", "read committed"),
        ("users", "serializable"),
    ] {
        // Nobody sees the trigger before it is committed, and the refresh waits for that.
        mallory.session.run(&format!(
            "BEGIN;
             CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON pluralsight_copy.{table} FOR EACH STATEMENT EXECUTE FUNCTION evil.grab_row()"
        ));
        refreshing.run(&format!(
            "SET default_transaction_isolation = '{isolation}'"
        ));
        let refresh = std::thread::spawn(move || {
            let outcome = refreshing.try_rows(REFRESH);
            (refreshing, outcome)
        });
        wait_until("the refresh waits", || {
            stage
                .session
                .value(&format!("SELECT cardinality(pg_blocking_pids({pid})) > 0"))
                == "t"
        });
        mallory.session.run("COMMIT");
        let (session, outcome) = refresh.join().expect("a session");
        refreshing = session;
        let refusal = outcome.expect_err("a trigger was made");
        assert!(
            ["55000", "40001"].contains(&refusal.code.as_str()),
            "{table}, {isolation}: {refusal:?}"
        );
        mallory.has_caught_nobody(&mut stage, table);
        stage
            .session
            .run(&format!("DROP TRIGGER trap ON pluralsight_copy.{table}"));
    }
    refreshing.run("RESET default_transaction_isolation");
    refreshing.run(REFRESH);
}

#[test]
fn a_refresh_ends_where_the_name_has_gone_to_another_schema() {
    let mut stage = stage(30);
    let mut mallory = attacker(&mut stage, "mallory");
    stage
        .sandbox
        .faults()
        .script("users=delay=5s")
        .expect("a valid rule");
    stage.sandbox.reset();
    let mut other = stage.another_session();
    let refresh = std::thread::spawn(move || other.error(REFRESH));
    wait_until("users are asked for", || stage.sandbox.count("users") > 0);
    // Where ALTER SCHEMA waits for the refresh, the catalog itself does not.
    stage
        .session
        .run("UPDATE pg_namespace SET nspname = 'moved' WHERE nspname = 'pluralsight_copy'");
    mallory.session.run(
        "CREATE SCHEMA pluralsight_copy;
         GRANT ALL ON SCHEMA pluralsight_copy TO PUBLIC;
         CREATE TABLE pluralsight_copy.staged_users (user_id text);
         CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON pluralsight_copy.staged_users FOR EACH STATEMENT EXECUTE FUNCTION evil.grab_row();
         GRANT ALL ON pluralsight_copy.staged_users TO PUBLIC",
    );
    stage.sandbox.faults().clear();
    let refusal = refresh.join().expect("a session");
    assert_eq!(refusal.code, "40001", "{refusal:?}");
    mallory.has_caught_nobody(&mut stage, "a schema of the old name");
    mallory.session.run("DROP SCHEMA pluralsight_copy CASCADE");
    assert_eq!(refresh_as_others(&mut stage, "moved"), ["ok", "ok"]);
}

#[test]
fn a_superuser_is_told_whose_copies_are_renewed() {
    let mut stage = Stage::new(config(20));
    let mut olaf = Attacker::with_copies(&mut stage, "olaf");
    let renew = "CALL pluralsight_fdw.create_copies('mine', fill => false)";
    olaf.session.notices();
    olaf.session.run(renew);
    assert_eq!(olaf.session.notices(), Vec::<String>::new());
    stage.session.notices();
    stage.session.run(renew);
    assert_eq!(
        stage.session.notices(),
        [format!(
            "WARNING: the stored copies in schema \"mine_copy\" belong to role \"{}\"",
            olaf.role
        )]
    );
}

#[test]
fn whoever_may_not_read_the_source_is_told_what_to_grant() {
    let mut stage = stage(30);
    let role = stage.role("curious");
    let database = stage.database().to_owned();
    let token = stage.sandbox.token().to_owned();
    stage.session.run(&format!(
        "REVOKE ALL ON SCHEMA pluralsight FROM {role};
         REVOKE ALL ON ALL TABLES IN SCHEMA pluralsight FROM {role};
         GRANT CREATE ON DATABASE {database} TO {role};
         CREATE USER MAPPING FOR {role} SERVER pluralsight OPTIONS (api_token '{token}')"
    ));
    let mut theirs = stage.session_of(&role);
    let mut problems = Vec::new();
    while let Err(error) =
        theirs.try_rows("CALL pluralsight_fdw.create_copies(copies => 'curious_copy')")
    {
        assert_eq!(error.code, "55000", "{error:?}");
        problems.push(error.message);
        assert!(problems.len() < 9, "{problems:?}");
        stage.session.run(&error.hint.expect("a hint"));
    }
    let problem =
        |table: &str, what: &str| format!("foreign table \"pluralsight\".\"{table}\" {what}");
    let mut expected = vec![problem(
        "plan",
        &format!("is in a schema that role \"{role}\" may not use"),
    )];
    expected
        .extend(TABLES.map(|table| problem(table, &format!("may not be read by role \"{role}\""))));
    assert_eq!(problems, expected);
    assert_eq!(
        theirs.value("SELECT count(*) FROM curious_copy.users"),
        "30"
    );
}
