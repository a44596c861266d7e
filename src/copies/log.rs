//! The rows of `refresh_log`.

use std::ffi::CString;

use pgrx::JsonB;
use pgrx::pg_sys;
use pgrx::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::set::Set;
use super::source::system_identifier;
use crate::attempt::Failure;
use crate::error::{FdwError, Result};
use crate::sql;

/// A refresh under way.
pub struct Run {
    pub id: i64,
    pub forced: bool,
}

/// What a refresh did with one table.
#[derive(Default, Serialize)]
pub struct TableReport {
    pub rows: u64,
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    pub readings: u64,
    pub confirmed: u64,
    pub without_key: u64,
    pub repeated_key: u64,
    pub requests: u64,
    pub retries: u64,
    pub bytes: u64,
}

/// What a refresh did.
#[derive(Default)]
pub struct Report {
    pub tables: Vec<(String, TableReport)>,
    pub warnings: Vec<String>,
}

impl Report {
    /// Tells the client, and keeps it for the log.
    pub fn warn(&mut self, warning: String, hint: Option<String>) {
        let mut told = FdwError::new(PgSqlErrorCode::ERRCODE_WARNING, warning.clone());
        told.hint = hint;
        told.warn();
        self.warnings.push(warning);
    }

    fn sum(&self, number: impl Fn(&TableReport) -> u64) -> i64 {
        let sum: u64 = self.tables.iter().map(|(_, table)| number(table)).sum();
        i64::try_from(sum).unwrap_or(i64::MAX)
    }
}

/// Notes that a refresh begins. Whoever is still noted as running does not hold the lock, and is gone.
pub fn begin(set: &Set, forced: bool, started_by: &str) -> Result<Run> {
    // SAFETY: reads the backend's own state.
    let pid = unsafe { pg_sys::MyProcPid };
    set.work(|| {
        sql::run(include_str!("../../sql/copies/log/died.sql"), &[])?;
        let id = sql::value::<i64>(
            include_str!("../../sql/copies/log/begin.sql"),
            &[
                forced.into(),
                started_by.into(),
                pid.into(),
                system_identifier().into(),
            ],
        )?
        .ok_or_else(|| FdwError::internal("refresh_log took no row"))?;
        Ok(Run { id, forced })
    })
}

/// Notes that it ended well.
pub fn succeed(run: &Run, report: &Report) -> Result<()> {
    let tables: Map<String, Value> = report
        .tables
        .iter()
        .map(|(name, table)| (name.clone(), json!(table)))
        .collect();
    sql::run(
        include_str!("../../sql/copies/log/succeed.sql"),
        &[
            run.id.into(),
            JsonB(Value::Object(tables)).into(),
            report.sum(|table| table.added).into(),
            report.sum(|table| table.changed).into(),
            report.sum(|table| table.removed).into(),
            report.sum(|table| table.requests).into(),
            report.sum(|table| table.retries).into(),
            report.sum(|table| table.bytes).into(),
            report.warnings.clone().into(),
        ],
    )
    .map(|_| ())
}

/// Notes how it failed, and tells whoever listens to the channel `pluralsight`.
pub fn fail(set: &Set, run: &Run, failure: &Failure) -> Result<()> {
    set.work(|| {
        sql::run(
            include_str!("../../sql/copies/log/fail.sql"),
            &[
                run.id.into(),
                failure.sqlstate().into(),
                failure.message().into(),
                failure.detail().into(),
                failure.hint().into(),
            ],
        )
    })?;
    notify(&json!({ "copies": set.name, "run": run.id, "sqlstate": failure.sqlstate() }))
}

/// Bytes that PostgreSQL takes as the payload of a notification, less its terminating NUL.
const LONGEST_PAYLOAD: usize = 7_999;

/// Tells whoever listens to the channel `pluralsight` when the transaction ends. What is too long to be told is not told.
pub fn notify(payload: &Value) -> Result<()> {
    let payload = payload.to_string();
    if payload.len() > LONGEST_PAYLOAD {
        return Ok(());
    }
    let payload =
        CString::new(payload).map_err(|_| FdwError::internal("a NUL character in a name"))?;
    // SAFETY: both strings end in NUL and are copied; the payload is below the limit.
    unsafe { pg_sys::Async_Notify(c"pluralsight".as_ptr(), payload.as_ptr()) };
    Ok(())
}
