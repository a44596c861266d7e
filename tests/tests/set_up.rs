//! `CALL pluralsight_fdw.set_up(…)`: one call makes the tables and views, and renews them.

use behaviour::{Session, Stage};
use pluralsight_sandbox::{Config, Introspection};

const SET_UP: &str = "CALL pluralsight_fdw.set_up('pluralsight')";

fn stage(config: Config) -> Stage {
    let mut stage = Stage::bare(Config {
        users: 50,
        ..config
    });
    stage.session.run("DROP SCHEMA pluralsight");
    stage.session.notices();
    stage
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn column_options(session: &mut Session, table: &str, column: &str) -> String {
    session.value(&format!(
        "SELECT array_to_string(ARRAY(SELECT unnest(attfdwoptions) ORDER BY 1), ', ') FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname = '{column}'"
    ))
}

fn table_option(session: &mut Session, table: &str, option: &str) -> String {
    session.value(&format!(
        "SELECT COALESCE((SELECT option_value FROM pg_foreign_table, pg_options_to_table(ftoptions) WHERE ftrelid = '{table}'::regclass AND option_name = '{option}'), '')"
    ))
}

fn columns(session: &mut Session, table: &str) -> Vec<String> {
    session.column(&format!("SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"))
}

#[test]
fn one_call_makes_schema_tables_views_and_comments() {
    let mut stage = stage(Config::default());
    stage.sandbox.reset();
    stage.session.run(SET_UP);
    let requests = stage.sandbox.requests().len();
    assert!(requests <= 5, "the schema, and each table once: {requests}");
    let notices = stage.session.notices();
    for words in [
        "schema \"pluralsight\" was made",
        "\"pluralsight\".\"users\" was made; it has 50 rows",
    ] {
        assert!(
            notices.iter().any(|notice| notice.contains(words)),
            "{words}: {notices:?}"
        );
    }
    assert_ne!(
        stage
            .session
            .rows("SELECT * FROM pluralsight.accounts")
            .len(),
        0
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "rows"),
        "50"
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "unchecked"),
        ""
    );
    assert_eq!(
        stage.session.value("SELECT count(*) FROM pg_attribute WHERE attrelid IN (SELECT ftrelid FROM pg_foreign_table) AND attnum > 0 AND col_description(attrelid, attnum) IS NULL"),
        "0",
        "every column has its comment"
    );
    assert_eq!(
        stage
            .session
            .value("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'pluralsight.users'::regclass AND attname = 'user_id'"),
        "text"
    );
}

#[test]
fn called_again_it_changes_nothing() {
    let mut stage = stage(Config::default());
    stage.session.run(SET_UP);
    stage.session.notices();
    let picture = "SELECT md5(string_agg(c::text, ',' ORDER BY c.oid)) FROM (SELECT oid, relname, relowner, relacl FROM pg_class WHERE relnamespace = 'pluralsight'::regnamespace) AS c";
    let before = stage.session.value(picture);
    stage.session.run(SET_UP);
    let notices = stage.session.notices();
    assert!(
        !notices
            .iter()
            .any(|notice| notice.contains("changed") || notice.contains("was made")),
        "{notices:?}"
    );
    assert_eq!(stage.session.value(picture), before);
}

#[test]
fn without_a_working_token_nothing_is_made() {
    let mut stage = stage(Config::default());
    stage.session.run(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token 'wrong')",
    );
    assert_eq!(stage.session.error(SET_UP).code, "28000");
    assert_eq!(
        stage
            .session
            .error(
                "CREATE SCHEMA x; IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO x"
            )
            .code,
        "28000"
    );
    stage
        .session
        .run("DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight");
    let error = stage.session.error(SET_UP);
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("HV00J", "API token is missing")
    );
    stage
        .session
        .run("CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token 'x')");
    stage.session.run("ALTER SERVER pluralsight OPTIONS (SET api_url 'http://127.0.0.1:1/', ADD max_attempts '1')");
    assert_eq!(stage.session.error(SET_UP).code, "HV00N");
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pg_namespace WHERE nspname IN ('pluralsight', 'x')"),
        "0"
    );
    assert_eq!(
        stage.session.value("SELECT count(*) FROM pg_foreign_table"),
        "0"
    );
}

