-- Refresh $1 failed.
UPDATE refresh_log
SET outcome = 'failed', finished_at = clock_timestamp(), sqlstate = $2, error = $3, detail = $4, hint = $5
WHERE id = $1
