-- Everyone in users, and then the admins who are not there.
--
-- Admins are collected into a JSON object instead of joined. So a look at the first rows reads one page of users, and a
-- condition on is_admin is sent to the API as a list of keys. In an object PostgreSQL finds a key by a binary search; an
-- array it would read from its start for each person. No admins means that the API did not tell them (every plan has
-- one): is_admin is then null.
CREATE OR REPLACE VIEW accounts AS
SELECT
    u.user_id,
    u.email,
    NULLIF(concat_ws(' ', NULLIF(u.first_name, ''), NULLIF(u.last_name, '')), '') AS full_name,
    CASE
        WHEN u.is_on_account IS NULL THEN 'unknown'
        WHEN u.is_on_account THEN 'active'
        WHEN (SELECT jsonb_object_agg(a.user_id, true) FROM admins AS a WHERE a.user_id IS NOT NULL) ? u.user_id THEN 'admin without license'
        ELSE 'removed'
    END AS status,
    u.is_on_account AS is_active,
    cardinality(u.product_ids) > 0 AS billable,
    (SELECT jsonb_object_agg(a.user_id, true) FROM admins AS a WHERE a.user_id IS NOT NULL) ? u.user_id AS is_admin,
    u.removed_on AS deleted_at,
    u.last_login AS last_sign_in_at,
    u.sso_enabled,
    u.mfa_enabled,
    u.team_names,
    u.product_ids,
    u.created_on AS created_at,
    u.started_on AS licensed_at,
    u.note,
    u.plan_id,
    pluralsight_fdw.match_key(u.email) AS email_key,
    u.team_ids,
    -- The names of all products are read once, as one JSON object.
    CASE WHEN u.product_ids IS NOT NULL THEN ARRAY(
        SELECT (
            SELECT jsonb_object_agg(product.id, product.name)
            FROM plan AS p
            CROSS JOIN LATERAL unnest(p.product_ids, p.product_names) AS product (id, name)
            WHERE product.id IS NOT NULL
        ) ->> unnest(u.product_ids)
    ) END AS product_names
FROM users AS u
UNION ALL
SELECT
    a.user_id,
    a.email,
    NULLIF(concat_ws(' ', NULLIF(a.first_name, ''), NULLIF(a.last_name, '')), ''),
    'admin without license',
    false,
    -- They hold no product, but where the API tells nobody's products, billable is unknown for all.
    (SELECT false WHERE EXISTS (SELECT FROM users AS u WHERE u.product_ids IS NOT NULL)),
    true,
    NULL,
    NULL,
    NULL,
    NULL,
    '{}',
    '{}',
    a.created_on,
    NULL,
    a.note,
    a.plan_id,
    pluralsight_fdw.match_key(a.email),
    '{}',
    '{}'
FROM admins AS a
-- An array: PostgreSQL takes it for dearer than a comparison with one key, which is then made first and may save it.
WHERE (a.user_id = ANY (ARRAY(
    SELECT u.user_id
    FROM users AS u
    WHERE (SELECT jsonb_object_agg(known.user_id, true) FROM admins AS known WHERE known.user_id IS NOT NULL) ? u.user_id
))) IS NOT TRUE;

COMMENT ON VIEW accounts IS 'One row per person: everyone in users, and the admins who are not there. Null means unknown.';
COMMENT ON COLUMN accounts.full_name IS 'Given and family name; null if both are missing.';
COMMENT ON COLUMN accounts.status IS 'active: holds a license of the plan. removed: held one. admin without license: an admin who holds none. unknown: the API does not say.';
COMMENT ON COLUMN accounts.is_active IS 'Holds a license of the plan now.';
COMMENT ON COLUMN accounts.billable IS 'Holds at least one product; null where products are unknown.';
COMMENT ON COLUMN accounts.is_admin IS 'Is listed among the admins of the plan; null where admins are unknown.';
COMMENT ON COLUMN accounts.deleted_at IS 'When taken off the plan.';
COMMENT ON COLUMN accounts.last_sign_in_at IS 'Last sign-in; null if there was none or it is unknown.';
COMMENT ON COLUMN accounts.created_at IS 'When the person''s Pluralsight account was made.';
COMMENT ON COLUMN accounts.licensed_at IS 'When the license of this plan was given.';
COMMENT ON COLUMN accounts.email_key IS 'The address in the form in which addresses compare: pluralsight_fdw.match_key(email). Join other tables on it.';
COMMENT ON COLUMN accounts.product_names IS 'Names of the products, in the order of product_ids; null for a product that the plan does not name.';
