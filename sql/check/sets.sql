-- Schemas that look like stored copies whose freshness the current role may see.
SELECT schema.nspname::text
FROM pg_namespace AS schema
JOIN pg_class AS settings
    ON settings.relnamespace = schema.oid
   AND settings.relname = 'settings'
   AND settings.relkind = 'r'
LEFT JOIN pg_class AS freshness
    ON freshness.relnamespace = schema.oid
   AND freshness.relname = 'data_freshness'
WHERE has_schema_privilege(schema.oid, 'USAGE')
  AND has_table_privilege(COALESCE(freshness.oid, settings.oid), 'SELECT')
ORDER BY schema.nspname
