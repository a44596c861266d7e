-- Refresh $1 ended well.
UPDATE refresh_log
SET outcome = 'ok',
    finished_at = clock_timestamp(),
    tables = $2,
    rows_added = $3,
    rows_changed = $4,
    rows_removed = $5,
    requests = $6,
    retries = $7,
    bytes = $8,
    warnings = NULLIF($9, '{}')
WHERE id = $1
