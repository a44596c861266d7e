-- The server of this extension whose tables are in schema $1, or else that is called like it, or else that the current role may use; all
-- of them where that does not tell one from the others.
SELECT named.name
FROM (
    SELECT
        server.srvname::text AS name,
        rank() OVER (
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
                has_server_privilege(server.oid, 'USAGE') DESC
        ) AS rank
    FROM pg_foreign_server AS server
    JOIN pg_foreign_data_wrapper AS wrapper ON wrapper.oid = server.srvfdw
    WHERE wrapper.fdwname = 'pluralsight_fdw'
) AS named
WHERE named.rank = 1
