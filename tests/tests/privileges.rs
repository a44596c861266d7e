//! Who sees what of people, and who may ask whether all is well.

use std::collections::BTreeSet;

use behaviour::Stage;
use pluralsight_sandbox::Config;

const READ: &str = "SELECT * FROM pluralsight.accounts_anonymous";

fn stage() -> Stage {
    Stage::new(Config {
        users: 300,
        ..Config::default()
    })
}

#[test]
fn the_anonymous_view_has_everybody_and_names_nobody() {
    let mut stage = stage();
    let columns = stage.session.column(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'pluralsight.accounts_anonymous'::regclass AND attnum > 0 ORDER BY attnum",
    );
    assert_eq!(
        columns,
        [
            "person_id",
            "status",
            "is_active",
            "billable",
            "is_admin",
            "deleted_month",
            "last_sign_in_month",
            "licensed_month",
            "sso_enabled",
            "mfa_enabled",
            "product_ids",
            "plan_id"
        ]
    );
    assert_eq!(
        stage.session.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'pluralsight.accounts_anonymous'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NULL"),
        "0",
        "each has its comment"
    );

    let rows = stage.session.rows(READ);
    let people: BTreeSet<_> = rows.iter().map(|row| row[0].clone()).collect();
    assert_eq!(
        (rows.len().to_string(), rows.len()),
        (
            stage
                .session
                .value("SELECT count(*) FROM pluralsight.accounts"),
            people.len()
        )
    );
    let text = format!("{rows:?}");
    let mut told = 0;
    for user in stage.sandbox.organization().users() {
        let texts = [
            Some(user.ps_user_id),
            Some(user.id),
            user.email,
            user.plan_user_id,
            user.current_sso_identifier,
        ];
        for known in texts.into_iter().flatten().filter(|text| text.len() > 3) {
            assert!(!text.contains(&known), "{known}");
            told += 1;
        }
    }
    assert!(told > 600, "there was something to look for: {told}");
    // Nor does it read from the API what it does not show.
    stage.sandbox.reset();
    stage.session.run(READ);
    for request in stage.sandbox.requests() {
        for field in ["email", "firstName", "lastName", "note", "teams"] {
            assert!(!request.document.contains(field), "{}", request.document);
        }
    }
    for row in stage.session.rows("SELECT deleted_month, last_sign_in_month, licensed_month FROM pluralsight.accounts_anonymous") {
        for month in row.into_iter().flatten() {
            assert!(month.len() == 10 && month.ends_with("-01"), "{month}");
        }
    }
}

