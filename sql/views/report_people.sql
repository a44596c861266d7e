-- The people whose seats could come back.
CREATE OR REPLACE VIEW report_people WITH (security_barrier) AS
SELECT
    seat.user_id,
    min(seat.email) AS email,
    min(seat.full_name) AS full_name,
    min(seat.manager_email) AS manager_email,
    min(seat.cost_center) AS cost_center,
    min(seat.reclaim_reason) AS reclaim_reason,
    min(seat.days_idle) AS days_idle,
    count(*) AS seats,
    array_agg(seat.product_name ORDER BY seat.product_name COLLATE "C") AS product_names,
    sum(seat.price) AS cost,
    seat.currency
FROM seat_costs AS seat
WHERE seat.reclaim_reason IS NOT NULL
GROUP BY seat.user_id, seat.currency;

COMMENT ON VIEW report_people IS 'One row per person whose seats could come back, and currency: the list to work through.';
COMMENT ON COLUMN report_people.user_id IS 'The person, as in accounts.user_id.';
COMMENT ON COLUMN report_people.email IS 'Main e-mail address.';
COMMENT ON COLUMN report_people.full_name IS 'Given and family name.';
COMMENT ON COLUMN report_people.manager_email IS 'Whom to ask, from hr_staff.';
COMMENT ON COLUMN report_people.cost_center IS 'Who pays, from hr_staff.';
COMMENT ON COLUMN report_people.reclaim_reason IS 'Why the seats could come back, as in seat_costs.reclaim_reason.';
COMMENT ON COLUMN report_people.days_idle IS 'Whole days since the last sign-in or since the license was given, whichever is later.';
COMMENT ON COLUMN report_people.seats IS 'Seats that the person holds.';
COMMENT ON COLUMN report_people.product_names IS 'Their products, by name.';
COMMENT ON COLUMN report_people.cost IS 'What they cost in one year; null if they have no price.';
COMMENT ON COLUMN report_people.currency IS 'Currency of the cost; null for seats without a price.';
