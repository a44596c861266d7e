-- Where a refresh puts together what it found of each person, before it compares that with account_history. These tables live
-- as long as the transaction. staged_refresh holds the moment that history gives to what changed.
CREATE UNLOGGED TABLE staged_refresh (moment timestamptz NOT NULL);
CREATE UNLOGGED TABLE staged_accounts (LIKE account_history INCLUDING DEFAULTS);
CREATE UNLOGGED TABLE staged_gone (LIKE account_history INCLUDING DEFAULTS);
