-- Who owns schema $1.
SELECT nspowner FROM pg_namespace WHERE oid = $1
