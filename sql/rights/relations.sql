-- What can be read in schema $1.
SELECT relkind::text, relname::text, relowner
FROM pg_class
WHERE relnamespace = $1 AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
