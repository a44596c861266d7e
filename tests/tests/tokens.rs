//! Where the token comes from, whose it is, and where it may go.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use behaviour::cluster::Cluster;
use behaviour::{Relay, Session, Stage, cluster, fresh_database, vault};
use pluralsight_sandbox::{Config, Sandbox};

const COUNT: &str = "SELECT count(*) FROM pluralsight.users";
const TOKEN: &str = "sandbox-token";

fn config(users: u64) -> Config {
    Config {
        users,
        ..Config::default()
    }
}

/// Everything imported, and no token anywhere.
fn stage_without_token(users: u64) -> Stage {
    let mut stage = Stage::new(config(users));
    stage
        .session
        .run("DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight");
    stage
}

fn map(session: &mut Session, role: &str, options: &str) {
    session.run(&format!(
        "DROP USER MAPPING IF EXISTS FOR {role} SERVER pluralsight;
         CREATE USER MAPPING FOR {role} SERVER pluralsight OPTIONS ({options})"
    ));
}

/// A path of this test's own that PostgreSQL may use.
fn path(stage: &Stage, name: &str) -> PathBuf {
    cluster::home().join(format!("{}-{name}", stage.database()))
}

/// Writes a file as PostgreSQL's own user.
fn write(stage: &mut Stage, path: &std::path::Path, text: &str, mode: &str) {
    let path = path.display();
    stage.session.run(&format!(
        "COPY (SELECT '{text}') TO PROGRAM 'umask 077; cat > {path}; chmod {mode} {path}'"
    ));
}

#[test]
fn a_token_file_is_read_at_each_scan() {
    let mut stage = stage_without_token(50);
    let file = path(&stage, "token");
    write(&mut stage, &file, TOKEN, "600");
    map(
        &mut stage.session,
        "CURRENT_USER",
        &format!("api_token_file '{}'", file.display()),
    );
    assert_eq!(stage.session.value(COUNT), "50");
    // The key is changed at Pluralsight, and then here.
    stage
        .sandbox
        .update(|config| config.token = "the-next-token".to_owned())
        .expect("a token can be changed");
    assert_eq!(stage.session.error(COUNT).code, "28000");
    write(&mut stage, &file, "the-next-token", "600");
    let pid = stage.session.pid();
    assert_eq!(stage.session.value(COUNT), "50");
    assert_eq!(stage.session.pid(), pid, "without a reconnect");
    // White space around it, such as the line break that editors add, is not part of it.
    write(&mut stage, &file, "  the-next-token  ", "600");
    assert_eq!(stage.session.value(COUNT), "50");
}

#[test]
fn a_token_file_must_be_a_private_file_with_a_token_in_it() {
    let mut stage = stage_without_token(50);
    let file = path(&stage, "token");
    let shown = file.display().to_string();
    map(
        &mut stage.session,
        "CURRENT_USER",
        &format!("api_token_file '{shown}'"),
    );
    let cannot = format!("the API token cannot be read from file \"{shown}\": ");
    let regular = Some("It must be a regular file that the operating-system user of the PostgreSQL server may read.".to_owned());

    let error = stage.session.error(COUNT);
    assert_eq!(error.code, "HV00N");
    assert_eq!(
        error.message,
        format!("{cannot}No such file or directory (os error 2)")
    );
    assert_eq!(error.hint, regular);

    for mode in ["640", "604", "644"] {
        write(&mut stage, &file, TOKEN, mode);
        let error = stage.session.error(COUNT);
        assert_eq!(
            (error.code.as_str(), error.message.as_str(), error.hint),
            (
                "42501",
                format!("file \"{shown}\", which holds the API token, can be read by others")
                    .as_str(),
                Some(format!("chmod 600 '{shown}'"))
            ),
            "{mode}"
        );
    }

    write(&mut stage, &file, " ", "600");
    let error = stage.session.error(COUNT);
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("HV00J", "API token is missing")
    );
    assert_eq!(
        error.detail.as_deref(),
        Some("The user mapping names one with api_token_file, but what is there is blank.")
    );

    write(&mut stage, &file, "two words", "600");
    let error = stage.session.error(COUNT);
    assert_eq!(error.code, "HV024");
    assert_eq!(
        error.message,
        "the API token that the user mapping names with api_token_file cannot be used: it holds a space, a line break or another character that no API key has"
    );

    write(&mut stage, &file, &"x".repeat(20_000), "600");
    assert_eq!(
        stage.session.error(COUNT).message,
        format!("{cannot}it is longer than 16384 bytes")
    );

    for (make, why) in [
        ("mkdir", "it is not a regular file"),
        // A pipe that nobody writes to must not hold the session up.
        ("mkfifo -m 600", "it is not a regular file"),
    ] {
        stage.session.run(&format!(
            "COPY (SELECT) TO PROGRAM 'cat > /dev/null; rm -rf {shown}; {make} {shown}'"
        ));
        let error = stage.session.error(COUNT);
        assert_eq!(error.message, format!("{cannot}{why}"), "{make}");
        assert_eq!(error.hint, regular);
    }
    assert_eq!(
        stage.sandbox.total(),
        0,
        "nothing was asked without a token"
    );
}

