//! Two schemas: what is the extension's, and what is the user's.

use behaviour::cluster::Cluster;
use behaviour::copies::set_up;
use behaviour::{Session, Stage, cluster, fresh_database};
use pluralsight_sandbox::{Config, Sandbox};

fn empty() -> Session {
    Session::connect(cluster::shared().dbname(&fresh_database()))
}

/// A role of this test alone that may create schemas in the database.
fn attacker(session: &mut Session) -> String {
    let database = session.value("SELECT current_database()");
    let role = format!("eve_{database}");
    session.run(&format!(
        "CREATE ROLE {role} LOGIN; GRANT CREATE ON DATABASE {database} TO {role}"
    ));
    role
}

#[test]
fn the_extension_makes_its_own_schemas() {
    let mut session = empty();
    session.run("CREATE EXTENSION pluralsight_fdw");
    assert_eq!(
        session.column("SELECT DISTINCT n.nspname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass JOIN pg_namespace n ON n.oid = p.pronamespace WHERE e.extname = 'pluralsight_fdw' ORDER BY 1"),
        ["pluralsight_fdw", "pluralsight_fdw_internal"]
    );
    assert_eq!(
        session
            .error("CREATE EXTENSION pluralsight_fdw SCHEMA public")
            .code,
        "42710"
    );
    session.run("DROP EXTENSION pluralsight_fdw");
    assert_eq!(
        session
            .error("CREATE EXTENSION pluralsight_fdw SCHEMA public")
            .code,
        "0A000"
    );
    // The schema that it left behind is empty, and taken up again.
    session.run("CREATE EXTENSION pluralsight_fdw");
}

#[test]
fn a_schema_that_holds_anything_or_belongs_to_another_role_is_refused() {
    let mut session = empty();
    let eve = attacker(&mut session);
    for (seed, words) in [
        (
            "CREATE SCHEMA pluralsight_fdw; CREATE TABLE pluralsight_fdw.t ()",
            "holds objects",
        ),
        (
            "CREATE SCHEMA pluralsight_fdw; CREATE FUNCTION pluralsight_fdw.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "holds objects",
        ),
        (
            "CREATE SCHEMA pluralsight_fdw; CREATE TYPE pluralsight_fdw.e AS ENUM ('a')",
            "holds objects",
        ),
        (
            "CREATE SCHEMA pluralsight_fdw; CREATE OPERATOR pluralsight_fdw.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = pg_catalog.oideq)",
            "holds objects",
        ),
        (
            "CREATE SCHEMA pluralsight_fdw; CREATE COLLATION pluralsight_fdw.c FROM \"C\"",
            "holds objects",
        ),
        (
            "CREATE SCHEMA pluralsight_fdw; CREATE EXTENSION pg_trgm SCHEMA pluralsight_fdw",
            "holds objects",
        ),
        (
            "CREATE SCHEMA pluralsight_fdw AUTHORIZATION EVE",
            "belongs to role \"EVE\"",
        ),
        (
            "CREATE SCHEMA pluralsight_fdw; GRANT CREATE ON SCHEMA pluralsight_fdw TO EVE",
            "other roles may create",
        ),
        (
            "CREATE SCHEMA pluralsight_fdw; GRANT CREATE ON SCHEMA pluralsight_fdw TO PUBLIC",
            "other roles may create",
        ),
        (
            "CREATE SCHEMA pluralsight_fdw_internal",
            "\"pluralsight_fdw_internal\" already exists",
        ),
    ] {
        session.run(&seed.replace("EVE", &eve));
        let error = session.error("CREATE EXTENSION pluralsight_fdw");
        assert_eq!(error.code, "42P06", "{seed}: {error:?}");
        assert!(
            error.message.contains(&words.replace("EVE", &eve)),
            "{seed}: {error:?}"
        );
        let hint = error.hint.expect("a hint");
        session.run(&format!(
            "BEGIN; {hint} CREATE EXTENSION pluralsight_fdw; ROLLBACK"
        ));
        session.run("DROP SCHEMA IF EXISTS pluralsight_fdw CASCADE; DROP SCHEMA IF EXISTS pluralsight_fdw_internal CASCADE");
    }
}

