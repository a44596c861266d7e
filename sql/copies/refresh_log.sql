-- One row per refresh. No message in it shows a person's data.
CREATE TABLE refresh_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    outcome text NOT NULL DEFAULT 'running' CHECK (outcome IN ('running', 'ok', 'failed', 'died')),
    rows_added bigint,
    rows_changed bigint,
    rows_removed bigint,
    tables jsonb,
    requests bigint,
    retries bigint,
    bytes bigint,
    warnings text[],
    forced boolean NOT NULL DEFAULT false,
    sqlstate text,
    error text,
    detail text,
    hint text,
    started_by name NOT NULL,
    pid integer NOT NULL,
    system_identifier bigint NOT NULL
);

COMMENT ON TABLE refresh_log IS 'One row per refresh of the copies in this schema.';
COMMENT ON COLUMN refresh_log.id IS 'Number of the run.';
COMMENT ON COLUMN refresh_log.started_at IS 'When it began.';
COMMENT ON COLUMN refresh_log.finished_at IS 'When it ended.';
COMMENT ON COLUMN refresh_log.outcome IS 'running; ok; failed: the copies are as they were before, and error says why; died: the session or the server ended, the copies are as they were before.';
COMMENT ON COLUMN refresh_log.rows_added IS 'Rows added to all copies together.';
COMMENT ON COLUMN refresh_log.rows_changed IS 'Rows changed in all copies together.';
COMMENT ON COLUMN refresh_log.rows_removed IS 'Rows removed from all copies together.';
COMMENT ON COLUMN refresh_log.tables IS 'Per table: rows, added, changed, removed, readings, confirmed (rows that a reading missed and the API still has), without_key, repeated_key, and requests, retries and bytes.';
COMMENT ON COLUMN refresh_log.requests IS 'HTTP requests sent, including repeated ones.';
COMMENT ON COLUMN refresh_log.retries IS 'Requests that were sent again.';
COMMENT ON COLUMN refresh_log.bytes IS 'Bytes of reply bodies, after decompression.';
COMMENT ON COLUMN refresh_log.warnings IS 'What the refresh warned of.';
COMMENT ON COLUMN refresh_log.forced IS 'The guards were off.';
COMMENT ON COLUMN refresh_log.sqlstate IS 'Code of the error.';
COMMENT ON COLUMN refresh_log.error IS 'The error that ended it.';
COMMENT ON COLUMN refresh_log.detail IS 'More about the error.';
COMMENT ON COLUMN refresh_log.hint IS 'What to do about the error.';
COMMENT ON COLUMN refresh_log.started_by IS 'The role that called refresh().';
COMMENT ON COLUMN refresh_log.pid IS 'Process id of the session that ran it.';
COMMENT ON COLUMN refresh_log.system_identifier IS 'The cluster that ran it.';
