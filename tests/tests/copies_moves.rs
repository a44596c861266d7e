//! Stored copies under new names, of new owners, in restored dumps, on a standby and on a subscriber.

use std::process::Command;
use std::thread;

use behaviour::Session;
use behaviour::cluster::{self, Cluster};
use behaviour::copies::{REFRESH, TABLES, config, logged, set_up, stage, wait_until};
use pluralsight_sandbox::{Place, Sandbox};

/// Everything that a set in that schema is for still works, and goes on with what it has.
fn goes_on(session: &mut Session, sandbox: &Sandbox, copies: &str) {
    let joined = |session: &mut Session| {
        session.value(&format!(
            "SELECT count(*) FROM {copies}.changes_between('-infinity', 'infinity') WHERE change = 'joined'"
        ))
    };
    let before: u64 = joined(session).parse().expect("a number");
    let people = sandbox.organization().len();
    sandbox.organization().add_users(1, Place::End);
    session.run(&format!("CALL pluralsight_fdw.refresh('{copies}')"));
    assert_eq!(joined(session), (before + 1).to_string());
    for (query, expected) in [
        (format!("SELECT count(*) FROM {copies}.users"), people + 1),
        (
            format!(
                "SELECT count(*) FROM {copies}.accounts_at('infinity') WHERE is_active IS NOT NULL AND NOT is_admin"
            ),
            0,
        ),
        (
            format!(
                "SELECT count(*) FROM {copies}.data_freshness WHERE last_outcome = 'ok' AND rows > 0"
            ),
            TABLES.len() as u64,
        ),
    ] {
        let found: u64 = session.value(&query).parse().expect("a number");
        assert!(
            if expected == 0 {
                found > 0
            } else {
                found == expected
            },
            "{query}: {found}"
        );
    }
    for view in [
        "accounts",
        "licenses",
        "accounts_anonymous",
        "license_forecast",
        "team_utilization",
    ] {
        session.run(&format!("SELECT * FROM {copies}.{view}"));
    }
}

#[test]
fn a_set_goes_on_under_new_names_and_of_a_new_owner() {
    let mut stage = stage(60);
    let (first, second) = (stage.role("first"), stage.role("second"));
    let token = stage.sandbox.token().to_owned();
    for role in [&first, &second] {
        stage.session.run(&format!(
            "CREATE USER MAPPING FOR {role} SERVER pluralsight OPTIONS (api_token '{token}')"
        ));
    }
    let session = &mut stage.session;
    goes_on(session, &stage.sandbox, "pluralsight_copy");
    session.run("ALTER SCHEMA pluralsight_copy RENAME TO kept");
    goes_on(session, &stage.sandbox, "kept");
    session.run("ALTER SCHEMA pluralsight RENAME TO live");
    goes_on(session, &stage.sandbox, "kept");
    // Called again by the old name or the new one, it finds the same set.
    session.run("CALL pluralsight_fdw.create_copies('live', 'kept')");
    // Somebody makes a schema of the old name.
    session.run("CREATE SCHEMA pluralsight");
    goes_on(session, &stage.sandbox, "kept");
    for schema in ["live", "kept"] {
        session.run(&format!(
            "DO $$ DECLARE relation text; BEGIN
                 EXECUTE 'ALTER SCHEMA {schema} OWNER TO {first}';
                 FOR relation IN SELECT oid::regclass FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relkind IN ('r', 'f', 'v') LOOP
                     EXECUTE 'ALTER TABLE ' || relation || ' OWNER TO {first}';
                 END LOOP;
                 FOR relation IN SELECT oid::regclass FROM pg_class c WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'S'
                     AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype IN ('a', 'i')) LOOP
                     EXECUTE 'ALTER SEQUENCE ' || relation || ' OWNER TO {first}';
                 END LOOP;
                 FOR relation IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = '{schema}'::regnamespace LOOP
                     EXECUTE 'ALTER FUNCTION ' || relation || ' OWNER TO {first}';
                 END LOOP;
             END $$"
        ));
    }
    goes_on(session, &stage.sandbox, "kept");
    session.run(&format!("REASSIGN OWNED BY {first} TO {second}"));
    goes_on(session, &stage.sandbox, "kept");
    session.run(&format!("ALTER ROLE {second} RENAME TO {second}_renamed"));
    goes_on(session, &stage.sandbox, "kept");
    let owner = format!("{second}_renamed");
    goes_on(&mut stage.session_of(&owner), &stage.sandbox, "kept");
}

