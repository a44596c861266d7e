-- Refreshes on a schedule, by pg_cron; or the lines with which the host's own scheduler does it.

CREATE FUNCTION schedule_refresh(schedule text DEFAULT '*/30 * * * *', copy_schema name DEFAULT 'pluralsight_copy')
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    command text := format('CALL @extschema@.refresh(%L)', copy_schema);
    job bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM @extschema@.copy_sets AS sets WHERE sets.copy_schema = schedule_refresh.copy_schema) THEN
        RAISE EXCEPTION 'schema "%" holds no stored copies of yours', copy_schema
            USING ERRCODE = 'undefined_object',
                  HINT = 'Make them first: SELECT @extschema@.create_copies();';
    END IF;
    IF schedule !~ '^\s*\S+(\s+\S+){4}\s*$' AND schedule !~ '^\s*\d+ seconds?\s*$' THEN
        RAISE EXCEPTION '"%" is no schedule', schedule
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Minute, hour, day of the month, month, day of the week, as in crontab: */30 * * * * is every half hour.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
        IF current_setting('cron.database_name', true) <> current_database() THEN
            RAISE EXCEPTION 'pg_cron is set up for database "%", not for this one', current_setting('cron.database_name', true)
                USING ERRCODE = 'feature_not_supported',
                      HINT = format(
                          'There: SELECT cron.schedule_in_database(%L, %L, %L, %L);',
                          @extschema@.job_name(copy_schema), schedule, command, current_database()
                      );
        END IF;
        RAISE EXCEPTION 'pg_cron is not installed in this database'
            USING ERRCODE = 'feature_not_supported',
                  DETAIL = @extschema@.other_schedulers(schedule, command),
                  HINT = 'Install it: put pg_cron into shared_preload_libraries and this database into cron.database_name, restart, and CREATE EXTENSION pg_cron; or let the host''s scheduler do it, as above.';
    END IF;
    EXECUTE 'SELECT cron.schedule($1, $2, $3)'
    INTO job
    USING @extschema@.job_name(copy_schema), schedule, command;
    RETURN job;
END
$function$;

COMMENT ON FUNCTION schedule_refresh(text, name) IS
    'Lets pg_cron refresh stored copies on a schedule; called again, it changes the schedule. Returns pg_cron''s job id.';

CREATE FUNCTION unschedule_refresh(copy_schema name DEFAULT 'pluralsight_copy')
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    jobs bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
        RETURN false;
    END IF;
    EXECUTE 'SELECT count(cron.unschedule(job.jobid)) FROM cron.job AS job WHERE job.jobname = $1'
    INTO jobs
    USING @extschema@.job_name(copy_schema);
    RETURN jobs > 0;
END
$function$;

COMMENT ON FUNCTION unschedule_refresh(name) IS 'Takes back schedule_refresh(); false if there was no such job.';

CREATE FUNCTION job_name(copy_schema name)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT 'pluralsight_fdw refresh of ' || copy_schema
$function$;

COMMENT ON FUNCTION job_name(name) IS 'Name of pg_cron''s job for a schema of stored copies.';

-- The same by cron and by systemd.
CREATE FUNCTION other_schedulers(schedule text, command text)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    call text := format('psql -X -d %s -c "%s"', quote_literal(current_database()), command);
    field text[] := regexp_split_to_array(btrim(schedule), '\s+');
    is_plain boolean := cardinality(field) = 5;
BEGIN
    RETURN concat_ws(
        E'\n',
        CASE WHEN is_plain THEN 'crontab: ' || schedule || ' ' || call END,
        'systemd, refresh.service: [Service] Type=oneshot ExecStart=' || call,
        'systemd, refresh.timer: [Timer] ' || CASE
            WHEN NOT is_plain THEN format('OnUnitActiveSec=%ss OnActiveSec=0', (regexp_match(schedule, '\d+'))[1])
            ELSE format(
                'OnCalendar=%s*-%s-%s %s:%s:00',
                CASE WHEN field[5] <> '*' THEN @extschema@.calendar_field(field[5], 0, true) || ' ' END,
                @extschema@.calendar_field(field[4], 1),
                @extschema@.calendar_field(field[3], 1),
                @extschema@.calendar_field(field[2], 0),
                @extschema@.calendar_field(field[1], 0)
            )
        END
    );
END
$function$;

COMMENT ON FUNCTION other_schedulers(text, text) IS 'Lines for crontab and for a systemd timer that run a command on a schedule.';

-- A field of crontab in systemd's words: */5 is 0/5, 1-5 is 1..5, and days of the week have names.
CREATE FUNCTION calendar_field(field text, lowest integer, is_weekday boolean DEFAULT false)
RETURNS text
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT string_agg(
        CASE
            WHEN is_weekday THEN replace(
                regexp_replace(
                    regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(part, '[07]', 'Sun'), '1', 'Mon'), '2', 'Tue'), '3', 'Wed'), '4', 'Thu'), '5', 'Fri'), '6', 'Sat'),
                    '^\*$', 'Mon-Sun'
                ), '-', '..')
            ELSE replace(regexp_replace(part, '^\*/', lowest || '/'), '-', '..')
        END, ',' ORDER BY number
    )
    FROM unnest(string_to_array(field, ',')) WITH ORDINALITY AS parts (part, number)
$function$;

COMMENT ON FUNCTION calendar_field(text, integer, boolean) IS 'A field of crontab as systemd''s OnCalendar has it.';
