-- The foreign tables of server $1 that the current role may read.
SELECT relation.oid, schema.nspname::text AS schema, relation.relname::text AS name
FROM pg_foreign_table AS declared
JOIN pg_class AS relation ON relation.oid = declared.ftrelid
JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace
WHERE declared.ftserver = $1
  AND has_schema_privilege(schema.oid, 'USAGE')
  AND has_table_privilege(relation.oid, 'SELECT')
ORDER BY schema.nspname, relation.relname