#[test]
fn history_is_taken_up_again_over_tables_that_were_made_anew() {
    let mut stage = stage(60);
    goes_on(&mut stage.session, &stage.sandbox, "pluralsight_copy");
    stage.session.run("DROP SCHEMA pluralsight CASCADE");
    let error = stage.session.error(REFRESH);
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("3F000", "schema \"pluralsight\" does not exist")
    );
    stage.session.run(&error.hint.expect("a hint"));
    goes_on(&mut stage.session, &stage.sandbox, "pluralsight_copy");
    stage
        .session
        .run("DROP FOREIGN TABLE pluralsight.plan CASCADE");
    let error = stage.session.error(REFRESH);
    assert_eq!(error.code, "42P01");
    stage.session.run(&error.hint.expect("a hint"));
    goes_on(&mut stage.session, &stage.sandbox, "pluralsight_copy");
}

/// Everything that a set holds, but where it is stored.
fn contents(session: &mut Session) -> Vec<Vec<Option<String>>> {
    let tables = session.column(
        "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'pluralsight_copy'::regnamespace AND relkind = 'r' AND relname <> 'settings' ORDER BY relname",
    );
    assert!(tables.len() >= 10, "{tables:?}");
    tables
        .iter()
        .map(String::as_str)
        .chain([
            "pluralsight_copy.accounts",
            "pluralsight_copy.accounts_anonymous",
        ])
        .flat_map(|table| session.rows(&format!("SELECT t::text FROM {table} AS t ORDER BY 1")))
        .collect()
}

#[test]
fn a_dump_is_restored_without_the_api_and_refreshes_again_with_it() {
    let mut stage = stage(400);
    let person = stage.sandbox.organization().user(7).ps_user_id;
    assert!(stage.sandbox.organization().forget_user(&person));
    stage.session.run(REFRESH);
    let erased = stage.sandbox.organization().user(9).ps_user_id;
    stage.session.run(&format!(
        "CALL pluralsight_fdw.forget_person('pluralsight_copy', '{erased}')"
    ));
    let before = contents(&mut stage.session);
    stage.sandbox.reset();
    let whole = cluster::output_of("pg_dump", &["-d", stage.database()]);
    let copies = cluster::output_of(
        "pg_dump",
        &["-d", stage.database(), "-n", "pluralsight_copy"],
    );
    assert_eq!(stage.sandbox.requests().len(), 0, "pg_dump asks the API");

    let fresh = Cluster::fresh("restore", "");
    fresh.restore(&whole);
    let mut session = Session::connect(&fresh.config());
    assert_eq!(contents(&mut session), before);
    assert_eq!(stage.sandbox.requests().len(), 0, "a restore asks the API");
    goes_on_without(&mut session, &stage.sandbox, &erased);

    // The schema of the copies alone, into a database that has tables of its own.
    let other = Cluster::fresh("restore-copies", "");
    let mut session = Session::connect(&other.config());
    set_up(&mut session, &stage.sandbox);
    other.restore(&copies);
    assert_eq!(contents(&mut session), before);
    goes_on_without(&mut session, &stage.sandbox, &erased);
    assert_eq!(logged(&mut session, "id"), ["3"]);
}

