-- The normalised views. They belong to whoever makes them, and are plain SQL: read them with \d+, change them here.
--
-- A name in braces, such as {u.mfa_enabled boolean}, is a column of a foreign table that the key's schema may lack; the
-- view then has NULL of that type in its place. {u.product_ids present} says whether it is there.

CREATE FUNCTION create_views(schema_name name DEFAULT 'pluralsight')
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    needed text;
BEGIN
    FOREACH needed IN ARRAY ARRAY['users', 'admins', 'plan'] LOOP
        IF to_regclass(format('%I.%I', schema_name, needed)) IS NULL THEN
            RAISE EXCEPTION 'schema "%" holds no table "%"', schema_name, needed
                USING ERRCODE = 'undefined_table',
                      HINT = format('Import it first: IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO %I;', schema_name);
        END IF;
    END LOOP;

    EXECUTE @extschema@.fill_view(schema_name, $view$
CREATE OR REPLACE VIEW {schema}.accounts AS
SELECT
    u.user_id,
    {u.email text} AS email,
    NULLIF(concat_ws(' ', NULLIF({u.first_name text}, ''), NULLIF({u.last_name text}, '')), '') AS full_name,
    CASE
        WHEN {u.is_on_account boolean} THEN 'active'
        WHEN a.user_id IS NOT NULL THEN 'admin without licence'
        WHEN NOT {u.is_on_account boolean} THEN 'removed'
        ELSE 'unknown'
    END AS status,
    {u.is_on_account boolean} AS is_active,
    cardinality({u.product_ids text[]}) > 0 AS billable,
    a.user_id IS NOT NULL AS is_admin,
    {u.removed_on timestamptz} AS deleted_at,
    {u.last_login timestamptz} AS last_activity_at,
    {u.sso_enabled boolean} AS sso_enabled,
    {u.mfa_enabled boolean} AS mfa_enabled,
    {u.team_names text[]} AS team_names,
    {u.product_ids text[]} AS product_ids,
    {u.created_on timestamptz} AS created_at,
    {u.started_on timestamptz} AS licensed_at,
    {u.note text} AS note,
    {u.plan_id text} AS plan_id
FROM {schema}.users AS u
LEFT JOIN {schema}.admins AS a ON a.user_id = u.user_id
UNION ALL
SELECT
    a.user_id,
    {a.email text},
    NULLIF(concat_ws(' ', NULLIF({a.first_name text}, ''), NULLIF({a.last_name text}, '')), ''),
    'admin without licence',
    false,
    false,
    true,
    NULL::timestamptz,
    NULL::timestamptz,
    NULL::boolean,
    NULL::boolean,
    '{}'::text[],
    '{}'::text[],
    {a.created_on timestamptz},
    NULL::timestamptz,
    {a.note text},
    {a.plan_id text}
FROM {schema}.admins AS a
WHERE NOT EXISTS (SELECT FROM {schema}.users AS u WHERE u.user_id = a.user_id)
$view$);

    EXECUTE @extschema@.fill_view(schema_name, $view$
CREATE OR REPLACE VIEW {schema}.licenses AS
SELECT
    {p.plan_id text} AS plan_id,
    {p.name text} AS plan_name,
    product.product_id,
    product.product_name,
    product.purchased,
    product.assigned,
    product.remaining,
    round(product.assigned::numeric / NULLIF(product.purchased, 0), 4) AS utilisation,
    {p.purchased_licenses bigint} AS plan_purchased,
    {p.assigned_licenses bigint} AS plan_assigned,
    {p.remaining_licenses bigint} AS plan_remaining,
    round({p.assigned_licenses bigint}::numeric / NULLIF({p.purchased_licenses bigint}, 0), 4) AS plan_utilisation,
    (SELECT count(*) FROM {schema}.users AS u WHERE {u.is_on_account boolean}) AS plan_active_learners
FROM {schema}.plan AS p
LEFT JOIN LATERAL unnest(
    {p.product_ids text[]},
    {p.product_names text[]},
    {p.product_purchased integer[]},
    {p.product_assigned integer[]},
    {p.product_remaining integer[]}
) AS product (product_id, product_name, purchased, assigned, remaining) ON true
$view$);

    -- Anybody may read a view's text, so the salt stands in a table that nobody but the owner may read. Called again, it
    -- stays, and with it the identifiers.
    IF to_regclass(format('%I.accounts_anonymous_salt', schema_name)) IS NULL THEN
        EXECUTE @extschema@.fill_view(schema_name, $view$
CREATE TABLE {schema}.accounts_anonymous_salt (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), salt text NOT NULL);
REVOKE ALL ON {schema}.accounts_anonymous_salt FROM PUBLIC;
INSERT INTO {schema}.accounts_anonymous_salt (salt) VALUES (gen_random_uuid()::text || gen_random_uuid()::text);
COMMENT ON TABLE {schema}.accounts_anonymous_salt IS
    'The secret that accounts_anonymous hashes with. Who can read it can tell whose a person_id is; another salt gives everybody another one.';