#[test]
fn nothing_that_an_attacker_left_in_the_schema_runs() {
    let mut session = empty();
    let eve = attacker(&mut session);
    let database = session.value("SELECT current_database()");
    let mut theirs = Session::connect(cluster::shared().dbname(&database).user(&eve));
    // A sequence remembers what an error undoes.
    theirs.run(
        "CREATE SCHEMA pluralsight_fdw;
         CREATE SEQUENCE pluralsight_fdw.seized;
         GRANT ALL ON SCHEMA pluralsight_fdw TO PUBLIC;
         GRANT ALL ON SEQUENCE pluralsight_fdw.seized TO PUBLIC;
         CREATE FUNCTION pluralsight_fdw.pg_get_userbyid(oid) RETURNS name LANGUAGE sql AS $$ SELECT nextval('pluralsight_fdw.seized')::text::name $$;
         CREATE FUNCTION pluralsight_fdw.pg_extension_config_dump(text, text) RETURNS void LANGUAGE sql AS $$ SELECT nextval('pluralsight_fdw.seized') $$;
         CREATE FUNCTION pluralsight_fdw.same(oid, oid) RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('pluralsight_fdw.seized') > 0 $$;
         CREATE FUNCTION pluralsight_fdw.same(name, text) RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('pluralsight_fdw.seized') > 0 $$;
         CREATE OPERATOR pluralsight_fdw.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = pluralsight_fdw.same);
         CREATE OPERATOR pluralsight_fdw.= (LEFTARG = name, RIGHTARG = text, FUNCTION = pluralsight_fdw.same)",
    );
    assert_eq!(
        session.error("CREATE EXTENSION pluralsight_fdw").code,
        "42P06"
    );
    assert_eq!(
        session.value("SELECT is_called FROM pluralsight_fdw.seized"),
        "f"
    );
    assert_eq!(
        session.value("SELECT count(*) FROM pg_extension WHERE extname = 'pluralsight_fdw'"),
        "0"
    );
}

#[test]
fn what_is_internal_is_not_for_everybody() {
    let mut session = empty();
    session.run("CREATE EXTENSION pluralsight_fdw");
    let eve = attacker(&mut session);
    let mut theirs = Session::connect(
        cluster::shared()
            .dbname(&session.value("SELECT current_database()"))
            .user(&eve),
    );
    assert_eq!(
        theirs
            .error("SELECT * FROM pluralsight_fdw_internal.announcements_heard()")
            .code,
        "42501"
    );
    assert_eq!(
        theirs
            .error("CREATE TABLE pluralsight_fdw_internal.t ()")
            .code,
        "42501"
    );
    assert_eq!(
        theirs.error("CREATE TABLE pluralsight_fdw.t ()").code,
        "42501"
    );
    assert_eq!(
        theirs.value("SELECT count(*) FROM pluralsight_fdw.api_announcements"),
        "0"
    );
    // One function is behind that view, and PostgreSQL checks it with the reader's rights.
    assert_eq!(
        session.column("SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'pluralsight_fdw_internal'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')"),
        ["announcements_heard"]
    );
}

#[test]
fn a_dump_is_restored_with_its_schemas() {
    let mut stage = Stage::new(Config {
        users: 20,
        ..Config::default()
    });
    let database = stage.database().to_owned();
    let other = format!("other_{database}");
    // The schema of the extension may belong to another superuser than the one who restores.
    stage.session.run(&format!(
        "CREATE ROLE {other} SUPERUSER; ALTER SCHEMA pluralsight_fdw OWNER TO {other};
         ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN note OPTIONS (ADD absent 'true')"
    ));
    let dump = cluster::output_of("pg_dump", &[&database]);
    let text = String::from_utf8_lossy(&dump);
    assert!(!text.contains("pluralsight_fdw_internal"), "{text}");
    let restored = Cluster::fresh("restored", "");
    Session::connect(&restored.config()).run(&format!("CREATE ROLE {other} SUPERUSER"));
    restored.restore(&dump);
    let mut session = Session::connect(&restored.config());
    assert_eq!(session.rows("SELECT * FROM pluralsight.users").len(), 20);
    session.run("CALL pluralsight_fdw.set_up('pluralsight')");
    assert_ne!(session.rows("SELECT * FROM pluralsight.accounts").len(), 0);
    // Without the extension nothing of its own is left, and what was the user's goes with the wrapper.
    session.run("DROP EXTENSION pluralsight_fdw CASCADE");
    assert_eq!(
        session
            .value("SELECT count(*) FROM pg_namespace WHERE nspname = 'pluralsight_fdw_internal'"),
        "0"
    );
    session.run("CREATE EXTENSION pluralsight_fdw");
}

#[test]
fn dropping_the_users_schema_drops_no_extension() {
    let mut stage = Stage::new(Config {
        users: 20,
        ..Config::default()
    });
    stage.session.run("DROP SCHEMA pluralsight CASCADE");
    stage
        .session
        .run("CALL pluralsight_fdw.set_up('pluralsight')");
    assert_eq!(
        stage.session.rows("SELECT * FROM pluralsight.users").len(),
        20
    );
}

#[test]
fn the_extension_is_made_in_every_encoding() {
    let sandbox = Sandbox::start(Config {
        users: 20,
        ..Config::default()
    })
    .expect("the sandbox starts");
    for encoding in ["EUC_JP", "LATIN1", "SQL_ASCII", "WIN1252"] {
        let name = format!("encoded_{}_{}", encoding.to_lowercase(), std::process::id());
        Session::connect(cluster::shared().dbname("postgres")).run(&format!(
            "CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        ));
        let mut session = Session::connect(cluster::shared().dbname(&name));
        set_up(&mut session, &sandbox);
        assert_eq!(
            session.value("SELECT count(*) FROM pluralsight.users"),
            "20",
            "{encoding}"
        );
        drop(session);
        Session::connect(cluster::shared().dbname("postgres"))
            .run(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }
}
