-- Products whose licenses run out within $1 days, in words.
SELECT
    concat(
        COALESCE(product_name, product_id),
        CASE
            WHEN remaining <= 0 THEN ' has none left'
            ELSE ' runs out on ' || runs_out_on || ' (confidence: ' || confidence || ')'
        END
    ) AS product
FROM license_forecast
WHERE runs_out_on - (now() AT TIME ZONE 'UTC')::date <= COALESCE($1, 30)
ORDER BY runs_out_on, product_id
