-- Everything that comes into play when the relations $1 are read: what views are made of, policies of tables, functions behind
-- operators, aggregates, domains and casts, and expressions of indexes, constraints and statistics, which the planner computes
-- as far as it can. One row per relation, with no problem; and one row per function that belongs neither to a superuser nor to
-- the current role, whose code would run with the reader's rights, or that is PostgreSQL's own and runs what such a role gives it.
WITH RECURSIVE reached AS (
    SELECT 'pg_class'::regclass::oid AS class, given.oid
    FROM unnest($1::oid[]) AS given (oid)
    UNION
    SELECT next.class, next.oid
    FROM reached
    CROSS JOIN LATERAL (
        SELECT used.refclassid, used.refobjid
        FROM (
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
            SELECT 'pg_class'::regclass, index.indexrelid
            FROM pg_index AS index
            WHERE reached.class = 'pg_class'::regclass
              AND index.indrelid = reached.oid
            UNION ALL
            SELECT 'pg_constraint'::regclass, table_check.oid
            FROM pg_constraint AS table_check
            WHERE reached.class = 'pg_class'::regclass
              AND table_check.conrelid = reached.oid
              AND table_check.contype = 'c'
            UNION ALL
            SELECT 'pg_statistic_ext'::regclass, statistics.oid
            FROM pg_statistic_ext AS statistics
            WHERE reached.class = 'pg_class'::regclass
              AND statistics.stxrelid = reached.oid
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
        UNION ALL
        SELECT 'pg_class'::regclass, child.inhrelid
        FROM pg_inherits AS child
        WHERE reached.class = 'pg_class'::regclass
          AND child.inhparent = reached.oid
    ) AS next (class, oid)
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
UNION ALL
-- PostgreSQL's own functions are no objects that anything depends on, so they are looked for in what those roles have stored. Those
-- that only tell something, and those that the views of stored copies call, are harmless; of the others some run a statement that
-- is a text to them, or a check that they find by its name.
SELECT NULL, format('function %s for role "%s"', function.oid::regprocedure, owner.rolname)
FROM reached
CROSS JOIN LATERAL (
    SELECT rule.ev_action::text, view.relowner
    FROM pg_rewrite AS rule
    JOIN pg_class AS view ON view.oid = rule.ev_class
    WHERE reached.class = 'pg_class'::regclass
      AND rule.ev_class = reached.oid
    UNION ALL
    SELECT concat(policy.polqual::text, policy.polwithcheck::text), guarded.relowner
    FROM pg_policy AS policy
    JOIN pg_class AS guarded ON guarded.oid = policy.polrelid
    WHERE reached.class = 'pg_class'::regclass
      AND policy.polrelid = reached.oid
    UNION ALL
    SELECT domain_check.conbin::text, checked.typowner
    FROM pg_constraint AS domain_check
    JOIN pg_type AS checked ON checked.oid = domain_check.contypid
    WHERE reached.class = 'pg_type'::regclass
      AND domain_check.contypid = reached.oid
) AS stored (expression, owner)
JOIN pg_roles AS owner ON owner.oid = stored.owner
CROSS JOIN LATERAL regexp_matches(stored.expression, ':funcid (\d+)', 'g') AS called (id)
JOIN pg_proc AS function ON function.oid = called.id[1]::oid
WHERE NOT owner.rolsuper
  AND owner.rolname <> CURRENT_USER
  AND function.pronamespace = 'pg_catalog'::regnamespace
  AND (
      (
          function.provolatile = 'v'
          AND function.proname NOT IN ('clock_timestamp', 'gen_random_uuid', 'pg_control_system', 'pg_is_in_recovery', 'random', 'timeofday')
      )
      OR function.proname IN (
          'database_to_xml', 'database_to_xml_and_xmlschema', 'schema_to_xml', 'schema_to_xml_and_xmlschema',
          'table_to_xml', 'table_to_xml_and_xmlschema', 'pg_input_is_valid', 'pg_input_error_info'
      )
  )
