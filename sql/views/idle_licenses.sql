-- Whoever holds a product, with the days since the last sign-in. A license that was given since is not idle for longer than
-- it was held, so the later of the two days counts.
--
-- If the API told nobody's last sign-in, nobody's is known, and nobody is idle: days_idle is null.
CREATE OR REPLACE VIEW idle_licenses WITH (security_barrier) AS
SELECT
    account.user_id,
    account.email,
    account.email_key,
    account.full_name,
    account.is_admin,
    account.licensed_at,
    account.last_sign_in_at,
    CASE
        WHEN account.last_sign_in_at IS NOT NULL THEN false
        WHEN EXISTS (SELECT FROM users AS u WHERE u.last_login IS NOT NULL) THEN true
    END AS never_signed_in,
    CASE
        -- GREATEST passes over a null, so the case that all three are unknown stands first.
        WHEN COALESCE(account.last_sign_in_at, account.licensed_at, account.created_at) IS NULL THEN NULL
        WHEN account.last_sign_in_at IS NOT NULL OR EXISTS (SELECT FROM users AS u WHERE u.last_login IS NOT NULL) THEN
            GREATEST(0, floor(extract(epoch FROM now() - COALESCE(
                GREATEST(account.last_sign_in_at, account.licensed_at),
                account.created_at
            )) / 86400))::integer
    END AS days_idle,
    cardinality(account.product_ids) AS seats,
    account.product_ids,
    account.product_names,
    account.team_ids,
    account.team_names
FROM accounts AS account
WHERE account.billable;

COMMENT ON VIEW idle_licenses IS 'One row per person who holds a product, with the days for which it was not used. WHERE days_idle >= 90 has those who could give it back.';
COMMENT ON COLUMN idle_licenses.never_signed_in IS 'There was no sign-in; null where that is unknown.';
COMMENT ON COLUMN idle_licenses.days_idle IS 'Whole days since the last sign-in or since the license was given, whichever is later; null where sign-ins are unknown.';
COMMENT ON COLUMN idle_licenses.seats IS 'How many products the person holds.';
