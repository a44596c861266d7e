-- The statements that take from every other role what default privileges have given it on the sequences $2 of schema $1.
SELECT format(
    'REVOKE ALL ON SEQUENCE %I.%I FROM %s',
    place.nspname,
    sequence.relname,
    CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
)
FROM pg_class AS sequence
JOIN pg_namespace AS place ON place.oid = sequence.relnamespace
CROSS JOIN LATERAL aclexplode(sequence.relacl) AS acl
WHERE sequence.relnamespace = $1
  AND sequence.relname = ANY ($2::text[]::name[])
  AND acl.grantee <> sequence.relowner
GROUP BY place.nspname, sequence.relname, acl.grantee