#[test]
fn a_hash_cannot_be_computed_from_an_identifier_and_stays_until_the_salt_changes() {
    let mut stage = stage();
    let ids = |stage: &mut Stage| -> BTreeSet<String> {
        stage
            .session
            .column("SELECT person_id FROM pluralsight.accounts_anonymous")
            .into_iter()
            .collect()
    };
    let before = ids(&mut stage);
    assert!(before.iter().all(|id| id.len() == 64));
    // Whatever is public, an identifier alone or with the view's own text, does not lead there.
    for guess in [
        "user_id::text",
        "pg_get_viewdef('pluralsight.accounts_anonymous'::regclass) || user_id::text",
    ] {
        let guessed = stage.session.value(&format!(
            "SELECT count(*) FROM pluralsight.accounts AS a JOIN pluralsight.accounts_anonymous AS b
             ON b.person_id = encode(sha256(convert_to({guess}, 'UTF8')), 'hex')"
        ));
        assert_eq!(guessed, "0", "{guess}");
    }
    let halves = [1, 2].map(|half| {
        stage.session.value(&format!(
            "SELECT last_value FROM pluralsight.accounts_anonymous_salt_{half}"
        ))
    });
    assert!(halves.iter().all(|half| half.len() > 12), "{halves:?}");
    let catalog = stage.session.value(
        "SELECT pg_get_viewdef('pluralsight.accounts_anonymous'::regclass) || string_agg(to_jsonb(s)::text, ' ') FROM pg_sequence AS s",
    );
    for half in &halves {
        assert!(!catalog.contains(half.as_str()), "{catalog}");
    }
    // With the salt it does: that is what the owner may do.
    assert_eq!(
        stage.session.value(&format!(
            "SELECT count(*) FROM pluralsight.accounts AS a JOIN pluralsight.accounts_anonymous AS b
             ON b.person_id = encode(sha256(convert_to('{} {} ' || a.user_id, 'UTF8')), 'hex')",
            halves[0], halves[1]
        )),
        before.len().to_string()
    );

    stage
        .session
        .run("CALL pluralsight_fdw.set_up('pluralsight')");
    assert_eq!(ids(&mut stage), before, "called again, it keeps the salt");
    stage
        .session
        .run("SELECT setval('pluralsight.accounts_anonymous_salt_1', 4711)");
    let after = ids(&mut stage);
    assert_eq!(after.len(), before.len());
    assert!(after.is_disjoint(&before));
    // Another organization's view has a salt of its own.
    stage.session.run(
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON SEQUENCES TO PUBLIC; CALL pluralsight_fdw.set_up('pluralsight', 'acme')",
    );
    let elsewhere: BTreeSet<String> = stage
        .session
        .column("SELECT person_id FROM acme.accounts_anonymous")
        .into_iter()
        .collect();
    assert!(elsewhere.len() == after.len() && elsewhere.is_disjoint(&after));
    assert_eq!(
        stage.session.value(
            "SELECT count(*) FROM pg_class, aclexplode(relacl) AS acl WHERE relkind = 'S' AND relname LIKE '%salt%' AND acl.grantee <> relowner"
        ),
        "0",
        "default privileges do not hand it out"
    );
}