#[test]
fn a_field_that_the_api_lacks_is_absent_and_comes_back_with_it() {
    let mut stage = stage(Config {
        without: texts(&["User.mfaEnabled", "User.productIds", "Team.description"]),
        ..Config::default()
    });
    stage.session.run(SET_UP);
    let notices = stage.session.notices();
    assert!(
        notices
            .iter()
            .any(|notice| notice.contains("\"users.mfa_enabled\" is absent")),
        "{notices:?}"
    );
    assert!(
        column_options(&mut stage.session, "pluralsight.users", "mfa_enabled")
            .contains("absent=true")
    );
    // It reads NULL, whatever is asked of it, and nobody asks the API.
    stage.sandbox.reset();
    for (query, answer) in [
        (
            "SELECT count(*) FROM (SELECT * FROM pluralsight.users) AS u",
            "50",
        ),
        ("SELECT count(mfa_enabled) FROM pluralsight.users", "0"),
        (
            "SELECT count(*) FROM pluralsight.users WHERE mfa_enabled",
            "0",
        ),
        (
            "SELECT count(*) FROM pluralsight.users WHERE mfa_enabled IS NULL",
            "50",
        ),
        (
            "SELECT count(*) FROM pluralsight.users WHERE product_ids IS NULL",
            "50",
        ),
        (
            "SELECT count(*) FROM pluralsight.users AS u JOIN pluralsight.users AS v USING (mfa_enabled)",
            "0",
        ),
        (
            "SELECT count(billable) FROM pluralsight.accounts JOIN pluralsight.users USING (user_id)",
            "0",
        ),
        (
            "SELECT count((u).mfa_enabled) FROM pluralsight.users AS u",
            "0",
        ),
    ] {
        assert_eq!(stage.session.value(query), answer, "{query}");
    }
    stage.session.run("ANALYZE pluralsight.users");
    let plan = stage
        .session
        .plan("SELECT email, mfa_enabled FROM pluralsight.users WHERE mfa_enabled");
    assert!(!plan.contains("mfaEnabled"), "{plan}");
    for request in stage.sandbox.requests() {
        assert!(!request.document.contains("mfaEnabled"));
    }
    // Another API, which has it.
    let full = pluralsight_sandbox::Sandbox::start(Config {
        users: 50,
        ..Config::default()
    })
    .expect("the sandbox starts");
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url '{}')",
        full.url()
    ));
    stage.session.run(SET_UP);
    let notices = stage.session.notices();
    assert!(
        notices
            .iter()
            .any(|notice| notice.contains("ALTER COLUMN \"mfa_enabled\" OPTIONS (DROP absent)")),
        "{notices:?}"
    );
    assert_ne!(
        stage
            .session
            .value("SELECT count(mfa_enabled) FROM pluralsight.users"),
        "0"
    );
}

#[test]
fn what_the_user_added_or_set_is_kept() {
    let mut stage = stage(Config {
        extra: texts(&["User.favoriteColor: String", "User.nick: String"]),
        ..Config::default()
    });
    stage.session.run(SET_UP);
    let role = stage.role("reader");
    stage.session.run(
        "ALTER FOREIGN TABLE pluralsight.users ADD COLUMN color text OPTIONS (field 'favoriteColor');
         ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN note OPTIONS (SET field 'nick');
         ALTER FOREIGN TABLE pluralsight.users OPTIONS (ADD page_size '7', ADD on_incomplete 'warning');
         COMMENT ON COLUMN pluralsight.users.email IS 'mine';
         CREATE VIEW pluralsight.mine AS SELECT email FROM pluralsight.users",
    );
    let grants = "SELECT relacl FROM pg_class WHERE oid = 'pluralsight.users'::regclass";
    let before = stage.session.value(grants);
    assert!(before.contains(&role));
    stage.session.run(SET_UP);
    assert_eq!(
        column_options(&mut stage.session, "pluralsight.users", "note"),
        "field=nick"
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "page_size"),
        "7"
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "on_incomplete"),
        "warning"
    );
    assert!(columns(&mut stage.session, "pluralsight.users").contains(&"color".to_owned()));
    assert_eq!(
        stage.session.value("SELECT col_description('pluralsight.users'::regclass, attnum) FROM pg_attribute WHERE attrelid = 'pluralsight.users'::regclass AND attname = 'email'"),
        "mine"
    );
    assert_eq!(stage.session.value(grants), before);
    assert_eq!(
        stage.session.rows("SELECT * FROM pluralsight.mine").len(),
        50
    );
    // A field of the user's that the API does not have gives way to the declared one.
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN note OPTIONS (SET field 'gone')");
    stage.session.run(SET_UP);
    assert_eq!(
        column_options(&mut stage.session, "pluralsight.users", "note"),
        "field=note"
    );
    // A column that was dropped comes back.
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.teams DROP COLUMN description CASCADE");
    stage.session.run(SET_UP);
    assert!(columns(&mut stage.session, "pluralsight.teams").contains(&"description".to_owned()));
}

