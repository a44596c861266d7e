-- The rows of `settings`: one, or none after a dump without data was restored.
SELECT count(*) FROM settings
