-- Seats that could come back, one row per seat.
SELECT
    user_id,
    email,
    product_id,
    product_name,
    reclaim_reason,
    days_idle,
    cost_center,
    manager_email,
    price,
    currency
FROM {{ source('pluralsight', 'seat_costs') }}
WHERE reclaim_reason IS NOT NULL