#[test]
fn a_token_file_of_root_may_be_readable_by_others() {
    if !cluster::is_root() {
        // Who is not root cannot make one.
        return;
    }
    let mut stage = stage_without_token(50);
    let file = path(&stage, "token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("the home is there");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("root may");
    map(
        &mut stage.session,
        "CURRENT_USER",
        &format!("api_token_file '{}'", file.display()),
    );
    assert_eq!(stage.session.value(COUNT), "50");
}

#[test]
fn options_that_reach_into_the_host_are_for_those_who_may_read_its_files() {
    let mut stage = stage_without_token(5);
    let role = stage.role("plain");
    stage
        .session
        .run(&format!("GRANT CREATE ON DATABASE {} TO {role}; GRANT USAGE ON FOREIGN DATA WRAPPER pluralsight_fdw TO {role}", stage.database().to_owned()));
    let mut plain = stage.session_of(&role);
    let statements = |option: &str| {
        [
            format!(
                "CREATE SERVER mine FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS ({option} '/etc/hostname')"
            ),
            format!(
                "CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS ({option} '/etc/hostname')"
            ),
        ]
    };
    let [server, mapping] = statements("api_token_file");
    let [authorities, _] = statements("ca_file");
    for (sql, option) in [
        (&server, "api_token_file"),
        (&mapping, "api_token_file"),
        (&authorities, "ca_file"),
    ] {
        let error = plain.error(sql);
        assert_eq!(error.code, "42501", "{sql}");
        assert_eq!(
            error.message,
            format!(
                "only superusers and members of pg_read_server_files may set the option \"{option}\""
            )
        );
    }
    // What a superuser has set for it cannot be bent elsewhere either.
    map(&mut stage.session, &role, "api_token_file '/etc/hostname'");
    assert_eq!(
        plain
            .error("ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token_file '/etc/passwd')")
            .code,
        "42501"
    );
    plain.run(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token_file)",
    );
    plain.run("DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight");
    stage
        .session
        .run(&format!("GRANT pg_read_server_files TO {role}"));
    for sql in [&server, &mapping] {
        plain.run(sql);
    }
    plain.run("ALTER SERVER mine OPTIONS (ADD ca_file '/etc/ssl/corp.pem')");
}

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

/// Two organizations behind one address: the token says which.
struct Two {
    stage: Stage,
    _other: Sandbox,
    relay: Relay,
}

fn two_organizations() -> Two {
    let other = Sandbox::start(Config {
        users: 70,
        seed: 8,
        token: "other-token".to_owned(),
        ..Config::default()
    })
    .expect("the sandbox starts");
    let mut stage = stage_without_token(50);
    let (first, second) = (stage.sandbox.address(), other.address());
    let relay = Relay::start(move |received| {
        if received.authorization == "Bearer other-token" {
            second
        } else {
            first
        }
    });
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url '{}')",
        relay.url()
    ));
    Two {
        stage,
        _other: other,
        relay,
    }
}

#[test]
fn two_roles_on_one_server_see_their_own_organization() {
    let mut two = two_organizations();
    let stage = &mut two.stage;
    let (ann, bob, eve) = (stage.role("ann"), stage.role("bob"), stage.role("eve"));
    map(&mut stage.session, &ann, "api_token 'sandbox-token'");
    map(&mut stage.session, &bob, "api_token 'other-token'");
    let people = |session: &mut Session| {
        session.column("SELECT email FROM pluralsight.users WHERE email IS NOT NULL ORDER BY email")
    };
    let of_ann = people(&mut stage.session_of(&ann));
    let of_bob = people(&mut stage.session_of(&bob));
    assert_ne!(of_ann, of_bob);
    assert_eq!(stage.session_of(&ann).value(COUNT), "50");
    assert_eq!(stage.session_of(&bob).value(COUNT), "70");

    // In one session as well, whatever it kept: connections, estimates, prepared plans.
    let session = &mut stage.session;
    session.run("PREPARE everybody AS SELECT email FROM pluralsight.users WHERE email IS NOT NULL ORDER BY email");
    for _ in 0..3 {
        session.run(&format!("SET ROLE {ann}"));
        assert_eq!(session.column("EXECUTE everybody"), of_ann);
        session.run(&format!("SET ROLE {bob}"));
        assert_eq!(session.column("EXECUTE everybody"), of_bob);
    }
    session.run(&format!("SET ROLE {eve}"));
    two.relay.take();
    let error = session.error("EXECUTE everybody");
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("HV00J", "API token is missing")
    );
    assert_eq!(
        error.hint.as_deref(),
        Some(
            "Give the current role a token for this server: CREATE USER MAPPING FOR CURRENT_USER SERVER \"pluralsight\" OPTIONS (api_token '…');"
        )
    );
    assert_eq!(two.relay.take().len(), 0);
}

