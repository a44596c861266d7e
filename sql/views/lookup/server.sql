-- The server of the foreign tables in schema $1.
SELECT server.srvname::text
FROM pg_class AS relation
JOIN pg_foreign_table AS declared ON declared.ftrelid = relation.oid
JOIN pg_foreign_server AS server ON server.oid = declared.ftserver
WHERE relation.relnamespace = $1
  AND relation.relname = 'users'
