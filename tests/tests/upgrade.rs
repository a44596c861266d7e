//! `ALTER EXTENSION pluralsight_fdw UPDATE`: it leaves what a fresh installation makes, and touches nothing of the user's.

use std::path::{Path, PathBuf};
use std::process::Command;

use behaviour::{Session, cluster, fresh_database};
use pluralsight_sandbox::{Config, Sandbox};

/// Every object of the extension, with all that an update could get wrong.
const OBJECTS: &str = "
    SELECT
        pg_describe_object(d.classid, d.objid, 0) AS object,
        concat_ws(E'\\n',
            CASE WHEN p.oid IS NOT NULL THEN pg_get_functiondef(p.oid) END,
            CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END,
            (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum)), ', ' ORDER BY a.attnum)
             FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
            CASE WHEN t.oid IS NOT NULL THEN concat_ws(' ', t.evtevent, t.evttags, t.evtenabled, t.evtfoid::regprocedure) END,
            CASE WHEN w.oid IS NOT NULL THEN concat_ws(' ', w.fdwhandler::regprocedure, w.fdwvalidator::regprocedure) END,
            'owner ' || coalesce(p.proowner, c.relowner, n.nspowner, t.evtowner, w.fdwowner)::regrole,
            (SELECT 'rights ' || string_agg(right_of::text, ' ' ORDER BY right_of::text)
             FROM unnest(coalesce(p.proacl, c.relacl, n.nspacl, w.fdwacl)) AS right_of),
            obj_description(d.objid, d.classid::regclass::name)
        ) AS definition
    FROM pg_extension AS e
    JOIN pg_depend AS d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
    LEFT JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
    LEFT JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
    LEFT JOIN pg_namespace AS n ON d.classid = 'pg_namespace'::regclass AND n.oid = d.objid
    LEFT JOIN pg_event_trigger AS t ON d.classid = 'pg_event_trigger'::regclass AND t.oid = d.objid
    LEFT JOIN pg_foreign_data_wrapper AS w ON d.classid = 'pg_foreign_data_wrapper'::regclass AND w.oid = d.objid
    WHERE e.extname = 'pluralsight_fdw'
    ORDER BY 1";

fn connect() -> Session {
    Session::connect(cluster::shared().dbname(&fresh_database()))
}

fn objects(session: &mut Session) -> Vec<(String, String)> {
    session
        .rows(OBJECTS)
        .into_iter()
        .map(|mut row| {
            (
                row[0].take().unwrap_or_default(),
                row[1].take().unwrap_or_default(),
            )
        })
        .collect()
}

/// What a fresh installation of the newest version makes.
fn fresh() -> (Vec<(String, String)>, String) {
    let mut session = connect();
    session.run("CREATE EXTENSION pluralsight_fdw");
    let version =
        session.value("SELECT extversion FROM pg_extension WHERE extname = 'pluralsight_fdw'");
    let objects = objects(&mut session);
    assert!(objects.len() > 20, "{objects:?}");
    (objects, version)
}

/// Where the servers of the tests find scripts.
fn folder() -> PathBuf {
    Path::new(&connect().value("SELECT setting FROM pg_config WHERE name = 'SHAREDIR'"))
        .join("extension")
}

fn install_script(version: &str) -> String {
    let path = folder().join(format!("pluralsight_fdw--{version}.sql"));
    std::fs::read_to_string(path).expect("the newest version is installed")
}

/// Makes a script available, and takes it away again.
struct Script(PathBuf);

impl Script {
    fn new(versions: &str, text: &str) -> Script {
        let path = folder().join(format!("pluralsight_fdw--{versions}.sql"));
        std::fs::write(&path, text).expect("the folder is ours");
        Script(path)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Updates a database that has `old`, with everything in it that users have, to the newest version.
fn update(old: &str) {
    let (expected, newest) = fresh();
    let sandbox = Sandbox::start(Config {
        users: 40,
        ..Config::default()
    })
    .expect("the sandbox starts");
    let mut session = connect();
    session.run(&format!(
        "CREATE EXTENSION pluralsight_fdw VERSION '{old}';
         CREATE SERVER pluralsight FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{}');
         CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token '{}')",
        sandbox.url(),
        sandbox.token()
    ));
    session.run("CALL pluralsight_fdw.set_up('pluralsight')");
    session.run("CALL pluralsight_fdw.create_copies()");
    let reader = format!("reader_{}", session.value("SELECT current_database()"));
    session.run(&format!(
        "CREATE ROLE {reader};
         CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{reader}');
         CREATE VIEW of_mine AS SELECT user_id, pluralsight_fdw.match_key(email) FROM pluralsight.users"
    ));
    let first = sandbox.organization().user(1).ps_user_id;
    sandbox.organization().forget_user(&first);
    session.run("CALL pluralsight_fdw.refresh()");
    const HELD: &str = "
        SELECT string_agg(row::text, ' ' ORDER BY row::text) FROM (
            SELECT h::text AS row FROM pluralsight_copy.account_history AS h
            UNION ALL SELECT u::text FROM pluralsight_copy.users AS u
            UNION ALL SELECT concat_ws(' ', c.oid::regclass, c.relowner, c.relacl, obj_description(c.oid))
            FROM pg_class AS c WHERE relnamespace::regnamespace::text ~ '^pluralsight(_copy)?$'
        ) AS rows";
    let held = session.value(HELD);

    session.run("ALTER EXTENSION pluralsight_fdw UPDATE");

    assert_eq!(
        session.value("SELECT extversion FROM pg_extension WHERE extname = 'pluralsight_fdw'"),
        newest
    );
    let found = objects(&mut session);
    for object in &expected {
        assert!(found.contains(object), "{old} lacks {object:?}");
    }
    for object in &found {
        assert!(expected.contains(object), "{old} keeps {object:?}");
    }
    assert_eq!(
        session.value(HELD),
        held,
        "nothing of the user's is touched"
    );
    // And all of it goes on.
    let second = sandbox.organization().user(2).ps_user_id;
    sandbox.organization().forget_user(&second);
    session.run("CALL pluralsight_fdw.refresh()");
    assert_eq!(
        session
            .value("SELECT count(*) FROM pluralsight_copy.accounts_at('infinity') WHERE forgotten"),
        "2"
    );
    session.run("CALL pluralsight_fdw.set_up('pluralsight')");
    session.run("CALL pluralsight_fdw.create_copies()");
    assert_eq!(session.value("SELECT count(*) FROM of_mine"), "38");
    session.run(&format!("DROP OWNED BY {reader}; DROP ROLE {reader}"));
}

fn releases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sql/upgrade")
}