#[test]
fn ones_own_mapping_wins_over_that_of_public_and_either_over_the_server() {
    let mut two = two_organizations();
    let stage = &mut two.stage;
    let role = stage.role("ann");
    let mut session = stage.session_of(&role);
    let admin = &mut stage.session;
    let sent = |session: &mut Session, relay: &Relay| {
        relay.take();
        session.rows("SELECT email FROM pluralsight.users LIMIT 1");
        let received = relay.take();
        received[0].authorization.clone()
    };
    admin.run("ALTER SERVER pluralsight OPTIONS (ADD api_token 'sandbox-token')");
    assert_eq!(sent(&mut session, &two.relay), "Bearer sandbox-token");
    map(admin, "PUBLIC", "api_token 'other-token'");
    assert_eq!(sent(&mut session, &two.relay), "Bearer other-token");
    map(admin, &role, "api_token 'sandbox-token'");
    assert_eq!(sent(&mut session, &two.relay), "Bearer sandbox-token");
    // A mapping without a token, or with a blank one, says nothing.
    admin.run(&format!(
        "ALTER USER MAPPING FOR {role} SERVER pluralsight OPTIONS (SET api_token ' ')"
    ));
    assert_eq!(sent(&mut session, &two.relay), "Bearer other-token");
    admin.run(&format!(
        "ALTER USER MAPPING FOR {role} SERVER pluralsight OPTIONS (DROP api_token)"
    ));
    assert_eq!(sent(&mut session, &two.relay), "Bearer other-token");
    // One that names a token which cannot be had is an error: nobody acts for somebody else by mistake.
    admin.run(&format!("ALTER USER MAPPING FOR {role} SERVER pluralsight OPTIONS (ADD api_token_file '/nowhere/token')"));
    two.relay.take();
    assert_eq!(session.error(COUNT).code, "HV00N");
    assert_eq!(two.relay.take().len(), 0);
}

#[test]
fn a_view_uses_its_owners_mapping_and_a_security_invoker_view_the_callers() {
    let mut two = two_organizations();
    let stage = &mut two.stage;
    let (owner, caller) = (stage.role("owner"), stage.role("caller"));
    map(&mut stage.session, &owner, "api_token 'sandbox-token'");
    map(&mut stage.session, &caller, "api_token 'other-token'");
    stage.session.run(&format!(
        "CREATE VIEW owners AS SELECT user_id FROM pluralsight.users; ALTER VIEW owners OWNER TO {owner};
         GRANT SELECT ON owners TO {caller}"
    ));
    let mut session = stage.session_of(&caller);
    assert_eq!(session.column("SELECT user_id FROM owners").len(), 50);
    assert_eq!(session.value("SELECT count(*) FROM owners"), "50");
    assert_eq!(session.value(COUNT), "70");
    assert_eq!(
        session.value(
            "SELECT count(*) FROM owners o FULL JOIN pluralsight.users u ON o.user_id = u.user_id"
        ),
        "120",
        "both in one query"
    );
    if behaviour::cluster::major() >= 15 {
        stage.session.run(&format!(
            "CREATE VIEW callers WITH (security_invoker) AS SELECT user_id FROM pluralsight.users;
             ALTER VIEW callers OWNER TO {owner}; GRANT SELECT ON callers TO {caller}"
        ));
        assert_eq!(session.value("SELECT count(*) FROM callers"), "70");
    }
    // The view's owner needs a token; the caller's own does not help.
    stage
        .session
        .run(&format!("DROP USER MAPPING FOR {owner} SERVER pluralsight"));
    assert_eq!(
        session.error("SELECT user_id FROM owners").message,
        "API token is missing"
    );
}

