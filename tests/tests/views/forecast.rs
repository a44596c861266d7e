//! When licenses run out, and what is made of what is not known.

use behaviour::Session;
use pluralsight_sandbox::Product;

use super::*;

/// The plan lists a product once more, and says of that only how many were bought.
fn a_sum_with_an_unknown_part_is_not_recorded(session: &mut Session, product: &Product) {
    session.run(&format!(
        "BEGIN;
         CALL pluralsight_fdw.refresh();
         DO $do$ BEGIN EXECUTE (
             SELECT format(
                 'CREATE OR REPLACE VIEW pluralsight_copy.licenses AS %s UNION ALL SELECT %s',
                 rtrim(pg_get_viewdef('pluralsight_copy.licenses'::regclass), ';'),
                 string_agg(
                     CASE attname
                         WHEN 'product_id' THEN quote_literal('{}') || '::text'
                         WHEN 'purchased' THEN '5::' || format_type(atttypid, atttypmod)
                         ELSE 'NULL::' || format_type(atttypid, atttypmod)
                     END,
                     ', ' ORDER BY attnum
                 )
             )
             FROM pg_attribute
             WHERE attrelid = 'pluralsight_copy.licenses'::regclass AND attnum > 0
         ); END $do$;
         CALL pluralsight_fdw.refresh()",
        product.id
    ));
    for (month, assigned) in [
        (
            "license_history WHERE day = (now() AT TIME ZONE 'UTC')::date",
            "assigned",
        ),
        (
            "seats_by_month WHERE source = 'unknown' AND month = date_trunc('month', now() AT TIME ZONE 'UTC')",
            "seats",
        ),
    ] {
        assert_eq!(
            session.rows(&format!(
                "SELECT purchased, {assigned} FROM pluralsight_copy.{month} AND product_id = '{}'",
                product.id
            )),
            [[Some((product.purchased + 5).to_string()), None]],
            "{month}"
        );
    }
    session.run("ROLLBACK");
}

