-- security_barrier: who may read this view alone must not see the other people through a function in a condition.
CREATE OR REPLACE VIEW admins_without_use WITH (security_barrier) AS
SELECT
    account.user_id,
    account.email,
    account.full_name,
    account.billable,
    account.last_sign_in_at,
    CASE
        WHEN account.status = 'admin without license' THEN 'no license'
        WHEN account.last_sign_in_at IS NULL THEN 'never signed in'
        ELSE 'idle'
    END AS reason,
    CASE
        WHEN account.last_sign_in_at IS NOT NULL THEN GREATEST(0, floor(extract(epoch FROM now() - account.last_sign_in_at) / 86400))::integer
    END AS days_idle
FROM accounts AS account
WHERE account.is_admin
  AND (
    account.status = 'admin without license'
    OR account.last_sign_in_at < now() - interval '90 days'
    -- If the API told nobody's last sign-in, nobody's is known.
    OR (account.last_sign_in_at IS NULL AND EXISTS (SELECT FROM users AS u WHERE u.last_login IS NOT NULL))
  );

COMMENT ON VIEW admins_without_use IS 'One row per admin who holds no license, never signed in, or has not signed in for 90 days.';
COMMENT ON COLUMN admins_without_use.reason IS 'no license, never signed in, or idle.';
COMMENT ON COLUMN admins_without_use.days_idle IS 'Whole days since the last sign-in.';
