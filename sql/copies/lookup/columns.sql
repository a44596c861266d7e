-- The columns of a table or view, with the type and collation as a definition says them. is_key is true for the column of a
-- foreign table that reads the field of the table's option key. $1 is the OID.
SELECT
    attribute.attname::text AS name,
    format_type(attribute.atttypid, attribute.atttypmod) AS type,
    CASE
        WHEN attribute.attcollation <> type.typcollation
            THEN (
                SELECT format('%I.%I', schema.nspname, used.collname)
                FROM pg_collation AS used
                JOIN pg_namespace AS schema ON schema.oid = used.collnamespace
                WHERE used.oid = attribute.attcollation
            )
    END AS collation,
    col_description(attribute.attrelid, attribute.attnum) AS comment,
    COALESCE(
        (SELECT field.option_value FROM pg_options_to_table(attribute.attfdwoptions) AS field WHERE field.option_name = 'field')
            = (
                SELECT key.option_value
                FROM pg_foreign_table AS declared
                CROSS JOIN LATERAL pg_options_to_table(declared.ftoptions) AS key
                WHERE declared.ftrelid = attribute.attrelid
                  AND key.option_name = 'key'
            ),
        false
    ) AS is_key
FROM pg_attribute AS attribute
JOIN pg_type AS type ON type.oid = attribute.atttypid
WHERE attribute.attrelid = $1
  AND attribute.attnum > 0
  AND NOT attribute.attisdropped
ORDER BY attribute.attnum
