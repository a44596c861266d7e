-- Where a set is read from: the name that it remembers, and the schema, where its OID is of database $1.
SELECT
    settings.source_schema::text AS name,
    CASE WHEN settings.source_database = $1 THEN settings.source_id END AS schema
FROM settings
