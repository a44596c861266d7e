-- The columns of foreign table $1, for set_up().
SELECT attnum, attname::text
FROM pg_attribute
WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