#[test]
fn a_reader_has_what_one_call_gives_and_takes() {
    let mut stage = stage();
    let jane = format!("jane_{}", stage.database());
    let bo = format!("bo_{}", stage.database());
    stage.session.run(&format!(
        "CREATE ROLE {jane} LOGIN; CREATE ROLE \"{bo}\"\"s\" LOGIN"
    ));
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    let mut session = stage.session_of(&jane);
    let readable = |session: &mut behaviour::Session, schema: &str| {
        session.column(&format!(
            "SELECT relname FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relkind IN ('r', 'v', 'f', 'S', 'm')
             AND has_schema_privilege(relnamespace, 'USAGE') AND has_table_privilege(oid, 'SELECT') ORDER BY 1"
        ))
    };
    for schema in ["pluralsight", "pluralsight_copy"] {
        assert_eq!(readable(&mut session, schema), Vec::<String>::new());
        stage.session.run(&format!(
            "CALL pluralsight_fdw.grant_reading('{schema}', '{jane}', anonymous => true)"
        ));
        let mut anonymous = vec![
            "accounts_anonymous",
            "license_forecast",
            "licenses",
            "product_licenses",
            "report_known",
            "report_products",
            "report_reasons",
            "report_summary",
            "seats_by_month",
            "seats_derived",
            "seats_recorded",
        ];
        if schema == "pluralsight_copy" {
            anonymous.insert(1, "data_freshness");
        }
        assert_eq!(readable(&mut session, schema), anonymous);
        assert_eq!(
            session
                .rows(&format!("SELECT * FROM {schema}.accounts_anonymous"))
                .len()
                .to_string(),
            stage
                .session
                .value("SELECT count(*) FROM pluralsight.accounts")
        );
        assert_ne!(
            session
                .rows(&format!("SELECT * FROM {schema}.licenses"))
                .len(),
            0
        );
        for what in [
            "users",
            "admins",
            "plan",
            "teams",
            "accounts",
            "accounts_anonymous_salt_1",
            "prices",
            "hr_staff",
            "seat_costs",
            "report_people",
        ] {
            assert_eq!(
                session
                    .error(&format!("SELECT * FROM {schema}.{what}"))
                    .code,
                "42501",
                "{what}"
            );
        }
        // A function of hers that looks at each row sees what the view shows, and no more.
        session.run(
            "CREATE OR REPLACE FUNCTION pg_temp.peek(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$",
        );
        session.notices();
        session.run(&format!(
            "SELECT person_id FROM {schema}.accounts_anonymous WHERE pg_temp.peek(person_id)"
        ));
        let heard = session.notices();
        let shown: BTreeSet<String> = session
            .column(&format!(
                "SELECT 'NOTICE: ' || person_id FROM {schema}.accounts_anonymous"
            ))
            .into_iter()
            .collect();
        assert_eq!(heard.into_iter().collect::<BTreeSet<_>>(), shown);

        stage.session.run(&format!(
            "CALL pluralsight_fdw.grant_reading('{schema}', '{jane}')"
        ));
        let all = readable(&mut session, schema);
        for what in ["accounts", "account_keys", "seats", "team_tree", "prices"] {
            assert!(all.iter().any(|name| name == what), "{what}: {all:?}");
            session.rows(&format!("SELECT * FROM {schema}.{what} LIMIT 1"));
        }
        assert!(all.iter().all(|name| !name.contains("salt")), "{all:?}");
        for (what, stored) in [("users", true), ("account_history", true)] {
            assert_eq!(
                all.iter().any(|name| name == what),
                stored && schema == "pluralsight_copy",
                "{what}"
            );
        }
        // The usual blanket grant does not hand out the secret either.
        stage.session.run(&format!(
            "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {jane}"
        ));
        assert_eq!(
            session
                .error(&format!("SELECT * FROM {schema}.accounts_anonymous_salt_2"))
                .code,
            "42501"
        );
        stage.session.run(&format!(
            "CALL pluralsight_fdw.revoke_reading('{schema}', '{jane}')"
        ));
        assert_eq!(readable(&mut session, schema), Vec::<String>::new());
        // A name that must be quoted.
        stage.session.run(&format!(
            "CALL pluralsight_fdw.grant_reading('{schema}', '{bo}\"s', true); CALL pluralsight_fdw.revoke_reading('{schema}', '{bo}\"s')"
        ));
    }
    assert_eq!(
        session.value("SELECT count(umoptions) FROM pg_user_mappings"),
        "0"
    );
    assert_eq!(
        session
            .error(
                "CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token 'abc')"
            )
            .code,
        "42501"
    );
}

#[test]
fn a_right_that_is_left_after_revoking_is_told() {
    let mut stage = stage();
    let (jane, joe) = (stage.role("jane"), stage.role("joe"));
    stage.session.run(&format!(
        "CALL pluralsight_fdw.create_copies();
         CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{jane}');
         CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{joe}');
         GRANT SELECT ON pluralsight_copy.accounts TO {jane} WITH GRANT OPTION"
    ));
    stage.session_of(&jane).run(&format!(
        "GRANT SELECT ON pluralsight_copy.accounts TO {joe}"
    ));
    // What jane has given goes with what she had.
    stage.session.notices();
    stage.session.run(&format!(
        "CALL pluralsight_fdw.revoke_reading('pluralsight_copy', '{jane}')"
    ));
    assert_eq!(stage.session.notices(), Vec::<String>::new());
    assert_eq!(
        stage.session.value(&format!(
            "SELECT string_agg(grantee, ', ') FROM information_schema.table_privileges WHERE table_schema = 'pluralsight_copy' AND grantor = '{jane}'"
        )),
        ""
    );
    // What everybody has is nobody's to lose.
    stage.session.run(
        "GRANT USAGE ON SCHEMA pluralsight_copy TO PUBLIC; GRANT SELECT ON pluralsight_copy.accounts, pluralsight_copy.seats TO PUBLIC",
    );
    stage.session.run(&format!(
        "CALL pluralsight_fdw.revoke_reading('pluralsight_copy', '{joe}')"
    ));
    assert_eq!(
        stage.session.notices(),
        [format!(
            "WARNING: role \"{joe}\" can still read 2 tables and views of schema \"pluralsight_copy\": accounts, …"
        )]
    );
}

