-- The roles that own the relations $1 and are no superusers.
SELECT DISTINCT relation.relowner
FROM pg_class AS relation
JOIN pg_roles AS owner ON owner.oid = relation.relowner
WHERE relation.oid = ANY ($1::oid[])
  AND NOT owner.rolsuper
ORDER BY relation.relowner
