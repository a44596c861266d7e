-- The grants on view $1 and on its columns, as statements.
SELECT
    granted.column_name::text,
    view.relname::text AS view_name,
    format(
        'GRANT %s%s ON %I.%I TO %s%s',
        granted.privilege_type,
        '(' || quote_ident(granted.column_name) || ')',
        place.nspname,
        view.relname,
        CASE WHEN granted.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END,
        CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' END
    ) AS statement
FROM pg_class AS view
JOIN pg_namespace AS place ON place.oid = view.relnamespace
CROSS JOIN LATERAL (
    SELECT NULL::name, acl.privilege_type, acl.grantee, acl.is_grantable
    FROM aclexplode(view.relacl) AS acl
    UNION ALL
    SELECT attribute.attname, acl.privilege_type, acl.grantee, acl.is_grantable
    FROM pg_attribute AS attribute
    CROSS JOIN LATERAL aclexplode(attribute.attacl) AS acl
    WHERE attribute.attrelid = view.oid
) AS granted (column_name, privilege_type, grantee, is_grantable)
WHERE view.oid = $1
  AND granted.grantee <> view.relowner
