-- Adds the names of teams that are new, or that have another name than history knows.
CREATE UNLOGGED TABLE staged_teams AS
SELECT membership.team_id, min(membership.name COLLATE "C") AS name
FROM users
CROSS JOIN LATERAL unnest(users.team_ids, users.team_names) AS membership (team_id, name)
WHERE membership.team_id IS NOT NULL
  AND membership.name IS NOT NULL
GROUP BY membership.team_id;

DELETE FROM staged_teams AS found
USING team_history AS known
WHERE known.team_id = found.team_id
  AND known.valid_to IS NULL
  AND known.name = found.name;

UPDATE team_history AS known
SET valid_to = refresh.moment
FROM staged_teams AS found, staged_refresh AS refresh
WHERE known.team_id = found.team_id
  AND known.valid_to IS NULL;

INSERT INTO team_history (team_id, valid_from, name)
SELECT found.team_id, refresh.moment, found.name
FROM staged_teams AS found, staged_refresh AS refresh;
