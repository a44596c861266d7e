//! `forget_person()` and `prune_history()`: what is not to be kept any longer.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys;
use pgrx::prelude::*;
use pluralsight_catalog::quote_identifier;

use super::set::{Set, required};
use super::{ERASURE_KEY, call, columns, history, lock, own};
use crate::error::{FdwError, OrRaise, Result};
use crate::parameters;
use crate::random;
use crate::role;
use crate::sql;
use crate::sql_file;

/// The column by which a table tells whose a row is.
const PERSON: &str = "user_id";

/// Erases a person from stored copies and their history. No refresh brings the person back.
#[pg_extern(sql = r#"
CREATE PROCEDURE forget_person(copies name, user_id text)
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON PROCEDURE forget_person(name, text) IS
    'Erases a person from stored copies and their history, for good: later refreshes leave the person out.';
"#)]
fn forget_person(fcinfo: pg_sys::FunctionCallInfo) {
    // SAFETY: PostgreSQL passes a call with the two arguments of the declaration.
    let (copies, user_id) = unsafe { (call::name(fcinfo, 0), call::text(fcinfo, 1)) };
    parameters::with_safe_path(|| {
        lock::refuse_read_only("CALL pluralsight_fdw.forget_person()")?;
        let user_id = required("user_id", user_id)?;
        let set = open(copies)?;
        forget(&set, &user_id)
    })
    .or_raise();
}

/// Deletes what history knew before a moment.
#[pg_extern(sql = r#"
CREATE PROCEDURE prune_history(copies name, before timestamptz)
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON PROCEDURE prune_history(name, timestamptz) IS
    'Deletes what the history of stored copies knew before a moment. What was valid at that moment stays.';
"#)]
fn prune_history(fcinfo: pg_sys::FunctionCallInfo) {
    // SAFETY: PostgreSQL passes a call with the two arguments of the declaration.
    let (copies, before) = unsafe { (call::name(fcinfo, 0), call::timestamptz(fcinfo, 1)) };
    parameters::with_safe_path(|| {
        lock::refuse_read_only("CALL pluralsight_fdw.prune_history()")?;
        let before = required("before", before)?;
        let set = open(copies)?;
        prune(&set, before)
    })
    .or_raise();
}

fn open(copies: Option<String>) -> Result<Set> {
    let set = Set::open(&required("copies", copies)?)?;
    lock::take(&set)?;
    set.hold(own::NAMES)?;
    Ok(set)
}

fn forget(set: &Set, user_id: &str) -> Result<()> {
    let keeps_history = history::is_kept(set);
    let mut tables = set.tables()?;
    if keeps_history {
        tables.push(history::TABLES[0].0.to_owned());
    }
    set.hold(tables.iter().map(String::as_str))?;
    refuse_lost_key(set)?;
    set.work(|| {
        make_key()?;
        let mut erased = 0;
        for table in &tables {
            if has_people(set, table)? {
                erased += sql::run(
                    &sql_file::for_table(
                        include_str!("../../sql/copies/erase/delete.sql"),
                        &quote_identifier(table),
                    ),
                    &[user_id.into()],
                )?;
            }
        }
        let is_new = sql::run(
            &with_hashes(
                include_str!("../../sql/copies/erase/remember.sql"),
                "(SELECT $1 AS user_id)",
            ),
            &[user_id.into()],
        )?;
        if erased == 0 && is_new > 0 {
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_NO_DATA_FOUND,
                format!(
                    "nobody in the stored copies in schema \"{}\" has this user_id",
                    set.name
                ),
            )
            .detail("Nothing was erased."));
        }
        Ok(())
    })
}

/// Deletes the people who are erased from a staged table.
pub fn leave_out(set: &Set, staged: &str) -> Result<()> {
    refuse_lost_key(set)?;
    let statement = with_hashes(include_str!("../../sql/copies/erase/leave_out.sql"), staged);
    sql::run(&statement, &[]).map(|_| ())
}

/// The statement of a file that calls the hashes of people `their_hashes`, for the people of a table or of a query.
fn with_hashes(text: &str, people: &str) -> String {
    let hashes = sql_file::for_table(include_str!("../../sql/copies/erase/hashes.sql"), people);
    sql_file::for_table(text, people).replace("their_hashes", &format!("({hashes})"))
}

/// Without its key `erased_people` says nothing, and a new key does not fit its hashes.
fn refuse_lost_key(set: &Set) -> Result<()> {
    let Some(half) = ERASURE_KEY
        .into_iter()
        .find(|half| set.relation(half).is_none())
    else {
        return Ok(());
    };
    let sequence = format!("{}.{half}", quote_identifier(&set.name));
    Err(FdwError::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
        format!("sequence {sequence} does not exist"),
    )
    .detail("It is half of the key by which erased_people knows who was erased. With a new one these people come back, and have to be erased again.")
    .hint(format!(
        "CREATE SEQUENCE {sequence}; ALTER SEQUENCE {sequence} OWNER TO {};",
        quote_identifier(&role::name(set.owner))
    )))
}

/// Whether a table of the set tells whose its rows are.
fn has_people(set: &Set, table: &str) -> Result<bool> {
    let Some(table) = set.relation(table) else {
        return Ok(false);
    };
    let (columns, _) = columns::of(table)?;
    Ok(columns.iter().any(|column| column.name == PERSON))
}

/// Gives the two halves of the key their values, once.
fn make_key() -> Result<()> {
    sql::run(
        include_str!("../../sql/copies/erase/make_key.sql"),
        &[half()?.into(), half()?.into()],
    )
    .map(|_| ())
}

/// A number from 1 on, as a sequence counts.
fn half() -> Result<i64> {
    Ok(i64::try_from(random::number()? >> 1)
        .unwrap_or(i64::MAX)
        .max(1))
}

fn prune(set: &Set, before: TimestampWithTimeZone) -> Result<()> {
    if !history::is_kept(set) {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            format!(
                "the stored copies in schema \"{}\" keep no history",
                set.name
            ),
        ));
    }
    set.hold(history::TABLES.map(|(name, _)| name))?;
    set.work(|| {
        let is_past = sql::value::<bool>(
            include_str!("../../sql/history/is_past.sql"),
            &[before.into()],
        )?;
        if is_past != Some(true) {
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "argument \"before\" must be a moment in the past",
            ));
        }
        sql::run(
            include_str!("../../sql/history/begin_at.sql"),
            &[before.into()],
        )?;
        sql::run(include_str!("../../sql/history/prune.sql"), &[]).map(|_| ())
    })
}

/// Whether history reaches back to a moment; an error if not. For `accounts_at()` and `changes_between()`, which cannot raise
/// one themselves. A moment that is null stands for where history begins.
#[pg_extern(stable, parallel_safe)]
fn history_reaches(
    moment: Option<TimestampWithTimeZone>,
    begins_at: Option<TimestampWithTimeZone>,
) -> bool {
    let (Some(moment), begins_at) = (moment, begins_at) else {
        return true;
    };
    match begins_at {
        Some(begins_at) if moment >= begins_at => true,
        Some(begins_at) => FdwError::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("history does not reach back to {}", shown(moment)),
        )
        .detail(format!("It begins at {}.", shown(begins_at)))
        .raise(),
        None => FdwError::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "history begins with the first refresh, and there was none yet",
        )
        .raise(),
    }
}

fn shown(moment: TimestampWithTimeZone) -> String {
    moment.to_iso_string()
}
