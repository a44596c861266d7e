-- The relation of schema $1 that is named $2.
SELECT oid, relkind::text, relowner
FROM pg_class
WHERE relnamespace = $1 AND relname::text = $2
