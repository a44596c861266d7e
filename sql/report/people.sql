-- People, those first whose seats cost most.
SELECT
    *,
    row_number() OVER (ORDER BY cost DESC NULLS LAST, seats DESC, days_idle DESC NULLS LAST, user_id COLLATE "C", currency COLLATE "C") AS place
FROM report_people
