-- Addresses, SSO identifiers and names compare as match_key() has them. Notes are not looked at: many people have the same.
CREATE OR REPLACE VIEW duplicate_people WITH (security_barrier) AS
SELECT
    trait.kind,
    trait.key,
    count(*) AS people,
    CASE WHEN bool_and(trait.is_active IS NOT NULL) THEN count(*) FILTER (WHERE trait.is_active) END AS active,
    array_agg(trait.user_id ORDER BY trait.user_id) AS user_ids,
    array_agg(trait.email ORDER BY trait.user_id) AS emails
FROM (
    SELECT DISTINCT found.kind, found.key, u.user_id, u.email, u.is_on_account AS is_active
    FROM users AS u
    CROSS JOIN LATERAL (
        SELECT 'email' AS kind, pluralsight_fdw.match_key(address.email) AS key
        FROM unnest(u.email || COALESCE(u.additional_emails, '{}')) AS address (email)
        UNION ALL
        SELECT 'sso_identifier' AS kind, pluralsight_fdw.match_key(u.sso_identifier) AS key
        UNION ALL
        SELECT 'name' AS kind, pluralsight_fdw.match_key(concat_ws(' ', u.first_name, u.last_name)) AS key
        WHERE u.first_name <> '' AND u.last_name <> ''
    ) AS found
    WHERE found.key IS NOT NULL
) AS trait
GROUP BY trait.kind, trait.key
HAVING count(*) > 1;

COMMENT ON VIEW duplicate_people IS 'One row per address, SSO identifier or name that several people share: they may be one person. Two people can have one name.';
COMMENT ON COLUMN duplicate_people.kind IS 'What they share. email: an address, main or additional. sso_identifier: the SSO identifier in force. name: given and family name.';
COMMENT ON COLUMN duplicate_people.key IS 'The shared value, in the form in which values compare.';
COMMENT ON COLUMN duplicate_people.people IS 'How many people share it.';
COMMENT ON COLUMN duplicate_people.active IS 'How many of them hold a license of the plan now; null where that is unknown.';
COMMENT ON COLUMN duplicate_people.user_ids IS 'Who they are.';
COMMENT ON COLUMN duplicate_people.emails IS 'Their main e-mail addresses, in the order of user_ids.';
