//! What becomes of views when they are made again: the user's own changes stay, ours are renewed, strangers' are refused.

use behaviour::Stage;
use behaviour::views::{mark_as_made, mark_as_of_another_version};
use pluralsight_sandbox::Config;

const AGAIN: &str = "CALL pluralsight_fdw.set_up('pluralsight')";
const TAKE_BACK: &str = "CALL pluralsight_fdw.set_up('pluralsight', replace_views => true)";

fn stage() -> Stage {
    Stage::new(Config {
        users: 60,
        ..Config::default()
    })
}

fn definition(stage: &mut Stage, view: &str) -> String {
    stage.session.value(&format!(
        "SELECT pg_get_viewdef('pluralsight.{view}'::regclass)"
    ))
}

/// What was said about views since the last call.
fn said_about_views(stage: &mut Stage) -> Vec<String> {
    let mut notices = stage.session.notices();
    notices.retain(|notice| notice.contains("view"));
    notices
}

fn grants(stage: &mut Stage, view: &str) -> Vec<String> {
    stage.session.column(&format!(
        "SELECT grantee::regrole || ' ' || privilege_type FROM pg_class, aclexplode(relacl) WHERE oid = 'pluralsight.{view}'::regclass AND grantee <> relowner ORDER BY 1"
    ))
}

#[test]
fn made_again_nothing_changes_and_nothing_is_said() {
    let mut stage = stage();
    let before = stage.session.column("SELECT oid::text || xmin FROM pg_class WHERE relnamespace = 'pluralsight'::regnamespace AND relkind <> 'f' ORDER BY oid");
    stage.session.run(AGAIN);
    assert_eq!(said_about_views(&mut stage), Vec::<String>::new());
    assert_eq!(
        stage.session.column("SELECT oid::text || xmin FROM pg_class WHERE relnamespace = 'pluralsight'::regnamespace AND relkind <> 'f' ORDER BY oid"),
        before
    );
    // Nor is anything taken for a change that is none: another name of the schema, another owner, a comment of one's own.
    stage.session.run(
        "ALTER SCHEMA pluralsight RENAME TO \"Odd \"\"schema\"; COMMENT ON VIEW \"Odd \"\"schema\".accounts IS 'ours'; CALL pluralsight_fdw.set_up('pluralsight', 'Odd \"schema')"
    );
    assert_eq!(said_about_views(&mut stage), Vec::<String>::new());
    assert_eq!(
        stage
            .session
            .value("SELECT obj_description('\"Odd \"\"schema\".accounts'::regclass)"),
        "ours"
    );
}

#[test]
fn the_users_own_change_stays_until_it_is_to_be_taken_back() {
    let mut stage = stage();
    let ours = definition(&mut stage, "accounts");
    let role = stage.role("analyst");
    stage.session.run(
        "DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW pluralsight.accounts AS SELECT * FROM (' || rtrim(pg_get_viewdef('pluralsight.accounts'::regclass), ';') || ') AS a WHERE a.billable'; END $$",
    );
    let theirs = definition(&mut stage, "accounts");
    assert_ne!(ours, theirs);
    said_about_views(&mut stage);
    stage.session.run(AGAIN);
    assert_eq!(definition(&mut stage, "accounts"), theirs);
    let notices = said_about_views(&mut stage);
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(
        notices[0].contains("\"pluralsight\".\"accounts\" was changed by its owner and stays"),
        "{notices:?}"
    );
    let before = grants(&mut stage, "accounts");
    assert_eq!(before, [format!("{role} SELECT")]);
    stage.session.run(TAKE_BACK);
    assert_eq!(definition(&mut stage, "accounts"), ours);
    assert_eq!(grants(&mut stage, "accounts"), before);
    said_about_views(&mut stage);
    stage.session.run(AGAIN);
    assert_eq!(said_about_views(&mut stage), Vec::<String>::new());
    // An option is a part of the view, too.
    stage
        .session
        .run("ALTER VIEW pluralsight.admins_without_use SET (security_barrier = false)");
    said_about_views(&mut stage);
    stage.session.run(AGAIN);
    assert_eq!(said_about_views(&mut stage).len(), 1);
    stage.session.run(TAKE_BACK);
    assert_eq!(
        stage.session.value(
            "SELECT reloptions FROM pg_class WHERE oid = 'pluralsight.admins_without_use'::regclass"
        ),
        "{security_barrier=true}"
    );
}

