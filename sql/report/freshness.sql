-- How old the data is.
SELECT
    jsonb_build_object(
        'as_of', min(part.as_of),
        'last_refresh_failed', COALESCE(bool_or(part.last_refresh_failed), false)
    ) AS part
FROM data_freshness AS part
