-- The licenses of the day of this refresh; a later refresh of the same day replaces them. A sum with an unknown part is unknown, as
-- in product_licenses, which a set of an older version lacks.
INSERT INTO license_history AS known (day, product_id, product_name, purchased, assigned, remaining, plan_id)
SELECT
    (refresh.moment AT TIME ZONE 'UTC')::date,
    found.product_id,
    min(found.product_name),
    CASE WHEN bool_and(found.purchased IS NOT NULL) THEN sum(found.purchased) END,
    CASE WHEN bool_and(found.assigned IS NOT NULL) THEN sum(found.assigned) END,
    CASE WHEN bool_and(found.remaining IS NOT NULL) THEN sum(found.remaining) END,
    min(found.plan_id)
FROM licenses AS found, staged_refresh AS refresh
WHERE found.product_id IS NOT NULL
GROUP BY refresh.moment, found.product_id
ON CONFLICT (product_id, day) DO UPDATE
SET product_name = EXCLUDED.product_name,
    purchased = EXCLUDED.purchased,
    assigned = EXCLUDED.assigned,
    remaining = EXCLUDED.remaining,
    plan_id = EXCLUDED.plan_id
WHERE ROW (known.product_name, known.purchased, known.assigned, known.remaining, known.plan_id)
    IS DISTINCT FROM ROW (EXCLUDED.product_name, EXCLUDED.purchased, EXCLUDED.assigned, EXCLUDED.remaining, EXCLUDED.plan_id);