#[test]
fn what_does_not_fit_a_users_change_stays_and_the_rest_is_renewed() {
    for (schema, again, take_back) in [
        ("pluralsight", AGAIN, TAKE_BACK),
        (
            "pluralsight_copy",
            "CALL pluralsight_fdw.create_copies(fill => false)",
            "CALL pluralsight_fdw.create_copies(fill => false, replace_views => true)",
        ),
    ] {
        for (change, named, misfits) in [
            (
                "ALTER VIEW licenses RENAME COLUMN purchased TO bought",
                Some("licenses"),
                &["product_licenses", "report_summary"][..],
            ),
            (
                "ALTER TABLE prices RENAME COLUMN price TO per_seat",
                None,
                &["current_prices"],
            ),
            (
                "ALTER TABLE prices RENAME TO costs; CREATE TABLE prices (product_id integer)",
                None,
                &["current_prices"],
            ),
            (
                "ALTER VIEW accounts RENAME COLUMN user_id TO person",
                Some("accounts"),
                &["idle_licenses"],
            ),
        ] {
            let mut stage = stage();
            stage.session.run("CALL pluralsight_fdw.create_copies()");
            stage.session.run(&format!(
                "SET search_path = {schema}; {change}; DROP VIEW team_utilization; RESET search_path"
            ));
            said_about_views(&mut stage);
            stage.session.run(again);
            let said = said_about_views(&mut stage).join("\n");
            for view in misfits {
                assert!(
                    said.contains(&format!(
                        "view \"{schema}\".\"{view}\" cannot be made now: "
                    )),
                    "{change}: {said}"
                );
            }
            if let Some(named) = named {
                assert!(
                    said.contains(&format!(
                        "\"{schema}\".\"{named}\" was changed by its owner"
                    )),
                    "{said}"
                );
            }
            // What was lost is made again, and what could be read can be read.
            for view in [
                "team_utilization",
                "licenses",
                "report_summary",
                "idle_licenses",
            ] {
                stage.session.run(&format!("SELECT * FROM {schema}.{view}"));
            }
            if named.is_some() {
                stage.session.run(take_back);
                said_about_views(&mut stage);
                stage.session.run(again);
                assert_eq!(
                    said_about_views(&mut stage),
                    Vec::<String>::new(),
                    "{change}"
                );
                stage.session.run(&format!(
                    "SELECT user_id FROM {schema}.accounts; SELECT purchased FROM {schema}.licenses"
                ));
            }
        }
    }
}

#[test]
fn a_column_of_the_users_is_taken_back_without_loss_of_grants() {
    let mut stage = stage();
    let role = stage.role("analyst");
    stage.session.run(&format!(
        "GRANT SELECT (user_id) ON pluralsight.accounts TO {role} WITH GRANT OPTION"
    ));
    let before = (
        grants(&mut stage, "accounts"),
        grants(&mut stage, "idle_licenses"),
        definition(&mut stage, "accounts"),
    );
    stage.session.run(
        "DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW pluralsight.accounts AS SELECT a.*, 1 AS mine FROM (' || rtrim(pg_get_viewdef('pluralsight.accounts'::regclass), ';') || ') AS a'; END $$;
         CREATE SCHEMA reports;
         CREATE VIEW reports.mine AS SELECT mine FROM pluralsight.accounts;
         CREATE MATERIALIZED VIEW reports.counted AS SELECT count(*) FROM pluralsight.seats",
    );
    let error = stage.session.error(TAKE_BACK);
    assert_eq!(error.code, "2BP01", "{error:?}");
    let detail = error.detail.unwrap_or_default();
    assert!(
        detail.contains("view reports.mine")
            && detail.contains("materialized view reports.counted"),
        "{detail}"
    );
    stage.session.run("DROP SCHEMA reports CASCADE");
    stage.session.run(TAKE_BACK);
    assert_eq!(
        (
            grants(&mut stage, "accounts"),
            grants(&mut stage, "idle_licenses"),
            definition(&mut stage, "accounts"),
        ),
        before
    );
    assert_eq!(
        stage.session.value(
            "SELECT attacl IS NOT NULL FROM pg_attribute WHERE attrelid = 'pluralsight.accounts'::regclass AND attname = 'user_id'"
        ),
        "t"
    );
    said_about_views(&mut stage);
    stage.session.run(AGAIN);
    assert_eq!(said_about_views(&mut stage), Vec::<String>::new());
}

/// Makes `memberships` as an older version would have made it: with fewer columns, and marked as made by us.
fn make_older(stage: &mut Stage) {
    stage.session.run(&format!(
        "DROP VIEW pluralsight.memberships;
         CREATE VIEW pluralsight.memberships AS SELECT user_id, email FROM pluralsight.users;
         SET search_path = pluralsight, pg_temp;
         {};
         RESET search_path",
        mark_as_made("memberships")
    ));
}

