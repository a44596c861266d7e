-- The secrets of Supabase Vault with name $1. Read under whatever search path the session has.
SELECT decrypted_secret
FROM vault.decrypted_secrets
WHERE name OPERATOR(pg_catalog.=) $1
