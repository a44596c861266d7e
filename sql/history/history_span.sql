-- From when on history is complete. The functions of this folder look here, with the rights of whoever calls them.
CREATE OR REPLACE VIEW history_span AS
SELECT settings.history_from AS begins_at
FROM settings;

COMMENT ON VIEW history_span IS 'From when on account_history and team_history are complete.';
COMMENT ON COLUMN history_span.begins_at IS 'The first refresh, or the moment before which prune_history() has deleted; NULL before the first refresh.';
