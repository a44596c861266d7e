-- Stored copies: plain tables that a refresh brings up to date, a row that changed at a time.
--
-- Plain tables and no materialized views: pg_restore would run a materialized view's query, and so ask the API; its refresh
-- writes every row anew; and several of them cannot change at one moment.

-- Which schemas hold copies. Its rows are the user's, so dumps carry them.
CREATE TABLE copy_sets (
    copy_schema name PRIMARY KEY,
    source_schema name NOT NULL,
    tables name[] NOT NULL,
    max_shrink numeric NOT NULL DEFAULT 0.1 CHECK (max_shrink >= 0 AND max_shrink <= 1),
    owner name NOT NULL DEFAULT current_user
);

COMMENT ON TABLE copy_sets IS 'Schemas with stored copies, made by create_copies().';
COMMENT ON COLUMN copy_sets.copy_schema IS 'Where the copies are.';
COMMENT ON COLUMN copy_sets.source_schema IS 'Where the foreign tables are.';
COMMENT ON COLUMN copy_sets.tables IS 'The tables that are copied, in the order in which they are refreshed.';
COMMENT ON COLUMN copy_sets.max_shrink IS 'The part of its rows, from 0 to 1, that a copy may lose in one refresh.';
COMMENT ON COLUMN copy_sets.owner IS 'Who made the copies.';

CREATE TABLE refresh_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    copy_schema name NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    outcome text NOT NULL DEFAULT 'running' CHECK (outcome IN ('running', 'ok', 'failed', 'died')),
    rows_added bigint,
    rows_changed bigint,
    rows_removed bigint,
    tables jsonb,
    requests bigint,
    retries bigint,
    bytes bigint,
    forced boolean NOT NULL DEFAULT false,
    sqlstate text,
    error text,
    hint text,
    pid integer NOT NULL DEFAULT pg_backend_pid(),
    owner name NOT NULL DEFAULT current_user
);

CREATE INDEX refresh_log_by_schema ON refresh_log (copy_schema, started_at);

COMMENT ON TABLE refresh_log IS 'A row a refresh of stored copies.';
COMMENT ON COLUMN refresh_log.id IS 'Number of the run.';
COMMENT ON COLUMN refresh_log.copy_schema IS 'The copies that were refreshed.';
COMMENT ON COLUMN refresh_log.started_at IS 'When it began.';
COMMENT ON COLUMN refresh_log.finished_at IS 'When it ended, well or not.';
COMMENT ON COLUMN refresh_log.outcome IS 'running; ok; failed: the copies are as they were, and error says why; died: session or server ended in the middle, the copies are as they were.';
COMMENT ON COLUMN refresh_log.rows_added IS 'Rows added, in all copies together.';
COMMENT ON COLUMN refresh_log.rows_changed IS 'Rows changed, in all copies together.';
COMMENT ON COLUMN refresh_log.rows_removed IS 'Rows removed, in all copies together.';
COMMENT ON COLUMN refresh_log.tables IS 'For each copy: rows, added, changed, removed, and what reading it took: requests, retries, bytes.';
COMMENT ON COLUMN refresh_log.requests IS 'HTTP requests sent, repeated ones included.';
COMMENT ON COLUMN refresh_log.retries IS 'Requests that were sent again.';
COMMENT ON COLUMN refresh_log.bytes IS 'Bytes of reply bodies, after decompression.';
COMMENT ON COLUMN refresh_log.forced IS 'The guard against shrinking was off.';
COMMENT ON COLUMN refresh_log.sqlstate IS 'Code of the error.';
COMMENT ON COLUMN refresh_log.error IS 'The error that ended it.';
COMMENT ON COLUMN refresh_log.hint IS 'What to do about the error.';
COMMENT ON COLUMN refresh_log.pid IS 'Process id of the session that ran it.';
COMMENT ON COLUMN refresh_log.owner IS 'Who ran it.';

