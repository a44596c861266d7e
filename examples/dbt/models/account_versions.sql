-- What was known of each person, from when until when. It needs no dbt snapshot: refresh() keeps account_history itself, at
-- the grain of refreshes and not of dbt runs.
SELECT
    user_id,
    email,
    status,
    is_active,
    billable,
    is_admin,
    product_ids,
    valid_from AS dbt_valid_from,
    valid_to AS dbt_valid_to,
    valid_to IS NULL AS is_current
FROM {{ source('pluralsight', 'account_history') }}
