-- Compares each version of a person with the one before it. What is unknown (NULL) on either side is no event: a field that
-- the API begins to tell has not changed.
CREATE OR REPLACE FUNCTION changes_between(after timestamptz, until timestamptz)
RETURNS TABLE (
    changed_at timestamptz,
    user_id text,
    email text,
    full_name text,
    change text,
    was text,
    became text,
    item_id text
)
LANGUAGE sql
STABLE
BEGIN ATOMIC
    WITH touched AS (
        SELECT DISTINCT history.user_id
        FROM account_history AS history
        WHERE history.valid_from > after
          AND history.valid_from <= until
    ), versions AS (
        SELECT
            history.user_id,
            history.valid_from,
            history.email,
            history.full_name,
            history.is_active,
            history.is_admin,
            history.team_ids,
            history.team_names,
            history.product_ids,
            lag(history.user_id) OVER person IS NULL AS is_first,
            lag(history.email) OVER person AS old_email,
            lag(history.full_name) OVER person AS old_full_name,
            lag(history.is_active) OVER person AS old_is_active,
            lag(history.is_admin) OVER person AS old_is_admin,
            lag(history.team_ids) OVER person AS old_team_ids,
            lag(history.team_names) OVER person AS old_team_names,
            lag(history.product_ids) OVER person AS old_product_ids,
            COALESCE(
                bool_or(history.is_active OR history.deleted_at IS NOT NULL)
                    OVER (PARTITION BY history.user_id ORDER BY history.valid_from ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
                false
            ) AS was_here
        FROM account_history AS history
        JOIN touched ON touched.user_id = history.user_id
        WINDOW person AS (PARTITION BY history.user_id ORDER BY history.valid_from)
    ), compared AS (
        SELECT
            version.*,
            -- Where a team has no id on either side, the names have to do.
            CASE WHEN by_id.usable THEN version.team_ids ELSE version.team_names END AS teams,
            CASE WHEN by_id.usable THEN version.old_team_ids ELSE version.old_team_names END AS old_teams
        FROM versions AS version
        CROSS JOIN LATERAL (
            SELECT version.team_ids IS NOT NULL AND (version.is_first OR version.old_team_ids IS NOT NULL) AS usable
        ) AS by_id
        CROSS JOIN history_span AS span
        WHERE version.valid_from > after
          AND version.valid_from <= until
          -- The first refresh found everyone, and that is no change.
          AND version.valid_from > span.begins_at
    ), person_events AS (
        SELECT version.valid_from, version.user_id, version.email, version.full_name, event.change, event.was, event.became, event.item_id
        FROM compared AS version
        CROSS JOIN LATERAL (
            SELECT CASE WHEN version.was_here THEN 'came back' ELSE 'joined' END, NULL::text, NULL::text, NULL::text
            WHERE version.is_active
              AND (version.is_first OR NOT version.old_is_active)
            UNION ALL
            SELECT 'left', NULL, NULL, NULL
            WHERE version.old_is_active
              AND NOT version.is_active
            UNION ALL
            SELECT 'became admin', NULL, NULL, NULL
            WHERE version.is_admin
              AND (version.is_first OR NOT version.old_is_admin)
            UNION ALL
            SELECT 'stopped being admin', NULL, NULL, NULL
            WHERE version.old_is_admin
              AND NOT version.is_admin
            UNION ALL
            SELECT 'gained product', NULL, product.id, product.id
            FROM unnest(version.product_ids) AS product (id)
            WHERE version.is_first
               OR product.id <> ALL (version.old_product_ids)
            UNION ALL
            SELECT 'lost product', product.id, NULL, product.id
            FROM unnest(version.old_product_ids) AS product (id)
            WHERE product.id <> ALL (version.product_ids)
            UNION ALL
            SELECT 'joined team', NULL, team.name, team.id
            FROM unnest(version.teams, version.team_names, version.team_ids) AS team (key, name, id)
            WHERE version.is_first
               OR team.key <> ALL (version.old_teams)
            UNION ALL
            -- By the name that the team had in the end.
            SELECT 'left team', COALESCE(known.name, team.name), NULL, team.id
            FROM unnest(version.old_teams, version.old_team_names, version.old_team_ids) AS team (key, name, id)
            LEFT JOIN team_history AS known
                ON known.team_id = team.id
               AND known.valid_from < version.valid_from
               AND (known.valid_to >= version.valid_from OR known.valid_to IS NULL)
            WHERE team.key <> ALL (version.teams)
            UNION ALL
            SELECT field.change, field.was, field.became, NULL
            FROM (VALUES
                ('changed name', version.old_full_name, version.full_name),
                ('changed e-mail', version.old_email, version.email)
            ) AS field (change, was, became)
            WHERE NOT version.is_first
              AND field.was IS DISTINCT FROM field.became
              -- What appears or disappears is a change only where other people's is known: before this version what it was, from
              -- then on what it became. That of admins comes from another list.
              AND (
                  (field.was IS NOT NULL AND field.became IS NOT NULL)
                  OR EXISTS (
                      SELECT
                      FROM account_history AS other
                      WHERE CASE field.change WHEN 'changed name' THEN other.full_name ELSE other.email END IS NOT NULL
                        AND other.status <> 'admin without license'
                        AND CASE
                            WHEN field.was IS NULL
                                THEN other.valid_from < version.valid_from
                                    AND (other.valid_to >= version.valid_from OR other.valid_to IS NULL)
                            ELSE NOT other.forgotten
                                AND other.valid_from <= version.valid_from
                                AND (other.valid_to > version.valid_from OR other.valid_to IS NULL)
                        END
                  )
              )
        ) AS event (change, was, became, item_id)
    ), team_names AS (
        SELECT team.team_id, team.valid_from, team.name, lag(team.name) OVER (PARTITION BY team.team_id ORDER BY team.valid_from) AS old_name
        FROM team_history AS team
    )
    SELECT *
    FROM (
        SELECT person.valid_from, person.user_id, person.email, person.full_name, person.change, person.was, person.became, person.item_id
        FROM person_events AS person
        UNION ALL
        SELECT team.valid_from, NULL, NULL, NULL, 'renamed team', team.old_name, team.name, team.team_id
        FROM team_names AS team
        WHERE team.old_name IS NOT NULL
          AND team.valid_from > after
          AND team.valid_from <= until
    ) AS event
    WHERE pluralsight_fdw.history_reaches(NULLIF(after, '-infinity'), (SELECT span.begins_at FROM history_span AS span))
    ORDER BY 1, 2, 5, 6, 7, 8;
END;

COMMENT ON FUNCTION changes_between(timestamptz, timestamptz) IS
    'What refreshes found changed after one moment and until another: joined, left, came back, became admin, stopped being admin, gained or lost product, joined or left team, changed name or e-mail; and renamed team, which is of no person. An error if history does not reach back that far; ''-infinity'' stands for where it begins.';
