-- The schemas with foreign tables of this extension, first the one of which copies in schema $1 are made as far as the names tell: $1
-- itself, or the one that $1 is called after, or the one that copies are made of unless another is named.
SELECT schema.nspname::text
FROM pg_foreign_table AS declared
JOIN pg_foreign_server AS server ON server.oid = declared.ftserver
JOIN pg_foreign_data_wrapper AS wrapper ON wrapper.oid = server.srvfdw
JOIN pg_class AS relation ON relation.oid = declared.ftrelid
JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace
WHERE wrapper.fdwname = 'pluralsight_fdw'
GROUP BY schema.oid, schema.nspname
ORDER BY
    schema.nspname::text = $1 DESC,
    schema.nspname::text || '_copy' = $1 DESC,
    schema.nspname = 'pluralsight' DESC,
    has_schema_privilege(schema.oid, 'USAGE') DESC,
    schema.nspname
