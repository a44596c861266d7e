-- What was recorded in a month counts before what can be derived of it. A month without a refresh is derived, whatever was recorded
-- before: otherwise one old refresh would pass for a year of them.
CREATE OR REPLACE VIEW seats_by_month WITH (security_barrier) AS
SELECT
    derived.month,
    derived.product_id,
    derived.product_name,
    COALESCE(recorded.seats, derived.seats) AS seats,
    recorded.purchased,
    CASE
        WHEN recorded.seats IS NOT NULL THEN 'recorded'
        WHEN derived.seats IS NOT NULL THEN 'derived'
        ELSE 'unknown'
    END AS source,
    CASE
        WHEN recorded.seats IS NOT NULL THEN recorded.as_of
        WHEN derived.seats IS NOT NULL THEN (derived.month + interval '1 month - 1 day')::date
    END AS as_of
FROM seats_derived AS derived
LEFT JOIN seats_recorded AS recorded ON recorded.product_id = derived.product_id AND recorded.month = derived.month
UNION ALL
SELECT
    this.month,
    license.product_id,
    license.product_name,
    recorded.seats,
    license.purchased,
    CASE WHEN recorded.seats IS NOT NULL THEN 'recorded' ELSE 'unknown' END,
    recorded.as_of
FROM product_licenses AS license
CROSS JOIN (SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date) AS this (month)
LEFT JOIN seats_recorded AS recorded ON recorded.product_id = license.product_id AND recorded.month = this.month;

COMMENT ON VIEW seats_by_month IS 'One row per product and each of the last twelve months and this one: seats that people held at the end of the month, or by now.';
COMMENT ON COLUMN seats_by_month.month IS 'The month (in UTC), as its first day.';
COMMENT ON COLUMN seats_by_month.product_id IS 'The product, as in licenses.product_id.';
COMMENT ON COLUMN seats_by_month.product_name IS 'Name of the product.';
COMMENT ON COLUMN seats_by_month.seats IS 'Seats held at the end of the month; in this month, at the last refresh of it. Null where that is unknown, which is not zero.';
COMMENT ON COLUMN seats_by_month.purchased IS 'Seats bought by then; null for months in which they were not recorded.';
COMMENT ON COLUMN seats_by_month.source IS 'recorded: the API said so in that month. derived: from the days on which licenses were given and taken, see seats_derived. unknown: nobody recorded it and it cannot be derived.';
COMMENT ON COLUMN seats_by_month.as_of IS 'The day that was counted: of a recorded month the day of its last refresh.';