#[test]
fn what_another_version_of_postgresql_printed_is_known_again_and_a_change_to_it_too() {
    let mut stage = stage();
    let ours = definition(&mut stage, "memberships");
    make_older(&mut stage);
    let another = mark_as_of_another_version("pluralsight.memberships");
    stage.session.run(&another);
    stage.session.run(
        "CREATE OR REPLACE VIEW pluralsight.memberships AS SELECT user_id, email FROM pluralsight.users WHERE is_on_account",
    );
    let changed = definition(&mut stage, "memberships");
    stage.session.run(AGAIN);
    assert_eq!(definition(&mut stage, "memberships"), changed);
    said_about_views(&mut stage);
    make_older(&mut stage);
    stage.session.run(&another);
    stage.session.run(AGAIN);
    assert_eq!(
        said_about_views(&mut stage),
        ["NOTICE: views in schema \"pluralsight\" renewed: memberships"]
    );
    assert_eq!(definition(&mut stage, "memberships"), ours);
}

#[test]
fn an_older_version_of_ours_is_renewed_in_place() {
    let mut stage = stage();
    let role = stage.role("analyst");
    let ours = definition(&mut stage, "memberships");
    make_older(&mut stage);
    stage
        .session
        .run("CREATE VIEW public.mine AS SELECT user_id FROM pluralsight.memberships");
    stage.session.run(&format!(
        "GRANT SELECT ON pluralsight.memberships TO {role}"
    ));
    stage.session.run(AGAIN);
    assert_eq!(
        said_about_views(&mut stage),
        ["NOTICE: views in schema \"pluralsight\" renewed: memberships"]
    );
    assert_eq!(definition(&mut stage, "memberships"), ours);
    assert_eq!(
        grants(&mut stage, "memberships"),
        [format!("{role} SELECT")]
    );
    assert_ne!(
        stage.session.value("SELECT count(*) FROM public.mine"),
        "0",
        "what stands on it still does"
    );
}

#[test]
fn nothing_of_another_role_is_taken_as_found_or_bound() {
    let mut stage = stage();
    let mallory = stage.role("mallory");
    stage
        .session
        .run(&format!("GRANT CREATE ON SCHEMA pluralsight TO {mallory}"));
    let mut hers = stage.session_of(&mallory);
    for (make, name, undo) in [
        (
            "CREATE FUNCTION pluralsight.cardinality(text[]) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            "cardinality(text[])",
            "DROP FUNCTION pluralsight.cardinality(text[])",
        ),
        (
            "CREATE FUNCTION pluralsight.jsonb_object_agg_finalfn(text) RETURNS text LANGUAGE sql AS 'SELECT 1'",
            "",
            "DROP FUNCTION pluralsight.jsonb_object_agg_finalfn(text)",
        ),
        (
            "CREATE FUNCTION pluralsight.concat_ws(text, text, text) RETURNS text LANGUAGE sql AS 'SELECT 1'",
            "concat_ws(text,text,text)",
            "DROP FUNCTION pluralsight.concat_ws(text, text, text)",
        ),
        (
            "CREATE FUNCTION pluralsight.joined(text, text[]) RETURNS text[] LANGUAGE sql AS 'SELECT $2';
             CREATE OPERATOR pluralsight.|| (FUNCTION = pluralsight.joined, LEFTARG = text, RIGHTARG = text[])",
            "(text,text[])",
            "DROP OPERATOR pluralsight.|| (text, text[]); DROP FUNCTION pluralsight.joined(text, text[])",
        ),
        (
            "CREATE TABLE pluralsight.prices (product_id text, price numeric, currency text, valid_from date)",
            "prices",
            "DROP TABLE pluralsight.prices",
        ),
        (
            "CREATE VIEW pluralsight.seats AS SELECT 1 AS trap",
            "seats",
            "DROP VIEW pluralsight.seats",
        ),
        (
            "CREATE SEQUENCE pluralsight.accounts_anonymous_salt_1; SELECT setval('pluralsight.accounts_anonymous_salt_1', 7)",
            "accounts_anonymous_salt_1",
            "DROP SEQUENCE pluralsight.accounts_anonymous_salt_1",
        ),
    ] {
        stage.session.run(
            "DROP VIEW IF EXISTS pluralsight.report_managers, pluralsight.report_people, pluralsight.report_cost_centers, pluralsight.report_reasons, pluralsight.report_products, pluralsight.report_summary, pluralsight.report_known, pluralsight.seat_costs, pluralsight.seats, pluralsight.idle_licenses, pluralsight.accounts_anonymous, pluralsight.admins_without_use, pluralsight.accounts, pluralsight.license_forecast, pluralsight.seats_by_month, pluralsight.seats_derived, pluralsight.seats_recorded, pluralsight.product_licenses, pluralsight.licenses, pluralsight.current_prices, pluralsight.account_keys, pluralsight.memberships, pluralsight.team_tree, pluralsight.team_utilization, pluralsight.duplicate_people;
             DROP TABLE IF EXISTS pluralsight.prices, pluralsight.hr_staff;
             DROP SEQUENCE IF EXISTS pluralsight.accounts_anonymous_salt_1, pluralsight.accounts_anonymous_salt_2",
        );
        hers.run(make);
        if name.is_empty() {
            stage.session.run(AGAIN);
        } else {
            let error = stage.session.error(AGAIN);
            assert!(
                ["55000", "42710"].contains(&error.code.as_str()) && error.message.contains(name),
                "{make}: {error:?}"
            );
        }
        hers.run(undo);
        stage.session.run(AGAIN);
    }
}

