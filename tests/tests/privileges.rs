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
            "last_activity_month",
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
    for user in stage.sandbox.organisation().users() {
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
    for row in stage.session.rows("SELECT deleted_month, last_activity_month, licensed_month FROM pluralsight.accounts_anonymous") {
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
    let salt = stage
        .session
        .value("SELECT salt FROM pluralsight.accounts_anonymous_salt");
    assert!(salt.len() >= 64);
    assert!(
        !stage
            .session
            .value("SELECT pg_get_viewdef('pluralsight.accounts_anonymous'::regclass)")
            .contains(&salt)
    );
    // With the salt it does: that is what the owner may do.
    assert_eq!(
        stage.session.value(&format!(
            "SELECT count(*) FROM pluralsight.accounts AS a JOIN pluralsight.accounts_anonymous AS b
             ON b.person_id = encode(sha256(convert_to('{salt}' || a.user_id::text, 'UTF8')), 'hex')"
        )),
        before.len().to_string()
    );

    stage.session.run("SELECT pluralsight_fdw.create_views()");
    assert_eq!(ids(&mut stage), before, "called again, it keeps the salt");
    stage.session.run("UPDATE pluralsight.accounts_anonymous_salt SET salt = gen_random_uuid()::text || gen_random_uuid()::text");
    let after = ids(&mut stage);
    assert_eq!(after.len(), before.len());
    assert!(after.is_disjoint(&before));
    // Another organisation's view has a salt of its own.
    stage.session.run(
        "CREATE SCHEMA acme; IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO acme; SELECT pluralsight_fdw.create_views('acme')",
    );
    let elsewhere: BTreeSet<String> = stage
        .session
        .column("SELECT person_id FROM acme.accounts_anonymous")
        .into_iter()
        .collect();
    assert!(elsewhere.len() == after.len() && elsewhere.is_disjoint(&after));
}

#[test]
fn a_reader_has_the_views_without_tables_token_or_salt() {
    let mut stage = stage();
    let jane = format!("jane_{}", stage.database());
    stage.session.run(&format!("CREATE ROLE {jane} LOGIN"));
    let mut session = stage.session_of(&jane);
    let denied = |session: &mut behaviour::Session, what: &str| {
        let error = session.error(&format!("SELECT * FROM pluralsight.{what}"));
        assert_eq!(error.code, "42501", "{what}: {error:?}");
    };
    // As the README says it, but for the membership: the role belongs to the whole cluster, and other tests use it too.
    stage.session.run(
        "GRANT USAGE ON SCHEMA pluralsight TO pluralsight_reader;
         GRANT SELECT ON pluralsight.accounts_anonymous, pluralsight.licenses TO pluralsight_reader",
    );
    denied(&mut session, "accounts_anonymous");
    stage
        .session
        .run(&format!("GRANT pluralsight_reader TO {jane}"));
    assert_eq!(
        session.rows(READ).len().to_string(),
        stage
            .session
            .value("SELECT count(*) FROM pluralsight.accounts")
    );
    assert_ne!(session.rows("SELECT * FROM pluralsight.licenses").len(), 0);
    for what in [
        "users",
        "admins",
        "plan",
        "teams",
        "accounts",
        "accounts_anonymous_salt",
    ] {
        denied(&mut session, what);
    }
    assert_eq!(
        session.error("SELECT * FROM pluralsight_fdw.check()").code,
        "42501"
    );
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
    // So it is with stored copies: who may read a view may read it there, and nothing else.
    stage.session.run("SELECT pluralsight_fdw.create_copies()");
    assert_eq!(
        session
            .rows("SELECT * FROM pluralsight_copy.accounts_anonymous")
            .len(),
        session.rows(READ).len()
    );
    for what in ["users", "accounts", "accounts_anonymous_salt"] {
        assert_eq!(
            session
                .error(&format!("SELECT * FROM pluralsight_copy.{what}"))
                .code,
            "42501",
            "{what}"
        );
    }
    // A function of hers that looks at each row sees what the view shows, and no more.
    session.run(
        "CREATE FUNCTION pg_temp.peek(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$",
    );
    session.notices();
    session
        .run("SELECT person_id FROM pluralsight.accounts_anonymous WHERE pg_temp.peek(person_id)");
    let heard = session.notices();
    let shown: BTreeSet<String> = session
        .column("SELECT 'NOTICE: ' || person_id FROM pluralsight.accounts_anonymous")
        .into_iter()
        .collect();
    assert_eq!(heard.into_iter().collect::<BTreeSet<_>>(), shown);
    stage
        .session
        .run(&format!("REVOKE pluralsight_reader FROM {jane}"));
}
