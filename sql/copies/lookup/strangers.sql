-- What makes it unsafe to look names up in a schema: something that belongs neither to the schema's owner nor to a superuser,
-- or a role that may put something there. $1 is the schema's OID. One row, with the statement that mends it, or none.
WITH schema AS (
    SELECT namespace.oid, namespace.nspname, namespace.nspowner, namespace.nspacl
    FROM pg_namespace AS namespace
    WHERE namespace.oid = $1
), object AS (
    SELECT pg_identify_object(found.catalog, found.oid, 0) AS identity, found.owner
    FROM schema
    CROSS JOIN LATERAL (
        SELECT 'pg_class'::regclass::oid AS catalog, class.oid, class.relowner AS owner
        FROM pg_class AS class
        WHERE class.relnamespace = schema.oid
          AND class.relkind NOT IN ('i', 'I')
          -- A composite type is found among the types.
          AND class.relkind <> 'c'
        UNION ALL
        SELECT 'pg_proc'::regclass, routine.oid, routine.proowner
        FROM pg_proc AS routine
        WHERE routine.pronamespace = schema.oid
        UNION ALL
        SELECT 'pg_operator'::regclass, sign.oid, sign.oprowner
        FROM pg_operator AS sign
        WHERE sign.oprnamespace = schema.oid
        UNION ALL
        SELECT 'pg_type'::regclass, type.oid, type.typowner
        FROM pg_type AS type
        WHERE type.typnamespace = schema.oid
          -- Row types and array types go with their tables and elements.
          AND type.typelem = 0
          AND NOT EXISTS (SELECT FROM pg_class AS class WHERE class.oid = type.typrelid AND class.relkind <> 'c')
        UNION ALL
        SELECT 'pg_collation'::regclass, collation_.oid, collation_.collowner
        FROM pg_collation AS collation_
        WHERE collation_.collnamespace = schema.oid
    ) AS found (catalog, oid, owner)
    WHERE found.owner <> schema.nspowner
      AND NOT EXISTS (SELECT FROM pg_roles AS role WHERE role.oid = found.owner AND role.rolsuper)
)
SELECT problem, hint
FROM (
    SELECT
        1 AS number,
        format('role %s may create objects in schema "%s"', COALESCE('"' || role.rolname || '"', 'PUBLIC'), schema.nspname) AS problem,
        format('REVOKE CREATE ON SCHEMA %I FROM %s;', schema.nspname, COALESCE(quote_ident(role.rolname), 'PUBLIC')) AS hint
    FROM schema
    CROSS JOIN LATERAL aclexplode(schema.nspacl) AS acl
    LEFT JOIN pg_roles AS role ON role.oid = acl.grantee
    WHERE acl.privilege_type = 'CREATE'
      AND acl.grantee <> schema.nspowner
      AND role.rolsuper IS NOT TRUE
    UNION ALL
    SELECT
        2,
        format('%s %s belongs to role "%s", and its schema to role "%s"', (object.identity).type, (object.identity).identity, pg_get_userbyid(object.owner), pg_get_userbyid(schema.nspowner)),
        format('ALTER %s %s OWNER TO %I;', upper((object.identity).type), (object.identity).identity, pg_get_userbyid(schema.nspowner))
    FROM object, schema
) AS problem
ORDER BY problem.number
LIMIT 1
