-- Makes what a refresh found of each person (staged_accounts) comparable with what history knows now.

-- The API promises no order of memberships and products, so another order is no change.
UPDATE staged_accounts AS found
SET (team_ids, team_names) = (
    SELECT array_agg(membership.id ORDER BY membership.id COLLATE "C", membership.name COLLATE "C"),
           array_agg(membership.name ORDER BY membership.id COLLATE "C", membership.name COLLATE "C")
    FROM unnest(found.team_ids, found.team_names) AS membership (id, name)
)
WHERE cardinality(found.team_ids) > 1
   OR cardinality(found.team_names) > 1;

UPDATE staged_accounts AS found
SET (product_ids, product_names) = (
    SELECT array_agg(product.id ORDER BY product.id COLLATE "C"),
           array_agg(product.name ORDER BY product.id COLLATE "C")
    FROM unnest(found.product_ids, found.product_names) AS product (id, name)
)
WHERE cardinality(found.product_ids) > 1;

-- People whom the API no longer lists at all.
INSERT INTO staged_gone
SELECT known.*
FROM account_history AS known
WHERE known.valid_to IS NULL
  AND NOT known.forgotten
  AND NOT EXISTS (SELECT FROM staged_accounts AS found WHERE found.user_id = known.user_id);

UPDATE staged_gone
SET forgotten = true,
    status = 'removed',
    is_active = false,
    billable = CASE WHEN billable IS NOT NULL THEN false END,
    is_admin = CASE WHEN is_admin IS NOT NULL THEN false END,
    deleted_at = COALESCE(deleted_at, (SELECT refresh.moment FROM staged_refresh AS refresh)),
    team_ids = CASE WHEN team_ids IS NOT NULL THEN ARRAY[]::text[] END,
    team_names = CASE WHEN team_names IS NOT NULL THEN ARRAY[]::text[] END,
    product_ids = CASE WHEN product_ids IS NOT NULL THEN ARRAY[]::text[] END,
    product_names = CASE WHEN product_names IS NOT NULL THEN ARRAY[]::text[] END;

INSERT INTO staged_accounts
SELECT gone.*
FROM staged_gone AS gone;
