-- The end of what stage.sql began.
DROP TABLE staged_refresh, staged_accounts, staged_gone, staged_teams;
