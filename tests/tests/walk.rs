//! Walks over everything that the extension has and makes: nothing runs another role's code, nothing internal is open.

use behaviour::Stage;
use pluralsight_sandbox::Config;

/// What users call. `\df pluralsight_fdw.*` shows this and nothing else.
const DOCUMENTED: [&str; 16] = [
    "check",
    "create_copies",
    "create_key_file",
    "drop_copies",
    "forget_person",
    "grant_reading",
    // The functions of copies call it with their reader's rights, and a restored dump must find it.
    "history_reaches",
    "match_key",
    "prune_history",
    "refresh",
    "report_html",
    "revoke_reading",
    "schedule_refresh",
    "seal",
    "set_up",
    "unschedule_refresh",
];

/// The schemas of the extension and of what it has made.
const SCHEMAS: &str =
    "('pluralsight_fdw', 'pluralsight_fdw_internal', 'pluralsight', 'pluralsight_copy')";

fn stage() -> Stage {
    let mut stage = Stage::new(Config {
        users: 50,
        ..Config::default()
    });
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    stage
}

fn assert_none(stage: &mut Stage, what: &str, query: &str) {
    let found = stage.session.column(query);
    assert!(found.is_empty(), "{what}: {found:#?}");
}

#[test]
fn users_see_what_is_documented_and_no_more() {
    let mut stage = stage();
    assert_eq!(
        stage.session.column(
            "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pluralsight_fdw'::regnamespace ORDER BY 1"
        ),
        DOCUMENTED
    );
    assert_eq!(
        stage.session.column(
            "SELECT relname FROM pg_class WHERE relnamespace = 'pluralsight_fdw'::regnamespace ORDER BY 1"
        ),
        ["api_announcements"]
    );
    assert_none(
        &mut stage,
        "without a comment",
        &format!(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace::regnamespace::text IN {SCHEMAS} AND obj_description(oid, 'pg_proc') IS NULL
             UNION ALL
             SELECT oid::regclass::text FROM pg_class WHERE relnamespace::regnamespace::text IN {SCHEMAS} AND relkind IN ('r', 'v', 'f', 'S') AND obj_description(oid, 'pg_class') IS NULL
             AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'i')
             UNION ALL
             SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
             WHERE relnamespace::regnamespace::text IN {SCHEMAS} AND relkind IN ('r', 'v', 'f') AND attnum > 0 AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL"
        ),
    );
}

#[test]
fn no_function_runs_under_the_callers_search_path() {
    let mut stage = stage();
    assert_none(
        &mut stage,
        "neither C, nor a body that was bound when it was made, nor a safe path",
        &format!(
            "SELECT p.oid::regprocedure::text
             FROM pg_proc AS p
             JOIN pg_language AS l ON l.oid = p.prolang
             WHERE (
                 p.pronamespace::regnamespace::text IN {SCHEMAS}
                 OR EXISTS (
                     SELECT FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
                     WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' AND e.extname = 'pluralsight_fdw'
                 )
               )
               AND l.lanname <> 'c'
               AND p.prosqlbody IS NULL
               AND NOT COALESCE('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)"
        ),
    );
    assert_none(
        &mut stage,
        "runs with its owner's rights",
        &format!(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace::regnamespace::text IN {SCHEMAS} AND prosecdef"
        ),
    );
}

#[test]
fn nothing_internal_is_open_to_everybody() {
    let mut stage = stage();
    assert_none(
        &mut stage,
        "open to PUBLIC",
        &format!(
            "SELECT p.oid::regprocedure::text
             FROM pg_proc AS p, aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) AS acl
             WHERE p.pronamespace = 'pluralsight_fdw_internal'::regnamespace AND acl.grantee = 0
               -- The view api_announcements calls it for its reader. By name nobody reaches it, for want of USAGE on the schema.
               AND p.proname <> 'announcements_heard'
             UNION ALL
             SELECT c.oid::regclass || ' ' || acl.privilege_type
             FROM pg_class AS c, aclexplode(c.relacl) AS acl
             WHERE c.relnamespace::regnamespace::text IN {SCHEMAS} AND acl.grantee = 0
               AND NOT (c.oid = 'pluralsight_fdw.api_announcements'::regclass AND acl.privilege_type = 'SELECT')
             UNION ALL
             SELECT n.nspname || ' ' || acl.privilege_type
             FROM pg_namespace AS n, aclexplode(n.nspacl) AS acl
             WHERE n.nspname IN {SCHEMAS} AND acl.grantee = 0
               AND NOT (n.nspname = 'pluralsight_fdw' AND acl.privilege_type = 'USAGE')"
        ),
    );
}

#[test]
fn views_and_bodies_use_nothing_but_postgresql_and_what_is_ours() {
    let mut stage = stage();
    // Built-in objects that every database has are not recorded as dependencies, so what is recorded must be ours.
    let used = format!(
        "SELECT DISTINCT COALESCE(rule.ev_class::regclass::text, used.objid::regprocedure::text) || ' uses ' || identity.identity
         FROM pg_depend AS used
         LEFT JOIN pg_rewrite AS rule ON used.classid = 'pg_rewrite'::regclass AND rule.oid = used.objid
         LEFT JOIN pg_class AS view ON view.oid = rule.ev_class
         LEFT JOIN pg_proc AS body ON used.classid = 'pg_proc'::regclass AND body.oid = used.objid
         CROSS JOIN LATERAL pg_identify_object(used.refclassid, used.refobjid, 0) AS identity
         WHERE COALESCE(view.relnamespace, body.pronamespace)::regnamespace::text IN {SCHEMAS}
           AND used.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_class'::regclass, 'pg_type'::regclass, 'pg_collation'::regclass)
           AND used.refobjid >= 16384
           AND identity.schema"
    );
    assert_none(
        &mut stage,
        "of another schema",
        &format!("{used} NOT IN {SCHEMAS}"),
    );
    // And the walk sees something.
    assert_ne!(
        stage
            .session
            .column(&format!("{used} = 'pluralsight_fdw'"))
            .len(),
        0
    );
    // Nobody but their owner may put anything where the views' names are looked up, so no view is out of date on that.
    assert_none(
        &mut stage,
        "a view or copy reads another schema than its own",
        "SELECT rule.ev_class::regclass || ' reads ' || used.refobjid::regclass
         FROM pg_depend AS used
         JOIN pg_rewrite AS rule ON used.classid = 'pg_rewrite'::regclass AND rule.oid = used.objid
         JOIN pg_class AS view ON view.oid = rule.ev_class
         JOIN pg_class AS relation ON used.refclassid = 'pg_class'::regclass AND relation.oid = used.refobjid
         WHERE view.relnamespace::regnamespace::text IN ('pluralsight', 'pluralsight_copy') AND relation.relnamespace NOT IN (view.relnamespace, 'pg_catalog'::regnamespace)",
    );
}
