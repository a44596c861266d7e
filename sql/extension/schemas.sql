-- The first statements of CREATE EXTENSION. The extension's schemas must be its own: objects that somebody else put there
-- could be picked up, with a superuser's rights, by anything that follows. A restored dump makes the schema first, empty.
-- Nothing before the end of this check may be found through a search path.
DO LANGUAGE plpgsql $check$
DECLARE
    place pg_catalog.oid;
    place_owner pg_catalog.oid;
    problem pg_catalog.text;
BEGIN
    SELECT n.oid, n.nspowner
    INTO place, place_owner
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname OPERATOR(pg_catalog.=) 'pluralsight_fdw'::pg_catalog.name;
    IF EXISTS (
        SELECT
        FROM pg_catalog.pg_depend AS d
        WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
          AND d.refobjid OPERATOR(pg_catalog.=) place
          AND NOT EXISTS (
              SELECT
              FROM pg_catalog.pg_extension AS e
              WHERE e.extname OPERATOR(pg_catalog.=) 'pluralsight_fdw'::pg_catalog.name
                AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
                AND d.objid OPERATOR(pg_catalog.=) e.oid
          )
    ) THEN
        problem := 'schema "pluralsight_fdw" already exists and holds objects';
    ELSIF NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_roles AS r
        WHERE r.oid OPERATOR(pg_catalog.=) place_owner
          AND (r.rolsuper OR r.rolname OPERATOR(pg_catalog.=) CURRENT_USER)
    ) THEN
        problem := pg_catalog.format('schema "pluralsight_fdw" already exists and belongs to role "%s"', pg_catalog.pg_get_userbyid(place_owner));
    ELSIF EXISTS (
        SELECT
        FROM pg_catalog.pg_namespace AS n
        CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS acl
        WHERE n.oid OPERATOR(pg_catalog.=) place
          AND acl.grantee OPERATOR(pg_catalog.<>) place_owner
          AND acl.privilege_type OPERATOR(pg_catalog.=) 'CREATE'::pg_catalog.text
    ) THEN
        problem := 'schema "pluralsight_fdw" already exists and other roles may create objects in it';
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_schema',
            MESSAGE = problem,
            DETAIL = 'The extension makes this schema itself, and puts its own objects there.',
            HINT = 'ALTER SCHEMA pluralsight_fdw RENAME TO pluralsight_fdw_old;';
    END IF;
    IF EXISTS (
        SELECT
        FROM pg_catalog.pg_namespace AS n
        WHERE n.nspname OPERATOR(pg_catalog.=) 'pluralsight_fdw_internal'::pg_catalog.name
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_schema',
            MESSAGE = 'schema "pluralsight_fdw_internal" already exists',
            DETAIL = 'The extension makes this schema itself, and puts its own objects there.',
            HINT = 'ALTER SCHEMA pluralsight_fdw_internal RENAME TO pluralsight_fdw_internal_old;';
    END IF;
END
$check$;

COMMENT ON SCHEMA pluralsight_fdw IS 'What users of pluralsight_fdw call. Foreign tables and views are in schemas of their own.';
GRANT USAGE ON SCHEMA pluralsight_fdw TO PUBLIC;

CREATE SCHEMA pluralsight_fdw_internal;
COMMENT ON SCHEMA pluralsight_fdw_internal IS 'Internal to pluralsight_fdw: nothing here is for users to call.';
REVOKE ALL ON SCHEMA pluralsight_fdw_internal FROM PUBLIC;
