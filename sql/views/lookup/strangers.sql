-- What view $1 has bound that is not PostgreSQL's own, nor an extension's, nor a relation of its schema ($2) and owner ($3).
-- Objects that PostgreSQL itself made are pinned, and so are not recorded at all.
SELECT
    pg_describe_object(used.refclassid, used.refobjid, 0) AS description,
    identity.type,
    identity.identity,
    COALESCE(function.proowner, operator.oprowner, type.typowner, relation.relowner, collation_used.collowner) AS owner
FROM pg_rewrite AS rule
JOIN pg_depend AS used
    ON used.classid = 'pg_rewrite'::regclass
   AND used.objid = rule.oid
CROSS JOIN LATERAL pg_identify_object(used.refclassid, used.refobjid, 0) AS identity
LEFT JOIN pg_class AS relation
    ON used.refclassid = 'pg_class'::regclass
   AND relation.oid = used.refobjid
LEFT JOIN pg_proc AS function
    ON used.refclassid = 'pg_proc'::regclass
   AND function.oid = used.refobjid
LEFT JOIN pg_operator AS operator
    ON used.refclassid = 'pg_operator'::regclass
   AND operator.oid = used.refobjid
LEFT JOIN pg_type AS type
    ON used.refclassid = 'pg_type'::regclass
   AND type.oid = used.refobjid
LEFT JOIN pg_collation AS collation_used
    ON used.refclassid = 'pg_collation'::regclass
   AND collation_used.oid = used.refobjid
WHERE rule.ev_class = $1
  AND relation.oid IS DISTINCT FROM $1
  AND (relation.relnamespace = $2 AND relation.relowner = $3) IS NOT TRUE
  AND identity.schema IS DISTINCT FROM 'pg_catalog'
  AND NOT EXISTS (
      SELECT
      FROM pg_depend AS member
      WHERE member.classid = used.refclassid
        AND member.objid = used.refobjid
        AND member.deptype = 'e'
  )
LIMIT 1
