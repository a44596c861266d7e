-- The first fifteen of the rows that another file here has put in order, and how many there are.
SELECT
    jsonb_build_object(
        'total', count(*),
        'rows', COALESCE(jsonb_agg(to_jsonb(part) ORDER BY part.place) FILTER (WHERE part.place <= 15), '[]')
    ) AS part
FROM ordered AS part
