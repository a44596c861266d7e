-- What license_history recorded last in each month. Over live tables, seats_recorded_live.sql makes the same columns.
CREATE OR REPLACE VIEW seats_recorded WITH (security_barrier) AS
SELECT DISTINCT ON (history.product_id, date_trunc('month', history.day::timestamp))
    date_trunc('month', history.day::timestamp)::date AS month,
    history.product_id,
    history.assigned AS seats,
    history.purchased,
    history.day AS as_of
FROM license_history AS history
WHERE history.assigned IS NOT NULL
ORDER BY history.product_id, date_trunc('month', history.day::timestamp), history.day DESC;

COMMENT ON VIEW seats_recorded IS 'One row per product and month with a refresh: what the last of its refreshes recorded.';
COMMENT ON COLUMN seats_recorded.month IS 'The month (in UTC), as its first day.';
COMMENT ON COLUMN seats_recorded.seats IS 'Licenses held by people.';
COMMENT ON COLUMN seats_recorded.as_of IS 'The day of that refresh.';
