//! Other roles, other calls, other names.

use super::*;

#[test]
fn a_schema_of_another_role_and_a_table_of_ones_own_are_not_taken() {
    let mut stage = stage(Config::default());
    let eve = format!("eve_{}", stage.database());
    stage.session.run(&format!(
        "CREATE ROLE {eve} LOGIN; CREATE SCHEMA pluralsight AUTHORIZATION {eve}"
    ));
    let error = stage.session.error(SET_UP);
    assert_eq!(error.code, "42501");
    assert!(
        error
            .message
            .contains(&format!("belongs to role \"{eve}\"")),
        "{error:?}"
    );
    // Word by word, the hint helps.
    stage.session.run(&error.hint.expect("a hint"));
    assert_ne!(
        stage
            .session
            .rows("SELECT * FROM pluralsight_2.accounts")
            .len(),
        0
    );
    stage.session.run("DROP SCHEMA pluralsight; CREATE SCHEMA pluralsight; CREATE TABLE pluralsight.plan (mine text)");
    let error = stage.session.error(SET_UP);
    assert_eq!(error.code, "42P07");
    assert_eq!(
        stage.session.value("SELECT count(*) FROM pg_foreign_table AS f JOIN pg_class AS c ON c.oid = f.ftrelid WHERE c.relnamespace = 'pluralsight'::regnamespace"),
        "0"
    );
    stage.session.run(&error.hint.expect("a hint"));
    // Tables of the user's own in the same schema are in nobody's way.
    stage
        .session
        .run("DROP TABLE pluralsight.plan; CREATE TABLE pluralsight.budget (mine text)");
    stage.session.run(SET_UP);
    stage.session.run("SELECT * FROM pluralsight.budget");
    // A table of another server is not bent to this one.
    stage.session.run("CREATE SERVER other FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url 'http://127.0.0.1:1/')");
    stage
        .session
        .run("CREATE USER MAPPING FOR CURRENT_USER SERVER other OPTIONS (api_token 'x')");
    let error = stage.session.error("CALL pluralsight_fdw.set_up('other')");
    assert!(
        error.message.contains("reads from server \"pluralsight\""),
        "{error:?}"
    );
    for own in [
        "pluralsight_fdw",
        "pluralsight_fdw_internal",
        "pg_catalog",
        "information_schema",
    ] {
        assert_eq!(
            stage
                .session
                .error(&format!(
                    "CALL pluralsight_fdw.set_up('pluralsight', '{own}')"
                ))
                .code,
            "22023"
        );
    }
}

#[test]
fn a_role_without_rights_on_the_extension_sets_up_its_own() {
    let mut stage = stage(Config::default());
    let jane = format!("jane_{}", stage.database());
    let database = stage.database().to_owned();
    stage.session.run(&format!(
        "CREATE ROLE {jane} LOGIN; GRANT USAGE ON FOREIGN SERVER pluralsight TO {jane}; GRANT CREATE ON DATABASE {database} TO {jane};
         CREATE USER MAPPING FOR {jane} SERVER pluralsight OPTIONS (api_token '{}')",
        stage.sandbox.token()
    ));
    let mut session = stage.session_of(&jane);
    session.run("CALL pluralsight_fdw.set_up('pluralsight', schema => 'hers')");
    assert_ne!(session.rows("SELECT * FROM hers.accounts").len(), 0);
    // Comments come by an event trigger, which must not need anything of the role.
    stage
        .session
        .run("REVOKE USAGE ON SCHEMA pluralsight_fdw FROM PUBLIC");
    session.run(
        "CREATE SCHEMA plain; IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO plain",
    );
    assert_eq!(
        session.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'plain.users'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NULL"),
        "0"
    );
    // A server that she may not use.
    stage
        .session
        .run(&format!("GRANT USAGE ON SCHEMA pluralsight_fdw TO {jane}; REVOKE USAGE ON FOREIGN SERVER pluralsight FROM {jane}"));
    assert_eq!(
        session
            .error("CALL pluralsight_fdw.set_up('pluralsight', schema => 'hers')")
            .code,
        "42501"
    );
}