#[test]
fn a_role_without_usage_gets_postgresqls_own_error() {
    let mut stage = stage_without_token(5);
    let role = format!("stranger_{}", stage.database());
    stage.session.run(&format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA pluralsight TO {role};
         CREATE SCHEMA AUTHORIZATION {role};
         ALTER SERVER pluralsight OPTIONS (ADD api_token 'sandbox-token')"
    ));
    let mut session = stage.session_of(&role);
    for sql in [
        "CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token 'abc')"
            .to_owned(),
        format!(
            "CREATE FOREIGN TABLE {role}.t (user_id text) SERVER pluralsight OPTIONS (query 'users')"
        ),
        format!("IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO {role}"),
        // Nor does it see with the server's token what it may not ask for.
        "SELECT * FROM pluralsight_fdw.check('pluralsight')".to_owned(),
    ] {
        let error = session.error(&sql);
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("42501", "permission denied for foreign server pluralsight"),
            "{sql}"
        );
    }
    let error = session.error(COUNT);
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("42501", "permission denied for foreign table users")
    );
    assert_eq!(stage.sandbox.total(), 0);
}

#[test]
fn only_some_may_say_where_tokens_go() {
    let mut stage = stage_without_token(5);
    let victim = stage.role("victim");
    map(&mut stage.session, &victim, "api_token 'victims-token'");
    let thief = Relay::start({
        let address = stage.sandbox.address();
        move |_| address
    });
    let owner = stage.role("owner");
    stage.session.run(&format!(
        "GRANT USAGE ON FOREIGN DATA WRAPPER pluralsight_fdw TO {owner};
         ALTER SERVER pluralsight OWNER TO {owner};
         ALTER FOREIGN TABLE pluralsight.users OWNER TO {owner}"
    ));
    let mut session = stage.session_of(&owner);
    let url = thief.url();
    for (sql, option) in [
        (
            format!("ALTER SERVER pluralsight OPTIONS (SET api_url '{url}')"),
            "api_url",
        ),
        // With that option in the list, nothing else can be changed either.
        (
            "ALTER SERVER pluralsight OPTIONS (ADD page_size '50')".to_owned(),
            "api_url",
        ),
        (
            format!("ALTER SERVER pluralsight OPTIONS (DROP api_url, ADD proxy '{url}')"),
            "proxy",
        ),
        (
            format!(
                "CREATE SERVER mine FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{url}')"
            ),
            "api_url",
        ),
        (
            format!(
                "CREATE SERVER mine FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (proxy '{url}')"
            ),
            "proxy",
        ),
    ] {
        let error = session.error(&sql);
        assert_eq!(error.code, "42501", "{sql}");
        assert_eq!(
            error.message,
            format!(
                "only superusers and members of pluralsight_fdw_admin may set the option \"{option}\""
            )
        );
        assert_eq!(
            error.hint.as_deref(),
            Some(
                format!(
                "It decides where tokens are sent. A superuser can allow it: GRANT pluralsight_fdw_admin TO \"{owner}\";"
            )
            .as_str()
            )
        );
    }
    // Roundabout ways are PostgreSQL's to refuse.
    for sql in [
        "ALTER FOREIGN DATA WRAPPER pluralsight_fdw NO VALIDATOR",
        "CREATE FOREIGN DATA WRAPPER lax HANDLER pluralsight.pluralsight_fdw_handler NO VALIDATOR",
        "UPDATE pg_foreign_server SET srvoptions = NULL",
    ] {
        assert_eq!(session.error(sql).code, "42501", "{sql}");
    }
    // The built-in address needs no right.
    session.run("BEGIN; ALTER SERVER pluralsight OPTIONS (DROP api_url); ALTER SERVER pluralsight OPTIONS (ADD page_size '50'); ROLLBACK");
    session.run("BEGIN; CREATE SERVER mine FOREIGN DATA WRAPPER pluralsight_fdw; ROLLBACK");

    let mut victims = stage.session_of(&victim);
    assert_eq!(
        victims.error(COUNT).code,
        "28000",
        "the sandbox knows another token"
    );
    assert_eq!(thief.take().len(), 0, "the thief saw no token");

    stage
        .session
        .run(&format!("GRANT pluralsight_fdw_admin TO {owner}"));
    session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url '{url}')"
    ));
    victims.error(COUNT);
    assert_eq!(
        thief.take()[0].authorization,
        "Bearer victims-token",
        "who has the right has been trusted with this"
    );
    // Without the right the address stays, and can only be taken away.
    stage
        .session
        .run(&format!("REVOKE pluralsight_fdw_admin FROM {owner}"));
    assert_eq!(
        session
            .error("ALTER SERVER pluralsight OPTIONS (SET api_url 'http://127.0.0.1:1/')")
            .code,
        "42501"
    );
    session.run("ALTER SERVER pluralsight OPTIONS (DROP api_url)");
}

