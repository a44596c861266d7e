//! Refreshes on a schedule: by pg_cron, or the lines with which the host's own scheduler does it.

use pgrx::PgSqlErrorCode;
use pgrx::prelude::*;
use pluralsight_catalog::{quote_literal, systemd_calendar};

use super::set::Set;
use crate::error::{FdwError, OrRaise, Result};
use crate::parameters;
use crate::sql;

/// Lets pg_cron refresh stored copies on a schedule; called again, it changes the schedule. Returns pg_cron's job id.
#[pg_extern(
    volatile,
    parallel_unsafe,
    sql = r#"
CREATE FUNCTION schedule_refresh(schedule text DEFAULT '*/30 * * * *', copies name DEFAULT 'pluralsight_copy')
RETURNS bigint
LANGUAGE c
VOLATILE STRICT
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON FUNCTION schedule_refresh(text, name) IS
    'Lets pg_cron refresh stored copies on a schedule. Called again, it changes the schedule. Returns pg_cron''s job id.';
"#
)]
fn schedule_refresh(schedule: &str, copies: &std::ffi::CStr) -> i64 {
    let copies = copies.to_string_lossy();
    parameters::with_safe_path(|| start(schedule, &copies)).or_raise()
}

/// Takes back `schedule_refresh()`; false if there was no such job.
#[pg_extern(
    volatile,
    parallel_unsafe,
    sql = r#"
CREATE FUNCTION unschedule_refresh(copies name DEFAULT 'pluralsight_copy')
RETURNS boolean
LANGUAGE c
VOLATILE STRICT
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON FUNCTION unschedule_refresh(name) IS 'Takes back schedule_refresh(). False if there was no such job.';
"#
)]
fn unschedule_refresh(copies: &std::ffi::CStr) -> bool {
    let copies = copies.to_string_lossy();
    parameters::with_safe_path(|| unschedule(&copies)).or_raise()
}

fn start(schedule: &str, copies: &str) -> Result<i64> {
    let set = Set::open(copies)?;
    let Some(calendar) = systemd_calendar(schedule) else {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("invalid schedule \"{schedule}\""),
        )
        .detail("A schedule is minute, hour, day of the month, month and day of the week, as in crontab, or a number of seconds, as in \"30 seconds\"."));
    };
    let command = format!("CALL pluralsight_fdw.refresh({})", quote_literal(&set.name));
    if !is_there()? {
        return Err(without_cron(&set, schedule, &calendar, &command)?);
    }
    if matches!(job(&set.name)?, Job::Inactive(_)) {
        // pg_cron leaves a job that is switched off as it is.
        unschedule(&set.name)?;
    }
    sql::value::<i64>(
        include_str!("../../sql/copies/schedule/start.sql"),
        &[job_name(&set.name).into(), schedule.into(), command.into()],
    )?
    .ok_or_else(|| FdwError::internal("pg_cron named no job"))
}

/// Takes the job of these copies away; whether there was one.
pub fn unschedule(copies: &str) -> Result<bool> {
    if !is_there()? {
        return Ok(false);
    }
    let jobs = sql::value::<i64>(
        include_str!("../../sql/copies/schedule/stop.sql"),
        &[job_name(copies).into()],
    )?;
    Ok(jobs.unwrap_or_default() > 0)
}

/// The job of pg_cron that refreshes a set of copies.
pub enum Job {
    /// There is none that the current role may see.
    None,
    Active(String),
    Inactive(String),
}

/// The job of these copies, with its schedule. To be called under the safe search path.
pub fn job(copies: &str) -> Result<Job> {
    if !is_there()?
        || sql::value::<bool>(include_str!("../../sql/copies/schedule/may_read.sql"), &[])?
            != Some(true)
    {
        return Ok(Job::None);
    }
    let jobs = sql::rows(
        include_str!("../../sql/copies/schedule/job.sql"),
        &[job_name(copies).into()],
        |row| Ok((row.get::<String>(1)?, row.get::<bool>(2)?)),
    )?;
    Ok(match jobs.into_iter().next() {
        None => Job::None,
        Some((schedule, active)) => {
            let schedule = schedule.unwrap_or_default();
            if active == Some(true) {
                Job::Active(schedule)
            } else {
                Job::Inactive(schedule)
            }
        }
    })
}

