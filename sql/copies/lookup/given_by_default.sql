-- The statements that take from other roles the right to make something in schema $1, which default privileges have given them.
SELECT format('REVOKE CREATE ON SCHEMA %I FROM %s', schema.nspname, CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END)
FROM pg_namespace AS schema
CROSS JOIN LATERAL aclexplode(schema.nspacl) AS acl
WHERE schema.oid = $1
  AND acl.privilege_type = 'CREATE'
  AND acl.grantee <> schema.nspowner
