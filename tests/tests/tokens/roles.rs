//! Whose token it is, and where it goes.

use super::*;

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
