-- The trend is a straight line through the seats of the last twelve months and of today, as in seats_by_month. What it is
-- worth is said in confidence.
CREATE OR REPLACE VIEW license_forecast WITH (security_barrier) AS
SELECT
    license.product_id,
    license.product_name,
    license.purchased,
    license.assigned,
    license.remaining,
    license.utilization,
    COALESCE(trend.months, 0) AS months,
    COALESCE(trend.months_recorded, 0) AS months_recorded,
    round((trend.per_day * 30.4375)::numeric, 2) AS assigned_per_month,
    round(trend.fit::numeric, 3) AS fit,
    CASE
        WHEN trend.per_day IS NULL OR trend.months < 3 THEN 'none'
        WHEN trend.fit >= 0.8 AND trend.months_recorded >= 6 THEN 'high'
        WHEN trend.fit >= 0.8 THEN 'medium'
        ELSE 'low'
    END AS confidence,
    CASE
        -- Of what nobody bought and nobody holds, none is missing.
        WHEN license.purchased = 0 AND license.assigned = 0 THEN NULL
        WHEN license.remaining <= 0 THEN today.day
        WHEN trend.months >= 3 AND trend.per_day > 0 AND license.remaining / trend.per_day < 36500
            THEN today.day + ceil(license.remaining / trend.per_day)::integer
    END AS runs_out_on
FROM product_licenses AS license
CROSS JOIN (SELECT (now() AT TIME ZONE 'UTC')::date) AS today (day)
LEFT JOIN (
    SELECT
        monthly.product_id,
        count(monthly.seats) AS months,
        count(monthly.seats) FILTER (WHERE monthly.source = 'recorded') AS months_recorded,
        regr_slope(monthly.seats, monthly.as_of - (now() AT TIME ZONE 'UTC')::date) AS per_day,
        regr_r2(monthly.seats, monthly.as_of - (now() AT TIME ZONE 'UTC')::date) AS fit
    FROM seats_by_month AS monthly
    GROUP BY monthly.product_id
) AS trend ON trend.product_id = license.product_id;

COMMENT ON VIEW license_forecast IS 'One row per product: when its licenses run out if they go on being assigned as in the last twelve months, and what that forecast is worth.';
COMMENT ON COLUMN license_forecast.months IS 'Months that the trend is drawn through, this one included.';
COMMENT ON COLUMN license_forecast.months_recorded IS 'Those of them that were recorded by refreshes; the others are derived, see seats_by_month.';
COMMENT ON COLUMN license_forecast.assigned_per_month IS 'Licenses assigned per month, less those taken back.';
COMMENT ON COLUMN license_forecast.fit IS 'How well a straight line fits the months, from 0 to 1 (R squared).';
COMMENT ON COLUMN license_forecast.confidence IS 'none: fewer than three months are known. low: the line fits badly (fit below 0.8). medium: it fits, mostly through derived months. high: it fits, and six months or more were recorded.';
COMMENT ON COLUMN license_forecast.runs_out_on IS 'The day (in UTC) on which none is left at that rate; null if there is no such day, or if remaining is unknown.';
