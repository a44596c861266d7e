-- The foreign tables of pluralsight_fdw in a schema: those whose wrapper has the handler that belongs to this extension.
-- $1 is the schema's OID, $2 the OID of the role that owns the copies. problem says why a table cannot be copied. A schema of
-- another role could get another name in the middle of a refresh, and that role make one of the old name.
SELECT
    class.oid,
    class.relname::text AS name,
    problem.text AS problem,
    problem.hint
FROM pg_foreign_table AS foreign_table
JOIN pg_class AS class ON class.oid = foreign_table.ftrelid
JOIN pg_namespace AS schema ON schema.oid = class.relnamespace
JOIN pg_database AS this ON this.datname = current_database()
JOIN pg_foreign_server AS server ON server.oid = foreign_table.ftserver
JOIN pg_foreign_data_wrapper AS wrapper ON wrapper.oid = server.srvfdw
JOIN pg_depend AS membership
    ON membership.classid = 'pg_proc'::regclass
   AND membership.objid = wrapper.fdwhandler
   AND membership.refclassid = 'pg_extension'::regclass
   AND membership.deptype = 'e'
JOIN pg_extension AS extension
    ON extension.oid = membership.refobjid
   AND extension.extname = 'pluralsight_fdw'
LEFT JOIN LATERAL (
    SELECT
        1 AS number,
        format('belongs to role "%s"', owner.rolname) AS text,
        format('ALTER FOREIGN TABLE %I.%I OWNER TO %I;', schema.nspname, class.relname, pg_get_userbyid($2)) AS hint
    FROM pg_roles AS owner
    WHERE owner.oid = class.relowner
      AND owner.oid <> $2
      AND NOT owner.rolsuper
    UNION ALL
    SELECT
        2,
        format('is in a schema of role "%s"', owner.rolname),
        format('ALTER SCHEMA %I OWNER TO %I;', schema.nspname, pg_get_userbyid($2))
    FROM pg_roles AS owner
    WHERE owner.oid = CASE WHEN schema.nspowner = 'pg_database_owner'::regrole THEN this.datdba ELSE schema.nspowner END
      AND owner.oid <> $2
      AND NOT owner.rolsuper
    UNION ALL
    SELECT
        3,
        'has a column of a type that is not built in',
        format('ALTER FOREIGN TABLE %I.%I ALTER COLUMN %I TYPE text;', schema.nspname, class.relname, attribute.attname)
    FROM pg_attribute AS attribute
    JOIN pg_type AS type ON type.oid = attribute.atttypid
    WHERE attribute.attrelid = class.oid
      AND attribute.attnum > 0
      AND NOT attribute.attisdropped
      AND type.typnamespace <> 'pg_catalog'::regnamespace
    UNION ALL
    SELECT
        4,
        format('is in a schema that role "%s" may not use', pg_get_userbyid($2)),
        format('GRANT USAGE ON SCHEMA %I TO %I;', schema.nspname, pg_get_userbyid($2))
    WHERE NOT has_schema_privilege($2, schema.oid, 'USAGE')
    UNION ALL
    SELECT
        5,
        format('may not be read by role "%s"', pg_get_userbyid($2)),
        format('GRANT SELECT ON %I.%I TO %I;', schema.nspname, class.relname, pg_get_userbyid($2))
    WHERE NOT has_any_column_privilege($2, class.oid, 'SELECT')
    ORDER BY number
    LIMIT 1
) AS problem ON true
WHERE class.relnamespace = $1
ORDER BY class.relname
