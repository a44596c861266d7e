-- Whether pg_cron is there. Its function and its table must belong to the extension: anybody can call a schema `cron`.
SELECT EXISTS (
    SELECT
    FROM pg_extension AS extension
    JOIN pg_depend AS scheduling
        ON scheduling.refclassid = 'pg_extension'::regclass
       AND scheduling.refobjid = extension.oid
       AND scheduling.classid = 'pg_proc'::regclass
       AND scheduling.deptype = 'e'
    JOIN pg_proc AS schedule
        ON schedule.oid = scheduling.objid
       AND schedule.proname = 'schedule'
       -- The name of the job is a name in older versions and a text in newer ones.
       AND pg_get_function_identity_arguments(schedule.oid) ~ '^job_name (name|text), schedule text, command text$'
    JOIN pg_namespace AS schema
        ON schema.oid = schedule.pronamespace
       AND schema.nspname = 'cron'
    JOIN pg_class AS job
        ON job.relnamespace = schema.oid
       AND job.relname = 'job'
    JOIN pg_depend AS job_membership
        ON job_membership.refclassid = 'pg_extension'::regclass
       AND job_membership.refobjid = extension.oid
       AND job_membership.classid = 'pg_class'::regclass
       AND job_membership.objid = job.oid
       AND job_membership.deptype = 'e'
    WHERE extension.extname = 'pg_cron'
)
