-- Managers, those first whose seats cost most.
SELECT
    *,
    row_number() OVER (ORDER BY cost DESC NULLS LAST, seats DESC, manager_email COLLATE "C", currency COLLATE "C") AS place
FROM report_managers
