-- What a set of copies knows about itself. One row, which nobody but the owner of the schema needs to read.
CREATE TABLE settings (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    source_schema name NOT NULL,
    source_id oid,
    source_database text,
    tables name[] NOT NULL,
    max_shrink numeric NOT NULL DEFAULT 0.1 CHECK (max_shrink >= 0 AND max_shrink <= 1),
    history_from timestamptz
);

COMMENT ON TABLE settings IS 'How the copies in this schema are refreshed. One row.';
COMMENT ON COLUMN settings.only_row IS 'Keeps the table to one row.';
COMMENT ON COLUMN settings.source_schema IS 'The schema of the foreign tables.';
COMMENT ON COLUMN settings.source_id IS 'The same schema by its OID, so that a new name is noticed. Used only in the database of source_database.';
COMMENT ON COLUMN settings.source_database IS 'Cluster and database in which source_id is valid; a restored dump is another one.';
COMMENT ON COLUMN settings.tables IS 'The tables that are copied, in the order in which they are refreshed.';
COMMENT ON COLUMN settings.max_shrink IS 'The part of its rows, from 0 to 1, that a copy may lose in one refresh.';
COMMENT ON COLUMN settings.history_from IS 'History is complete from here on.';
