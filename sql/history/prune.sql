-- Deletes what history knew before a moment (settings.history_from, which begin_at.sql has just set). Versions that were still valid then stay.
DELETE FROM account_history AS version
USING settings
WHERE version.valid_to <= settings.history_from;

DELETE FROM team_history AS version
USING settings
WHERE version.valid_to <= settings.history_from;

DELETE FROM license_history AS license
USING settings
WHERE license.day < (settings.history_from AT TIME ZONE 'UTC')::date;
