//! Views of a role that means no good.

use behaviour::copies;

#[test]
fn nobodys_code_runs_as_the_reader() {
    let mut stage = copies::stage(50);
    let mallory = stage.role("mallory");
    let database = stage.database().to_owned();
    stage
        .session
        .run(&format!("GRANT CREATE ON DATABASE {database} TO {mallory}"));
    let mut hers = stage.session_of(&mallory);
    hers.run(
        "CREATE SCHEMA trap;
         CREATE FUNCTION trap.bite() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'bitten as %', current_user; END $$;
         CREATE FUNCTION trap.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.bite(); RETURN true; END $$;
         CREATE OPERATOR trap.=== (FUNCTION = trap.same, LEFTARG = text, RIGHTARG = text);
         CREATE DOMAIN trap.checked AS text CHECK (trap.same(VALUE, VALUE));
         CREATE TYPE trap.flavor AS ENUM ('sweet');
         CREATE FUNCTION trap.to_json(trap.flavor) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM trap.bite(); RETURN 'null'; END $$;
         CREATE CAST (trap.flavor AS json) WITH FUNCTION trap.to_json(trap.flavor);
         CREATE TABLE trap.guarded (plan_name text);
         INSERT INTO trap.guarded VALUES ('x');
         CREATE VIEW trap.report_products AS SELECT 1 AS purchased, 1 AS seats, 'x' AS product_id;
         CREATE VIEW trap.report_reasons AS SELECT 'x' AS reclaim_reason, 1 AS cost;
         CREATE VIEW trap.seats_by_month AS SELECT current_date AS month;
         CREATE VIEW trap.license_forecast AS SELECT 'x' AS product_id",
    );
    for make in [
        "CREATE VIEW trap.report_summary AS SELECT 'x' AS plan_name WHERE trap.bite()",
        "CREATE VIEW trap.deeper AS SELECT trap.bite() AS x; CREATE VIEW trap.report_summary AS SELECT * FROM trap.deeper",
        "CREATE VIEW trap.report_summary AS SELECT 'x' AS plan_name WHERE 'a'::text OPERATOR(trap.===) 'b'::text",
        "CREATE VIEW trap.report_summary AS SELECT plan_name::trap.checked FROM trap.guarded",
        "CREATE VIEW trap.report_summary AS SELECT 'sweet'::trap.flavor AS plan_name",
        "CREATE VIEW trap.report_summary AS SELECT ARRAY['sweet'::trap.flavor] AS plan_name",
        "ALTER TABLE trap.guarded ENABLE ROW LEVEL SECURITY; CREATE POLICY biting ON trap.guarded USING (trap.bite()); GRANT SELECT ON trap.guarded TO PUBLIC; CREATE VIEW trap.report_summary AS SELECT * FROM trap.guarded",
        "CREATE VIEW trap.report_summary AS SELECT 'x' AS plan_name; CREATE TABLE trap.settings (only_row boolean, source_schema name, source_id oid, source_database text, tables name[], max_shrink numeric, history_from timestamptz); CREATE VIEW trap.data_freshness AS SELECT trap.bite() AS last_refresh_failed, now() AS as_of",
    ] {
        hers.run(make);
        let error = stage
            .session
            .error("SELECT pluralsight_fdw.report_html('trap')");
        assert_eq!(error.code, "42501", "{make}: {error:?}");
        assert!(
            error.message.contains(&mallory) && !error.message.contains("bitten"),
            "{error:?}"
        );
        hers.run("DROP VIEW trap.report_summary; DROP VIEW IF EXISTS trap.deeper, trap.data_freshness; DROP TABLE IF EXISTS trap.settings; ALTER TABLE trap.guarded DISABLE ROW LEVEL SECURITY; DROP POLICY IF EXISTS biting ON trap.guarded");
    }
    // Nor does code that nothing depends on: PostgreSQL's own functions that run what a text says, and what the planner computes.
    hers.run(
        "CREATE FUNCTION trap.bitten(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM trap.bite(); RETURN 'x'; END $$",
    );
    for (make, unmake) in [
        (
            "CREATE VIEW trap.report_summary AS SELECT query_to_xml('SELECT trap.bite()', true, true, '')::text AS plan_name",
            "DROP VIEW trap.report_summary",
        ),
        (
            "CREATE VIEW trap.biting AS SELECT trap.bite(); CREATE VIEW trap.report_summary AS SELECT table_to_xml(('trap.' || 'biting')::regclass, true, true, '')::text AS plan_name",
            "DROP VIEW trap.report_summary, trap.biting",
        ),
        (
            "CREATE VIEW trap.report_summary AS SELECT plan_name FROM trap.guarded; CREATE INDEX biting ON trap.guarded ((trap.bitten('a'))) WHERE plan_name = 'never'",
            "DROP VIEW trap.report_summary; DROP INDEX trap.biting",
        ),
        (
            "CREATE TABLE trap.child () INHERITS (trap.guarded); ALTER TABLE trap.child ADD CHECK (trap.bitten('a') = 'x') NOT VALID; CREATE VIEW trap.report_summary AS SELECT plan_name FROM trap.guarded",
            "DROP VIEW trap.report_summary; DROP TABLE trap.child",
        ),
    ] {
        // The index is made as her own code allows it, and bites from then on.
        hers.run(
            "CREATE OR REPLACE FUNCTION trap.bite() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
        );
        hers.run(make);
        hers.run("CREATE OR REPLACE FUNCTION trap.bite() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'bitten as %', current_user; END $$");
        let error = stage
            .session
            .error("SELECT pluralsight_fdw.report_html('trap')");
        assert_eq!(error.code, "42501", "{make}: {error:?}");
        assert!(!error.message.contains("bitten as"), "{make}: {error:?}");
        hers.run(unmake);
    }
    // A function of that schema does not come before PostgreSQL's own.
    hers.run("CREATE VIEW trap.report_summary AS SELECT 'x' AS plan_name; CREATE FUNCTION trap.to_jsonb(trap.report_summary) RETURNS jsonb LANGUAGE sql AS 'SELECT to_jsonb(trap.bite())'");
    let error = stage
        .session
        .error("SET search_path = trap, public; SELECT pluralsight_fdw.report_html('trap')");
    assert_eq!(error.code, "55000", "{error:?}");
    // What no look finds runs as the owner of the views, whoever asks: here what a function of a superuser's runs by its name.
    hers.run("DROP FUNCTION trap.to_jsonb(trap.report_summary); DROP VIEW trap.report_summary");
    stage.session.run(
        "CREATE FUNCTION public.answer_of(query text) RETURNS text LANGUAGE plpgsql STABLE AS $$ DECLARE answer text; BEGIN EXECUTE query INTO answer; RETURN answer; END $$",
    );
    hers.run("CREATE VIEW trap.report_summary AS SELECT public.answer_of('SELECT trap.bite()') AS plan_name");
    let error = stage
        .session
        .error("SELECT pluralsight_fdw.report_html('trap')");
    assert_eq!(error.message, format!("bitten as {mallory}"), "{error:?}");
    // Whose views are her own function's caller may read them herself: it is her code, with her rights.
    hers.run("DROP VIEW trap.report_summary; CREATE VIEW trap.report_summary AS SELECT 'x' AS plan_name WHERE trap.bite()");
    assert!(
        hers.error("SELECT pluralsight_fdw.report_html('trap')")
            .message
            .contains("bitten")
    );
}
