-- The moment that history gives to what changed: when refresh $1 began. Never one that history knows already, since a clock may
-- be set back a little.
WITH recorded AS (
    SELECT greatest(
        (SELECT max(account.valid_from) FROM account_history AS account),
        (SELECT max(team.valid_from) FROM team_history AS team)
    ) + interval '1 microsecond' AS next_moment
), began AS (
    INSERT INTO staged_refresh (moment)
    SELECT greatest(this.started_at, recorded.next_moment)
    FROM refresh_log AS this, recorded
    WHERE this.id = $1
    RETURNING moment
)
UPDATE settings
SET history_from = began.moment
FROM began
WHERE settings.history_from IS NULL
