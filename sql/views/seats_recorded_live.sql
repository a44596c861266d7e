-- seats_recorded over live tables, which tell of today alone.
CREATE OR REPLACE VIEW seats_recorded WITH (security_barrier) AS
SELECT
    date_trunc('month', now() AT TIME ZONE 'UTC')::date AS month,
    license.product_id,
    license.assigned AS seats,
    license.purchased,
    (now() AT TIME ZONE 'UTC')::date AS as_of
FROM product_licenses AS license
WHERE license.assigned IS NOT NULL;

COMMENT ON VIEW seats_recorded IS 'One row per product, of today: what was held in earlier months is only recorded beside stored copies.';
COMMENT ON COLUMN seats_recorded.month IS 'This month (in UTC), as its first day.';
COMMENT ON COLUMN seats_recorded.seats IS 'Licenses held by people.';
COMMENT ON COLUMN seats_recorded.as_of IS 'Today.';
