-- IMPORT FOREIGN SCHEMA may only create tables, so the comments that explain them follow in an event trigger.
CREATE EVENT TRIGGER pluralsight_fdw_comments
    ON ddl_command_end
    WHEN TAG IN ('IMPORT FOREIGN SCHEMA', 'CREATE FOREIGN TABLE')
    EXECUTE FUNCTION pluralsight_fdw_internal.comment_new_tables();