#[test]
fn an_upgraded_server_goes_on_with_what_it_had() {
    let sandbox = Sandbox::start(config(400)).expect("the sandbox starts");
    let old = Cluster::fresh("before", "");
    let mut session = Session::connect(&old.config());
    set_up(&mut session, &sandbox);
    session.run(
        "CALL pluralsight_fdw.create_copies();
         CREATE ROLE reader LOGIN;
         CALL pluralsight_fdw.grant_reading('pluralsight_copy', 'reader');
         CREATE MATERIALIZED VIEW public.mine AS SELECT user_id, billable FROM pluralsight.accounts",
    );
    let person = sandbox.organization().user(7).ps_user_id;
    assert!(sandbox.organization().forget_user(&person));
    session.run(REFRESH);
    let erased = sandbox.organization().user(9).ps_user_id;
    session.run(&format!(
        "CALL pluralsight_fdw.forget_person('pluralsight_copy', '{erased}')"
    ));
    let before = contents(&mut session);
    let identity = "SELECT system_identifier FROM pg_control_system()";
    let cluster = session.value(identity);
    drop(session);
    sandbox.reset();

    let new = old.upgraded();
    let mut session = Session::connect(&new.config());
    assert_ne!(session.value(identity), cluster);
    assert_eq!(contents(&mut session), before);
    assert_eq!(sandbox.requests().len(), 0, "an upgrade asks the API");
    assert_eq!(
        Session::connect(new.config().user("reader"))
            .value("SELECT count(*) FROM pluralsight_copy.accounts"),
        session.value("SELECT count(*) FROM pluralsight_copy.accounts")
    );
    goes_on_without(&mut session, &sandbox, &erased);
    assert_eq!(
        session.column("SELECT change FROM pluralsight_copy.changes_between('-infinity', 'infinity') WHERE change IN ('joined', 'left') ORDER BY 1"),
        ["joined", "left"]
    );
    session.run("REFRESH MATERIALIZED VIEW public.mine");
    // The tables and the views are as they would be made, and the event trigger came along.
    session.run("SET client_min_messages = notice");
    session.notices();
    session.run("CALL pluralsight_fdw.set_up('pluralsight'); CALL pluralsight_fdw.create_copies()");
    assert_eq!(session.notices(), Vec::<String>::new());
    session.run("CALL pluralsight_fdw.set_up('pluralsight', 'further')");
    assert_eq!(
        session.value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'further.users'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NULL"),
        "0"
    );
    // Nobody but the extension may drop what is its own.
    session.run("DROP EXTENSION pluralsight_fdw CASCADE; CREATE EXTENSION pluralsight_fdw");
}

fn goes_on_without(session: &mut Session, sandbox: &Sandbox, erased: &str) {
    sandbox.organization().add_users(1, Place::End);
    session.run(REFRESH);
    assert_eq!(
        session.value("SELECT count(*) FROM pluralsight_copy.users"),
        (sandbox.organization().len() - 1).to_string()
    );
    assert_eq!(
        session.value(&format!(
            "SELECT count(*) FROM pluralsight_copy.account_history WHERE user_id = '{erased}'"
        )),
        "0"
    );
}

#[test]
fn a_dump_without_data_becomes_a_set_again() {
    let stage = stage(50);
    let dump = cluster::output_of("pg_dump", &["-s", "-d", stage.database()]);
    let fresh = Cluster::fresh("restore-schema", "");
    fresh.restore(&dump);
    let mut session = Session::connect(&fresh.config());
    let error = session.error(REFRESH);
    assert_eq!(
        error.message,
        "the stored copies in schema \"pluralsight_copy\" have lost their settings"
    );
    session.run(&error.hint.expect("a hint"));
    goes_on(&mut session, &stage.sandbox, "pluralsight_copy");
}

