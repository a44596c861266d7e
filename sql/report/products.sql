-- What was bought and what is in use, the largest product first.
SELECT COALESCE(jsonb_agg(to_jsonb(part) ORDER BY part.purchased DESC NULLS LAST, part.seats DESC, part.product_id COLLATE "C"), '[]')
FROM report_products AS part