#[test]
fn odd_names_are_quoted_everywhere() {
    let mut stage = stage(Config::default());
    stage
        .session
        .run("ALTER SERVER pluralsight RENAME TO \"our \"\"server's\"");
    stage
        .session
        .run("CALL pluralsight_fdw.set_up('our \"server''s', schema => 'my \"schema\\')");
    assert_eq!(
        stage
            .session
            .rows("SELECT * FROM \"my \"\"schema\\\".users")
            .len(),
        50
    );
    stage
        .session
        .run("CALL pluralsight_fdw.set_up('our \"server''s', schema => 'my \"schema\\')");
    for wrong in [
        "CALL pluralsight_fdw.set_up(NULL)",
        "CALL pluralsight_fdw.set_up('')",
        "CALL pluralsight_fdw.set_up('our \"server''s', schema => NULL)",
        "CALL pluralsight_fdw.set_up('our \"server''s', schema => '')",
    ] {
        assert_eq!(stage.session.error(wrong).code, "22023", "{wrong}");
    }
    assert_eq!(
        stage
            .session
            .error("CALL pluralsight_fdw.set_up('none')")
            .code,
        "42704"
    );
}

#[test]
fn two_calls_at_once_come_one_after_the_other() {
    let mut stage = stage(Config {
        latency: std::time::Duration::from_millis(30),
        ..Config::default()
    });
    stage.session.run("CREATE SCHEMA pluralsight; IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO pluralsight OPTIONS (discover 'off')");
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let mut session = stage.another_session();
            std::thread::spawn(move || session.run(SET_UP))
        })
        .collect();
    for call in calls {
        call.join().expect("no call fails");
    }
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "unchecked"),
        ""
    );
}

#[test]
fn two_first_calls_at_once_make_one_schema() {
    let stage = stage(Config {
        latency: std::time::Duration::from_millis(30),
        ..Config::default()
    });
    for call in [
        SET_UP,
        "CALL pluralsight_fdw.create_copies()",
        "CALL pluralsight_fdw.create_copies(copies => 'further', fill => false)",
    ] {
        let calls: Vec<_> = (0..3)
            .map(|_| {
                let mut session = stage.another_session();
                std::thread::spawn(move || session.try_rows(call))
            })
            .collect();
        let mut made = 0;
        for outcome in calls {
            match outcome.join().expect("a session") {
                Ok(_) => made += 1,
                // Whoever comes while the first one still fills the copies is told who does.
                Err(refusal) => assert_eq!(refusal.code, "55P03", "{call}: {refusal:?}"),
            }
        }
        assert!(made > 0, "{call}");
        if call == SET_UP {
            assert_eq!(made, 3, "they wait for one another");
        }
    }
}

#[test]
fn nothing_in_the_callers_path_is_called_or_taken_for_a_type() {
    let mut stage = stage(Config::default());
    stage.session.run(
        "CREATE SCHEMA evil;
         CREATE SEQUENCE evil.hit;
         CREATE TYPE evil.text AS ENUM ('a');
         CREATE FUNCTION evil.same(oid, oid) RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('evil.hit') > 0 $$;
         CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.same);
         CREATE FUNCTION evil.same(oid, regclass) RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('evil.hit') > 0 $$;
         CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = evil.same);
         CREATE FUNCTION evil.same(name, text) RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('evil.hit') > 0 $$;
         CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = text, FUNCTION = evil.same);
         CREATE FUNCTION evil.same(name, name) RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('evil.hit') > 0 $$;
         CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.same);
         CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('evil.hit') > 0 $$;
         CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
         CREATE FUNCTION evil.more(smallint, integer) RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('evil.hit') > 0 $$;
         CREATE OPERATOR evil.> (LEFTARG = smallint, RIGHTARG = integer, FUNCTION = evil.more);
         CREATE SCHEMA plain;
         SET search_path = evil, pg_catalog",
    );
    stage.session.run(SET_UP);
    stage.session.run(SET_UP);
    stage
        .session
        .run("IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO plain");
    stage.session.run("SELECT * FROM pluralsight_fdw.check()");
    stage.session.run("RESET search_path");
    assert_eq!(
        stage.session.value("SELECT is_called FROM evil.hit"),
        "f",
        "nothing of that schema ran"
    );
    assert_eq!(
        stage.session.value("SELECT count(*) FROM pg_attribute WHERE attrelid IN (SELECT ftrelid FROM pg_foreign_table) AND atttypid IN ('evil.text'::regtype, 'evil.text[]'::regtype)"),
        "0"
    );
}
