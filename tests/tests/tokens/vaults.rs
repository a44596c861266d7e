//! Tokens in a vault.

use super::*;

/// Supabase Vault with some secrets in it.
fn stand_in_for_vault(session: &mut Session) {
    vault::install(session);
    session.run(
        "INSERT INTO vault.stand_in VALUES
             ('0b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a11', 'pluralsight', 'sandbox-token'),
             ('1b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a12', 'twice', 'one'),
             ('2b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a13', 'twice', 'another'),
             ('3b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a14', 'nothing', NULL),
             ('4b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a15', 'blank', ' ')",
    );
}

#[test]
fn a_vault_has_the_token_by_name_and_by_id() {
    let mut stage = stage_without_token(50);
    let session = &mut stage.session;
    let by_name = "api_token_name 'pluralsight'";
    map(session, "CURRENT_USER", by_name);
    let error = session.error(COUNT);
    assert_eq!(error.code, "42704");
    assert_eq!(
        error.message,
        "the API token cannot be looked up: extension supabase_vault is not installed in this database"
    );

    stand_in_for_vault(session);
    for options in [
        by_name,
        "api_token_id '0b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a11'",
        "api_token_id '0B0F5C3E-7A1F-4B7E-9C0F-2F4F3F6F7A11'",
    ] {
        map(session, "CURRENT_USER", options);
        assert_eq!(session.value(COUNT), "50", "{options}");
    }
    let unknown_name = "Supabase Vault has no secret with the name in option api_token_name that this role can see";
    for (options, code, message) in [
        // What stands there may be the token itself, put in the wrong place.
        (
            "api_token_name 'psk_canary-0123456789'",
            "42704",
            unknown_name,
        ),
        (
            "api_token_id '9b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a11'",
            "42704",
            "Supabase Vault has no secret with the id in option api_token_id that this role can see",
        ),
        (
            "api_token_name 'twice'",
            "21000",
            "Supabase Vault has several secrets with the name in option api_token_name",
        ),
        (
            "api_token_name 'nothing'",
            "42704",
            "the secret that api_token_name names in Supabase Vault is null",
        ),
        ("api_token_name 'blank'", "HV00J", "API token is missing"),
        // A name is a value, never a part of the query.
        ("api_token_name 'x'' OR true --'", "42704", unknown_name),
    ] {
        map(session, "CURRENT_USER", options);
        let error = session.error(COUNT);
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            (code, message),
            "{options}"
        );
        let checked = format!(
            "{:?}",
            session.rows("SELECT * FROM pluralsight_fdw.check()")
        );
        for text in [format!("{error:?}"), checked] {
            assert!(
                !text.contains("canary") && !text.contains("9b0f5c3e"),
                "{text}"
            );
        }
    }
    // A secret that is rotated is used from the next scan on.
    map(session, "CURRENT_USER", by_name);
    stage
        .sandbox
        .update(|config| config.token = "rotated".to_owned())
        .expect("a token can be changed");
    assert_eq!(session.error(COUNT).code, "28000");
    session.run("UPDATE vault.stand_in SET secret = 'rotated' WHERE name = 'pluralsight'");
    assert_eq!(session.value(COUNT), "50");
}

#[test]
fn a_view_that_only_looks_like_vaults_is_not_read() {
    let mut stage = stage_without_token(50);
    vault::offer();
    let mallory = format!("mallory_{}", stage.database());
    stage.session.run(&format!(
        "CREATE ROLE {mallory} LOGIN; GRANT CREATE ON DATABASE {} TO {mallory}",
        stage.database().to_owned()
    ));
    let mut session = stage.session_of(&mallory);
    session.run(
        "CREATE SCHEMA vault; GRANT USAGE ON SCHEMA vault TO PUBLIC; CREATE TABLE vault.ran (by_role text);
         GRANT INSERT ON vault.ran TO PUBLIC;
         CREATE FUNCTION vault.trap() RETURNS text LANGUAGE plpgsql AS $$
             BEGIN INSERT INTO vault.ran VALUES (current_user); RETURN 'sandbox-token'; END $$;
         CREATE VIEW vault.decrypted_secrets AS
             SELECT gen_random_uuid() AS id, 'pluralsight' AS name, vault.trap() AS decrypted_secret;
         GRANT SELECT ON vault.decrypted_secrets TO PUBLIC",
    );
    map(
        &mut stage.session,
        "CURRENT_USER",
        "api_token_name 'pluralsight'",
    );
    let error = stage.session.error(COUNT);
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        (
            "42704",
            "the API token cannot be looked up: vault.decrypted_secrets does not belong to extension supabase_vault, which is not installed in this database"
        )
    );
    stage.session.run("SELECT * FROM pluralsight_fdw.check()");
    // The real one is there, in another schema: the view in front of it is still somebody else's.
    stage.session.run("DROP VIEW vault.decrypted_secrets; DROP FUNCTION vault.trap(); ALTER SCHEMA vault RENAME TO trap; CREATE EXTENSION supabase_vault; ALTER EXTENSION supabase_vault DROP VIEW vault.decrypted_secrets");
    assert_eq!(
        stage.session.error(COUNT).message,
        "the API token cannot be looked up: there is no view vault.decrypted_secrets that belongs to extension supabase_vault"
    );
    assert_eq!(stage.session.value("SELECT count(*) FROM trap.ran"), "0");
    assert_eq!(stage.sandbox.total(), 0);
}

#[test]
fn a_vault_is_read_with_the_rights_of_the_role_whose_token_it_is() {
    let mut stage = stage_without_token(50);
    stand_in_for_vault(&mut stage.session);
    let (owner, reader) = (stage.role("owner"), stage.role("reader"));
    for role in [&owner, &reader] {
        map(&mut stage.session, role, "api_token_name 'pluralsight'");
    }
    stage.session.run(&format!(
        "GRANT USAGE ON SCHEMA vault TO {owner}; GRANT SELECT ON vault.decrypted_secrets TO {owner};
         CREATE VIEW shown AS SELECT user_id FROM pluralsight.users; ALTER VIEW shown OWNER TO {owner};
         GRANT SELECT ON shown TO {reader}"
    ));
    assert_eq!(stage.session_of(&owner).value(COUNT), "50");
    let mut session = stage.session_of(&reader);
    let error = session.error(COUNT);
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("42501", "permission denied for schema vault")
    );
    assert_eq!(
        session.value("SELECT count(*) FROM shown"),
        "50",
        "in a view it is the owner's token"
    );
    assert_eq!(session.value("SELECT current_user"), reader);
    // An error on the way leaves nobody acting as somebody else.
    stage
        .session
        .run(&format!("REVOKE USAGE ON SCHEMA vault FROM {owner}"));
    session.run("BEGIN; SAVEPOINT s");
    assert_eq!(
        session.error("SELECT count(*) FROM shown").message,
        "permission denied for schema vault"
    );
    session.run("ROLLBACK TO s");
    assert_eq!(session.value("SELECT current_user"), reader);
    session.run("COMMIT");
}
