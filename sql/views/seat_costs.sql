-- Each seat with whoever pays for it, and the reason why it could come back. 90 days without a sign-in are enough; who left
-- the company needs no seat at all.
--
-- A person can have several rows in hr_staff, under several addresses. One who is there now counts before one who left.
CREATE OR REPLACE VIEW seat_costs WITH (security_barrier) AS
SELECT
    seat.user_id,
    seat.email,
    seat.full_name,
    seat.is_admin,
    seat.product_id,
    seat.product_name,
    seat.days_idle,
    seat.never_signed_in,
    staff.cost_center,
    staff.manager_email,
    staff.left_on,
    CASE
        WHEN staff.left_on <= (now() AT TIME ZONE 'UTC')::date THEN 'left the company'
        WHEN staff.user_id IS NULL AND EXISTS (SELECT FROM hr_staff) THEN 'not in hr_staff'
        WHEN seat.days_idle >= 90 AND seat.never_signed_in THEN 'never signed in'
        WHEN seat.days_idle >= 180 THEN 'idle 180 days or more'
        WHEN seat.days_idle >= 90 THEN 'idle 90 to 179 days'
    END AS reclaim_reason,
    seat.price,
    seat.currency
FROM seats AS seat
LEFT JOIN (
    -- HR tables are typed by people: a manager or a cost center that is written in two ways is still one.
    SELECT DISTINCT ON (known.user_id)
        known.user_id,
        NULLIF(btrim(found.cost_center, E' \t\r\n'), '') AS cost_center,
        NULLIF(pluralsight_fdw.match_key(found.manager_email), '') AS manager_email,
        found.left_on
    FROM hr_staff AS found
    JOIN account_keys AS known ON known.kind = 'email' AND known.key = pluralsight_fdw.match_key(found.email)
    ORDER BY known.user_id, found.left_on DESC NULLS FIRST, found.email COLLATE "C"
) AS staff ON staff.user_id = seat.user_id;

COMMENT ON VIEW seat_costs IS 'One row per seat: who pays for it, and why it could come back. Cost centers, managers and leavers come from hr_staff.';
COMMENT ON COLUMN seat_costs.user_id IS 'The person, as in accounts.user_id.';
COMMENT ON COLUMN seat_costs.email IS 'Main e-mail address.';
COMMENT ON COLUMN seat_costs.full_name IS 'Given and family name.';
COMMENT ON COLUMN seat_costs.is_admin IS 'Is listed among the admins of the plan.';
COMMENT ON COLUMN seat_costs.product_id IS 'The product, as in licenses.product_id.';
COMMENT ON COLUMN seat_costs.product_name IS 'Name of the product; null if the plan does not name it.';
COMMENT ON COLUMN seat_costs.days_idle IS 'Whole days since the last sign-in or since the license was given, whichever is later; null where sign-ins are unknown.';
COMMENT ON COLUMN seat_costs.never_signed_in IS 'There was no sign-in; null where that is unknown.';
COMMENT ON COLUMN seat_costs.cost_center IS 'Who pays, from hr_staff, without spaces around it.';
COMMENT ON COLUMN seat_costs.manager_email IS 'Whom to ask, from hr_staff, in the form in which addresses compare: pluralsight_fdw.match_key(manager_email).';
COMMENT ON COLUMN seat_costs.left_on IS 'When the person left the company or will leave it, from hr_staff.';
COMMENT ON COLUMN seat_costs.reclaim_reason IS 'Why the seat could come back: left the company, not in hr_staff, never signed in (licensed for 90 days or more), idle 180 days or more, idle 90 to 179 days. Null if it is in use, or if sign-ins are unknown.';
COMMENT ON COLUMN seat_costs.price IS 'Price of the seat for one year, from prices; null if there is none.';
COMMENT ON COLUMN seat_costs.currency IS 'Currency of the price.';
