-- What the report opens with. Money is in report_reasons, because it can be in several currencies.
CREATE OR REPLACE VIEW report_summary WITH (security_barrier) AS
SELECT
    bought.plan_name,
    bought.purchased,
    bought.remaining,
    CASE WHEN known.products THEN held.people END AS people,
    CASE WHEN known.products THEN held.seats END AS seats,
    CASE WHEN known.products THEN held.to_reclaim END AS seats_to_reclaim,
    CASE WHEN known.products THEN held.without_price END AS seats_without_price,
    known.products AS products_are_known,
    known.sign_ins AS sign_ins_are_known,
    known.staff AS staff_is_known
FROM (
    SELECT
        min(license.plan_name) AS plan_name,
        CASE WHEN bool_and(license.purchased IS NOT NULL) THEN sum(license.purchased)::bigint END AS purchased,
        CASE WHEN bool_and(license.remaining IS NOT NULL) THEN sum(license.remaining)::bigint END AS remaining
    FROM licenses AS license
) AS bought
CROSS JOIN (
    SELECT
        count(DISTINCT seat.user_id COLLATE "C") AS people,
        count(*) AS seats,
        count(seat.reclaim_reason) AS to_reclaim,
        count(*) FILTER (WHERE seat.price IS NULL) AS without_price
    FROM seat_costs AS seat
) AS held
CROSS JOIN report_known AS known;

COMMENT ON VIEW report_summary IS 'One row: what was bought, who holds it, and how much of it could come back.';
COMMENT ON COLUMN report_summary.plan_name IS 'Name of the plan.';
COMMENT ON COLUMN report_summary.purchased IS 'Seats bought, all products together.';
COMMENT ON COLUMN report_summary.remaining IS 'Seats left to assign, all products together.';
COMMENT ON COLUMN report_summary.people IS 'People who hold a seat; null where products are unknown.';
COMMENT ON COLUMN report_summary.seats IS 'Seats that people hold.';
COMMENT ON COLUMN report_summary.seats_to_reclaim IS 'Seats that could come back, as in seat_costs.reclaim_reason.';
COMMENT ON COLUMN report_summary.seats_without_price IS 'Seats of products that have no row in prices.';
COMMENT ON COLUMN report_summary.products_are_known IS 'The API says of everybody which products they hold.';
COMMENT ON COLUMN report_summary.sign_ins_are_known IS 'The API says when people signed in. If not, nobody is idle.';
COMMENT ON COLUMN report_summary.staff_is_known IS 'hr_staff has rows.';
