-- The secret of Supabase Vault with id $1. Read under whatever search path the session has.
SELECT decrypted_secret
FROM vault.decrypted_secrets
WHERE id::pg_catalog.text OPERATOR(pg_catalog.=) pg_catalog.lower($1)
