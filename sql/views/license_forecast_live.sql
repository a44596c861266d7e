-- license_forecast over live tables. They have no history, so there is no trend; what can be said is whether licenses are used up.
CREATE OR REPLACE VIEW license_forecast WITH (security_barrier) AS
SELECT
    license.product_id,
    license.product_name,
    license.purchased,
    license.assigned,
    license.remaining,
    license.utilization,
    NULL::integer AS days_observed,
    NULL::numeric AS assigned_per_day,
    NULL::numeric AS fit,
    CASE WHEN license.remaining <= 0 THEN (now() AT TIME ZONE 'UTC')::date END AS runs_out_on
FROM licenses AS license
WHERE license.product_id IS NOT NULL;

COMMENT ON VIEW license_forecast IS 'One row per product: when its licenses run out if they go on being assigned as in the last 90 days. The trend comes from the history of stored copies; without history it is null.';
COMMENT ON COLUMN license_forecast.product_id IS 'The product, as in licenses.product_id.';
COMMENT ON COLUMN license_forecast.product_name IS 'Name of the product.';
COMMENT ON COLUMN license_forecast.purchased IS 'Licenses purchased.';
COMMENT ON COLUMN license_forecast.assigned IS 'Licenses held by people.';
COMMENT ON COLUMN license_forecast.remaining IS 'Licenses left to assign.';
COMMENT ON COLUMN license_forecast.utilization IS 'assigned / purchased; null if none were purchased.';
COMMENT ON COLUMN license_forecast.days_observed IS 'Days that the trend is drawn from; null without history.';
COMMENT ON COLUMN license_forecast.assigned_per_day IS 'Licenses assigned per day, less those taken back.';
COMMENT ON COLUMN license_forecast.fit IS 'How well a straight line fits the days, from 0 to 1 (R squared). A low number means that runs_out_on is a guess.';
COMMENT ON COLUMN license_forecast.runs_out_on IS 'The day (in UTC) on which none is left at that rate; null if there is no such day.';
