-- A schema and its owner; has_settings where the table is there that makes it a set of copies. $1 is the schema's name.
SELECT
    schema.oid AS schema,
    schema.nspowner AS owner,
    pg_get_userbyid(schema.nspowner)::text AS owner_name,
    (
        SELECT class.oid
        FROM pg_class AS class
        WHERE class.relnamespace = schema.oid
          AND class.relname = 'settings'
          AND class.relkind = 'r'
          AND class.relowner = schema.nspowner
          AND ARRAY['only_row', 'source_schema', 'source_id', 'source_database', 'tables', 'max_shrink', 'history_from']::name[] <@ ARRAY(
              SELECT attribute.attname
              FROM pg_attribute AS attribute
              WHERE attribute.attrelid = class.oid
                AND attribute.attnum > 0
                AND NOT attribute.attisdropped
          )
    ) AS settings
FROM pg_namespace AS schema
WHERE schema.nspname = $1::text::name