#[test]
fn unchecked_tables_say_so_until_they_are_renewed() {
    let mut stage = stage(Config::default());
    stage.session.run("CREATE SCHEMA pluralsight; IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO pluralsight OPTIONS (discover 'off')");
    assert_eq!(stage.sandbox.requests().len(), 0, "nobody was asked");
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "unchecked"),
        "true"
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "filters"),
        "emails"
    );
    stage.session.run(SET_UP);
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "unchecked"),
        ""
    );
    assert!(table_option(&mut stage.session, "pluralsight.users", "filters").contains("psUserIds"));
    assert!(
        table_option(&mut stage.session, "pluralsight.users", "truncated").contains("hasNextPage")
    );
}

#[test]
fn where_the_schema_is_not_told_the_tables_are_tried() {
    let mut stage = stage(Config {
        introspection: Introspection::Off,
        without: texts(&["User.mfaEnabled"]),
        rename: texts(&["User.ssoEnabled=isSsoEnabled"]),
        ..Config::default()
    });
    stage.session.run(SET_UP);
    assert!(
        column_options(&mut stage.session, "pluralsight.users", "mfa_enabled")
            .contains("absent=true")
    );
    assert_eq!(
        column_options(&mut stage.session, "pluralsight.users", "sso_enabled"),
        "field=isSsoEnabled"
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "unchecked"),
        ""
    );
    assert_eq!(
        stage.session.rows("SELECT * FROM pluralsight.users").len(),
        50
    );
    assert_ne!(
        stage
            .session
            .rows("SELECT * FROM pluralsight.accounts")
            .len(),
        0
    );
}

#[test]
fn a_field_that_the_key_may_not_read_is_absent() {
    for introspection in [Introspection::default(), Introspection::Off] {
        let mut stage = stage(Config {
            introspection,
            beta: texts(&["User.mfaEnabled"]),
            ..Config::default()
        });
        stage.session.run(SET_UP);
        assert!(
            column_options(&mut stage.session, "pluralsight.users", "mfa_enabled")
                .contains("absent=true"),
            "{introspection:?}: {:?}",
            stage.session.notices()
        );
        assert_eq!(
            stage.session.rows("SELECT * FROM pluralsight.users").len(),
            50
        );
    }
}

