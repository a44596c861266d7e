-- What view $1 has bound that is not PostgreSQL's own, nor an extension's, nor a relation of its schema ($2) and owner ($3).
-- Objects that PostgreSQL itself made are pinned, and so are not recorded at all. Whose it is is looked up for what is found
-- only: as joins, the five catalogs take longer to plan than everything else takes to run.
SELECT
    pg_describe_object(used.refclassid, used.refobjid, 0) AS description,
    identity.type,
    identity.identity,
    CASE used.refclassid
        WHEN 'pg_class'::regclass THEN (SELECT relowner FROM pg_class WHERE oid = used.refobjid)
        WHEN 'pg_proc'::regclass THEN (SELECT proowner FROM pg_proc WHERE oid = used.refobjid)
        WHEN 'pg_operator'::regclass THEN (SELECT oprowner FROM pg_operator WHERE oid = used.refobjid)
        WHEN 'pg_type'::regclass THEN (SELECT typowner FROM pg_type WHERE oid = used.refobjid)
        WHEN 'pg_collation'::regclass THEN (SELECT collowner FROM pg_collation WHERE oid = used.refobjid)
    END AS owner
FROM pg_rewrite AS rule
JOIN pg_depend AS used
    ON used.classid = 'pg_rewrite'::regclass
   AND used.objid = rule.oid
CROSS JOIN LATERAL pg_identify_object(used.refclassid, used.refobjid, 0) AS identity
WHERE rule.ev_class = $1
  AND NOT EXISTS (
      SELECT
      FROM pg_class AS relation
      WHERE used.refclassid = 'pg_class'::regclass
        AND relation.oid = used.refobjid
        AND (relation.oid = $1 OR (relation.relnamespace = $2 AND relation.relowner = $3))
  )
  AND identity.schema IS DISTINCT FROM 'pg_catalog'
  AND NOT EXISTS (
      SELECT
      FROM pg_depend AS member
      WHERE member.classid = used.refclassid
        AND member.objid = used.refobjid
        AND member.deptype = 'e'
  )
LIMIT 1
