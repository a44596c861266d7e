-- Adds a version for everyone who is left in staged_accounts: whoever differs from what history knows.
UPDATE account_history AS known
SET valid_to = refresh.moment
FROM staged_accounts AS found, staged_refresh AS refresh
WHERE known.user_id = found.user_id
  AND known.valid_to IS NULL;

UPDATE staged_accounts
SET valid_from = refresh.moment
FROM staged_refresh AS refresh;

INSERT INTO account_history
SELECT found.*
FROM staged_accounts AS found;