fn job_name(copies: &str) -> String {
    format!("pluralsight_fdw refresh of {copies}")
}

/// Whether pg_cron is there.
fn is_there() -> Result<bool> {
    sql::value::<bool>(include_str!("../../sql/copies/schedule/is_there.sql"), &[])
        .map(|is_there| is_there == Some(true))
}

/// The lines for the host's own scheduler. A name must not become a command there; one with a line break has no line.
fn host_lines(schedule: &str, calendar: &str, database: &str, command: &str) -> String {
    if [database, command]
        .iter()
        .any(|text| text.contains(char::is_control))
    {
        return format!("systemd, refresh.timer: [Timer] {calendar}");
    }
    // What a shell, cron and systemd make something of between double quotes.
    let in_shell = |text: &str| escaped(text, "\\\"$`", '\\').replace('%', "\\%");
    let in_unit = |text: &str| {
        escaped(text, "\\\"", '\\')
            .replace('$', "$$")
            .replace('%', "%%")
    };
    let is_plain = |text: &str| {
        text.chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    };
    let call = |quoted: &dyn Fn(&str) -> String| {
        let quote = if is_plain(database) { '\'' } else { '"' };
        format!(
            "psql -X -d {quote}{}{quote} -c \"{}\"",
            quoted(database),
            quoted(command)
        )
    };
    let mut lines = Vec::new();
    if !schedule.contains("second") {
        lines.push(format!("crontab: {schedule} {}", call(&in_shell)));
    }
    lines.push(format!(
        "systemd, refresh.service: [Service] Type=oneshot ExecStart={}",
        call(&in_unit)
    ));
    lines.push(format!("systemd, refresh.timer: [Timer] {calendar}"));
    lines.join("\n")
}

/// The text with `escape` before each of these characters.
fn escaped(text: &str, characters: &str, escape: char) -> String {
    text.chars().fold(String::new(), |mut text, c| {
        if characters.contains(c) {
            text.push(escape);
        }
        text.push(c);
        text
    })
}

/// What to do where pg_cron is not.
fn without_cron(set: &Set, schedule: &str, calendar: &str, command: &str) -> Result<FdwError> {
    let known = sql::rows(
        include_str!("../../sql/copies/schedule/databases.sql"),
        &[],
        |row| Ok((row.get::<String>(1)?, row.get::<String>(2)?)),
    )?;
    let (database, cron) = known.into_iter().next().unwrap_or_default();
    let database = database.unwrap_or_default();
    let is_loaded = cron.is_some();
    if let Some(cron) = cron.filter(|cron| *cron != database) {
        return Ok(FdwError::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("pg_cron is set up for database \"{cron}\", not for this one"),
        )
        .detail(format!("Run the statement below in database \"{cron}\"."))
        .hint(format!(
            "SELECT cron.schedule_in_database({}, {}, {}, {});",
            // pg_cron has the jobs of all databases in one place.
            quote_literal(&format!("{} in {database}", job_name(&set.name))),
            quote_literal(schedule),
            quote_literal(command),
            quote_literal(&database)
        )));
    }
    let lines = host_lines(schedule, calendar, &database, command);
    let error = FdwError::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        "pg_cron is not installed in this database",
    );
    Ok(if is_loaded {
        error
            .detail(format!(
                "The scheduler of the host can do the same:\n{lines}"
            ))
            .hint("CREATE EXTENSION pg_cron;")
    } else {
        error.detail(format!(
            "The scheduler of the host can do the same:\n{lines}\npg_cron itself needs shared_preload_libraries = 'pg_cron' and cron.database_name = '{database}' in postgresql.conf, a restart, and CREATE EXTENSION pg_cron."
        ))
    })
}
