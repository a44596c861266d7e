-- Who pays for the seats, and for those that could come back.
CREATE OR REPLACE VIEW report_cost_centers WITH (security_barrier) AS
SELECT
    seat.cost_center,
    count(DISTINCT seat.user_id COLLATE "C") AS people,
    count(*) AS seats,
    sum(seat.price) AS cost,
    count(seat.reclaim_reason) AS seats_to_reclaim,
    COALESCE(
        sum(seat.price) FILTER (WHERE seat.reclaim_reason IS NOT NULL),
        CASE WHEN count(seat.price) > 0 AND count(seat.reclaim_reason) = 0 THEN 0 END
    ) AS cost_to_reclaim,
    seat.currency
FROM seat_costs AS seat
GROUP BY seat.cost_center, seat.currency;

COMMENT ON VIEW report_cost_centers IS 'One row per cost center and currency: what its people''s seats cost in one year. cost_center is null for people without one.';
COMMENT ON COLUMN report_cost_centers.cost_center IS 'The cost center, from hr_staff.';
COMMENT ON COLUMN report_cost_centers.people IS 'People who hold a seat.';
COMMENT ON COLUMN report_cost_centers.seats IS 'Seats that they hold.';
COMMENT ON COLUMN report_cost_centers.cost IS 'What the seats cost in one year; null if they have no price.';
COMMENT ON COLUMN report_cost_centers.seats_to_reclaim IS 'Seats that could come back.';
COMMENT ON COLUMN report_cost_centers.cost_to_reclaim IS 'What these cost in one year.';
COMMENT ON COLUMN report_cost_centers.currency IS 'Currency of the costs; null for seats without a price.';
