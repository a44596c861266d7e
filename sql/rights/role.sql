-- The role named $1, if there is one.
SELECT rolname::text FROM pg_roles WHERE rolname::text = $1