#[test]
fn a_query_that_the_api_lacks_leaves_the_rest_working() {
    for introspection in [Introspection::default(), Introspection::Off] {
        let mut stage = stage(Config {
            introspection,
            without: texts(&["Query.planInfo"]),
            ..Config::default()
        });
        stage.session.run(SET_UP);
        let notices = stage.session.notices();
        assert!(
            notices
                .iter()
                .any(|notice| notice.contains("table \"plan\" cannot be read")),
            "{notices:?}"
        );
        assert!(
            columns(&mut stage.session, "pluralsight.plan").contains(&"product_ids".to_owned())
        );
        stage.sandbox.reset();
        assert_eq!(
            stage.session.value("SELECT count(*) FROM pluralsight.plan"),
            "0"
        );
        let notices = stage.session.notices();
        assert!(
            notices
                .iter()
                .any(|notice| notice.starts_with("WARNING") && notice.contains("reads as empty")),
            "{notices:?}"
        );
        assert_eq!(
            stage.session.column(
                "SELECT status FROM pluralsight_fdw.check() WHERE checked LIKE '%pluralsight.plan'"
            ),
            ["warning"]
        );
        assert_eq!(
            stage.session.rows("SELECT * FROM pluralsight.plan").len(),
            0
        );
        assert_eq!(stage.sandbox.count("planInfo"), 0, "nobody is asked");
        assert_ne!(
            stage
                .session
                .rows("SELECT * FROM pluralsight.accounts")
                .len(),
            0
        );
    }
}

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
fn a_null_list_is_empty_and_an_unknown_one_is_null() {
    let mut stage = stage(Config::default());
    stage
        .sandbox
        .faults()
        .script("users=set=/data/users/nodes/*/productIds:null")
        .expect("a fault");
    stage.session.run(SET_UP);
    assert_eq!(
        stage.session.value(
            "SELECT count(*) FROM pluralsight.users WHERE product_ids = '{}' AND product_ids IS NOT NULL"
        ),
        "50"
    );
    stage.session.run("ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN product_ids OPTIONS (DROP null_as_empty)");
    assert_eq!(
        stage
            .session
            .value("SELECT count(product_ids) FROM pluralsight.users"),
        "0"
    );
}

#[test]
fn a_key_that_the_api_does_not_have_is_no_obstacle() {
    for introspection in [Introspection::default(), Introspection::Off] {
        for (without, reads) in [
            (&["User.psUserId", "UserFilter.psUserIds"][..], "field=id"),
            (
                &[
                    "User.psUserId",
                    "User.id",
                    "UserFilter.psUserIds",
                    "UserFilter.ids",
                ][..],
                "absent=true",
            ),
        ] {
            let mut stage = stage(Config {
                introspection,
                without: texts(without),
                ..Config::default()
            });
            stage.session.run(SET_UP);
            let options = column_options(&mut stage.session, "pluralsight.users", "user_id");
            assert!(options.contains(reads), "{options}");
            assert_eq!(
                stage.session.rows("SELECT * FROM pluralsight.users").len(),
                50
            );
            let counted = stage
                .session
                .value("SELECT count(user_id) FROM pluralsight.users");
            assert_eq!(counted, if reads == "field=id" { "50" } else { "0" });
            if reads == "field=id" {
                let id = stage.sandbox.organization().user(3).id;
                assert_eq!(
                    stage.session.value(&format!(
                        "SELECT count(*) FROM pluralsight.users WHERE user_id = '{id}'"
                    )),
                    "1"
                );
            }
        }
    }
}

#[test]
fn a_field_that_was_chosen_is_kept_while_the_api_has_it() {
    let mut stage = stage(Config {
        extra: texts(&["User.isMfaEnabled: Boolean"]),
        ..Config::default()
    });
    stage.session.run(SET_UP);
    assert_eq!(
        column_options(&mut stage.session, "pluralsight.users", "mfa_enabled"),
        "field=mfaEnabled"
    );
    stage.session.run("ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN mfa_enabled OPTIONS (SET field 'isMfaEnabled')");
    stage.session.run(SET_UP);
    assert_eq!(
        column_options(&mut stage.session, "pluralsight.users", "mfa_enabled"),
        "field=isMfaEnabled"
    );
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

#[test]
fn an_estimate_is_kept_where_the_api_does_not_count() {
    let mut stage = stage(Config::default());
    stage.session.run(SET_UP);
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.users OPTIONS (SET rows '7')");
    stage
        .sandbox
        .faults()
        .script("users=set=/data/users/totalCount:null")
        .expect("a fault");
    stage.session.run(SET_UP);
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "rows"),
        "7"
    );
    // Totals that were found missing stay switched off until somebody asks for them again.
    stage.sandbox.faults().clear();
    stage.session.run(
        "ALTER FOREIGN TABLE pluralsight.users OPTIONS (DROP total_count);
         CALL pluralsight_fdw.set_up('pluralsight')",
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "rows"),
        "50"
    );
}
