-- seats_recorded over live tables, of which nothing was recorded.
CREATE OR REPLACE VIEW seats_recorded WITH (security_barrier) AS
SELECT
    NULL::date AS month,
    NULL::text AS product_id,
    NULL::bigint AS seats,
    NULL::bigint AS purchased,
    NULL::date AS as_of
WHERE false;

COMMENT ON VIEW seats_recorded IS 'No row: what was held in earlier months is only recorded beside stored copies.';
COMMENT ON COLUMN seats_recorded.month IS 'The month (in UTC), as its first day.';
COMMENT ON COLUMN seats_recorded.product_id IS 'The product.';
COMMENT ON COLUMN seats_recorded.seats IS 'Licenses held by people.';
COMMENT ON COLUMN seats_recorded.purchased IS 'Licenses purchased.';
COMMENT ON COLUMN seats_recorded.as_of IS 'The day of the month''s last refresh.';