SELECT pg_extension_config_dump('@extschema@.copy_sets', '');
SELECT pg_extension_config_dump('@extschema@.refresh_log', '');
SELECT pg_extension_config_dump('@extschema@.refresh_log_id_seq', '');

-- Whoever makes copies writes here, each for the roles that are theirs.
GRANT SELECT, INSERT, UPDATE, DELETE ON copy_sets, refresh_log TO PUBLIC;
ALTER TABLE copy_sets ENABLE ROW LEVEL SECURITY;
ALTER TABLE refresh_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON copy_sets
    USING (owner IN (SELECT rolname FROM pg_catalog.pg_roles WHERE pg_catalog.pg_has_role(oid, 'USAGE')));
CREATE POLICY own ON refresh_log
    USING (owner IN (SELECT rolname FROM pg_catalog.pg_roles WHERE pg_catalog.pg_has_role(oid, 'USAGE')));

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

CREATE FUNCTION create_copies(
    source_schema name DEFAULT 'pluralsight',
    copy_schema name DEFAULT NULL,
    tables name[] DEFAULT NULL,
    max_shrink numeric DEFAULT 0.1,
    refresh_now boolean DEFAULT true
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    target name := COALESCE(copy_schema, (source_schema || '_copy')::name);
    known @extschema@.copy_sets;
    present name[];
    missing name;
    copied name;
BEGIN
    SELECT array_agg(class.relname ORDER BY class.relname)
    INTO present
    FROM pg_foreign_table AS foreign_table
    JOIN pg_class AS class ON class.oid = foreign_table.ftrelid
    JOIN pg_foreign_server AS server ON server.oid = foreign_table.ftserver
    JOIN pg_foreign_data_wrapper AS wrapper ON wrapper.oid = server.srvfdw
    WHERE class.relnamespace = to_regnamespace(quote_ident(source_schema))
      AND wrapper.fdwname = 'pluralsight_fdw';
    IF present IS NULL THEN
        RAISE EXCEPTION 'schema "%" holds no foreign table of pluralsight_fdw', source_schema
            USING ERRCODE = 'undefined_table',
                  HINT = format('Import them first: IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO %I;', source_schema);
    END IF;
    IF target = source_schema THEN
        RAISE EXCEPTION 'the copies cannot be in schema "%" themselves, where the foreign tables are', target
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give another copy_schema, or none.';
    END IF;
    SELECT * INTO known FROM @extschema@.copy_sets AS sets WHERE sets.copy_schema = target;
    IF known.source_schema <> source_schema THEN
        RAISE EXCEPTION 'schema "%" holds copies of schema "%" already', target, known.source_schema
            USING ERRCODE = 'duplicate_schema',
                  HINT = 'Give another copy_schema.';
    END IF;

    -- The plan first, then users, admins and teams, then what else was asked for.
    SELECT array_agg(wanted.name ORDER BY array_position(ARRAY['plan', 'users', 'admins', 'teams']::name[], wanted.name), wanted.name)
    INTO tables
    FROM (
        SELECT DISTINCT name
        FROM unnest(COALESCE(
            create_copies.tables || known.tables,
            known.tables,
            ARRAY(SELECT standard FROM unnest(ARRAY['plan', 'users', 'admins', 'teams']::name[]) AS standard WHERE standard = ANY (present))
        )) AS name
    ) AS wanted;
    FOREACH missing IN ARRAY tables LOOP
        IF missing <> ALL (present) THEN
            RAISE EXCEPTION 'schema "%" holds no foreign table "%" of pluralsight_fdw', source_schema, missing
                USING ERRCODE = 'undefined_table',
                      HINT = format('It holds %s.', array_to_string(present, ', '));
        END IF;
    END LOOP;

    IF to_regnamespace(quote_ident(target)) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', target);
        EXECUTE format('COMMENT ON SCHEMA %I IS %L', target, format('Stored copies of schema %s, refreshed by pluralsight_fdw.', source_schema));
    END IF;
    FOREACH copied IN ARRAY tables LOOP
        PERFORM @extschema@.create_copy(source_schema, target, copied, COALESCE(copied = ANY (known.tables), false));
    END LOOP;
    INSERT INTO @extschema@.copy_sets AS sets (copy_schema, source_schema, tables, max_shrink)
    VALUES (target, source_schema, tables, create_copies.max_shrink)
    ON CONFLICT ON CONSTRAINT copy_sets_pkey DO UPDATE
    SET tables = EXCLUDED.tables, max_shrink = EXCLUDED.max_shrink;

    IF ARRAY['plan', 'users', 'admins']::name[] <@ tables THEN
        PERFORM @extschema@.create_history(target);
        PERFORM @extschema@.create_views(target);
    END IF;
    PERFORM @extschema@.create_freshness(target);
    PERFORM @extschema@.copy_grants(source_schema, target);
    IF refresh_now THEN
        PERFORM @extschema@.run_refresh(@extschema@.begin_refresh(target));
    END IF;
END
$function$;

COMMENT ON FUNCTION create_copies(name, name, name[], numeric, boolean) IS
    'Makes stored copies of the foreign tables of a schema, views and history on them, and fills them; called again, it adds what is new.';

-- One copy: columns, types and comments of the foreign table; its key; indexes on what people join and filter by.
CREATE FUNCTION create_copy(source_schema name, copy_schema name, table_name name, exists_already boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    source regclass := format('%I.%I', source_schema, table_name)::regclass;
    target text := format('%I.%I', copy_schema, table_name);
    key_column name := @extschema@.key_column(source);
    declared record;
BEGIN
    IF to_regclass(target) IS NOT NULL AND NOT exists_already THEN
        RAISE EXCEPTION '"%" exists already and is no copy', to_regclass(target)
            USING ERRCODE = 'duplicate_table',
                  HINT = 'Give another copy_schema, or rename what is there.';
    END IF;
    IF to_regclass(target) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE %s (%s)',
            target,
            (SELECT string_agg(format('%I %s', column_name, column_type), ', ' ORDER BY number) FROM @extschema@.columns_of(source))
        );
        IF key_column IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s ADD PRIMARY KEY (%I)', target, key_column);
        END IF;
        IF EXISTS (SELECT FROM @extschema@.columns_of(source) WHERE column_name = 'email' AND column_type = 'text') THEN
            EXECUTE format('CREATE INDEX ON %s (lower(email))', target);
        END IF;
        IF EXISTS (SELECT FROM @extschema@.columns_of(source) WHERE column_name = 'last_login') THEN
            EXECUTE format('CREATE INDEX ON %s (last_login)', target);
        END IF;
    ELSE
        FOR declared IN
            SELECT * FROM @extschema@.columns_of(source) AS wanted
            WHERE NOT EXISTS (SELECT FROM @extschema@.columns_of(to_regclass(target)) AS there WHERE there.column_name = wanted.column_name)
            ORDER BY number
        LOOP
            EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', target, declared.column_name, declared.column_type);
        END LOOP;
    END IF;
    EXECUTE format('COMMENT ON TABLE %s IS %L', target, concat_ws(' ', format('Stored copy of %s.', source), obj_description(source, 'pg_class')));
    FOR declared IN
        SELECT column_name, col_description(source, number) AS description FROM @extschema@.columns_of(source)
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', target, declared.column_name, declared.description);
    END LOOP;
END
$function$;

COMMENT ON FUNCTION create_copy(name, name, name, boolean) IS
    'Makes one stored copy, or gives it the columns that are new.';

CREATE FUNCTION columns_of(relation regclass)
RETURNS TABLE (number smallint, column_name name, column_type text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT attnum, attname, format_type(atttypid, atttypmod)
    FROM pg_attribute
    WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
$function$;

COMMENT ON FUNCTION columns_of(regclass) IS 'The columns of a table, with their types.';

-- The column that reads the table's key; null where there is none, as for the plan, which is one row.
CREATE FUNCTION key_column(foreign_table regclass)
RETURNS name
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT attribute.attname
    FROM pg_foreign_table AS declared,
        pg_options_to_table(declared.ftoptions) AS key_option,
        pg_attribute AS attribute,
        pg_options_to_table(attribute.attfdwoptions) AS field_option
    WHERE declared.ftrelid = foreign_table
      AND key_option.option_name = 'key'
      AND attribute.attrelid = foreign_table
      AND attribute.attnum > 0
      AND NOT attribute.attisdropped
      AND field_option.option_name = 'field'
      AND field_option.option_value = key_option.option_value
    ORDER BY attribute.attnum
    LIMIT 1
$function$;

COMMENT ON FUNCTION key_column(regclass) IS 'The column of a foreign table that tells its records apart.';

-- Whoever may read a foreign table or live view may read its copy.
CREATE FUNCTION copy_grants(source_schema name, copy_schema name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT DISTINCT format('%I.%I', copy_schema, target.relname) AS target, acl.grantee
        FROM pg_class AS source
        CROSS JOIN LATERAL aclexplode(source.relacl) AS acl
        JOIN pg_class AS target ON target.relname = source.relname
        WHERE source.relnamespace = to_regnamespace(quote_ident(source_schema))
          AND source.relkind IN ('f', 'v')
          AND target.relnamespace = to_regnamespace(quote_ident(copy_schema))
          AND acl.privilege_type = 'SELECT'
          AND acl.grantee <> source.relowner
          AND acl.grantee <> target.relowner
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO %s', granted.target, COALESCE(NULLIF(granted.grantee, 0)::regrole::text, 'PUBLIC'));
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', copy_schema, COALESCE(NULLIF(granted.grantee, 0)::regrole::text, 'PUBLIC'));
    END LOOP;
END
$function$;

COMMENT ON FUNCTION copy_grants(name, name) IS
    'Lets whoever may read a foreign table or a view of one schema read the one of the same name in another.';

CREATE FUNCTION create_freshness(copy_schema name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format($view$
CREATE OR REPLACE VIEW %1$I.data_freshness AS
SELECT
    copied.table_name,
    (good.tables -> copied.table_name::text ->> 'rows')::bigint AS rows,
    good.started_at AS as_of,
    clock_timestamp() - good.started_at AS age,
    COALESCE(latest.outcome NOT IN ('ok', 'running'), false) AS last_refresh_failed,
    latest.outcome AS last_outcome,
    latest.started_at AS last_attempt_at,
    latest.error AS last_error
FROM @extschema@.copy_sets AS sets
CROSS JOIN LATERAL unnest(sets.tables) AS copied (table_name)
LEFT JOIN LATERAL (
    SELECT log.tables, log.started_at
    FROM @extschema@.refresh_log AS log
    WHERE log.copy_schema = sets.copy_schema AND log.outcome = 'ok' AND log.tables ? copied.table_name::text
    ORDER BY log.started_at DESC
    LIMIT 1
) AS good ON true
LEFT JOIN LATERAL (
    SELECT
        -- A session that is gone can no longer say so itself.
        CASE WHEN log.outcome = 'running' AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_get_activity(log.pid)) THEN 'died' ELSE log.outcome END AS outcome,
        log.started_at,
        log.error
    FROM @extschema@.refresh_log AS log
    WHERE log.copy_schema = sets.copy_schema
    ORDER BY log.started_at DESC
    LIMIT 1
) AS latest ON true
WHERE sets.copy_schema = %1$L
$view$, copy_schema);
    PERFORM @extschema@.comment_relation(copy_schema, 'data_freshness', 'What is how old, and whether the last refresh failed: one row a stored copy.', ARRAY[
        'table_name', 'The copy.',
        'rows', 'Its rows after the last good refresh.',
        'as_of', 'When the last good refresh began: how Pluralsight was then.',
        'age', 'How long ago that is.',
        'last_refresh_failed', 'The latest refresh failed, so that this is older than planned.',
        'last_outcome', 'ok, failed, died or running.',
        'last_attempt_at', 'When the latest refresh began.',
        'last_error', 'Why the latest refresh failed.'
    ]);
END
$function$;

COMMENT ON FUNCTION create_freshness(name) IS 'Makes the view data_freshness of a schema of stored copies.';

CREATE PROCEDURE refresh(
    copy_schema name DEFAULT 'pluralsight_copy',
    force boolean DEFAULT false,
    max_shrink numeric DEFAULT NULL
)
LANGUAGE plpgsql
AS $procedure$
-- No SET clause: it would forbid COMMIT. So everything here is qualified, and the work is in functions that have one.
DECLARE
    run bigint;
    may_commit boolean;
    failed boolean := false;
    failed_state text;
    failed_message text;
    failed_detail text;
    failed_hint text;
BEGIN
    CALL @extschema@.note_transaction_control();
    may_commit := @extschema@.may_commit();
    run := @extschema@.begin_refresh(copy_schema, force);
    -- From here on the log tells of this run, however it ends.
    IF may_commit THEN
        COMMIT;
    END IF;
    BEGIN
        PERFORM @extschema@.run_refresh(run, max_shrink);
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        GET STACKED DIAGNOSTICS
            failed_state = RETURNED_SQLSTATE,
            failed_message = MESSAGE_TEXT,
            failed_detail = PG_EXCEPTION_DETAIL,
            failed_hint = PG_EXCEPTION_HINT;
        failed := true;
    END;
    IF NOT failed THEN
        RETURN;
    END IF;
    IF may_commit THEN
        PERFORM @extschema@.fail_refresh(run, failed_state, failed_message, failed_hint);
        COMMIT;
    END IF;
    failed_detail := pg_catalog.concat_ws(
        ' ',
        NULLIF(failed_detail, ''),
        'The copies stay as they are.',
        CASE
            WHEN may_commit THEN pg_catalog.format('This is run %s of refresh_log.', run)
            ELSE 'Inside a transaction block, refresh_log keeps no row of a failed refresh: the row goes with the transaction.'
        END
    );
    IF failed_hint = '' THEN
        RAISE EXCEPTION USING ERRCODE = failed_state, MESSAGE = failed_message, DETAIL = failed_detail;
    END IF;
    RAISE EXCEPTION USING ERRCODE = failed_state, MESSAGE = failed_message, DETAIL = failed_detail, HINT = failed_hint;
END
$procedure$;

COMMENT ON PROCEDURE refresh(name, boolean, numeric) IS
    'Brings stored copies and their history up to date, all at one moment for whoever reads them; on any failure they stay as they are.';

CREATE FUNCTION begin_refresh(copy_schema name, force boolean DEFAULT false)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    run bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM @extschema@.copy_sets AS sets WHERE sets.copy_schema = begin_refresh.copy_schema) THEN
        RAISE EXCEPTION 'schema "%" holds no stored copies of yours', copy_schema
            USING ERRCODE = 'undefined_object',
                  HINT = COALESCE(
                      (SELECT 'There are copies in ' || string_agg(quote_ident(sets.copy_schema), ', ') || '.' FROM @extschema@.copy_sets AS sets),
                      'Make them first: SELECT @extschema@.create_copies();'
                  );
    END IF;
    INSERT INTO @extschema@.refresh_log (copy_schema, forced) VALUES (copy_schema, force) RETURNING id INTO run;
    RETURN run;
END
$function$;

COMMENT ON FUNCTION begin_refresh(name, boolean) IS 'Internal: the row of refresh_log of a refresh that begins.';

CREATE FUNCTION fail_refresh(run bigint, state text, message text, hint text)
RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
    UPDATE @extschema@.refresh_log AS log
    SET outcome = 'failed', finished_at = clock_timestamp(), sqlstate = state, error = message, hint = NULLIF(fail_refresh.hint, '')
    WHERE log.id = run
$function$;

COMMENT ON FUNCTION fail_refresh(bigint, text, text, text) IS 'Internal: notes in refresh_log how a refresh failed.';

-- The refresh itself, in one transaction. First everything is read, then everything is looked at, then what changed is
-- written: nothing is touched before it is known that all of it can stay.
CREATE FUNCTION run_refresh(run bigint, max_shrink numeric DEFAULT NULL, as_of timestamptz DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    logged @extschema@.refresh_log;
    copies @extschema@.copy_sets;
    copied name;
    before record;
    after record;
    summary jsonb := '{}';
    written jsonb;
BEGIN
    SELECT * INTO STRICT logged FROM @extschema@.refresh_log AS log WHERE log.id = run;
    SELECT * INTO STRICT copies FROM @extschema@.copy_sets AS sets WHERE sets.copy_schema = logged.copy_schema;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('pluralsight_fdw refresh of ' || copies.copy_schema, 0)) THEN
        RAISE EXCEPTION 'schema "%" is being refreshed by another session already', copies.copy_schema
            USING ERRCODE = 'lock_not_available',
                  DETAIL = (
                      SELECT format('Process %s began at %s.', log.pid, log.started_at)
                      FROM @extschema@.refresh_log AS log
                      WHERE log.copy_schema = copies.copy_schema AND log.outcome = 'running' AND log.id <> run
                      ORDER BY log.started_at
                      LIMIT 1
                  ),
                  HINT = 'Wait for that one to end; it does the same work.';
    END IF;
    -- Whoever is noted as running does not hold the lock, so they are gone.
    UPDATE @extschema@.refresh_log AS log
    SET outcome = 'died', finished_at = clock_timestamp(), error = 'the session or the server ended in the middle'
    WHERE log.copy_schema = copies.copy_schema AND log.outcome = 'running' AND log.id < run;

    FOREACH copied IN ARRAY copies.tables LOOP
        SELECT * INTO before FROM @extschema@.session_statistics();
        PERFORM @extschema@.fetch_copy(copies.source_schema, copies.copy_schema, copied);
        SELECT * INTO after FROM @extschema@.session_statistics();
        IF after.incomplete_scans > before.incomplete_scans THEN
            RAISE EXCEPTION '"%"."%": the answer is incomplete', copies.source_schema, copied
                USING ERRCODE = 'data_exception',
                      HINT = 'The table or its server has on_incomplete ''warning''; the warning before this error says what is missing.';
        END IF;
        summary := summary || jsonb_build_object(copied::text, jsonb_build_object(
            'requests', after.requests - before.requests,
            'retries', after.retries - before.retries,
            'bytes', after.bytes - before.bytes
        ));
    END LOOP;
    IF NOT logged.forced THEN
        FOREACH copied IN ARRAY copies.tables LOOP
            PERFORM @extschema@.guard_copy(copies.copy_schema, copied, COALESCE(run_refresh.max_shrink, copies.max_shrink));
        END LOOP;
    END IF;
    FOREACH copied IN ARRAY copies.tables LOOP
        written := @extschema@.write_copy(copies.source_schema, copies.copy_schema, copied);
        summary := jsonb_set(summary, ARRAY[copied::text], (summary -> copied::text) || written);
    END LOOP;
    IF to_regclass(format('%I.account_history', copies.copy_schema)) IS NOT NULL THEN
        PERFORM @extschema@.write_history(copies.copy_schema, COALESCE(as_of, logged.started_at));
    END IF;

    UPDATE @extschema@.refresh_log AS log
    SET outcome = 'ok',
        finished_at = clock_timestamp(),
        tables = summary,
        (rows_added, rows_changed, rows_removed, requests, retries, bytes) = (
            SELECT
                sum((value ->> 'added')::bigint),
                sum((value ->> 'changed')::bigint),
                sum((value ->> 'removed')::bigint),
                sum((value ->> 'requests')::bigint),
                sum((value ->> 'retries')::bigint),
                sum((value ->> 'bytes')::bigint)
            FROM jsonb_each(summary)
        )
    WHERE log.id = run;
END
$function$;

COMMENT ON FUNCTION run_refresh(bigint, numeric, timestamptz) IS
    'Internal: the work of refresh(); as_of is the instant that history gives to what changed.';

-- Reads a foreign table whole into a temporary table.
CREATE FUNCTION fetch_copy(source_schema name, copy_schema name, table_name name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    source regclass := to_regclass(format('%I.%I', source_schema, table_name));
    target regclass := to_regclass(format('%I.%I', copy_schema, table_name));
    incoming text := format('pg_temp.%I', 'incoming_' || table_name);
    difference record;
BEGIN
    IF source IS NULL OR target IS NULL THEN
        RAISE EXCEPTION '%"%"."%" does not exist', CASE WHEN source IS NULL THEN 'foreign table ' ELSE 'copy ' END, CASE WHEN source IS NULL THEN source_schema ELSE copy_schema END, table_name
            USING ERRCODE = 'undefined_table',
                  HINT = CASE
                      WHEN source IS NULL THEN format('Import it again: IMPORT FOREIGN SCHEMA pluralsight LIMIT TO (%I) FROM SERVER pluralsight INTO %I;', table_name, source_schema)
                      ELSE format('Make it again: SELECT @extschema@.create_copies(%L, %L);', source_schema, copy_schema)
                  END;
    END IF;
    SELECT kept.column_name, kept.column_type, live.column_type AS live_type
    INTO difference
    FROM @extschema@.columns_of(target) AS kept
    LEFT JOIN @extschema@.columns_of(source) AS live ON live.column_name = kept.column_name
    WHERE live.column_type IS DISTINCT FROM kept.column_type
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'column "%" of % is % there and % in %', difference.column_name, target, difference.column_type, COALESCE(difference.live_type, 'missing'), source
            USING ERRCODE = 'datatype_mismatch',
                  HINT = format('Make them alike, for example: ALTER TABLE %s DROP COLUMN %I CASCADE; SELECT @extschema@.create_copies(%L, %L);', target, difference.column_name, source_schema, copy_schema);
    END IF;
    IF to_regclass(incoming) IS NOT NULL THEN
        EXECUTE format('DROP TABLE %s', incoming);
    END IF;
    EXECUTE format(
        'CREATE TEMPORARY TABLE %I ON COMMIT DROP AS SELECT %s FROM %s',
        'incoming_' || table_name,
        (SELECT string_agg(quote_ident(column_name), ', ' ORDER BY number) FROM @extschema@.columns_of(target)),
        source
    );
    EXECUTE format('ANALYZE %s', incoming);
END
$function$;

COMMENT ON FUNCTION fetch_copy(name, name, name) IS 'Internal: reads a foreign table for a refresh.';

-- Refuses what looks like a loss of data and not like a change of it.
CREATE FUNCTION guard_copy(copy_schema name, table_name name, max_shrink numeric)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    kept bigint;
    incoming bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %I.%I', copy_schema, table_name) INTO kept;
    EXECUTE format('SELECT count(*) FROM pg_temp.%I', 'incoming_' || table_name) INTO incoming;
    -- A single row is a tenth of a small table and no sign of trouble, unless it is the last one.
    IF incoming < kept * (1 - max_shrink) AND (kept - incoming > 1 OR incoming = 0) THEN
        RAISE EXCEPTION '"%"."%" would shrink from % rows to %', copy_schema, table_name, kept, incoming
            USING ERRCODE = 'data_exception',
                  DETAIL = format('That is more than max_shrink, %s %%.', trim_scale(max_shrink * 100)),
                  HINT = format('If it is right: CALL @extschema@.refresh(%L, force => true);', copy_schema);
    END IF;
END
$function$;

COMMENT ON FUNCTION guard_copy(name, name, numeric) IS 'Internal: refuses a copy that would shrink too much.';

-- Makes a copy equal to what was read, and writes only the rows that differ. Rows are compared byte by byte, as
-- REFRESH MATERIALIZED VIEW CONCURRENTLY does it.
CREATE FUNCTION write_copy(source_schema name, copy_schema name, table_name name)
RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    target regclass := format('%I.%I', copy_schema, table_name)::regclass;
    incoming text := format('pg_temp.%I', 'incoming_' || table_name);
    key name := @extschema@.key_column(format('%I.%I', source_schema, table_name)::regclass);
    columns text;
    kept_columns text;
    incoming_columns text;
    total bigint;
    added bigint;
    changed bigint := 0;
    removed bigint;
BEGIN
    SELECT
        string_agg(quote_ident(column_name), ', ' ORDER BY number),
        string_agg('kept.' || quote_ident(column_name), ', ' ORDER BY number),
        string_agg('incoming.' || quote_ident(column_name), ', ' ORDER BY number)
    INTO columns, kept_columns, incoming_columns
    FROM @extschema@.columns_of(target);
    IF key IS NOT NULL AND EXISTS (SELECT FROM @extschema@.columns_of(target) WHERE column_name = key) THEN
        EXECUTE format('DELETE FROM %s AS kept WHERE NOT EXISTS (SELECT FROM %s AS incoming WHERE incoming.%I = kept.%I)', target, incoming, key, key);
        GET DIAGNOSTICS removed = ROW_COUNT;
        EXECUTE format(
            'UPDATE %s AS kept SET (%s) = ROW (%s) FROM %s AS incoming WHERE incoming.%I = kept.%I AND ROW (%s)::record *<> ROW (%s)::record',
            target, columns, incoming_columns, incoming, key, key, kept_columns, incoming_columns
        );
        GET DIAGNOSTICS changed = ROW_COUNT;
        EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM %s AS incoming WHERE NOT EXISTS (SELECT FROM %s AS kept WHERE kept.%I = incoming.%I)', target, columns, incoming_columns, incoming, target, key, key);
        GET DIAGNOSTICS added = ROW_COUNT;
    ELSE
        -- Without a key a row that changed is one that went and one that came.
        EXECUTE format(
            $statement$
            WITH surplus AS (
                SELECT numbered.place
                FROM (SELECT kept.ctid AS place, md5(ROW (%3$s)::text) AS print, row_number() OVER (PARTITION BY md5(ROW (%3$s)::text)) AS number FROM %1$s AS kept) AS numbered
                WHERE numbered.number > (SELECT count(*) FROM %2$s AS incoming WHERE md5(ROW (%4$s)::text) = numbered.print)
            )
            DELETE FROM %1$s AS kept USING surplus WHERE kept.ctid = surplus.place
            $statement$,
            target, incoming, kept_columns, incoming_columns
        );
        GET DIAGNOSTICS removed = ROW_COUNT;
        EXECUTE format(
            $statement$
            INSERT INTO %1$s (%5$s)
            SELECT %5$s
            FROM (SELECT incoming.*, md5(ROW (%4$s)::text) AS incoming_print, row_number() OVER (PARTITION BY md5(ROW (%4$s)::text)) AS incoming_number FROM %2$s AS incoming) AS numbered
            WHERE numbered.incoming_number > (SELECT count(*) FROM %1$s AS kept WHERE md5(ROW (%3$s)::text) = numbered.incoming_print)
            $statement$,
            target, incoming, kept_columns, incoming_columns, columns
        );
        GET DIAGNOSTICS added = ROW_COUNT;
        changed := least(added, removed);
        added := added - changed;
        removed := removed - changed;
    END IF;
    EXECUTE format('SELECT count(*) FROM %s', incoming) INTO total;
    EXECUTE format('DROP TABLE %s', incoming);
    RETURN jsonb_build_object('rows', total, 'added', added, 'changed', changed, 'removed', removed);
END
$function$;

COMMENT ON FUNCTION write_copy(name, name, name) IS 'Internal: writes what a refresh has read.';
