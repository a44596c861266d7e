-- What each team was called. People's memberships are kept by team id, so a new name is one row here and none in
-- account_history.
CREATE TABLE team_history (
    team_id text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz CHECK (valid_to > valid_from),
    name text NOT NULL,
    PRIMARY KEY (team_id, valid_from)
);

CREATE UNIQUE INDEX team_history_now ON team_history (team_id) WHERE valid_to IS NULL;

COMMENT ON TABLE team_history IS 'Names of the teams in account_history.team_ids, one row per name. Written by refresh().';
COMMENT ON COLUMN team_history.team_id IS 'The team, as in account_history.team_ids.';
COMMENT ON COLUMN team_history.valid_from IS 'When the refresh that found this name began.';
COMMENT ON COLUMN team_history.valid_to IS 'When the refresh that found the next name began; NULL for the name that is known now.';
COMMENT ON COLUMN team_history.name IS 'Name of the team.';
