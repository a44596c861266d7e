-- Schema of the foreign tables by name ($1), OID ($2) and database ($3), tables ($4) and max_shrink ($5, NULL for what is set).
INSERT INTO settings (source_schema, source_id, source_database, tables, max_shrink)
VALUES ($1::text::name, $2, $3, $4::text[]::name[], COALESCE($5::double precision::numeric, 0.1))
ON CONFLICT (only_row) DO UPDATE
SET source_schema = EXCLUDED.source_schema,
    source_id = EXCLUDED.source_id,
    source_database = EXCLUDED.source_database,
    tables = EXCLUDED.tables,
    max_shrink = COALESCE($5::double precision::numeric, settings.max_shrink)