#[test]
fn only_the_owner_says_who_may_read() {
    let mut stage = stage();
    let (jane, owner) = (
        format!("jane_{}", stage.database()),
        format!("owner_{}", stage.database()),
    );
    stage.session.run(&format!(
        "CREATE ROLE {jane} LOGIN; CREATE ROLE {owner} LOGIN; CREATE ROLE {owner}_guest;
         CREATE SCHEMA theirs AUTHORIZATION {owner};
         SET ROLE {owner}; CREATE VIEW theirs.accounts AS SELECT 1 AS n; CREATE TABLE theirs.unrelated (n integer); RESET ROLE;
         CREATE VIEW theirs.licenses AS SELECT 1 AS n; ALTER VIEW theirs.licenses OWNER TO {owner}_guest"
    ));
    let mut session = stage.session_of(&jane);
    for call in [
        format!("CALL pluralsight_fdw.grant_reading('pluralsight', '{jane}')"),
        "CALL pluralsight_fdw.revoke_reading('pluralsight', 'postgres')".to_owned(),
        format!("CALL pluralsight_fdw.grant_reading('theirs', '{jane}')"),
    ] {
        let error = session.error(&call);
        assert_eq!(error.code, "42501", "{call}: {error:?}");
    }
    for (call, code) in [
        ("grant_reading('nowhere', 'postgres')", "3F000"),
        ("grant_reading('theirs', 'nobody at all')", "42704"),
        ("grant_reading(NULL, 'postgres')", "22004"),
        ("grant_reading('theirs', NULL)", "22004"),
        ("grant_reading('theirs', 'postgres', NULL)", "22004"),
        ("revoke_reading('public', 'public')", "42704"),
        ("grant_reading('public', 'postgres')", "42704"),
    ] {
        let error = stage.session.error(&format!("CALL pluralsight_fdw.{call}"));
        assert_eq!(error.code, code, "{call}: {error:?}");
    }
    // The owner, or a superuser for the owner; and only what is the owner's.
    for mut caller in [stage.another_session(), stage.session_of(&owner)] {
        caller.run(&format!(
            "CALL pluralsight_fdw.grant_reading('theirs', '{jane}')"
        ));
        session.run("SELECT * FROM theirs.accounts");
        for other in ["licenses", "unrelated"] {
            assert_eq!(
                session.error(&format!("SELECT * FROM theirs.{other}")).code,
                "42501"
            );
        }
        caller.run(&format!(
            "CALL pluralsight_fdw.revoke_reading('theirs', '{jane}')"
        ));
        assert_eq!(session.error("SELECT * FROM theirs.accounts").code, "42501");
    }
}

#[test]
fn a_view_that_hides_people_hides_them_from_functions_too() {
    let mut stage = stage();
    let jane = format!("jane_{}", stage.database());
    stage.session.run(&format!(
        "CREATE ROLE {jane} LOGIN; GRANT USAGE ON SCHEMA pluralsight TO {jane}"
    ));
    let mut session = stage.session_of(&jane);
    session.run(
        "CREATE FUNCTION pg_temp.peek(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$",
    );
    for view in [
        "admins_without_use",
        "idle_licenses",
        "seats",
        "duplicate_people",
        "team_tree",
    ] {
        let column = match view {
            "duplicate_people" => "key",
            "team_tree" => "team_name",
            _ => "email",
        };
        stage
            .session
            .run(&format!("GRANT SELECT ON pluralsight.{view} TO {jane}"));
        session.notices();
        session.run(&format!(
            "SELECT {column} FROM pluralsight.{view} WHERE pg_temp.peek({column})"
        ));
        let heard: BTreeSet<String> = session.notices().into_iter().collect();
        let shown: BTreeSet<String> = session
            .column(&format!(
                "SELECT 'NOTICE: ' || COALESCE({column}, '<NULL>') FROM pluralsight.{view}"
            ))
            .into_iter()
            .collect();
        assert_eq!(heard, shown, "{view}");
    }
}
