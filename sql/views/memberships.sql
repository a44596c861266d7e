-- Teams by id, because two teams can have one name.
CREATE OR REPLACE VIEW memberships WITH (security_barrier) AS
SELECT
    u.user_id,
    u.email,
    NULLIF(concat_ws(' ', NULLIF(u.first_name, ''), NULLIF(u.last_name, '')), '') AS full_name,
    u.is_on_account AS is_active,
    team.team_id,
    team.team_name,
    team.is_direct
FROM users AS u
CROSS JOIN LATERAL (
    SELECT put.team_id, put.team_name, true
    FROM unnest(u.team_ids, u.team_names) AS put (team_id, team_name)
    UNION ALL
    SELECT inherited.team_id, inherited.team_name, false
    FROM unnest(u.inherited_team_ids, u.inherited_team_names) AS inherited (team_id, team_name)
) AS team (team_id, team_name, is_direct);

COMMENT ON VIEW memberships IS 'One row per person and team that the person is in.';
COMMENT ON COLUMN memberships.full_name IS 'Given and family name.';
COMMENT ON COLUMN memberships.is_active IS 'Holds a license of the plan now.';
COMMENT ON COLUMN memberships.team_id IS 'The team; null where the API tells names only.';
COMMENT ON COLUMN memberships.team_name IS 'Name of the team.';
COMMENT ON COLUMN memberships.is_direct IS 'True if the person was put into this team, false if into one below it.';
