-- One row per product and month: seats held against what was bought.
SELECT
    month,
    product_id,
    product_name,
    seats,
    purchased,
    source
FROM {{ source('pluralsight', 'seats_by_month') }}
