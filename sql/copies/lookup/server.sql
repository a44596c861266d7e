-- The server of this extension whose tables are in schema $1, or that is called like it, or the first one.
SELECT server.srvname::text
FROM pg_foreign_server AS server
JOIN pg_foreign_data_wrapper AS wrapper ON wrapper.oid = server.srvfdw
WHERE wrapper.fdwname = 'pluralsight_fdw'
ORDER BY
    EXISTS (
        SELECT
        FROM pg_foreign_table AS declared
        JOIN pg_class AS relation ON relation.oid = declared.ftrelid
        JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace
        WHERE declared.ftserver = server.oid
          AND schema.nspname = $1::text::name
    ) DESC,
    server.srvname = $1::text::name DESC,
    has_server_privilege(server.oid, 'USAGE') DESC,
    server.srvname
LIMIT 1