#[test]
fn a_redirect_is_not_followed_and_the_token_stays() {
    let mut stage = Stage::new(config(50));
    let elsewhere = Relay::start({
        let address = stage.sandbox.address();
        move |_| address
    });
    for code in [301, 302, 303, 307, 308] {
        stage
            .sandbox
            .faults()
            .script(&format!("users={code},redirect={}", elsewhere.url()))
            .expect("a redirect");
        let error = stage.session.error("SELECT email FROM pluralsight.users");
        assert!(error.message.contains("redirect"), "{code}: {error:?}");
        assert!(
            error.message.contains(&elsewhere.address().to_string()),
            "{code}: it says where to: {error:?}"
        );
        assert_eq!(
            error.hint.as_deref(),
            Some("Set api_url to the address that answers itself.")
        );
        stage.sandbox.faults().clear();
    }
    assert_eq!(elsewhere.take().len(), 0);
}

#[test]
fn an_http_address_is_not_asked_through_a_proxy() {
    let mut stage = Stage::new(config(50));
    let address = stage.sandbox.address();
    let proxy = Relay::start(move |_| address);
    let refused = "option \"proxy\" cannot be combined with an http address in option \"api_url\": the token would reach the proxy in clear text";
    let (url, through) = (stage.sandbox.url(), format!("http://{}", proxy.address()));
    for sql in [
        format!("ALTER SERVER pluralsight OPTIONS (ADD proxy '{through}')"),
        format!(
            "CREATE SERVER another FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (proxy '{through}', api_url '{url}')"
        ),
        format!(
            "CREATE SERVER another FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url 'http://localhost:1/graphql', proxy '{through}')"
        ),
    ] {
        let error = stage.session.error(&sql);
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            ("HV024", refused),
            "{sql}"
        );
    }
    // However it came into the catalog, it is not used.
    stage.session.run(&format!(
        "SET allow_system_table_mods = on;
         UPDATE pg_foreign_server SET srvoptions = srvoptions || ARRAY['proxy={through}'] WHERE srvname = 'pluralsight'"
    ));
    let mut session = stage.another_session();
    assert_eq!(session.error(COUNT).message, refused);
    assert_eq!(proxy.take().len(), 0);
}

/// Names the key file for this session, and makes it.
fn key_file(stage: &mut Stage, name: &str) -> PathBuf {
    let file = path(stage, name);
    stage.session.run(&format!(
        "LOAD 'pluralsight_fdw'; SET pluralsight_fdw.key_file = '{}'",
        file.display()
    ));
    assert_eq!(
        stage
            .session
            .value("SELECT pluralsight_fdw.create_key_file()"),
        file.display().to_string()
    );
    file
}

