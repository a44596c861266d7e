-- The first fifteen managers, and how many there are.
SELECT
    jsonb_build_object(
        'total', count(*),
        'rows', COALESCE(jsonb_agg(to_jsonb(part) ORDER BY part.place) FILTER (WHERE part.place <= 15), '[]')
    ) AS part
FROM (
    SELECT
        *,
        row_number() OVER (ORDER BY cost DESC NULLS LAST, seats DESC, manager_email COLLATE "C", currency COLLATE "C") AS place
    FROM report_managers
) AS part
