-- The past that nobody has recorded, from what the API says today: when each person's license was given (startedOn, or else
-- createdOn) and when it was taken (removedOn).
--
-- The API does not say which products somebody held who has left since. So those who left are taken to have held products in
-- the same proportion as those who stayed. People whom the API has forgotten altogether are not in it.
CREATE OR REPLACE VIEW seats_derived WITH (security_barrier) AS
WITH grouped AS MATERIALIZED (
    SELECT person.product_ids, person.began_in, person.left_in, count(*) AS people
    FROM (
        SELECT
            u.product_ids,
            date_trunc('month', COALESCE(u.started_on, u.created_on) AT TIME ZONE 'UTC')::date AS began_in,
            date_trunc('month', u.removed_on AT TIME ZONE 'UTC')::date AS left_in
        FROM users AS u
    ) AS person
    GROUP BY person.product_ids, person.began_in, person.left_in
), month AS MATERIALIZED (
    SELECT series.start::date AS month
    FROM generate_series(
        date_trunc('month', now() AT TIME ZONE 'UTC') - interval '12 months',
        date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month',
        interval '1 month'
    ) AS series (start)
), people AS MATERIALIZED (
    SELECT
        grouped.began_in,
        grouped.left_in,
        cardinality(grouped.product_ids) > 0 IS TRUE AS holds,
        sum(grouped.people) AS people
    FROM grouped
    GROUP BY grouped.began_in, grouped.left_in, cardinality(grouped.product_ids) > 0 IS TRUE
), total AS MATERIALIZED (
    SELECT
        month.month,
        COALESCE(sum(people.people) FILTER (WHERE people.holds), 0)::bigint AS stayed,
        COALESCE(sum(people.people) FILTER (WHERE NOT people.holds AND people.left_in > month.month), 0)::bigint AS left_since
    FROM month
    LEFT JOIN people ON people.began_in <= month.month
    GROUP BY month.month
), product_people AS MATERIALIZED (
    SELECT listed.product_id, listed.began_in, sum(listed.people) AS people
    FROM (SELECT unnest(grouped.product_ids) AS product_id, grouped.began_in, grouped.people FROM grouped) AS listed
    GROUP BY listed.product_id, listed.began_in
), held AS MATERIALIZED (
    SELECT month.month, product_people.product_id, sum(product_people.people)::bigint AS seats
    FROM month
    JOIN product_people ON product_people.began_in <= month.month
    GROUP BY month.month, product_people.product_id
)
SELECT
    total.month,
    product.product_id,
    product.product_name,
    CASE
        -- Without the day on which licenses were given, or without products, nothing can be derived.
        WHEN NOT EXISTS (SELECT FROM users AS u WHERE u.started_on IS NOT NULL AND u.product_ids IS NOT NULL) THEN NULL
        WHEN total.stayed > 0 THEN round(COALESCE(held.seats, 0) * (total.stayed + total.left_since)::numeric / total.stayed)::bigint
        WHEN total.left_since = 0 THEN 0
    END AS seats,
    total.left_since
FROM total
CROSS JOIN product_licenses AS product
LEFT JOIN held ON held.month = total.month AND held.product_id = product.product_id;

COMMENT ON VIEW seats_derived IS 'One row per product and each of the last twelve months: how many people held it at the end of the month, as far as that can be derived today. See seats_by_month.';
COMMENT ON COLUMN seats_derived.month IS 'The month (in UTC), as its first day.';
COMMENT ON COLUMN seats_derived.product_id IS 'The product, as in licenses.product_id.';
COMMENT ON COLUMN seats_derived.product_name IS 'Name of the product.';
COMMENT ON COLUMN seats_derived.seats IS 'People who held it at the end of the month: those who hold it today and were licensed then, and a share of those who left since. Null where that cannot be derived.';
COMMENT ON COLUMN seats_derived.left_since IS 'People who held a license of the plan at the end of the month and have left since. The API does not say which products they held.';
