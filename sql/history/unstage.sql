DROP TABLE staged_refresh, staged_accounts, staged_gone, staged_teams;
