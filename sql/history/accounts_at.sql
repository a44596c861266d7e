-- A version holds the names that its teams had when it was found. Where a team got another name later on, the name of the
-- moment asked for is put in its place.
CREATE OR REPLACE FUNCTION accounts_at(moment timestamptz)
RETURNS SETOF account_history
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN history.team_ids && ARRAY(SELECT team.team_id FROM team_history AS team GROUP BY team.team_id HAVING count(*) > 1)
                THEN jsonb_populate_record(
                    history,
                    jsonb_build_object(
                        'team_names',
                        (
                            SELECT jsonb_agg(COALESCE(team.name, membership.team_name) ORDER BY membership.place)
                            FROM unnest(history.team_ids, history.team_names) WITH ORDINALITY AS membership (team_id, team_name, place)
                            LEFT JOIN team_history AS team
                                ON team.team_id = membership.team_id
                               AND team.valid_from <= moment
                               AND (team.valid_to > moment OR team.valid_to IS NULL)
                        )
                    )
                )
            ELSE history
        END
    FROM account_history AS history
    WHERE pluralsight_fdw.history_reaches(moment, (SELECT span.begins_at FROM history_span AS span))
      AND history.valid_from <= moment
      AND (history.valid_to > moment OR history.valid_to IS NULL);
END;

COMMENT ON FUNCTION accounts_at(timestamptz) IS
    'Everyone as was known at a moment, including people who had left. An error if history does not reach back that far.';
