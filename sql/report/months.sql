-- Seats by month, the oldest first.
SELECT COALESCE(jsonb_agg(to_jsonb(part) ORDER BY part.month), '[]')
FROM seats_by_month AS part
