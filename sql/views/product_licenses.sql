-- A plan may list a product more than once, and there may be several plans. A sum is only known if all of its parts are.
CREATE OR REPLACE VIEW product_licenses WITH (security_barrier) AS
SELECT
    summed.product_id,
    summed.product_name,
    summed.purchased,
    summed.assigned,
    summed.remaining,
    round(summed.assigned::numeric / NULLIF(summed.purchased, 0), 4) AS utilization,
    summed.price,
    summed.currency
FROM (
    SELECT
        license.product_id,
        min(license.product_name) AS product_name,
        CASE WHEN bool_and(license.purchased IS NOT NULL) THEN sum(license.purchased)::bigint END AS purchased,
        CASE WHEN bool_and(license.assigned IS NOT NULL) THEN sum(license.assigned)::bigint END AS assigned,
        CASE WHEN bool_and(license.remaining IS NOT NULL) THEN sum(license.remaining)::bigint END AS remaining,
        min(license.price) AS price,
        min(license.currency) AS currency
    FROM licenses AS license
    WHERE license.product_id IS NOT NULL
    GROUP BY license.product_id
) AS summed;

COMMENT ON VIEW product_licenses IS 'One row per product: the sums of its rows in licenses, which are null where a part of them is unknown.';