#[test]
fn a_sealed_token_opens_under_its_key_alone() {
    let mut stage = stage_without_token(50);
    stage.session.run("LOAD 'pluralsight_fdw'");
    let error = stage
        .session
        .error("SELECT pluralsight_fdw.seal('sandbox-token')");
    assert_eq!(error.code, "F0000");
    assert_eq!(
        error.message,
        "sealed API tokens can be neither made nor opened: no key file is set"
    );
    assert!(
        error
            .hint
            .is_some_and(|hint| hint.contains("ALTER SYSTEM SET pluralsight_fdw.key_file"))
    );

    let file = key_file(&mut stage, "key");
    let mode = std::fs::metadata(&file)
        .expect("the key is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let error = stage
        .session
        .error("SELECT pluralsight_fdw.create_key_file()");
    assert_eq!(
        (error.code.as_str(), error.message),
        (
            "58030",
            format!(
                "the key file \"{}\" cannot be made: File exists (os error 17)",
                file.display()
            )
        ),
        "a key is never overwritten"
    );

    let seal = "SELECT pluralsight_fdw.seal('sandbox-token')";
    let (sealed, again) = (stage.session.value(seal), stage.session.value(seal));
    assert_ne!(sealed, again, "nobody can tell that two are the same token");
    assert!(sealed.starts_with("sealed:1:") && !sealed.contains(TOKEN));
    for text in [&sealed, &again] {
        map(
            &mut stage.session,
            "CURRENT_USER",
            &format!("api_token_sealed '{text}'"),
        );
        assert_eq!(stage.session.value(COUNT), "50");
    }
    // Whatever cannot be a token is not sealed in the first place.
    for nonsense in ["", " ", "two words"] {
        assert_eq!(
            stage
                .session
                .error(&format!("SELECT pluralsight_fdw.seal('{nonsense}')"))
                .code,
            "22023",
            "{nonsense:?}"
        );
    }

    let does_not_open = |stage: &mut Stage, why: &str| {
        stage.sandbox.reset();
        let error = stage.session.error(COUNT);
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            (
                "HV00N",
                "the sealed API token does not open under this server's key file"
            ),
            "{why}"
        );
        assert_eq!(
            error.hint.as_deref(),
            Some(
                "Seal the token again: SELECT pluralsight_fdw.seal('…', 'pluralsight', 'postgres'); and store the result: ALTER USER MAPPING FOR CURRENT_USER SERVER \"pluralsight\" OPTIONS (SET api_token_sealed '…');"
            ),
            "{why}"
        );
        assert_eq!(stage.sandbox.total(), 0);
    };
    // It is of no use once it was tampered with,
    let middle = sealed.len() / 2;
    let other = if sealed[middle..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    let tampered = format!("{}{other}{}", &sealed[..middle], &sealed[middle + 1..]);
    map(
        &mut stage.session,
        "CURRENT_USER",
        &format!("api_token_sealed '{tampered}'"),
    );
    does_not_open(&mut stage, "tampered");
    // nor under another key.
    map(
        &mut stage.session,
        "CURRENT_USER",
        &format!("api_token_sealed '{sealed}'"),
    );
    key_file(&mut stage, "another-key");
    does_not_open(&mut stage, "another key");

    stage.session.run(&format!(
        "SET pluralsight_fdw.key_file = '{}'",
        file.display()
    ));
    assert_eq!(stage.session.value(COUNT), "50");
    // The key itself has to be kept as well as a token file.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("it is ours");
    let error = stage.session.error(COUNT);
    assert_eq!(error.code, "42501");
    assert_eq!(
        error.message,
        format!(
            "file \"{}\", which holds the key of sealed API tokens, can be read by others",
            file.display()
        )
    );
    write(&mut stage, &file, "no key", "600");
    let error = stage.session.error(COUNT);
    assert_eq!(
        (error.code.as_str(), error.message),
        (
            "F0000",
            format!(
                "file \"{}\" does not hold a key: 32 bytes in Base64",
                file.display()
            )
        )
    );
}

/// Who has copied a sealed token, from a dump or from `pg_foreign_server`, can do nothing with it.
#[test]
fn a_sealed_token_works_only_in_its_database_at_its_server_and_for_its_role() {
    let mut stage = stage_without_token(50);
    key_file(&mut stage, "key");
    let (ann, eve) = (stage.role("ann"), stage.role("eve"));
    let url = stage.sandbox.url();
    stage.session.run(&format!(
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{url}')"
    ));
    let of_ann = stage.session.value(&format!(
        "SELECT pluralsight_fdw.seal('sandbox-token', 'pluralsight', '{ann}')"
    ));
    let refused = |stage: &mut Stage, role: &str, why: &str, hint: &str| {
        stage.sandbox.reset();
        stage.session.run(&format!("SET ROLE {role}"));
        let error = stage.session.error(COUNT);
        stage.session.run("RESET ROLE");
        assert_eq!(
            (error.code.as_str(), error.message),
            ("HV00N", format!("the sealed API token was sealed {why}"))
        );
        assert_eq!(
            error.detail.as_deref(),
            Some(
                "A sealed token works only in the database, at the foreign server and for the role that it was sealed for. A dump that is restored is another database."
            )
        );
        assert_eq!(error.hint.as_deref(), Some(hint));
        assert_eq!(stage.sandbox.total(), 0);
    };
    let counted = |stage: &mut Stage, role: &str| {
        stage.session.run(&format!("SET ROLE {role}"));
        let counted = stage.session.value(COUNT);
        stage.session.run("RESET ROLE");
        counted
    };
    map(
        &mut stage.session,
        &ann,
        &format!("api_token_sealed '{of_ann}'"),
    );
    assert_eq!(counted(&mut stage, &ann), "50");
    // In another role's mapping, in that for everybody, on the server.
    map(
        &mut stage.session,
        &eve,
        &format!("api_token_sealed '{of_ann}'"),
    );
    refused(
        &mut stage,
        &eve,
        "for another role",
        &format!(
            "Seal the token again: SELECT pluralsight_fdw.seal('…', 'pluralsight', '{eve}'); and store the result: ALTER USER MAPPING FOR CURRENT_USER SERVER \"pluralsight\" OPTIONS (SET api_token_sealed '…');"
        ),
    );
    stage
        .session
        .run(&format!("DROP USER MAPPING FOR {eve} SERVER pluralsight"));
    map(
        &mut stage.session,
        "PUBLIC",
        &format!("api_token_sealed '{of_ann}'"),
    );
    refused(
        &mut stage,
        &eve,
        "for another role",
        "Seal the token again: SELECT pluralsight_fdw.seal('…', 'pluralsight', 'public'); and store the result: ALTER USER MAPPING FOR PUBLIC SERVER \"pluralsight\" OPTIONS (SET api_token_sealed '…');",
    );
    stage.session.run(&format!(
        "DROP USER MAPPING FOR PUBLIC SERVER pluralsight; ALTER SERVER pluralsight OPTIONS (ADD api_token_sealed '{of_ann}')"
    ));
    refused(
        &mut stage,
        &eve,
        "for another role",
        "Seal the token again: SELECT pluralsight_fdw.seal('…', 'pluralsight', 'public'); and store the result: ALTER SERVER \"pluralsight\" OPTIONS (SET api_token_sealed '…');",
    );
    // One for everybody is for the server and for the mapping of PUBLIC, and for no role of its own.
    let of_all = stage
        .session
        .value("SELECT pluralsight_fdw.seal('sandbox-token', 'pluralsight', 'public')");
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_token_sealed '{of_all}')"
    ));
    assert_eq!(counted(&mut stage, &eve), "50");
    map(
        &mut stage.session,
        "PUBLIC",
        &format!("api_token_sealed '{of_all}'"),
    );
    assert_eq!(counted(&mut stage, &eve), "50");
    map(
        &mut stage.session,
        &eve,
        &format!("api_token_sealed '{of_all}'"),
    );
    stage.session.run(&format!("SET ROLE {eve}"));
    assert_eq!(
        stage.session.error(COUNT).message,
        "the sealed API token was sealed for another role"
    );
    stage.session.run("RESET ROLE");
    // At another server, also where it takes the name of the first one.
    let at_elsewhere = stage.session.value(&format!(
        "SELECT pluralsight_fdw.seal('sandbox-token', 'elsewhere', '{ann}')"
    ));
    map(
        &mut stage.session,
        &ann,
        &format!("api_token_sealed '{at_elsewhere}'"),
    );
    refused(
        &mut stage,
        &ann,
        "for another foreign server",
        &format!(
            "Seal the token again: SELECT pluralsight_fdw.seal('…', 'pluralsight', '{ann}'); and store the result: ALTER USER MAPPING FOR CURRENT_USER SERVER \"pluralsight\" OPTIONS (SET api_token_sealed '…');"
        ),
    );
    stage.session.run(
        "ALTER SERVER pluralsight RENAME TO before; ALTER SERVER elsewhere RENAME TO pluralsight",
    );
    let error = {
        stage.session.run(&format!("SET ROLE {ann}"));
        let error = stage.session.error(COUNT);
        stage.session.run("RESET ROLE");
        error
    };
    assert_eq!(
        error.message,
        "the sealed API token was sealed for another foreign server"
    );
    // What is renamed itself keeps its tokens: server, role and database.
    map(&mut stage.session, "PUBLIC", "api_token ''");
    stage.session.run(&format!(
        "ALTER USER MAPPING FOR {ann} SERVER before OPTIONS (SET api_token_sealed '{of_ann}'); ALTER ROLE {ann} RENAME TO {ann}_smith"
    ));
    assert_eq!(counted(&mut stage, &format!("{ann}_smith")), "50");
    // Who mixes the arguments up does not find the token in the error.
    for sql in [
        "SELECT pluralsight_fdw.seal('pluralsight', 'sandbox-token')",
        "SELECT pluralsight_fdw.seal('x', 'before', 'sandbox-token')",
    ] {
        let error = stage.session.error(sql);
        assert_eq!(error.code, "42704");
        assert!(!format!("{error:?}").contains("sandbox-token"), "{error:?}");
    }
}

