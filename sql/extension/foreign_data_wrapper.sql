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

-- Functions that the library declares without a comment.
COMMENT ON FUNCTION pluralsight_fdw."check"(text) IS 'Tries everything that a query needs: one row per check, and what to do if it failed.';
COMMENT ON FUNCTION pluralsight_fdw.create_key_file() IS 'Makes the key file for sealed tokens, and answers its path. For superusers.';
COMMENT ON FUNCTION pluralsight_fdw.seal(text, text, text) IS 'Encrypts a token for the option api_token_sealed.';
COMMENT ON FUNCTION pluralsight_fdw.history_reaches(timestamptz, timestamptz) IS 'True, or an error if history began later than the moment asked for. The functions of stored copies call it.';
COMMENT ON FUNCTION pluralsight_fdw_internal.announcements_heard() IS 'The rows of the view api_announcements.';
COMMENT ON FUNCTION pluralsight_fdw_internal.session_statistics() IS 'What reading the API took in this session.';
COMMENT ON FUNCTION pluralsight_fdw_internal.pluralsight_fdw_handler() IS 'The handler of the foreign-data wrapper.';
COMMENT ON FUNCTION pluralsight_fdw_internal.pluralsight_fdw_validator(text[], oid) IS 'The validator of the foreign-data wrapper.';
COMMENT ON FUNCTION pluralsight_fdw_internal.pluralsight_fdw_meta() IS 'The version of the foreign-data wrapper.';
