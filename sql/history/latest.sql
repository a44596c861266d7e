-- The latest moment that history has recorded.
SELECT greatest(
    (SELECT max(account.valid_from) FROM account_history AS account),
    (SELECT max(team.valid_from) FROM team_history AS team)
)
