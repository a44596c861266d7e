-- Everything that comes into play when the relations $1 are read: what views are made of, policies of tables, and functions
-- behind operators, aggregates, domains and casts. One row per relation, with no problem; and one row per function that belongs
-- neither to a superuser nor to the current role, whose code would run with the reader's rights.
WITH RECURSIVE reached AS (
    SELECT 'pg_class'::regclass::oid AS class, given.oid
    FROM unnest($1::oid[]) AS given (oid)
    UNION
    SELECT used.refclassid, used.refobjid
    FROM reached
    CROSS JOIN LATERAL (
        SELECT reached.class, reached.oid
        UNION ALL
        SELECT 'pg_rewrite'::regclass, rule.oid
        FROM pg_rewrite AS rule
        WHERE reached.class = 'pg_class'::regclass
          AND rule.ev_class = reached.oid
        UNION ALL
        SELECT 'pg_policy'::regclass, policy.oid
        FROM pg_policy AS policy
        WHERE reached.class = 'pg_class'::regclass
          AND policy.polrelid = reached.oid
        UNION ALL
        SELECT 'pg_constraint'::regclass, domain_check.oid
        FROM pg_constraint AS domain_check
        WHERE reached.class = 'pg_type'::regclass
          AND domain_check.contypid = reached.oid
        UNION ALL
        -- Values are turned into JSON by a cast of their type's, if it has one.
        SELECT 'pg_cast'::regclass, conversion.oid
        FROM pg_cast AS conversion
        WHERE reached.class = 'pg_type'::regclass
          AND conversion.castsource = reached.oid
    ) AS part (class, oid)
    JOIN pg_depend AS used ON used.classid = part.class AND used.objid = part.oid
    WHERE used.deptype IN ('n', 'a', 'i')
      -- What an extension or a schema holds is no concern here.
      AND used.refclassid NOT IN ('pg_extension'::regclass, 'pg_namespace'::regclass)
)
SELECT relation.oid, NULL AS problem
FROM reached
JOIN pg_class AS relation ON reached.class = 'pg_class'::regclass AND relation.oid = reached.oid
UNION ALL
SELECT
    NULL,
    format('function %s, which belongs to role "%s"', function.oid::regprocedure, owner.rolname)
FROM reached
JOIN pg_proc AS function ON reached.class = 'pg_proc'::regclass AND function.oid = reached.oid
JOIN pg_roles AS owner ON owner.oid = function.proowner
WHERE NOT owner.rolsuper
  AND owner.rolname <> CURRENT_USER
