-- The server of this extension that is called like schema $1, or the first one.
SELECT server.srvname::text
FROM pg_foreign_server AS server
JOIN pg_foreign_data_wrapper AS wrapper ON wrapper.oid = server.srvfdw
WHERE wrapper.fdwname = 'pluralsight_fdw'
ORDER BY server.srvname = $1::text::name DESC, server.srvname
LIMIT 1