#[test]
fn licenses_run_out_when_the_trend_says_so() {
    let mut stage = stage();
    let product = stage.sandbox.organization().products()[0].clone();
    let forecast = format!(
        "SELECT months, months_recorded, assigned_per_month, fit, confidence, runs_out_on - (now() AT TIME ZONE 'UTC')::date
         FROM pluralsight_copy.license_forecast WHERE product_id = '{}'",
        product.id
    );
    // Three more each day, as it was recorded at the end of each month.
    let record = |months: u32| {
        format!(
            "DELETE FROM pluralsight_copy.license_history WHERE day < date_trunc('month', now() AT TIME ZONE 'UTC');
             INSERT INTO pluralsight_copy.license_history (day, product_id, purchased, assigned, remaining)
             SELECT ended.day, '{}', {}, {} - 3 * ((now() AT TIME ZONE 'UTC')::date - ended.day), 0
             FROM generate_series(1, {months}) AS ago
             CROSS JOIN LATERAL (SELECT (date_trunc('month', now() AT TIME ZONE 'UTC') - (ago - 1) * interval '1 month' - interval '1 day')::date) AS ended (day)",
            product.id, product.purchased, product.assigned
        )
    };
    stage.session.run(&record(12));
    let days = ((product.remaining as f64) / 3.0).ceil().to_string();
    assert_eq!(
        stage.session.rows(&forecast),
        [["13", "13", "91.31", "1.000", "high", &days].map(|text| Some(text.to_owned()))]
    );
    // Fewer recorded months: the others are derived, and the line through both is worth less.
    stage.session.run(&record(3));
    let row = stage.session.rows(&forecast).remove(0);
    assert_eq!(
        (row[0].as_deref(), row[1].as_deref()),
        (Some("13"), Some("4"))
    );
    assert!(
        matches!(row[4].as_deref(), Some("medium" | "low")),
        "{row:?}"
    );
    // A month without a refresh is derived, whatever was recorded before it.
    stage.session.run(&format!(
        "DELETE FROM pluralsight_copy.license_history WHERE day < date_trunc('month', now() AT TIME ZONE 'UTC');
         INSERT INTO pluralsight_copy.license_history (day, product_id, purchased, assigned, remaining)
         VALUES ((date_trunc('month', now() AT TIME ZONE 'UTC') - interval '11 months 10 days')::date, '{}', 450, 100, 350)",
        product.id
    ));
    assert_eq!(
        stage.session.column(&format!(
            "SELECT concat_ws(' ', source, seats = 100, as_of < month + 31) FROM pluralsight_copy.seats_by_month
             WHERE product_id = '{}' ORDER BY month LIMIT 3",
            product.id
        )),
        ["recorded t t", "derived f t", "derived f t"]
    );
    assert_eq!(
        stage.session.rows(&forecast).remove(0)[1].as_deref(),
        Some("2")
    );
    // Old copies say nothing of this month.
    stage
        .session
        .run("BEGIN; DELETE FROM pluralsight_copy.license_history");
    assert_eq!(
        stage.session.value(&format!(
            "SELECT concat_ws(' ', source, seats IS NULL, as_of IS NULL) FROM pluralsight_copy.seats_by_month
             WHERE product_id = '{}' ORDER BY month DESC LIMIT 1",
            product.id
        )),
        "unknown t t"
    );
    stage.session.run("ROLLBACK");
    // A product that the plan lists twice is one, here and in the report.
    stage.session.run(&format!(
        "UPDATE pluralsight_copy.plan
         SET product_ids = product_ids || '{0}'::text, product_names = product_names || 'Again'::text,
             product_purchased = product_purchased || 5::bigint, product_assigned = product_assigned || 5::bigint,
             product_remaining = product_remaining || 0::bigint",
        product.id
    ));
    assert_eq!(
        stage.session.rows(&format!(
            "SELECT count(*), sum(purchased), sum(assigned), sum(remaining), count(*) FILTER (WHERE runs_out_on IS NULL) < 2
             FROM pluralsight_copy.license_forecast WHERE product_id = '{}'",
            product.id
        )),
        [[
            "1".to_owned(),
            (product.purchased + 5).to_string(),
            (product.assigned + 5).to_string(),
            product.remaining.to_string(),
            "t".to_owned()
        ]
        .map(Some)]
    );
    // A part that is unknown makes the sum unknown.
    stage
        .session
        .run("BEGIN; UPDATE pluralsight_copy.plan SET product_remaining = product_remaining[1:1]");
    assert_eq!(
        stage.session.value(&format!(
            "SELECT concat_ws(' ', s.remaining IS NULL, p.remaining IS NULL, f.remaining IS NULL, s.purchased > 0, p.purchased > 0)
             FROM pluralsight_copy.report_summary AS s, pluralsight_copy.report_products AS p, pluralsight_copy.license_forecast AS f
             WHERE p.product_id = '{0}' AND f.product_id = '{0}'",
            product.id
        )),
        "t t t t t"
    );
    stage.session.run("ROLLBACK");
    a_sum_with_an_unknown_part_is_not_recorded(&mut stage.session, &product);
    // Where products are unknown, nobody holds none.
    stage
        .session
        .run("BEGIN; UPDATE pluralsight_copy.users SET product_ids = NULL");
    assert_eq!(
        stage.session.value("SELECT count(*) - count(purchased) || ' ' || count(seats) + count(used) + count(to_reclaim) + count(to_reclaim_cost) FROM pluralsight_copy.report_products"),
        "0 0"
    );
    stage.session.run("ROLLBACK");
    // A price is a number.
    let refused = stage.session.error(
        "INSERT INTO pluralsight_copy.prices (product_id, price, currency) VALUES ('x', 'NaN', 'EUR')",
    );
    assert_eq!(refused.code, "23514");
    // Nothing is known but today: no forecast, and none is made up.
    stage.session.run(
        "DELETE FROM pluralsight_copy.license_history WHERE day < date_trunc('month', now() AT TIME ZONE 'UTC'); UPDATE pluralsight_copy.users SET started_on = NULL",
    );
    let row = stage.session.rows(&forecast).remove(0);
    assert_eq!(
        (row[0].as_deref(), row[4].as_deref(), row[5].as_deref()),
        (Some("1"), Some("none"), None)
    );
    // Live the months before this one are derived.
    assert_eq!(
        stage.session.value(&format!(
            "SELECT months = 13 AND months_recorded = 1 AND remaining = {} FROM pluralsight.license_forecast WHERE product_id = '{}'",
            product.remaining, product.id
        )),
        "t"
    );
}