#[test]
fn every_release_is_updated_to_what_a_fresh_installation_is() {
    for entry in std::fs::read_dir(releases()).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        let Some(version) = name
            .strip_prefix("pluralsight_fdw--")
            .and_then(|rest| rest.strip_suffix(".sql"))
            .filter(|version| !version.contains("--"))
        else {
            continue;
        };
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let _script = Script::new(version, &text);
        update(version);
    }
}

/// What is wrong with the scripts in a folder: they are others than `SHA256SUMS` says, or an install script is not in it.
fn edited(folder: &Path) -> Option<String> {
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).expect("the file is there");
    if !sums.is_empty() {
        let checked = Command::new("sha256sum")
            .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
            .current_dir(folder)
            .env("LC_ALL", "C")
            .output()
            .expect("sha256sum runs");
        if !checked.status.success() {
            return Some(String::from_utf8_lossy(&checked.stdout).into_owned());
        }
    }
    std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .find(|name| {
            let is_install_script = name.ends_with(".sql") && name.matches("--").count() == 1;
            is_install_script && !sums.contains(name.as_str())
        })
}

#[test]
fn no_script_of_a_release_is_edited() {
    assert_eq!(edited(&releases()), None);
}

#[test]
fn an_edited_script_of_a_release_is_found_out() {
    let folder = cluster::home().join("releases");
    std::fs::create_dir(&folder).expect("the folder is ours");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).expect("the folder is ours");
    };
    let install = "pluralsight_fdw--0.1.0.sql";
    let step = "pluralsight_fdw--0.1.0--0.2.0.sql";
    write("SHA256SUMS", "");
    assert_eq!(edited(&folder), None);
    write(install, "SELECT 1;\n");
    assert_eq!(edited(&folder), Some(install.to_owned()));
    write(step, "SELECT 2;\n");
    let sums = Command::new("sha256sum")
        .args([install, step])
        .current_dir(&folder)
        .output()
        .expect("sha256sum runs");
    write("SHA256SUMS", &String::from_utf8_lossy(&sums.stdout));
    assert_eq!(edited(&folder), None);
    write(
        "pluralsight_fdw--0.2.0--0.3.0.sql",
        "-- of the next release\n",
    );
    assert_eq!(edited(&folder), None);
    for name in [install, step] {
        let text = std::fs::read_to_string(folder.join(name)).expect("it is there");
        write(name, "SELECT 3;\n");
        assert_eq!(edited(&folder), Some(format!("{name}: FAILED\n")));
        write(name, &text);
    }
}

/// The newest version without one function, as a release before it might have been; and the function.
fn before(newest: &str) -> (String, String) {
    let script = install_script(newest);
    let start = script
        .find("CREATE FUNCTION unschedule_refresh(")
        .expect("the function is made there");
    let end = start
        + script[start..]
            .find("/* </end connected objects> */")
            .expect("its block ends");
    let function = script[start..end].to_owned();
    (script.replace(&function, ""), function)
}

#[test]
fn an_update_that_makes_what_is_new_leaves_a_fresh_installation() {
    let (_, newest) = fresh();
    let (old, step) = before(&newest);
    let _old = Script::new("0.0.1", &old);
    let _step = Script::new(&format!("0.0.1--{newest}"), &step);
    update("0.0.1");
}

#[test]
fn an_update_that_forgets_a_step_is_found_out() {
    let (expected, newest) = fresh();
    let (old, _) = before(&newest);
    let _old = Script::new("0.0.2", &old);
    let _step = Script::new(&format!("0.0.2--{newest}"), "-- nothing\n");
    let mut session = connect();
    session.run("CREATE EXTENSION pluralsight_fdw VERSION '0.0.2'");
    session.run("ALTER EXTENSION pluralsight_fdw UPDATE");
    let found = objects(&mut session);
    let missing: Vec<&str> = expected
        .iter()
        .filter(|object| !found.contains(object))
        .map(|(object, _)| object.as_str())
        .collect();
    assert_eq!(
        missing,
        ["function pluralsight_fdw.unschedule_refresh(name)"]
    );
}
