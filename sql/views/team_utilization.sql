-- Teams by id, because two teams can have one name; by name where the API tells names only. A number is null where what it
-- counts is unknown of one of the people.
CREATE OR REPLACE VIEW team_utilization WITH (security_barrier) AS
SELECT
    member.team_id,
    min(member.team_name) AS team_name,
    CASE WHEN bool_and(member.is_active IS NOT NULL) THEN count(*) END AS members,
    CASE WHEN bool_and(member.billable IS NOT NULL) THEN count(*) FILTER (WHERE member.billable) END AS billable,
    CASE WHEN bool_and(member.billable IS NOT NULL) THEN sum(member.seats) END AS seats,
    CASE WHEN bool_and(member.billable IS NOT NULL AND member.signs_in) THEN
        count(*) FILTER (WHERE member.billable AND member.last_sign_in_at >= now() - interval '30 days')
    END AS active_30_days,
    CASE WHEN bool_and(member.billable IS NOT NULL AND member.signs_in) THEN
        count(*) FILTER (WHERE member.billable AND member.last_sign_in_at >= now() - interval '90 days')
    END AS active_90_days,
    CASE WHEN bool_and(member.billable IS NOT NULL AND member.signs_in) THEN
        count(*) FILTER (WHERE member.billable AND member.last_sign_in_at IS NULL)
    END AS never_signed_in,
    CASE WHEN bool_and(member.billable IS NOT NULL AND member.signs_in) THEN
        round(
            count(*) FILTER (WHERE member.billable AND member.last_sign_in_at >= now() - interval '90 days')::numeric
            / NULLIF(count(*) FILTER (WHERE member.billable), 0),
            4
        )
    END AS utilization
FROM (
    SELECT
        team.team_id,
        team.team_name,
        u.is_on_account AS is_active,
        cardinality(u.product_ids) > 0 AS billable,
        cardinality(u.product_ids) AS seats,
        u.last_login AS last_sign_in_at,
        -- If the API told nobody's last sign-in, nobody's is known.
        EXISTS (SELECT FROM users AS anybody WHERE anybody.last_login IS NOT NULL) AS signs_in
    FROM users AS u
    LEFT JOIN LATERAL unnest(u.team_ids, u.team_names) AS team (team_id, team_name) ON true
    WHERE u.is_on_account IS NOT FALSE
      -- On no team is known only of people whose teams are known.
      AND (u.team_ids IS NOT NULL OR u.team_names IS NOT NULL)
) AS member
GROUP BY member.team_id, CASE WHEN member.team_id IS NULL THEN member.team_name END;

COMMENT ON VIEW team_utilization IS 'One row per team: how much its direct members use their licenses. A person on two teams counts in both; team_id and team_name are null for those on no team.';
COMMENT ON COLUMN team_utilization.team_id IS 'The team; null for people on no team, and where the API tells names only.';
COMMENT ON COLUMN team_utilization.team_name IS 'Name of the team.';
COMMENT ON COLUMN team_utilization.members IS 'People who were put into it and hold a license of the plan.';
COMMENT ON COLUMN team_utilization.billable IS 'Those of them who hold a product.';
COMMENT ON COLUMN team_utilization.seats IS 'Products that they hold.';
COMMENT ON COLUMN team_utilization.active_30_days IS 'Billable members who signed in within 30 days.';
COMMENT ON COLUMN team_utilization.active_90_days IS 'Billable members who signed in within 90 days.';
COMMENT ON COLUMN team_utilization.never_signed_in IS 'Billable members who never signed in.';
COMMENT ON COLUMN team_utilization.utilization IS 'active_90_days / billable; null if nobody is billable.';
