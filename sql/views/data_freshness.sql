-- How old the copies are, for people and monitors. Its readers need no rights on settings and refresh_log.
CREATE OR REPLACE VIEW data_freshness AS
SELECT
    copied.table_name,
    (good.tables -> copied.table_name::text ->> 'rows')::bigint AS rows,
    good.started_at AS as_of,
    clock_timestamp() - good.started_at AS age,
    COALESCE(latest.outcome IN ('failed', 'died'), false) AS last_refresh_failed,
    latest.outcome AS last_outcome,
    latest.started_at AS last_attempt_at,
    latest.error AS last_error
FROM settings
CROSS JOIN LATERAL unnest(settings.tables) AS copied (table_name)
LEFT JOIN LATERAL (
    SELECT log.tables, log.started_at
    FROM refresh_log AS log
    WHERE log.outcome = 'ok'
      AND log.tables ? copied.table_name::text
    ORDER BY log.id DESC
    LIMIT 1
) AS good ON true
LEFT JOIN LATERAL (
    SELECT
        -- A session that is gone cannot say so itself, but a refresh that runs holds a lock on settings. Only the server on
        -- which it runs can see that lock: a standby and a subscriber take the log at its word.
        CASE
            WHEN log.outcome = 'running'
                AND NOT pg_is_in_recovery()
                AND log.system_identifier = (SELECT control.system_identifier FROM pg_control_system() AS control)
                AND NOT EXISTS (
                    SELECT
                    FROM pg_locks AS held
                    WHERE held.locktype = 'relation'
                      AND held.relation = 'settings'::regclass
                      AND held.database = (SELECT this.oid FROM pg_database AS this WHERE this.datname = current_database())
                      AND held.mode = 'ShareUpdateExclusiveLock'
                      AND held.granted
                      AND held.pid = log.pid
                )
                THEN 'died'
            ELSE log.outcome
        END AS outcome,
        log.started_at,
        log.error
    FROM refresh_log AS log
    ORDER BY log.id DESC
    LIMIT 1
) AS latest ON true;

COMMENT ON VIEW data_freshness IS 'How old each copy is, and whether the latest refresh failed.';
COMMENT ON COLUMN data_freshness.table_name IS 'The copy.';
COMMENT ON COLUMN data_freshness.rows IS 'Rows at the last good refresh.';
COMMENT ON COLUMN data_freshness.as_of IS 'When the last good refresh began: the copy shows Pluralsight as it was then.';
COMMENT ON COLUMN data_freshness.age IS 'How long ago that was.';
COMMENT ON COLUMN data_freshness.last_refresh_failed IS 'The latest refresh failed, so the copy is older than planned.';
COMMENT ON COLUMN data_freshness.last_outcome IS 'Outcome of the latest refresh: running, ok, failed or died.';
COMMENT ON COLUMN data_freshness.last_attempt_at IS 'When the latest refresh began.';
COMMENT ON COLUMN data_freshness.last_error IS 'Why the latest refresh failed.';
