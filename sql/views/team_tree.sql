-- Each team walks up to the top. A team that it has met already, or that is not there, ends the walk, so a circle of teams
-- does no harm: each team of the circle is below all others.
--
-- A person on several teams below one team counts there once.
CREATE OR REPLACE VIEW team_tree WITH (security_barrier) AS
WITH RECURSIVE known AS MATERIALIZED (
    SELECT t.team_id, t.name, t.parent_team_id
    FROM teams AS t
    WHERE t.team_id IS NOT NULL
), ancestry AS (
    SELECT
        known.team_id,
        known.team_id AS ancestor_id,
        known.parent_team_id AS next_id,
        ARRAY[known.name] AS path,
        ARRAY[known.team_id] AS met
    FROM known
    UNION ALL
    SELECT
        below.team_id,
        above.team_id,
        above.parent_team_id,
        above.name || below.path,
        above.team_id || below.met
    FROM ancestry AS below
    JOIN known AS above ON above.team_id = below.next_id
    WHERE above.team_id <> ALL (below.met)
), people AS MATERIALIZED (
    SELECT u.user_id, u.is_on_account, u.team_ids, cardinality(u.product_ids) AS seats
    FROM users AS u
    WHERE u.is_on_account IS NOT FALSE
), told AS (
    -- What is unknown of one person is unknown in every sum.
    SELECT
        COALESCE(bool_and(people.is_on_account IS NOT NULL AND people.team_ids IS NOT NULL), true) AS members,
        COALESCE(bool_and(people.seats IS NOT NULL AND people.team_ids IS NOT NULL), true) AS seats
    FROM people
), direct AS (
    SELECT placed.team_id, people.user_id, people.seats
    FROM people
    CROSS JOIN LATERAL unnest(people.team_ids) AS placed (team_id)
), counted AS (
    SELECT direct.team_id, count(*) AS members, sum(direct.seats) AS seats
    FROM direct
    GROUP BY direct.team_id
), rolled_up AS (
    SELECT person.team_id, count(*) AS members, sum(person.seats) AS seats
    FROM (
        SELECT DISTINCT ancestry.ancestor_id AS team_id, direct.user_id, direct.seats
        FROM ancestry
        JOIN direct ON direct.team_id = ancestry.team_id
    ) AS person
    GROUP BY person.team_id
), place AS (
    SELECT DISTINCT ON (ancestry.team_id)
        ancestry.team_id,
        ancestry.path,
        cardinality(ancestry.met) AS depth
    FROM ancestry
    ORDER BY ancestry.team_id, cardinality(ancestry.met) DESC
)
SELECT
    known.team_id,
    known.name AS team_name,
    known.parent_team_id,
    array_to_string(place.path, ' / ', '?') AS path,
    place.depth,
    CASE WHEN told.members THEN COALESCE(counted.members, 0) END AS direct_members,
    CASE WHEN told.members THEN COALESCE(rolled_up.members, 0) END AS members,
    CASE WHEN told.seats THEN COALESCE(counted.seats, 0) END AS direct_seats,
    CASE WHEN told.seats THEN COALESCE(rolled_up.seats, 0) END AS seats
FROM known
CROSS JOIN told
JOIN place ON place.team_id = known.team_id
LEFT JOIN counted ON counted.team_id = known.team_id
LEFT JOIN rolled_up ON rolled_up.team_id = known.team_id;

COMMENT ON VIEW team_tree IS 'One row per team, with its place in the tree and the people and seats of it and of all teams below it.';
COMMENT ON COLUMN team_tree.team_id IS 'The team.';
COMMENT ON COLUMN team_tree.team_name IS 'Name of the team.';
COMMENT ON COLUMN team_tree.parent_team_id IS 'The team above it; null at the top.';
COMMENT ON COLUMN team_tree.path IS 'Names from the top down to the team, with " / " between them.';
COMMENT ON COLUMN team_tree.depth IS 'How many teams the path has; 1 at the top.';
COMMENT ON COLUMN team_tree.direct_members IS 'People who were put into this team and hold a license of the plan; null where that is unknown.';
COMMENT ON COLUMN team_tree.members IS 'The same for this team and all teams below it together, each person once.';
COMMENT ON COLUMN team_tree.direct_seats IS 'Products that the direct members hold; null where products are unknown.';
COMMENT ON COLUMN team_tree.seats IS 'Products that the members hold.';
