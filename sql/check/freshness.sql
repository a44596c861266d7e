-- How old the copies are, and how the latest refresh ended.
SELECT
    count(*) AS tables,
    count(as_of) AS refreshed,
    to_char(min(as_of), 'YYYY-MM-DD HH24:MI TZ') AS as_of,
    extract(EPOCH FROM max(age))::double precision AS age,
    COALESCE(bool_or(last_refresh_failed), false) AS last_refresh_failed,
    min(last_outcome) AS last_outcome,
    min(last_error) AS last_error
FROM data_freshness
