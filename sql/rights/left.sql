-- What of schema $1 role $2 can read.
SELECT relname::text
FROM pg_class
WHERE relnamespace = $1
  AND relkind IN ('r', 'p', 'v', 'm', 'f')
  AND has_schema_privilege($2::text::name, $1, 'USAGE')
  AND has_table_privilege($2::text::name, oid, 'SELECT')
ORDER BY relname
