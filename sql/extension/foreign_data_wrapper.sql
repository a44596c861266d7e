-- The last statements of CREATE EXTENSION.
CREATE FOREIGN DATA WRAPPER pluralsight_fdw
    HANDLER pluralsight_fdw_handler
    VALIDATOR pluralsight_fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER pluralsight_fdw IS 'A Pluralsight organization as foreign tables';

-- PostgreSQL calls these three itself.
ALTER FUNCTION pluralsight_fdw_handler() SET SCHEMA pluralsight_fdw_internal;
ALTER FUNCTION pluralsight_fdw_validator(text[], oid) SET SCHEMA pluralsight_fdw_internal;
ALTER FUNCTION pluralsight_fdw_meta() SET SCHEMA pluralsight_fdw_internal;

REVOKE ALL ON ALL ROUTINES IN SCHEMA pluralsight_fdw_internal FROM PUBLIC;
-- The view api_announcements is for everybody, and PostgreSQL checks a view's functions with the rights of its reader.
-- Nobody can call it by name, for want of USAGE on the schema.
GRANT EXECUTE ON FUNCTION pluralsight_fdw_internal.announcements_heard() TO PUBLIC;
