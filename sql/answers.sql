-- Answers to what people ask about licences, as plain views and functions over accounts and licenses of a schema: of the
-- foreign tables, or of their stored copies. create_views() makes them.

CREATE FUNCTION create_answers(schema_name name DEFAULT 'pluralsight')
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    has_history boolean := to_regclass(format('%I.license_history', schema_name)) IS NOT NULL;
BEGIN
    EXECUTE @extschema@.fill_view(schema_name, $view$
CREATE OR REPLACE VIEW {schema}.idle_licenses AS
SELECT
    user_id,
    email,
    full_name,
    product_ids,
    team_names,
    licensed_at,
    last_activity_at,
    last_activity_at IS NULL AS never_logged_in,
    floor(extract(epoch FROM now() - COALESCE(last_activity_at, licensed_at, created_at)) / 86400)::integer AS days_idle
FROM {schema}.accounts
WHERE billable
$view$);
    PERFORM @extschema@.comment_relation(schema_name, 'idle_licenses', 'Everyone who holds a product, with how long they have been idle. idle_licenses(days) has those who are idle for at least so long.', ARRAY[
        'user_id', 'The person.',
        'email', 'Main e-mail address.',
        'full_name', 'Given and family name.',
        'product_ids', 'Products that the person holds.',
        'team_names', 'Teams of the person.',
        'licensed_at', 'When the licence was given.',
        'last_activity_at', 'Last sign-in; null if there was none.',
        'never_logged_in', 'There was none.',
        'days_idle', 'Whole days since the last sign-in; since the licence was given where there was none.'
    ]);
    EXECUTE @extschema@.fill_view(schema_name, $view$
CREATE OR REPLACE FUNCTION {schema}.idle_licenses(min_days integer)
RETURNS SETOF {schema}.idle_licenses
LANGUAGE sql
STABLE
AS $body$
    SELECT * FROM {schema}.idle_licenses AS idle WHERE idle.days_idle >= min_days
$body$
$view$);
    EXECUTE format('COMMENT ON FUNCTION %I.idle_licenses(integer) IS %L', schema_name, 'Holders of a product who have been idle for at least so many days.');

    EXECUTE @extschema@.fill_view(schema_name, format($view$
CREATE OR REPLACE VIEW {schema}.license_forecast AS
SELECT
    license.product_id,
    license.product_name,
    license.purchased,
    license.assigned,
    license.remaining,
    license.utilisation,
    trend.days_observed,
    round(trend.a_day::numeric, 3) AS assigned_a_day,
    CASE
        WHEN license.remaining <= 0 THEN current_date
        WHEN trend.a_day > 0 AND license.remaining / trend.a_day < 36500 THEN current_date + ceil(license.remaining / trend.a_day)::integer
    END AS runs_out_on
FROM {schema}.licenses AS license
LEFT JOIN LATERAL (
    %s
) AS trend ON true
WHERE license.product_id IS NOT NULL
$view$, CASE
        WHEN has_history THEN $trend$SELECT
        max(history.day) - min(history.day) + 1 AS days_observed,
        regr_slope(history.assigned, history.day - current_date) AS a_day
    FROM {schema}.license_history AS history
    WHERE history.product_id = license.product_id AND history.day > current_date - 90$trend$
        ELSE 'SELECT NULL::integer AS days_observed, NULL::double precision AS a_day'
    END));
    PERFORM @extschema@.comment_relation(schema_name, 'license_forecast', 'Licences left of each product, and when they run out if they go on being given as in the last 90 days. The trend needs the history of stored copies.', ARRAY[
        'product_id', 'The product.',
        'product_name', 'Name of the product.',
        'purchased', 'Licences bought.',
        'assigned', 'Licences held by people.',
        'remaining', 'Licences left to give.',
        'utilisation', 'assigned / purchased, from 0 to 1.',
        'days_observed', 'Days that the trend stands on; null without history.',
        'assigned_a_day', 'Licences given a day, less those taken back: the slope of a straight line through the days.',
        'runs_out_on', 'When none is left at that rate; null if there is no such day.'
    ]);

    EXECUTE @extschema@.fill_view(schema_name, $view$
CREATE OR REPLACE VIEW {schema}.admins_without_use AS
SELECT
    user_id,
    email,
    full_name,
    billable,
    last_activity_at,
    CASE
        WHEN status = 'admin without licence' THEN 'no licence'
        WHEN last_activity_at IS NULL THEN 'never signed in'
        ELSE 'idle'
    END AS reason,
    floor(extract(epoch FROM now() - last_activity_at) / 86400)::integer AS days_idle
FROM {schema}.accounts
WHERE is_admin AND (status = 'admin without licence' OR last_activity_at IS NULL OR last_activity_at < now() - interval '90 days')
$view$);
    PERFORM @extschema@.comment_relation(schema_name, 'admins_without_use', 'Admins who hold no licence, never signed in, or have not for 90 days.', ARRAY[
        'user_id', 'The person.',
        'email', 'Main e-mail address.',
        'full_name', 'Given and family name.',
        'billable', 'Holds at least one product.',
        'last_activity_at', 'Last sign-in; null if none is known.',
        'reason', 'no licence, never signed in, or idle.',
        'days_idle', 'Whole days since the last sign-in.'
    ]);

    EXECUTE @extschema@.fill_view(schema_name, $view$
CREATE OR REPLACE VIEW {schema}.duplicate_people AS
SELECT
    trait.kind AS same,
    trait.value,
    count(DISTINCT u.user_id) AS people,
    count(DISTINCT u.user_id) FILTER (WHERE {u.is_on_account boolean}) AS active,
    array_agg(DISTINCT u.user_id) AS user_ids,
    array_agg(DISTINCT {u.email text}) AS emails
FROM {schema}.users AS u
CROSS JOIN LATERAL (
    SELECT 'e-mail', lower(btrim({u.email text}))
    UNION
    SELECT 'e-mail', lower(btrim(address)) FROM unnest({u.additional_emails text[]}) AS address
    UNION ALL
    SELECT 'SSO identifier', {u.sso_identifier text}
    UNION ALL
    SELECT 'name', lower(btrim(concat_ws(' ', {u.first_name text}, {u.last_name text})))
    WHERE {u.first_name text} <> '' AND {u.last_name text} <> ''
) AS trait (kind, value)
WHERE trait.value <> ''
GROUP BY trait.kind, trait.value
HAVING count(DISTINCT u.user_id) > 1
$view$);
    PERFORM @extschema@.comment_relation(schema_name, 'duplicate_people', 'People who may be one person: they share an e-mail address, an SSO identifier or a name. Two people can have one name.', ARRAY[
        'same', 'What they share: e-mail, SSO identifier, or name.',
        'value', 'The shared value, in lower case for e-mail and name.',
        'people', 'How many share it.',
        'active', 'How many of them hold a licence.',
        'user_ids', 'Who they are.',
        'emails', 'Their main e-mail addresses.'
    ]);

    EXECUTE @extschema@.fill_view(schema_name, $view$
CREATE OR REPLACE VIEW {schema}.team_utilisation AS
SELECT
    team.name AS team_name,
    count(*) AS members,
    count(*) FILTER (WHERE billable) AS billable,
    count(*) FILTER (WHERE billable AND last_activity_at >= now() - interval '30 days') AS active_30_days,
    count(*) FILTER (WHERE billable AND last_activity_at >= now() - interval '90 days') AS active_90_days,
    count(*) FILTER (WHERE billable AND last_activity_at IS NULL) AS never_logged_in,
    round(count(*) FILTER (WHERE billable AND last_activity_at >= now() - interval '90 days')::numeric / NULLIF(count(*) FILTER (WHERE billable), 0), 4) AS utilisation
FROM {schema}.accounts
LEFT JOIN LATERAL unnest(team_names) AS team (name) ON true
WHERE is_active
GROUP BY team.name
$view$);
    PERFORM @extschema@.comment_relation(schema_name, 'team_utilisation', 'How much each team uses its licences. A person on two teams counts in both; team_name is null for those on none.', ARRAY[
        'team_name', 'The team.',
        'members', 'People on it who hold a licence of the plan.',
        'billable', 'Those of them who hold a product.',
        'active_30_days', 'Those of them who signed in within 30 days.',
        'active_90_days', 'Within 90 days.',
        'never_logged_in', 'Those who hold a product and never signed in.',
        'utilisation', 'active_90_days / billable, from 0 to 1.'
    ]);

    EXECUTE @extschema@.fill_view(schema_name, $ddl$
CREATE OR REPLACE FUNCTION {schema}.leavers_with_license(hr_table regclass, hr_column name, match_by text DEFAULT 'email')
RETURNS TABLE (user_id text, email text, full_name text, product_ids text[], last_activity_at timestamptz, reason text)
LANGUAGE plpgsql
STABLE
AS $body$
BEGIN
    PERFORM @extschema@.check_hr_column(hr_table, hr_column, match_by);
    RETURN QUERY EXECUTE pg_catalog.format($query$
        WITH staff AS MATERIALIZED (
            SELECT DISTINCT pg_catalog.lower(pg_catalog.btrim(%1$I::text)) AS key FROM %2$s WHERE pg_catalog.btrim(%1$I::text) <> ''
        ), holders AS (
            SELECT account.*, @extschema@.person_keys(%3$L, {u.email text}, {u.additional_emails text[]}, {u.sso_identifier text}, {u.note text}) AS keys
            FROM {schema}.accounts AS account
            JOIN {schema}.users AS u ON u.user_id = account.user_id
            WHERE account.billable
        )
        SELECT holder.user_id, holder.email, holder.full_name, holder.product_ids, holder.last_activity_at,
            CASE WHEN holder.keys = '{}' THEN %4$L ELSE %5$L END
        FROM holders AS holder
        WHERE NOT EXISTS (SELECT FROM staff WHERE staff.key = ANY (holder.keys))
        ORDER BY holder.email
    $query$, hr_column, hr_table, match_by, 'has no ' || match_by || ' to compare', 'not in ' || hr_table::text);
END
$body$
$ddl$);
    EXECUTE format('COMMENT ON FUNCTION %I.leavers_with_license(regclass, name, text) IS %L', schema_name,
        'Holders of a product who are not among the people of an HR table or view, which must list current staff; match_by is email, sso_identifier or note.');
    EXECUTE @extschema@.fill_view(schema_name, $ddl$
CREATE OR REPLACE FUNCTION {schema}.joiners_without_license(hr_table regclass, hr_column name, match_by text DEFAULT 'email')
RETURNS TABLE (hr_key text, user_id text, status text, deleted_at timestamptz)
LANGUAGE plpgsql
STABLE
AS $body$
BEGIN
    PERFORM @extschema@.check_hr_column(hr_table, hr_column, match_by);
    RETURN QUERY EXECUTE pg_catalog.format($query$
        WITH known AS MATERIALIZED (
            SELECT account.user_id, account.status, account.deleted_at, account.billable, key.value AS key
            FROM {schema}.accounts AS account
            JOIN {schema}.users AS u ON u.user_id = account.user_id
            CROSS JOIN LATERAL pg_catalog.unnest(@extschema@.person_keys(%3$L, {u.email text}, {u.additional_emails text[]}, {u.sso_identifier text}, {u.note text})) AS key (value)
        )
        SELECT DISTINCT ON (staff.key) staff.key, person.user_id, person.status, person.deleted_at
        FROM (SELECT pg_catalog.btrim(%1$I::text) AS key FROM %2$s WHERE pg_catalog.btrim(%1$I::text) <> '') AS staff
        LEFT JOIN known AS person ON person.key = pg_catalog.lower(staff.key)
        WHERE NOT EXISTS (SELECT FROM known AS holder WHERE holder.key = pg_catalog.lower(staff.key) AND holder.billable)
        ORDER BY staff.key, person.user_id
    $query$, hr_column, hr_table, match_by);
END
$body$
$ddl$);
    EXECUTE format('COMMENT ON FUNCTION %I.joiners_without_license(regclass, name, text) IS %L', schema_name,
        'People of an HR table or view who hold no product; user_id and status say whether Pluralsight knows them. match_by is email, sso_identifier or note.');
