-- Why seats could come back, and what they cost, in each currency.
CREATE OR REPLACE VIEW report_reasons WITH (security_barrier) AS
SELECT
    seat.reclaim_reason,
    count(*) AS seats,
    count(DISTINCT seat.user_id COLLATE "C") AS people,
    sum(seat.price) AS cost,
    seat.currency
FROM seat_costs AS seat
WHERE seat.reclaim_reason IS NOT NULL
GROUP BY seat.reclaim_reason, seat.currency;

COMMENT ON VIEW report_reasons IS 'One row per reason why seats could come back, and currency.';
COMMENT ON COLUMN report_reasons.reclaim_reason IS 'The reason, as in seat_costs.reclaim_reason.';
COMMENT ON COLUMN report_reasons.seats IS 'Seats that could come back for it. A seat has one reason.';
COMMENT ON COLUMN report_reasons.people IS 'People who hold them.';
COMMENT ON COLUMN report_reasons.cost IS 'What they cost in one year; null if they have no price.';
COMMENT ON COLUMN report_reasons.currency IS 'Currency of the cost; null for seats without a price.';