#[test]
fn nothing_in_the_place_of_a_secret_runs() {
    let mut stage = stage();
    let mallory = stage.role("mallory");
    stage.session.run(&format!(
        "DROP VIEW pluralsight.accounts_anonymous;
         DROP SEQUENCE pluralsight.accounts_anonymous_salt_1, pluralsight.accounts_anonymous_salt_2;
         GRANT CREATE ON SCHEMA pluralsight TO {mallory}"
    ));
    let mut hers = stage.session_of(&mallory);
    // A sequence remembers what an error undoes.
    hers.run(
        "CREATE SEQUENCE pluralsight.seized;
         GRANT ALL ON SEQUENCE pluralsight.seized TO PUBLIC;
         CREATE FUNCTION pluralsight.grab() RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('pluralsight.seized') < 0 $$;
         CREATE VIEW pluralsight.accounts_anonymous_salt_1 AS SELECT 1::bigint AS last_value, pluralsight.grab() AS is_called",
    );
    let error = stage.session.error(AGAIN);
    assert_eq!(
        (error.code.as_str(), error.message),
        (
            "42710",
            format!(
                "\"pluralsight\".\"accounts_anonymous_salt_1\" already exists and belongs to role \"{mallory}\""
            )
        )
    );
    assert_eq!(
        stage
            .session
            .value("SELECT is_called FROM pluralsight.seized"),
        "f"
    );
    stage.session.run(&error.hint.expect("a hint"));
    stage.session.run(AGAIN);
}

#[test]
fn what_is_no_view_is_not_replaced() {
    let mut stage = stage();
    stage.session.run(
        "DROP VIEW pluralsight.memberships; CREATE TABLE pluralsight.memberships (mine integer)",
    );
    let error = stage.session.error(AGAIN);
    assert_eq!(error.code, "42710", "{error:?}");
    let hint = error.hint.unwrap_or_default();
    stage.session.run(&hint);
    stage.session.run(AGAIN);
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight.memberships_old"),
        "0"
    );
}

#[test]
fn a_view_prints_the_same_after_a_dump_is_restored() {
    let mut stage = stage();
    stage
        .session
        .run("CALL pluralsight_fdw.create_copies(); SET search_path = pluralsight_copy, pg_temp");
    let views = stage.session.column(
        "SELECT relname FROM pg_class WHERE relnamespace = 'pluralsight_copy'::regnamespace AND relkind = 'v'",
    );
    assert!(views.len() > 12, "{views:?}");
    for view in views {
        let printed = stage
            .session
            .value(&format!("SELECT pg_get_viewdef('{view}'::regclass)"));
        stage
            .session
            .run(&format!("CREATE VIEW restored AS {printed}"));
        assert_eq!(
            stage
                .session
                .value("SELECT pg_get_viewdef('restored'::regclass)"),
            printed,
            "{view}"
        );
        stage.session.run("DROP VIEW restored");
    }
}

#[test]
fn nobody_can_be_in_the_way_of_a_comparison() {
    let mut stage = stage();
    let mallory = stage.role("mallory");
    stage
        .session
        .run(&format!("GRANT CREATE ON SCHEMA pluralsight TO {mallory}"));
    // What such a view was called once.
    stage
        .session_of(&mallory)
        .run("CREATE TABLE pluralsight.pluralsight_fdw_probe (trap text)");
    stage.session.run(AGAIN);
    assert_eq!(said_about_views(&mut stage), Vec::<String>::new());
    assert_eq!(
        stage
            .session
            .column("SELECT relname FROM pg_class WHERE relname LIKE '%probe%'"),
        ["pluralsight_fdw_probe"],
        "nothing of it is left"
    );
}
