-- This database, and the one that pg_cron is set up for, if it is loaded.
SELECT current_database()::text, current_setting('cron.database_name', true)
