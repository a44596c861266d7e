-- The functions in schema $1 with names of $2, as GRANT takes them.
SELECT
    format('%I(%s)', proname, pg_get_function_identity_arguments(oid)) AS signature,
    proowner
FROM pg_proc
WHERE pronamespace = $1 AND proname::text = ANY ($2)