#[test]
fn a_key_file_is_set_up_as_the_readme_says() {
    let cluster = Cluster::fresh("sealing", "");
    let file = cluster::home().join("readme-key");
    let mut session = Session::connect(&cluster.config());
    session.run("CREATE EXTENSION pluralsight_fdw");
    drop(session);
    let mut session = Session::connect(&cluster.config());
    session.run("LOAD 'pluralsight_fdw'");
    session.run(&format!(
        "ALTER SYSTEM SET pluralsight_fdw.key_file = '{}'",
        file.display()
    ));
    session.run("SELECT pg_reload_conf()");
    // The server tells its sessions in its own time.
    while session.value("SHOW pluralsight_fdw.key_file").is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    session.run("SELECT pluralsight_fdw.create_key_file()");
    session.run("CREATE SERVER pluralsight FOREIGN DATA WRAPPER pluralsight_fdw");
    let sealed = session.value("SELECT pluralsight_fdw.seal('abc', 'pluralsight', 'public')");
    // A new session has it from its start, and so has a role that may not know where it is.
    let mut session = Session::connect(&cluster.config());
    session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (ADD api_token_sealed '{sealed}');
         CREATE ROLE plain LOGIN;
         GRANT USAGE ON FOREIGN SERVER pluralsight TO plain;
         ALTER SERVER pluralsight OPTIONS (ADD api_url 'http://127.0.0.1:1/', ADD max_attempts '1')"
    ));
    let mut plain = Session::connect(cluster.config().user("plain"));
    assert_eq!(
        plain.value("SELECT replace(found, E'\\n', ' ') FROM pluralsight_fdw.check() WHERE checked = 'token'"),
        "found: server, api_token_sealed"
    );
    // What is wrong with the file is told to everybody, and where it is only to those who could read it.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    let shown = file.display().to_string();
    let told = |session: &mut Session| {
        format!(
            "{:?}",
            session.rows("SELECT checked, status, replace(found, E'\\n', ' '), replace(hint, E'\\n', ' ') FROM pluralsight_fdw.check() WHERE checked = 'token'")
        )
    };
    let (plain, superuser) = (told(&mut plain), told(&mut session));
    for text in [&plain, &superuser] {
        assert!(
            text.contains("which holds the key of sealed API tokens, can be read by others"),
            "{text}"
        );
    }
    assert!(superuser.contains(&shown), "{superuser}");
    assert!(!plain.contains(&shown), "{plain}");
}

