-- The plan's arrays as rows.
CREATE OR REPLACE VIEW licenses AS
SELECT
    p.plan_id,
    p.name AS plan_name,
    product.product_id,
    product.product_name,
    product.purchased,
    product.assigned,
    product.remaining,
    round(product.assigned::numeric / NULLIF(product.purchased, 0), 4) AS utilization,
    p.purchased_licenses AS plan_purchased,
    p.assigned_licenses AS plan_assigned,
    p.remaining_licenses AS plan_remaining,
    round(p.assigned_licenses::numeric / NULLIF(p.purchased_licenses, 0), 4) AS plan_utilization,
    -- Zero is only sure if the API told of everybody whether they are active. That is asked for only if zero came out.
    COALESCE(
        NULLIF((SELECT count(*) FROM users AS u WHERE u.is_on_account), 0),
        (SELECT 0 WHERE NOT EXISTS (SELECT FROM users AS u WHERE u.is_on_account IS NULL))
    ) AS plan_active_learners,
    tariff.price,
    tariff.currency,
    product.purchased * tariff.price AS purchased_cost,
    product.remaining * tariff.price AS remaining_cost
FROM plan AS p
LEFT JOIN LATERAL unnest(
    p.product_ids,
    p.product_names,
    p.product_purchased,
    p.product_assigned,
    p.product_remaining
) AS product (product_id, product_name, purchased, assigned, remaining) ON true
LEFT JOIN current_prices AS tariff ON tariff.product_id = product.product_id;

COMMENT ON VIEW licenses IS 'One row per product of the plan: licenses purchased, assigned and remaining, beside the totals of the plan.';
COMMENT ON COLUMN licenses.plan_name IS 'Name of the plan.';
COMMENT ON COLUMN licenses.product_id IS 'The product, as in accounts.product_ids; null if the plan names no product.';
COMMENT ON COLUMN licenses.product_name IS 'Name of the product.';
COMMENT ON COLUMN licenses.purchased IS 'Licenses purchased.';
COMMENT ON COLUMN licenses.assigned IS 'Licenses held by people.';
COMMENT ON COLUMN licenses.remaining IS 'Licenses left to assign.';
COMMENT ON COLUMN licenses.utilization IS 'assigned / purchased; null if none were purchased.';
COMMENT ON COLUMN licenses.plan_purchased IS 'Licenses purchased, all products together.';
COMMENT ON COLUMN licenses.plan_assigned IS 'Licenses held by people, all products together.';
COMMENT ON COLUMN licenses.plan_remaining IS 'Licenses left to assign, all products together.';
COMMENT ON COLUMN licenses.plan_utilization IS 'plan_assigned / plan_purchased; null if none were purchased.';
COMMENT ON COLUMN licenses.plan_active_learners IS 'People who hold a license of the plan now; null where that is unknown.';
COMMENT ON COLUMN licenses.price IS 'Price of one seat for one year, from prices; null if there is none.';
COMMENT ON COLUMN licenses.currency IS 'Currency of the price.';
COMMENT ON COLUMN licenses.purchased_cost IS 'purchased * price: what the licenses cost in one year.';
COMMENT ON COLUMN licenses.remaining_cost IS 'remaining * price: what the unassigned ones of them cost.';
