-- The version of pg_cron that is installed.
SELECT extversion FROM pg_extension WHERE extname = 'pg_cron'
