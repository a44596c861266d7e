-- The statements that drop the set of copies in schema $1, whose tables are $2: its functions, the views that pluralsight_fdw
-- makes, its tables, and its sequences.
WITH schema AS (
    SELECT namespace.oid, namespace.nspname
    FROM pg_namespace AS namespace
    WHERE namespace.oid = $1
)
SELECT dropped.statement
FROM (
    SELECT 1 AS number, 'DROP FUNCTION ' || string_agg(routine.oid::regprocedure::text, ', ') AS statement
    FROM schema
    JOIN pg_proc AS routine ON routine.pronamespace = schema.oid
    WHERE routine.proname IN ('accounts_at', 'changes_between')
    UNION ALL
    SELECT 2, 'DROP VIEW ' || string_agg(format('%I.%I', schema.nspname, view.relname), ', ')
    FROM schema
    JOIN pg_class AS view ON view.relnamespace = schema.oid
    WHERE view.relkind = 'v'
      AND view.relname = ANY ($3::text[]::name[])
    UNION ALL
    SELECT 3, 'DROP TABLE ' || string_agg(format('%I.%I', schema.nspname, class.relname), ', ')
    FROM schema
    JOIN pg_class AS class ON class.relnamespace = schema.oid
    WHERE class.relkind = 'r'
      AND class.relname = ANY ($2::text[]::name[])
    UNION ALL
    SELECT 4, 'DROP SEQUENCE ' || string_agg(format('%I.%I', schema.nspname, sequence.relname), ', ')
    FROM schema
    JOIN pg_class AS sequence ON sequence.relnamespace = schema.oid
    WHERE sequence.relkind = 'S'
      AND sequence.relname = ANY ($4::text[]::name[])
) AS dropped
WHERE dropped.statement IS NOT NULL
ORDER BY dropped.number
