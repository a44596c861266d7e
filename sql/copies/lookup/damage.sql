-- What keeps a refresh from writing the tables of a set: missing tables, and tables that would run somebody's code or are not
-- what they were. $1 is the schema's OID, $2 the names. One row, with the statement that mends it if there is one, or none.
WITH schema AS (
    SELECT namespace.oid, namespace.nspname, namespace.nspowner
    FROM pg_namespace AS namespace
    WHERE namespace.oid = $1
), expected AS (
    SELECT wanted.name, format('%I.%I', schema.nspname, wanted.name) AS qualified, class.oid, class.relkind, class.relowner, schema.nspowner
    FROM schema
    CROSS JOIN unnest($2::text[]) AS wanted (name)
    LEFT JOIN pg_class AS class ON class.relnamespace = schema.oid AND class.relname = wanted.name::name
)
SELECT expected.qualified AS table_name, problem.text AS problem, problem.hint
FROM expected
CROSS JOIN LATERAL (
    SELECT 1 AS number, 'does not exist' AS text, NULL AS hint
    WHERE expected.oid IS NULL
    UNION ALL
    SELECT 2, 'is not an ordinary table', format('ALTER TABLE %s RENAME TO %I;', expected.qualified, expected.name || '_old')
    WHERE expected.relkind <> 'r'
    UNION ALL
    SELECT
        3,
        format('belongs to role "%s", and its schema to role "%s"', pg_get_userbyid(expected.relowner), pg_get_userbyid(expected.nspowner)),
        format('ALTER TABLE %s OWNER TO %I;', expected.qualified, pg_get_userbyid(expected.nspowner))
    WHERE expected.relowner <> expected.nspowner
    UNION ALL
    SELECT 4, format('has trigger "%s"', trigger.tgname), format('DROP TRIGGER %I ON %s;', trigger.tgname, expected.qualified)
    FROM pg_trigger AS trigger
    WHERE trigger.tgrelid = expected.oid
      AND NOT trigger.tgisinternal
    UNION ALL
    SELECT 5, format('has rule "%s"', rule.rulename), format('DROP RULE %I ON %s;', rule.rulename, expected.qualified)
    FROM pg_rewrite AS rule
    WHERE rule.ev_class = expected.oid
    UNION ALL
    SELECT
        6,
        format('has column "%s" of type %s, which is not built in', attribute.attname, format_type(attribute.atttypid, attribute.atttypmod)),
        format('ALTER TABLE %s ALTER COLUMN %I TYPE text;', expected.qualified, attribute.attname)
    FROM pg_attribute AS attribute
    JOIN pg_type AS type ON type.oid = attribute.atttypid
    WHERE attribute.attrelid = expected.oid
      AND attribute.attnum > 0
      AND NOT attribute.attisdropped
      AND type.typnamespace <> 'pg_catalog'::regnamespace
) AS problem
ORDER BY problem.number
LIMIT 1
