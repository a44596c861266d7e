-- IMPORT FOREIGN SCHEMA may only create tables, so the comments that explain them follow in an event trigger.
-- It touches nothing but tables of this wrapper that the statement has just created, and only where there is no comment.
CREATE FUNCTION comment_imported_tables()
RETURNS event_trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    imported record;
    declared record;
BEGIN
    FOR imported IN
        SELECT DISTINCT
            command.objid AS table_oid,
            (SELECT option_value FROM pg_options_to_table(foreign_table.ftoptions) WHERE option_name = 'query') AS query
        FROM pg_event_trigger_ddl_commands() AS command
        JOIN pg_foreign_table AS foreign_table ON foreign_table.ftrelid = command.objid
        JOIN pg_foreign_server AS server ON server.oid = foreign_table.ftserver
        JOIN pg_foreign_data_wrapper AS wrapper ON wrapper.oid = server.srvfdw
        WHERE command.classid = 'pg_class'::regclass
          AND command.command_tag = 'CREATE FOREIGN TABLE'
          AND wrapper.fdwname = 'pluralsight_fdw'
    LOOP
        FOR declared IN
            SELECT DISTINCT known.table_comment
            FROM @extschema@.declared_columns() AS known
            WHERE known.query = imported.query
              AND obj_description(imported.table_oid, 'pg_class') IS NULL
        LOOP
            EXECUTE format('COMMENT ON FOREIGN TABLE %s IS %L', imported.table_oid::regclass, declared.table_comment);
        END LOOP;
        FOR declared IN
            SELECT known.column_name, known.column_comment
            FROM @extschema@.declared_columns() AS known
            JOIN pg_attribute AS attribute
              ON attribute.attrelid = imported.table_oid
             AND attribute.attname = known.column_name
             AND attribute.attnum > 0
             AND NOT attribute.attisdropped
            WHERE known.query = imported.query
              AND col_description(imported.table_oid, attribute.attnum) IS NULL
        LOOP
            EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', imported.table_oid::regclass, declared.column_name, declared.column_comment);
        END LOOP;
    END LOOP;
END
$function$;

COMMENT ON FUNCTION comment_imported_tables() IS
    'Gives foreign tables of pluralsight_fdw the comments that explain them.';

CREATE EVENT TRIGGER pluralsight_fdw_comments
    ON ddl_command_end
    WHEN TAG IN ('IMPORT FOREIGN SCHEMA', 'CREATE FOREIGN TABLE')
    EXECUTE FUNCTION comment_imported_tables();
