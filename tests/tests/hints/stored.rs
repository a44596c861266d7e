//! HINTs about views, copies, their schedule and their freshness.

use super::*;

pub fn views(followed: &mut Followed) {
    let mut stage = stage(Config::default());
    let role = stage.role("other");
    let session = &mut stage.session;
    // A view of another role, a table, a sequence in the place of one of ours.
    for in_the_way in [
        format!(
            "CREATE VIEW pluralsight.idle_licenses AS SELECT 1 AS x; ALTER VIEW pluralsight.idle_licenses OWNER TO {role}"
        ),
        "CREATE TABLE pluralsight.idle_licenses (x int)".to_owned(),
        "CREATE MATERIALIZED VIEW pluralsight.idle_licenses AS SELECT 1 AS x".to_owned(),
        "CREATE SEQUENCE pluralsight.idle_licenses".to_owned(),
    ] {
        session.run("DROP VIEW IF EXISTS pluralsight.idle_licenses CASCADE");
        session.run(&in_the_way);
        followed.mend(session, "CALL pluralsight_fdw.set_up('pluralsight')", &[]);
        session.run("DO $$ DECLARE o record; BEGIN FOR o IN SELECT relname, relkind FROM pg_class WHERE relname LIKE 'idle\\_licenses\\_old%' LOOP
             EXECUTE format('DROP %s pluralsight.%I', CASE o.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, o.relname); END LOOP; END $$");
    }
    // A function of somebody's that comes nearer than PostgreSQL's own.
    session.run(
        "CREATE FUNCTION pluralsight.concat_ws(text, text, text) RETURNS text LANGUAGE sql AS 'SELECT $2';
         DROP VIEW pluralsight.accounts CASCADE",
    );
    followed.mend(session, "CALL pluralsight_fdw.set_up('pluralsight')", &[]);
    // What was changed by hand is kept, and said so.
    session.run("ALTER VIEW pluralsight.memberships RENAME COLUMN is_direct TO direct");
    session.hints();
    session.run("CALL pluralsight_fdw.set_up('pluralsight')");
    followed.follow_only(session);
    session.run("SELECT is_direct FROM pluralsight.memberships");
    // Views that were changed in ways that the page, or a refresh, cannot do without: over copies, and over live tables.
    for (schema, again, refresh) in [
        (
            "pluralsight_copy",
            "CALL pluralsight_fdw.create_copies(fill => false)",
            Some("CALL pluralsight_fdw.refresh()"),
        ),
        (
            "pluralsight",
            "CALL pluralsight_fdw.set_up('pluralsight')",
            None,
        ),
    ] {
        let page = format!("SELECT length(pluralsight_fdw.report_html('{schema}')) > 1000");
        if refresh.is_some() {
            session.run("CALL pluralsight_fdw.create_copies()");
        }
        session.run(&page);
        let change = format!(
            "ALTER VIEW {schema}.license_forecast RENAME COLUMN confidence TO trust;
             ALTER VIEW {schema}.report_summary RENAME COLUMN seats TO chairs;
             ALTER VIEW {schema}.report_reasons RENAME COLUMN reclaim_reason TO why"
        );
        session.run(&change);
        followed.mend(session, &page, &[]);
        session.run(&change);
        session.hints();
        session.run(again);
        followed.follow_only(session);
        if let Some(refresh) = refresh {
            session.run(&change);
            session.hints();
            session.run(refresh);
            followed.follow_only(session);
            session.run(&page);
        }
    }
    // A column of a foreign table that has got another type, with views that stand on it: the views, and copies, need the declared one.
    session.run(
        "CALL pluralsight_fdw.set_up('pluralsight', 'typed');
         ALTER FOREIGN TABLE typed.users DROP COLUMN note CASCADE;
         ALTER FOREIGN TABLE typed.users ADD COLUMN note integer;
         CREATE VIEW typed.mine AS SELECT note FROM typed.users",
    );
    followed.mend(
        session,
        "CALL pluralsight_fdw.create_copies('typed', fill => false)",
        &[],
    );
    session.hints();
    session.run("CALL pluralsight_fdw.set_up('pluralsight', 'typed')");
    assert_eq!(session.hints(), Vec::<String>::new());
    session.run(
        "ALTER FOREIGN TABLE typed.users DROP COLUMN last_login CASCADE;
         ALTER FOREIGN TABLE typed.users ADD COLUMN last_login text",
    );
    session.hints();
    session.run("CALL pluralsight_fdw.set_up('pluralsight', 'typed')");
    let mut hints = session.hints();
    hints.dedup();
    let [hint] = &hints[..] else {
        panic!("{hints:?}")
    };
    followed.follow(session, hint, &[]);
    session.hints();
    session.run("CALL pluralsight_fdw.set_up('pluralsight', 'typed')");
    assert_eq!(session.hints(), Vec::<String>::new());
    // So is what cannot be made over it, and over a table that users fill in; over live tables and over copies.
    for (schema, again) in [
        ("pluralsight", "CALL pluralsight_fdw.set_up('pluralsight')"),
        (
            "pluralsight_copy",
            "CALL pluralsight_fdw.create_copies(fill => false)",
        ),
    ] {
        for change in [
            "ALTER VIEW licenses RENAME COLUMN purchased TO bought",
            "ALTER TABLE prices RENAME COLUMN price TO per_seat",
            "ALTER TABLE hr_staff RENAME COLUMN left_on TO gone",
        ] {
            session.run(&format!(
                "SET search_path = {schema}; {change}; RESET search_path"
            ));
            session.hints();
            session.run(again);
            let hints = session.hints();
            assert!(!hints.is_empty(), "{change}");
            for hint in hints.iter().collect::<std::collections::BTreeSet<_>>() {
                followed.follow(session, hint, &[]);
            }
            session.hints();
            session.run(again);
            assert_eq!(session.hints(), Vec::<String>::new(), "{change}");
        }
    }
}

pub fn stored_copies(followed: &mut Followed) {
    const REFRESH: &str = "CALL pluralsight_fdw.refresh()";
    let mut stage = stage(Config::default());
    let role = stage.role("other");
    // A role that may not read what it would copy.
    stage.session.run(&format!(
        "GRANT CREATE ON DATABASE {} TO {role};
         CREATE USER MAPPING FOR {role} SERVER pluralsight OPTIONS (api_token '{}');
         REVOKE USAGE ON SCHEMA pluralsight FROM {role}",
        stage.database(),
        stage.sandbox.token()
    ));
    let mut theirs = stage.session_of(&role);
    let create = "CALL pluralsight_fdw.create_copies(copies => 'their_copy')";
    followed.mend_by(&mut stage.session, &mut theirs, create, &[]);
    stage
        .session
        .run(&format!("REVOKE SELECT ON pluralsight.teams FROM {role}"));
    let refresh = "CALL pluralsight_fdw.refresh('their_copy')";
    followed.mend_by(&mut stage.session, &mut theirs, refresh, &[]);
    theirs.run("CALL pluralsight_fdw.drop_copies('their_copy')");
    stage
        .session
        .run(&format!("DROP USER MAPPING FOR {role} SERVER pluralsight"));
    let session = &mut stage.session;
    session.run("CALL pluralsight_fdw.set_up('pluralsight', 'another')");
    let hint = hint_of(
        session,
        "CALL pluralsight_fdw.create_copies('another', 'pluralsight_copy')",
    );
    followed.follow(session, &hint, &[]);
    session.run("CREATE SCHEMA third; CREATE TABLE third.users (x int)");
    followed.mend(
        session,
        "CALL pluralsight_fdw.create_copies('pluralsight', 'third')",
        &[],
    );
    followed.mend(
        session,
        "CALL pluralsight_fdw.create_copies('nowhere')",
        &[],
    );
    followed.mend(session, "CALL pluralsight_fdw.refresh('nothing here')", &[]);
    // The schema of the foreign tables in the place of that of the copies, and copies that were not made yet.
    let hint = hint_of(session, "CALL pluralsight_fdw.refresh('another')");
    assert_eq!(hint, "CALL pluralsight_fdw.create_copies('another');");
    followed.follow(session, &hint, &[]);
    session.run("CALL pluralsight_fdw.drop_copies('another_copy')");
    followed.mend(session, "CALL pluralsight_fdw.refresh('another_copy')", &[]);
    // Roles that nobody can make.
    for role in ["public", "none", "pg_nobody"] {
        let refusal = session.error(&format!(
            "CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{role}')"
        ));
        assert_eq!((refusal.code.as_str(), refusal.hint), ("42704", None));
    }
    session.run("DROP VIEW pluralsight_copy.accounts CASCADE");
    followed.mend(session, REFRESH, &[]);
    session.run("ALTER TABLE pluralsight_copy.account_history RENAME COLUMN email TO mail");
    followed.mend(session, REFRESH, &[]);
    session.run("DELETE FROM pluralsight_copy.settings");
    followed.mend(session, REFRESH, &["pluralsight"]);
    // Tables that are not what they were made as.
    for damage in [
        "DROP TABLE pluralsight_copy.teams CASCADE".to_owned(),
        format!("ALTER TABLE pluralsight_copy.users OWNER TO {role}"),
        "CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER \"spoils it\" BEFORE INSERT ON pluralsight_copy.users FOR EACH ROW EXECUTE FUNCTION public.spoil()".to_owned(),
        "CREATE RULE \"spoils it\" AS ON INSERT TO pluralsight_copy.users DO INSTEAD NOTHING".to_owned(),
    ] {
        session.run(&damage);
        followed.mend(session, REFRESH, &[]);
    }
    // A column of a type of somebody's, which the foreign table does not even have: one HINT after the other.
    session.run(
        "CREATE DOMAIN public.anything AS text; ALTER TABLE pluralsight_copy.users ADD COLUMN \"my own\" public.anything",
    );
    followed.follow_all(session, REFRESH, 2);
    session.run("ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN \"my own\" TYPE integer");
    followed.mend(session, REFRESH, &[]);
    // The key of erased_people is gone, before anybody was erased and after.
    session.run("DROP SEQUENCE pluralsight_copy.erasure_key_2");
    let person = session.value("SELECT min(user_id) FROM pluralsight_copy.users");
    followed.mend(
        session,
        &format!("CALL pluralsight_fdw.forget_person('pluralsight_copy', '{person}')"),
        &[],
    );
    session.run("DROP SEQUENCE pluralsight_copy.erasure_key_1");
    followed.mend(session, REFRESH, &[]);
    // Two thirds of the people are gone, and they really are.
    let people = stage.people();
    for person in &people[50..] {
        stage.sandbox.organization().forget_user(person);
    }
    let session = &mut stage.session;
    followed.mend(session, REFRESH, &[]);
    // Others have a hand in what is read and written.
    for meddled in [
        format!("GRANT CREATE ON SCHEMA pluralsight_copy TO {role}"),
        "GRANT CREATE ON SCHEMA pluralsight_copy TO PUBLIC".to_owned(),
        format!(
            "CREATE TABLE pluralsight_copy.theirs (x int); ALTER TABLE pluralsight_copy.theirs OWNER TO {role}"
        ),
        format!("ALTER FOREIGN TABLE pluralsight.teams OWNER TO {role}"),
        format!("ALTER SCHEMA pluralsight OWNER TO {role}"),
    ] {
        session.run(&meddled);
        followed.mend(session, REFRESH, &[]);
    }
    // A table of the user's own that is called like something of a set.
    session.run(
        "CREATE SCHEMA taken; IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO taken;
         ALTER FOREIGN TABLE taken.teams RENAME TO accounts",
    );
    let hint = hint_of(
        session,
        "CALL pluralsight_fdw.create_copies('taken', tables => '{plan,accounts}')",
    );
    followed.follow(session, &hint, &[]);
    session.run("CALL pluralsight_fdw.create_copies('taken', tables => '{plan,accounts_live}')");
    // What check() says of copies, and what the report needs.
    let product = stage.sandbox.organization().products()[0].id.clone();
    assert!(stage.sandbox.organization().set_purchased(&product, 1));
    let reader = stage.role("reader");
    let session = &mut stage.session;
    session.run("CALL pluralsight_fdw.refresh(force => true)");
    let (status, hint) = checked(session, "forecast pluralsight_copy");
    assert_eq!(status, "warning");
    followed.follow(session, &hint.expect("a hint"), &[]);
    stage
        .sandbox
        .faults()
        .script("users=reset")
        .expect("a fault");
    let session = &mut stage.session;
    session.error(REFRESH);
    let (status, hint) = checked(session, "copies pluralsight_copy");
    assert_eq!(status, "warning");
    followed.follow(session, &hint.expect("a hint"), &[]);
    stage.sandbox.faults().clear();
    let mut session = stage.session_of(&reader);
    followed.mend_by(
        &mut stage.session,
        &mut session,
        "SELECT pluralsight_fdw.report_html('pluralsight_copy')",
        &[],
    );
    schedules(followed);
}

pub fn schedules(followed: &mut Followed) {
    let install = "CREATE EXTENSION pg_cron;";
    let elsewhere = "SELECT cron.schedule_in_database(";
    if !cluster::has_extension("pg_cron") {
        followed.0.extend(
            [
                install,
                &format!("{elsewhere}, , , );"),
                "SELECT pluralsight_fdw.schedule_refresh(copies => );",
            ]
            .map(str::to_owned),
        );
        return;
    }
    let cluster = Cluster::fresh(
        "hints-cron",
        "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\ncron.use_background_workers = on",
    );
    let sandbox = Sandbox::start(Config {
        users: 150,
        ..Config::default()
    })
    .expect("the sandbox starts");
    let mut session = Session::connect(&cluster.config());
    copies::set_up(&mut session, &sandbox);
    session.run("CALL pluralsight_fdw.create_copies()");
    let error = followed.mend(
        &mut session,
        "SELECT pluralsight_fdw.schedule_refresh('*/30 * * * *')",
        &[],
    );
    assert_eq!(error.hint.as_deref(), Some(install));
    session.run("SELECT cron.alter_job(jobid, active => false) FROM cron.job");
    let (status, hint) = checked(&mut session, "schedule pluralsight_copy");
    assert_eq!(status, "warning");
    followed.follow(&mut session, &hint.expect("a hint"), &[]);
    assert_eq!(checked(&mut session, "schedule pluralsight_copy").0, "ok");
    // In another database than that of pg_cron, the statement is one for there.
    session.run("CREATE DATABASE second");
    let mut second = Session::connect(cluster.config().dbname("second"));
    copies::set_up(&mut second, &sandbox);
    second.run("CALL pluralsight_fdw.create_copies()");
    let hint = hint_of(
        &mut second,
        "SELECT pluralsight_fdw.schedule_refresh('*/30 * * * *')",
    );
    assert!(hint.starts_with(elsewhere), "{hint}");
    followed.follow(&mut session, &hint, &[]);
    assert_eq!(
        session.value("SELECT count(*) FROM cron.job WHERE database = 'second'"),
        "1"
    );
}

pub fn checks(followed: &mut Followed) {
    let mut stage = stage(Config {
        page_cap: Cap(Some(100)),
        ..Config::default()
    });
    let session = &mut stage.session;
    for _ in 0..2 {
        let (status, hint) = checked(session, "page size");
        assert_eq!(status, "warning");
        followed.follow(session, &hint.expect("a hint"), &[]);
        assert_eq!(checked(session, "page size").0, "ok");
        session.run("ALTER SERVER pluralsight OPTIONS (SET page_size '120')");
    }
    // Tables that were made unchecked, of a server whose name has to be quoted and is longer than a line.
    let name = "the server's name is so long that it does not fit on a line";
    session.run(&format!("ALTER SERVER pluralsight RENAME TO \"{name}\""));
    session.run("ALTER FOREIGN TABLE pluralsight.teams OPTIONS (ADD unchecked 'true')");
    let rows = session.rows(&format!(
        "SELECT hint FROM pluralsight_fdw.check('{}') WHERE checked = 'pluralsight.teams'",
        name.replace('\'', "''")
    ));
    followed.follow(session, rows[0][0].as_deref().expect("a hint"), &[]);
    session.run(&format!("ALTER SERVER \"{name}\" RENAME TO pluralsight"));
    session.run("ALTER FOREIGN TABLE pluralsight.teams OPTIONS (ADD unchecked 'true')");
    let (status, hint) = checked(session, "pluralsight.teams");
    assert_eq!(status, "warning");
    followed.follow(session, &hint.expect("a hint"), &[]);
    assert_eq!(checked(session, "pluralsight.teams").0, "ok");
    // What the API has said.
    stage
        .sandbox
        .faults()
        .script(r#"users=warnings=["it is late"]"#)
        .expect("a fault");
    stage.session.run(COUNT);
    stage.sandbox.faults().clear();
    let session = &mut stage.session;
    let (status, hint) = checked(session, "deprecations");
    assert_eq!(status, "warning");
    followed.follow(session, &hint.expect("a hint"), &[]);
    // An older version of the extension.
    let folder =
        session.value("SELECT setting || '/extension/' FROM pg_config WHERE name = 'SHAREDIR'");
    let version =
        session.value("SELECT extversion FROM pg_extension WHERE extname = 'pluralsight_fdw'");
    let script = format!("{folder}pluralsight_fdw--0.0.9--{version}.sql");
    std::fs::write(&script, "").expect("the folder is ours");
    session.run("UPDATE pg_extension SET extversion = '0.0.9' WHERE extname = 'pluralsight_fdw'");
    let (status, hint) = checked(session, "extension");
    assert_eq!(status, "warning");
    followed.follow(session, &hint.expect("a hint"), &[]);
    assert_eq!(checked(session, "extension").0, "ok");
    std::fs::remove_file(&script).expect("the folder is ours");
    // A server without tables.
    session.run("DROP SCHEMA pluralsight CASCADE");
    let (status, hint) = checked(session, "tables");
    assert_eq!(status, "warning");
    followed.follow(session, &hint.expect("a hint"), &[]);
    session.run(COUNT);
}
