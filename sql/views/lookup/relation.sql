-- The relation of schema $1 that is named $2.
SELECT oid, relkind::text, relowner
FROM pg_class
WHERE relnamespace = $1
  AND relname = $2::name
  -- A name that is too long for one is not that of another.
  AND relname::text = $2
