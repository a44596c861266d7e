-- A refresh ran while the clock was ahead, and history holds moments that have not come yet. refresh(force => true) moves
-- them, in their order, to just before the present.
CREATE UNLOGGED TABLE staged_moments AS
SELECT
    future.moment,
    clock_timestamp() - (count(*) OVER () - row_number() OVER (ORDER BY future.moment) + 1) * interval '1 microsecond' AS moved
FROM (
    SELECT account.valid_from AS moment FROM account_history AS account
    UNION
    SELECT team.valid_from FROM team_history AS team
) AS future
WHERE future.moment > clock_timestamp();

UPDATE account_history AS version
SET valid_from = COALESCE((SELECT begun.moved FROM staged_moments AS begun WHERE begun.moment = version.valid_from), version.valid_from),
    valid_to = COALESCE((SELECT ended.moved FROM staged_moments AS ended WHERE ended.moment = version.valid_to), version.valid_to)
WHERE version.valid_from IN (SELECT future.moment FROM staged_moments AS future)
   OR version.valid_to IN (SELECT future.moment FROM staged_moments AS future);

UPDATE team_history AS version
SET valid_from = COALESCE((SELECT begun.moved FROM staged_moments AS begun WHERE begun.moment = version.valid_from), version.valid_from),
    valid_to = COALESCE((SELECT ended.moved FROM staged_moments AS ended WHERE ended.moment = version.valid_to), version.valid_to)
WHERE version.valid_from IN (SELECT future.moment FROM staged_moments AS future)
   OR version.valid_to IN (SELECT future.moment FROM staged_moments AS future);

UPDATE settings
SET history_from = future.moved
FROM staged_moments AS future
WHERE future.moment = settings.history_from;

DELETE FROM license_history AS future
WHERE future.day > (clock_timestamp() AT TIME ZONE 'UTC')::date;

DROP TABLE staged_moments;