END
$function$;

COMMENT ON FUNCTION create_answers(name) IS
    'Makes idle_licenses, license_forecast, admins_without_use, duplicate_people, team_utilisation, leavers_with_license and joiners_without_license in a schema that has accounts and licenses.';

-- By what a person may be found in an HR table, in lower case.
CREATE FUNCTION person_keys(match_by text, email text, additional_emails text[], sso_identifier text, note text)
RETURNS text[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT COALESCE(array_agg(lower(btrim(key))), '{}')
    FROM unnest(CASE match_by
        WHEN 'email' THEN array_append(additional_emails, email)
        WHEN 'sso_identifier' THEN ARRAY[sso_identifier]
        ELSE ARRAY[note]
    END) AS key
    WHERE btrim(key) <> ''
$function$;

COMMENT ON FUNCTION person_keys(text, text, text[], text, text) IS 'By what a person may be found in an HR table.';

CREATE FUNCTION check_hr_column(hr_table regclass, hr_column name, match_by text)
RETURNS void
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    filled boolean;
BEGIN
    IF match_by IS NULL OR match_by NOT IN ('email', 'sso_identifier', 'note') THEN
        RAISE EXCEPTION 'people cannot be matched by "%"', match_by
            USING ERRCODE = 'invalid_parameter_value', HINT = 'match_by is email, sso_identifier or note.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = hr_table AND attname = hr_column AND attnum > 0 AND NOT attisdropped) THEN
        RAISE EXCEPTION '% has no column "%"', hr_table, hr_column
            USING ERRCODE = 'undefined_column',
                  HINT = (SELECT 'It has ' || string_agg(quote_ident(attname), ', ' ORDER BY attnum) || '.' FROM pg_attribute WHERE attrelid = hr_table AND attnum > 0 AND NOT attisdropped);
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE btrim(%I::text) <> '''')', hr_table, hr_column) INTO filled;
    IF NOT filled THEN
        RAISE EXCEPTION 'column "%" of % is empty', hr_column, hr_table
            USING ERRCODE = 'data_exception',
                  DETAIL = 'Everybody would be a leaver.',
                  HINT = 'Load the HR table first.';
    END IF;
END
$function$;

COMMENT ON FUNCTION check_hr_column(regclass, name, text) IS 'Refuses a comparison with an HR table that cannot mean anything.';
