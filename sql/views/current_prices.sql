-- A price counts from its day on, so the latest one up to today is taken.
CREATE OR REPLACE VIEW current_prices WITH (security_barrier) AS
SELECT DISTINCT ON (listed.product_id)
    listed.product_id,
    listed.price,
    listed.currency
FROM prices AS listed
WHERE listed.valid_from <= (now() AT TIME ZONE 'UTC')::date
ORDER BY listed.product_id, listed.valid_from DESC;

COMMENT ON VIEW current_prices IS 'One row per product with a price: the price of today.';
