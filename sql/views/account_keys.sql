-- By what a person can be found in a table of somebody else. The keys are folded by match_key(), so that case, blanks,
-- invisible characters and the ways to write an accent make no difference:
--   FROM hr.staff AS s LEFT JOIN account_keys AS k ON k.kind = 'email' AND k.key = pluralsight_fdw.match_key(s.email)
--
-- Additional addresses are addresses like the main one; one that a person has twice is one row.
CREATE OR REPLACE VIEW account_keys WITH (security_barrier) AS
SELECT
    person.user_id,
    found.kind,
    found.key,
    min(found.value) AS value
FROM (
    SELECT u.user_id, u.email, u.additional_emails, u.sso_identifier, u.note
    FROM users AS u
    UNION ALL
    SELECT a.user_id, a.email, '{}' AS additional_emails, a.sso_identifier, a.note
    FROM admins AS a
    -- As in accounts.
    WHERE (a.user_id = ANY (ARRAY(
        SELECT u.user_id
        FROM users AS u
        WHERE (SELECT jsonb_object_agg(known.user_id, true) FROM admins AS known WHERE known.user_id IS NOT NULL) ? u.user_id
    ))) IS NOT TRUE
) AS person
CROSS JOIN LATERAL (
    SELECT 'email' AS kind, pluralsight_fdw.match_key(person.email) AS key, person.email AS value
    UNION ALL
    SELECT 'email' AS kind, pluralsight_fdw.match_key(further.email) AS key, further.email AS value
    FROM unnest(person.additional_emails) AS further (email)
    UNION ALL
    SELECT 'sso_identifier' AS kind, pluralsight_fdw.match_key(person.sso_identifier) AS key, person.sso_identifier AS value
    UNION ALL
    SELECT 'note' AS kind, pluralsight_fdw.match_key(person.note) AS key, person.note AS value
) AS found
WHERE found.key IS NOT NULL
GROUP BY person.user_id, found.kind, found.key;

COMMENT ON VIEW account_keys IS 'One row per person, kind and key: by what a person can be found in another table. Compare key with pluralsight_fdw.match_key(...).';
COMMENT ON COLUMN account_keys.user_id IS 'The person, as in accounts.user_id.';
COMMENT ON COLUMN account_keys.kind IS 'email: the main address or an additional one. sso_identifier: the SSO identifier in force. note: the free text kept by plan admins.';
COMMENT ON COLUMN account_keys.key IS 'The value in the form in which values compare: pluralsight_fdw.match_key(value).';
COMMENT ON COLUMN account_keys.value IS 'The value as it was entered.';