#[test]
fn only_superusers_may_name_the_key_file_or_make_one() {
    let mut stage = stage_without_token(5);
    let role = stage.role("plain");
    let mut session = stage.session_of(&role);
    // A function loads the library, which makes the setting known.
    session.run("SELECT * FROM pluralsight_fdw.api_announcements");
    for sql in [
        "SET pluralsight_fdw.key_file = '/etc/hostname'",
        "SHOW pluralsight_fdw.key_file",
        "SELECT pluralsight_fdw.create_key_file()",
    ] {
        assert_eq!(session.error(sql).code, "42501", "{sql}");
    }
}

#[test]
fn a_dump_carries_a_sealed_token_that_has_to_be_sealed_again_after_a_restore() {
    let mut stage = stage_without_token(50);
    let file = key_file(&mut stage, "key");
    let sealed = stage
        .session
        .value("SELECT pluralsight_fdw.seal('sandbox-token')");
    map(
        &mut stage.session,
        "CURRENT_USER",
        &format!("api_token_sealed '{sealed}'"),
    );
    assert_eq!(stage.session.value(COUNT), "50");

    let dump = path(&stage, "dump.sql");
    let mut command = cluster::program("pg_dump");
    command.arg("-f").arg(&dump).arg(stage.database());
    cluster::run(command);
    let text = std::fs::read_to_string(&dump).expect("a dump");
    assert!(text.contains(&sealed) && !text.contains(TOKEN));

    let restored = fresh_database();
    let mut command = cluster::program("psql");
    command
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &restored, "-f"])
        .arg(&dump);
    cluster::run(command);
    let mut session = Session::connect(cluster::shared().dbname(&restored));
    let error = session.error(COUNT);
    assert_eq!(
        error.message,
        "sealed API tokens can be neither made nor opened: no key file is set"
    );
    session.run(&format!(
        "SET pluralsight_fdw.key_file = '{}.left-behind'",
        file.display()
    ));
    let error = session.error(COUNT);
    assert_eq!(error.code, "HV00N");
    assert_eq!(
        error.message,
        format!(
            "the key of sealed API tokens cannot be read from file \"{}.left-behind\": No such file or directory (os error 2)",
            file.display()
        )
    );
    assert_eq!(
        error.hint.as_deref(),
        Some(
            "After a restore on another host, bring the key file along. Or make a new one, and seal the token again: SELECT pluralsight_fdw.create_key_file();"
        )
    );
    session.run(&format!(
        "SET pluralsight_fdw.key_file = '{}'",
        file.display()
    ));
    // With the key it is clear what to do, and done in two statements.
    let error = session.error(COUNT);
    assert_eq!(
        error.message,
        "the sealed API token was sealed in another database"
    );
    let sealed =
        session.value("SELECT pluralsight_fdw.seal('sandbox-token', 'pluralsight', 'postgres')");
    session.run(&format!(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token_sealed '{sealed}')"
    ));
    assert_eq!(session.value(COUNT), "50");
    drop(session);
    stage.session.run(&format!("DROP DATABASE {restored}"));
}