COMMENT ON COLUMN {schema}.accounts_anonymous_salt.only_row IS 'Keeps it to one row.';
COMMENT ON COLUMN {schema}.accounts_anonymous_salt.salt IS 'The secret.';
$view$);
    END IF;

    EXECUTE @extschema@.fill_view(schema_name, $view$
CREATE OR REPLACE VIEW {schema}.accounts_anonymous AS
SELECT
    encode(sha256(convert_to((SELECT s.salt FROM {schema}.accounts_anonymous_salt AS s) || a.user_id::text, 'UTF8')), 'hex') AS person_id,
    a.status,
    a.is_active,
    a.billable,
    a.is_admin,
    date_trunc('month', a.deleted_at AT TIME ZONE 'UTC')::date AS deleted_month,
    date_trunc('month', a.last_activity_at AT TIME ZONE 'UTC')::date AS last_activity_month,
    date_trunc('month', a.licensed_at AT TIME ZONE 'UTC')::date AS licensed_month,
    a.sso_enabled,
    a.mfa_enabled,
    a.product_ids,
    a.plan_id
FROM {schema}.accounts AS a
$view$);

    PERFORM @extschema@.comment_relation(schema_name, 'accounts', 'One row a person: everyone of users, and the admins who hold no licence.', ARRAY[
        'user_id', 'The person''s identifier at Pluralsight.',
        'email', 'Main e-mail address, in the case in which it was entered.',
        'full_name', 'Given and family name; null if both are missing.',
        'status', 'active, removed, or admin without licence.',
        'is_active', 'Holds a licence of the plan now (isOnAccount).',
        'billable', 'Holds at least one product.',
        'is_admin', 'Listed among the plan''s admins.',
        'deleted_at', 'When taken off the plan (removedOn).',
        'last_activity_at', 'Last sign-in; null if there was none.',
        'sso_enabled', 'Signs in by SSO.',
        'mfa_enabled', 'Has multi-factor authentication on.',
        'team_names', 'Teams that the person was put into.',
        'product_ids', 'Products whose licences the person holds.',
        'created_at', 'When the person''s Pluralsight account was made.',
        'licensed_at', 'When this plan''s licence was given.',
        'note', 'Free text kept by plan admins.',
        'plan_id', 'The plan.'
    ]);
    PERFORM @extschema@.comment_relation(schema_name, 'accounts_anonymous', 'The accounts without names, addresses, teams, notes and days. A row is still a person: few with the same products in the same month can be guessed.', ARRAY[
        'person_id', 'Stands for the person: SHA-256 of accounts_anonymous_salt and user_id, so that without the salt nobody can compute it from a known user_id.',
        'status', 'active, removed, or admin without licence.',
        'is_active', 'Holds a licence of the plan now (isOnAccount).',
        'billable', 'Holds at least one product.',
        'is_admin', 'Listed among the plan''s admins.',
        'deleted_month', 'Month in which taken off the plan, as its first day, in UTC.',
        'last_activity_month', 'Month of the last sign-in, as its first day, in UTC; null if there was none.',
        'licensed_month', 'Month in which this plan''s licence was given, as its first day, in UTC.',
        'sso_enabled', 'Signs in by SSO.',
        'mfa_enabled', 'Has multi-factor authentication on.',
        'product_ids', 'Products whose licences the person holds.',
        'plan_id', 'The plan.'
    ]);
    PERFORM @extschema@.comment_relation(schema_name, 'licenses', 'One row a product of the plan: licences bought, given and left, beside the plan''s totals.', ARRAY[
        'plan_id', 'The plan.',
        'plan_name', 'Name of the plan.',
        'product_id', 'The product, as in accounts.product_ids; null if the plan names no product.',
        'product_name', 'Name of the product.',
        'purchased', 'Licences bought.',
        'assigned', 'Licences held by people.',
        'remaining', 'Licences left to give.',
        'utilisation', 'assigned / purchased, from 0 to 1; null if none were bought.',
        'plan_purchased', 'Licences bought, all products together.',
        'plan_assigned', 'Licences held by people, all products together.',
        'plan_remaining', 'Licences left to give, all products together.',
        'plan_utilisation', 'plan_assigned / plan_purchased, from 0 to 1.',
        'plan_active_learners', 'People who hold a licence of the plan now.'
    ]);
    PERFORM @extschema@.create_answers(schema_name);
