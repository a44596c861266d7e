-- Why seats could come back, and what they cost.
SELECT COALESCE(jsonb_agg(to_jsonb(part) ORDER BY part.reclaim_reason COLLATE "C", part.cost DESC NULLS LAST), '[]')
FROM report_reasons AS part
