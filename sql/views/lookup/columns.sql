-- Name, type, type modifier and collation of each column of view $1. CREATE OR REPLACE VIEW can only add to them.
SELECT concat_ws(' ', attname, atttypid, atttypmod, attcollation)
FROM pg_attribute
WHERE attrelid = $1 AND attnum > 0
ORDER BY attnum