END
$function$;

COMMENT ON FUNCTION create_views(name) IS
    'Makes the views accounts, accounts_anonymous and licenses over the tables of a schema, and the answers on them; called again, it replaces them.';

-- Puts the schema into a view's text, and NULL in the place of columns that the imported tables do not have.
CREATE FUNCTION fill_view(schema_name name, template text)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    filled text := replace(template, '{schema}', format('%I', schema_name));
    part text[];
    present boolean;
BEGIN
    FOR part IN
        SELECT DISTINCT matches.groups
        FROM regexp_matches(template, '\{([uap])\.(\w+) ([\w\[\]]+)\}', 'g') AS matches (groups)
    LOOP
        SELECT EXISTS (
            SELECT
            FROM pg_attribute AS attribute
            WHERE attribute.attrelid = to_regclass(format('%I.%I', schema_name, CASE part[1] WHEN 'u' THEN 'users' WHEN 'a' THEN 'admins' ELSE 'plan' END))
              AND attribute.attname = part[2]
              AND attribute.attnum > 0
              AND NOT attribute.attisdropped
        ) INTO present;
        filled := replace(
            filled,
            format('{%s.%s %s}', part[1], part[2], part[3]),
            CASE
                WHEN part[3] = 'present' THEN present::text
                WHEN present THEN part[1] || '.' || part[2]
                ELSE 'NULL::' || part[3]
            END
        );
    END LOOP;
    RETURN filled;
END
$function$;

COMMENT ON FUNCTION fill_view(name, text) IS
    'The text of a view for the foreign tables of a schema, as far as they have the columns that it names.';

-- Comments on a table or view and its columns; comments are names and texts by turns.
CREATE FUNCTION comment_relation(schema_name name, relation_name name, relation_comment text, comments text[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    relation regclass := format('%I.%I', schema_name, relation_name)::regclass;
BEGIN
    EXECUTE format(
        'COMMENT ON %s %s IS %L',
        (SELECT CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END FROM pg_class WHERE oid = relation),
        relation,
        relation_comment
    );
    FOR position IN 1 .. cardinality(comments) BY 2 LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, comments[position], comments[position + 1]);
    END LOOP;
END
$function$;

COMMENT ON FUNCTION comment_relation(name, name, text, text[]) IS
    'Comments on a table or view and its columns.';
