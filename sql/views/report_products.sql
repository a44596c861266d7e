-- What was bought comes from the plan, and who holds it from the people.
CREATE OR REPLACE VIEW report_products WITH (security_barrier) AS
SELECT
    COALESCE(license.product_id, held.product_id) AS product_id,
    COALESCE(license.product_name, held.product_name) AS product_name,
    license.purchased,
    CASE WHEN known.products THEN COALESCE(held.seats, 0) END AS seats,
    CASE WHEN known.products THEN COALESCE(held.seats - held.to_reclaim, 0) END AS used,
    CASE WHEN known.products THEN COALESCE(held.to_reclaim, 0) END AS to_reclaim,
    license.remaining,
    COALESCE(license.price, held.price) AS price,
    COALESCE(license.currency, held.currency) AS currency,
    CASE WHEN known.products THEN COALESCE(held.to_reclaim, 0) * COALESCE(license.price, held.price) END AS to_reclaim_cost
FROM product_licenses AS license
FULL JOIN (
    SELECT
        seat.product_id,
        min(seat.product_name) AS product_name,
        count(*) AS seats,
        count(seat.reclaim_reason) AS to_reclaim,
        min(seat.price) AS price,
        min(seat.currency) AS currency
    FROM seat_costs AS seat
    GROUP BY seat.product_id
) AS held ON held.product_id = license.product_id
CROSS JOIN report_known AS known;

COMMENT ON VIEW report_products IS 'One row per product: seats bought, used, idle and free.';
COMMENT ON COLUMN report_products.product_id IS 'The product, as in licenses.product_id.';
COMMENT ON COLUMN report_products.product_name IS 'Name of the product.';
COMMENT ON COLUMN report_products.purchased IS 'Seats bought; null if that is unknown, or if the plan does not list the product.';
COMMENT ON COLUMN report_products.seats IS 'Seats that people hold; null where products are unknown.';
COMMENT ON COLUMN report_products.used IS 'Those of them that could not come back; null where products are unknown.';
COMMENT ON COLUMN report_products.to_reclaim IS 'Those of them that could come back; null where products are unknown.';
COMMENT ON COLUMN report_products.remaining IS 'Seats left to assign, as the plan says.';
COMMENT ON COLUMN report_products.price IS 'Price of one seat for one year, from prices; null if there is none.';
COMMENT ON COLUMN report_products.currency IS 'Currency of the price.';
COMMENT ON COLUMN report_products.to_reclaim_cost IS 'to_reclaim * price.';