#[test]
fn readers_see_how_fresh_the_copies_are_on_the_primary_and_on_a_standby() {
    let mut stage = stage(50);
    let reader = stage.role("reader");
    stage.session.run(&format!(
        "CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{reader}')"
    ));
    let standby = Cluster::standby();
    let as_reader = |config: &postgres::Config| {
        let mut config = config.clone();
        Session::connect(config.user(&reader).dbname(stage.database()))
    };
    let mut sessions = vec![as_reader(&cluster::shared()), as_reader(&standby.config())];
    let freshness = "SELECT DISTINCT last_outcome || ' ' || last_refresh_failed FROM pluralsight_copy.data_freshness WHERE rows IS NOT NULL";
    let mut see = |expected: &str| {
        for session in &mut sessions {
            wait_until(expected, || session.column(freshness) == [expected]);
        }
    };
    see("ok false");
    stage.hold_users();
    let mut other = stage.another_session();
    let pid = other.pid();
    let refreshing = thread::spawn(move || other.error(REFRESH));
    wait_until("users are asked for", || stage.sandbox.count("users") > 0);
    see("running false");
    stage
        .session
        .run(&format!("SELECT pg_cancel_backend({pid})"));
    refreshing.join().expect("it is canceled");
    see("failed true");
    let mut on_standby = Session::connect(standby.config().dbname(stage.database()));
    for call in [
        REFRESH,
        "CALL pluralsight_fdw.create_copies()",
        "CALL pluralsight_fdw.drop_copies('pluralsight_copy')",
    ] {
        assert_eq!(on_standby.error(call).code, "25006", "{call}");
    }
    on_standby.run("SELECT * FROM pluralsight_copy.accounts_at('infinity')");
}

#[test]
fn copies_are_published_and_followed_by_another_server() {
    let sandbox = Sandbox::start(config(80)).expect("the sandbox starts");
    let publisher = Cluster::fresh("publisher", "wal_level = logical");
    let mut session = Session::connect(&publisher.config());
    set_up(&mut session, &sandbox);
    session.run("CREATE PUBLICATION everything FOR ALL TABLES");
    session.run("CALL pluralsight_fdw.create_copies()");
    // A license is given, somebody leaves, and a seat more is bought: each table has a row that changes.
    let (person, product) = (
        sandbox.organization().user(4).ps_user_id,
        sandbox.organization().products()[0].clone(),
    );
    sandbox.organization().edit_user(&person, |user| {
        user.product_ids = Some(vec![product.id.clone()])
    });
    assert!(
        sandbox
            .organization()
            .set_purchased(&product.id, product.purchased + 1)
    );
    session.run(REFRESH);

    let mut dump: Command = publisher.program("pg_dump");
    let dump = dump
        .args(["-s", "--no-publications", "postgres"])
        .output()
        .expect("pg_dump runs")
        .stdout;
    let subscriber = Cluster::fresh("subscriber", "wal_level = logical");
    subscriber.restore(&dump);
    let mut follower = Session::connect(&subscriber.config());
    follower.run(&format!(
        "CREATE SUBSCRIPTION copies CONNECTION 'host={} port={} user=postgres dbname=postgres' PUBLICATION everything",
        cluster::socket_directory().display(),
        session.value("SHOW port")
    ));
    let follows = |session: &mut Session, follower: &mut Session| {
        let now = contents(session);
        wait_until("the subscriber has it all", || {
            contents_without_views(follower) == now[..now.len() - views(session)]
        });
    };
    follows(&mut session, &mut follower);
    goes_on(&mut session, &sandbox, "pluralsight_copy");
    sandbox.organization().forget_user(&person);
    session.run(REFRESH);
    follows(&mut session, &mut follower);
    assert_eq!(
        follower
            .value("SELECT count(*) FROM pluralsight_copy.accounts_at('infinity') WHERE forgotten"),
        "1"
    );
    follower.run("DROP SUBSCRIPTION copies");
}

fn views(session: &mut Session) -> usize {
    2 * session.rows("SELECT FROM pluralsight_copy.accounts").len()
}

fn contents_without_views(session: &mut Session) -> Vec<Vec<Option<String>>> {
    let all = contents(session);
    let views = views(session);
    // Rows may arrive between the two readings; whoever waits compares again.
    all[..all.len().saturating_sub(views)].to_vec()
}
