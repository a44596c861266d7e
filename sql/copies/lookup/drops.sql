-- The statements that drop the set of copies in schema $1: its functions, the views $3, the tables $2 and the sequences $4. One
-- statement per kind of object, since those of a kind may depend on one another.
SELECT format('DROP %s %s', kind.word, string_agg(object.name, ', '))
FROM (
    SELECT 'function', routine.oid::regprocedure::text
    FROM pg_proc AS routine
    WHERE routine.pronamespace = $1
      AND routine.proname IN ('accounts_at', 'changes_between')
    UNION ALL
    SELECT class.relkind::text, format('%I.%I', schema.nspname, class.relname)
    FROM pg_class AS class
    JOIN pg_namespace AS schema ON schema.oid = class.relnamespace
    WHERE class.relnamespace = $1
      AND class.relname::text = ANY (CASE class.relkind WHEN 'r' THEN $2::text[] WHEN 'v' THEN $3::text[] WHEN 'S' THEN $4::text[] END)
) AS object (kind, name)
JOIN (VALUES (1, 'function', 'FUNCTION'), (2, 'v', 'VIEW'), (3, 'r', 'TABLE'), (4, 'S', 'SEQUENCE')) AS kind (number, kind, word)
    ON kind.kind = object.kind
GROUP BY kind.number, kind.word
ORDER BY kind.number
