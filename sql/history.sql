-- History of stored copies: what each refresh found changed about people, and a row a day for licences.

CREATE FUNCTION create_history(copy_schema name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF to_regclass(format('%I.account_history', copy_schema)) IS NULL THEN
        EXECUTE format($ddl$
CREATE TABLE %1$I.account_history (
    user_id text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz CHECK (valid_to > valid_from),
    email text,
    full_name text,
    status text NOT NULL,
    is_active boolean,
    billable boolean,
    is_admin boolean NOT NULL,
    deleted_at timestamptz,
    sso_enabled boolean,
    mfa_enabled boolean,
    team_names text[],
    product_ids text[],
    created_at timestamptz,
    licensed_at timestamptz,
    note text,
    plan_id text,
    forgotten boolean NOT NULL DEFAULT false,
    PRIMARY KEY (user_id, valid_from)
);
CREATE UNIQUE INDEX account_history_now ON %1$I.account_history (user_id) WHERE valid_to IS NULL;
CREATE INDEX account_history_valid_from ON %1$I.account_history (valid_from);
CREATE INDEX account_history_email ON %1$I.account_history (lower(email));
CREATE TABLE %1$I.license_history (
    day date NOT NULL,
    product_id text NOT NULL,
    product_name text,
    purchased bigint,
    assigned bigint,
    remaining bigint,
    plan_id text,
    PRIMARY KEY (product_id, day)
);
CREATE INDEX license_history_day ON %1$I.license_history (day);
$ddl$, copy_schema);
    END IF;
    PERFORM @extschema@.comment_relation(copy_schema, 'account_history', 'What was known of each person, and from when to when: a row a version. Kept by refresh().', ARRAY[
        'user_id', 'The person''s identifier at Pluralsight.',
        'valid_from', 'When the refresh that found it began.',
        'valid_to', 'When the refresh that found something else began; null for what is known now.',
        'email', 'Main e-mail address.',
        'full_name', 'Given and family name.',
        'status', 'active, removed, or admin without license.',
        'is_active', 'Held a licence of the plan.',
        'billable', 'Held at least one product.',
        'is_admin', 'Was listed among the plan''s admins.',
        'deleted_at', 'When taken off the plan (removedOn); for people whom the API forgot, when a refresh first missed them.',
        'sso_enabled', 'Signed in by SSO.',
        'mfa_enabled', 'Had multi-factor authentication on.',
        'team_names', 'Teams, in alphabetical order.',
        'product_ids', 'Products, in alphabetical order.',
        'created_at', 'When the person''s Pluralsight account was made.',
        'licensed_at', 'When this plan''s licence was given.',
        'note', 'Free text kept by plan admins.',
        'plan_id', 'The plan.',
        'forgotten', 'The API no longer lists the person at all.'
    ]);
    PERFORM @extschema@.comment_relation(copy_schema, 'license_history', 'Licences of each product at the last refresh of each day. Kept by refresh().', ARRAY[
        'day', 'The day, in UTC.',
        'product_id', 'The product.',
        'product_name', 'Name of the product.',
        'purchased', 'Licences bought.',
        'assigned', 'Licences held by people.',
        'remaining', 'Licences left to give.',
        'plan_id', 'The plan.'
    ]);

    EXECUTE format($ddl$
CREATE OR REPLACE FUNCTION %1$I.accounts_at(moment timestamptz)
RETURNS SETOF %1$I.account_history
LANGUAGE sql
STABLE
AS $body$
    SELECT *
    FROM %1$I.account_history AS history
    WHERE history.valid_from <= moment AND (history.valid_to > moment OR history.valid_to IS NULL)
$body$;
COMMENT ON FUNCTION %1$I.accounts_at(timestamptz) IS 'Everyone, as was known at a moment; people who had left are among them.';

CREATE OR REPLACE FUNCTION %1$I.changes_between(after timestamptz, until timestamptz)
RETURNS TABLE (changed_at timestamptz, user_id text, email text, full_name text, change text, was text, became text)
LANGUAGE sql
STABLE
AS $body$
    WITH begun AS (
        SELECT min(history.valid_from) AS at FROM %1$I.account_history AS history
    ), touched AS (
        SELECT DISTINCT history.user_id
        FROM %1$I.account_history AS history
        WHERE history.valid_from > after AND history.valid_from <= until
    ), versions AS (
        SELECT
            new,
            lag(new) OVER person AS old,
            COALESCE(bool_or(new.is_active OR new.deleted_at IS NOT NULL) OVER (PARTITION BY new.user_id ORDER BY new.valid_from ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false) AS was_here
        FROM %1$I.account_history AS new
        JOIN touched USING (user_id)
        WINDOW person AS (PARTITION BY new.user_id ORDER BY new.valid_from)
    )
    SELECT (version.new).valid_from, (version.new).user_id, (version.new).email, (version.new).full_name, event.change, event.was, event.became
    FROM versions AS version
    CROSS JOIN begun
    CROSS JOIN LATERAL (
        SELECT CASE WHEN version.was_here THEN 'came back' ELSE 'joined' END, NULL, NULL
        WHERE (version.new).is_active AND (version.old).is_active IS NOT TRUE
        UNION ALL
        SELECT 'left', NULL, NULL
        WHERE (version.old).is_active AND (version.new).is_active IS NOT TRUE
        UNION ALL
        SELECT CASE WHEN (version.new).is_admin THEN 'became admin' ELSE 'stopped being admin' END, NULL, NULL
        WHERE (version.new).is_admin <> COALESCE((version.old).is_admin, false)
        UNION ALL
        SELECT 'gained product', NULL, product
        FROM unnest((version.new).product_ids) AS product
        WHERE product = ANY (COALESCE((version.old).product_ids, '{}')) IS NOT TRUE
        UNION ALL
        SELECT 'lost product', product, NULL
        FROM unnest((version.old).product_ids) AS product
        WHERE product = ANY (COALESCE((version.new).product_ids, '{}')) IS NOT TRUE
        UNION ALL
        SELECT 'joined team', NULL, team
        FROM unnest((version.new).team_names) AS team
        WHERE team = ANY (COALESCE((version.old).team_names, '{}')) IS NOT TRUE
        UNION ALL
        SELECT 'left team', team, NULL
        FROM unnest((version.old).team_names) AS team
        WHERE team = ANY (COALESCE((version.new).team_names, '{}')) IS NOT TRUE
        UNION ALL
        SELECT 'changed name', (version.old).full_name, (version.new).full_name
        WHERE (version.old).user_id IS NOT NULL AND (version.old).full_name IS DISTINCT FROM (version.new).full_name
        UNION ALL
        SELECT 'changed e-mail', (version.old).email, (version.new).email
        WHERE (version.old).user_id IS NOT NULL AND (version.old).email IS DISTINCT FROM (version.new).email
    ) AS event (change, was, became)
    WHERE (version.new).valid_from > after
      AND (version.new).valid_from <= until
      -- The first refresh found everyone, and that is no change.
      AND (version.new).valid_from > begun.at
    ORDER BY 1, 2, 5, 6, 7
$body$;
COMMENT ON FUNCTION %1$I.changes_between(timestamptz, timestamptz) IS
    'What refreshes found changed after one moment and until another: joined, left, came back, became admin, stopped being admin, gained or lost product, joined or left team, changed name or e-mail.';
$ddl$, copy_schema);
END
$function$;

COMMENT ON FUNCTION create_history(name) IS
    'Makes account_history and license_history in a schema of stored copies, and the functions that read them.';

-- Compares the copies with what history knows now, and adds versions for what differs.
CREATE FUNCTION write_history(copy_schema name, as_of timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    moment timestamptz;
BEGIN
    -- A clock that was set back must not turn history over.
    EXECUTE format('SELECT greatest($1, max(valid_from) + interval ''1 microsecond'') FROM %I.account_history', copy_schema)
    INTO moment USING as_of;

    EXECUTE format($statement$
WITH found AS MATERIALIZED (
    SELECT
        user_id, email, full_name, status, is_active, billable, is_admin, deleted_at, sso_enabled, mfa_enabled,
        -- The API promises no order, so another order is no change.
        ARRAY(SELECT name FROM unnest(team_names) AS name ORDER BY name COLLATE "C") AS team_names,
        ARRAY(SELECT id FROM unnest(product_ids) AS id ORDER BY id COLLATE "C") AS product_ids,
        created_at, licensed_at, note, plan_id, false AS forgotten
    FROM %1$I.accounts
), expected AS MATERIALIZED (
    SELECT * FROM found
    UNION ALL
    SELECT
        known.user_id, known.email, known.full_name, 'removed', false, CASE WHEN known.billable IS NOT NULL THEN false END, false,
        COALESCE(known.deleted_at, $1), known.sso_enabled, known.mfa_enabled, '{}', '{}',
        known.created_at, known.licensed_at, known.note, known.plan_id, true
    FROM %1$I.account_history AS known
    WHERE known.valid_to IS NULL
      AND NOT known.forgotten
      AND NOT EXISTS (SELECT FROM found WHERE found.user_id = known.user_id)
), changed AS MATERIALIZED (
    SELECT expected.*, known.user_id IS NOT NULL AS is_known
    FROM expected
    LEFT JOIN %1$I.account_history AS known ON known.user_id = expected.user_id AND known.valid_to IS NULL
    WHERE known.user_id IS NULL
       OR ROW (
            known.email, known.full_name, known.status, known.is_active, known.billable, known.is_admin, known.deleted_at, known.sso_enabled, known.mfa_enabled,
            known.team_names, known.product_ids, known.created_at, known.licensed_at, known.note, known.plan_id, known.forgotten
        )::record *<> ROW (
            expected.email, expected.full_name, expected.status, expected.is_active, expected.billable, expected.is_admin, expected.deleted_at, expected.sso_enabled, expected.mfa_enabled,
            expected.team_names, expected.product_ids, expected.created_at, expected.licensed_at, expected.note, expected.plan_id, expected.forgotten
        )::record
), closed AS (
    UPDATE %1$I.account_history AS known
    SET valid_to = $1
    FROM changed
    WHERE changed.is_known AND known.user_id = changed.user_id AND known.valid_to IS NULL
    RETURNING known.user_id
)
INSERT INTO %1$I.account_history (
    user_id, valid_from, email, full_name, status, is_active, billable, is_admin, deleted_at, sso_enabled, mfa_enabled,
    team_names, product_ids, created_at, licensed_at, note, plan_id, forgotten
)
SELECT
    changed.user_id, $1, changed.email, changed.full_name, changed.status, changed.is_active, changed.billable, changed.is_admin, changed.deleted_at, changed.sso_enabled, changed.mfa_enabled,
    changed.team_names, changed.product_ids, changed.created_at, changed.licensed_at, changed.note, changed.plan_id, changed.forgotten
FROM changed
LEFT JOIN closed ON closed.user_id = changed.user_id
$statement$, copy_schema) USING moment;

    EXECUTE format($statement$
INSERT INTO %1$I.license_history AS known (day, product_id, product_name, purchased, assigned, remaining, plan_id)
SELECT
    ($1 AT TIME ZONE 'UTC')::date, found.product_id, min(found.product_name),
    sum(found.purchased), sum(found.assigned), sum(found.remaining), min(found.plan_id)
FROM %1$I.licenses AS found
WHERE found.product_id IS NOT NULL
GROUP BY found.product_id
ON CONFLICT (product_id, day) DO UPDATE
SET (product_name, purchased, assigned, remaining, plan_id) = ROW (EXCLUDED.product_name, EXCLUDED.purchased, EXCLUDED.assigned, EXCLUDED.remaining, EXCLUDED.plan_id)
WHERE ROW (known.product_name, known.purchased, known.assigned, known.remaining, known.plan_id)
    IS DISTINCT FROM ROW (EXCLUDED.product_name, EXCLUDED.purchased, EXCLUDED.assigned, EXCLUDED.remaining, EXCLUDED.plan_id)
$statement$, copy_schema) USING moment;
END
$function$;

COMMENT ON FUNCTION write_history(name, timestamptz) IS 'Internal: adds to history what a refresh found changed.';
