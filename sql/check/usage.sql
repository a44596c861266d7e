-- Whether the current role has USAGE on server $1. Read under whatever search path the session has.
SELECT pg_catalog.has_server_privilege($1, 'USAGE')
