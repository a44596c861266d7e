//! Rows about copies.

use super::*;

/// The rows about copies.
fn about_copies(session: &mut behaviour::Session) -> Vec<String> {
    session
        .rows("SELECT checked, status, found FROM pluralsight_fdw.check() WHERE checked ~ '^(copies|schedule|forecast)'")
        .into_iter()
        .map(|row| {
            let row: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
            format!("{} {}: {}", row[0], row[1], row[2].replace('\n', " "))
        })
        .collect()
}

#[test]
fn copies_their_schedule_and_their_forecast_are_looked_at() {
    let mut stage = stage();
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    let lines = about_copies(&mut stage.session);
    assert!(
        lines[0].starts_with("copies pluralsight_copy ok: 5 tables as of "),
        "{lines:?}"
    );
    assert_eq!(
        lines[1],
        "schedule pluralsight_copy ok: not by pg_cron, as far as this role may see"
    );
    // The sandbox's plan has a product of which none is left.
    assert!(
        lines[2].starts_with("forecast pluralsight_copy warning: ")
            && lines[2].contains("Cloud+ (A Cloud Guru) has none left"),
        "{lines:?}"
    );
    // Who may not read them sees none of it; who may read what names nobody sees it all.
    let role = stage.role("plain");
    assert_eq!(
        about_copies(&mut stage.session_of(&role)),
        [NO_COPIES.to_owned()]
    );
    stage.session.run(&format!(
        "CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{role}', anonymous => true)"
    ));
    assert_eq!(about_copies(&mut stage.session_of(&role)), lines);

    stage.sandbox.faults().script("*=401").expect("a fault");
    stage.session.error("CALL pluralsight_fdw.refresh()");
    let failed = about_copies(&mut stage.session);
    assert!(
        failed[0].contains("warning: as of ") && failed[0].contains("the latest refresh failed: "),
        "{failed:?}"
    );
    stage.sandbox.faults().clear();
    // Copies that are old, and that nobody refreshes.
    stage.session.run(
        "DELETE FROM pluralsight_copy.refresh_log WHERE outcome <> 'ok';
         UPDATE pluralsight_copy.refresh_log SET started_at = started_at - interval '2 days'",
    );
    let old = about_copies(&mut stage.session);
    assert!(old[0].contains("warning: old: as of "), "{old:?}");
    assert!(
        old[1].contains("warning: no job of pg_cron that this role may see"),
        "{old:?}"
    );
}

#[test]
fn checking_runs_nobodys_code() {
    let mut stage = stage();
    let mallory = stage.role("mallory");
    let database = stage.database().to_owned();
    stage
        .session
        .run(&format!("GRANT CREATE ON DATABASE {database} TO {mallory}"));
    stage.session_of(&mallory).run(
        "CREATE SCHEMA trap;
         CREATE TABLE trap.settings (only_row boolean, source_schema name, source_id oid, source_database text, tables name[], max_shrink numeric, history_from timestamptz);
         CREATE FUNCTION trap.bite() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'bitten'; END $$;
         CREATE VIEW trap.data_freshness AS SELECT trap.bite() AS last_refresh_failed",
    );
    let lines = about_copies(&mut stage.session);
    assert!(
        lines[0].starts_with("copies trap failed: ") && !lines[0].contains("bitten"),
        "{lines:?}"
    );
    // Nor by a cast that is found because of a column's type.
    stage.session_of(&mallory).run(
        "CREATE TYPE trap.flavor AS ENUM ('sweet');
         CREATE FUNCTION trap.day(trap.flavor) RETURNS date LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.bite(); END $$;
         CREATE CAST (trap.flavor AS date) WITH FUNCTION trap.day(trap.flavor) AS IMPLICIT;
         DROP VIEW trap.data_freshness;
         CREATE VIEW trap.data_freshness AS SELECT now() AS as_of, interval '1 hour' AS age, false AS last_refresh_failed, 'ok'::text AS last_outcome, NULL::text AS last_error;
         CREATE VIEW trap.license_forecast AS SELECT 'x'::text AS product_id, NULL::text AS product_name, 1::bigint AS remaining, 'low'::text AS confidence, 'sweet'::trap.flavor AS runs_out_on",
    );
    let lines = about_copies(&mut stage.session);
    assert!(
        lines[0].starts_with("copies trap failed: ") && !lines[0].contains("bitten"),
        "{lines:?}"
    );
    // What PostgreSQL's own functions run for her is found, too; and what fails in her schema keeps nothing else from being checked.
    for (freshness, what) in [
        (
            "query_to_xml('SELECT trap.bite()', true, true, '')::text",
            "query_to_xml",
        ),
        (
            "(1 / (SELECT count(*) FROM trap.settings))::text",
            "division by zero",
        ),
    ] {
        stage.session_of(&mallory).run(&format!(
            "DROP VIEW trap.data_freshness;
             CREATE VIEW trap.data_freshness AS SELECT now() AS as_of, interval '1 hour' AS age, false AS last_refresh_failed, {freshness} AS last_outcome, NULL::text AS last_error;
             DROP VIEW IF EXISTS trap.license_forecast"
        ));
        let lines = about_copies(&mut stage.session);
        assert!(
            lines[0].starts_with("copies trap failed: ")
                && lines[0].contains(what)
                && !lines[0].contains("bitten"),
            "{lines:?}"
        );
    }
}
