-- Everything that stands on view $1, directly or over others, with the name of what is a view of schema $2 and owner $3.
WITH RECURSIVE standing AS (
    SELECT $1 AS oid, 'pg_class'::regclass::oid AS class
    UNION
    SELECT
        COALESCE(rule.ev_class, used.objid),
        CASE WHEN rule.ev_class IS NULL THEN used.classid ELSE 'pg_class'::regclass::oid END
    FROM standing
    JOIN pg_depend AS used
        ON used.refclassid = standing.class
       AND used.refobjid = standing.oid
       AND used.deptype <> 'i'
    LEFT JOIN pg_rewrite AS rule
        ON used.classid = 'pg_rewrite'::regclass
       AND rule.oid = used.objid
)
SELECT DISTINCT
    CASE
        WHEN view.relkind = 'v' AND view.relnamespace = $2 AND view.relowner = $3
            THEN view.relname::text
    END AS name,
    standing.oid,
    pg_describe_object(standing.class, standing.oid, 0) AS description
FROM standing
LEFT JOIN pg_class AS view
    ON standing.class = 'pg_class'::regclass
   AND view.oid = standing.oid
WHERE standing.oid <> $1
