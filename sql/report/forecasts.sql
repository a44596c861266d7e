-- When licenses run out, product by product.
SELECT COALESCE(jsonb_agg(to_jsonb(part) ORDER BY part.product_id COLLATE "C"), '[]')
FROM license_forecast AS part
