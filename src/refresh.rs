//! What the stored copies of `sql/copies.sql` need and SQL cannot say.

use std::cell::Cell;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::executor::{drifted_scans, incomplete_scans};

thread_local! {
    /// Whether the procedure that called last may end its transaction.
    static MAY_COMMIT: Cell<bool> = const { Cell::new(false) };
}

/// Notes whether the calling procedure may COMMIT. PostgreSQL tells only procedures written in C, and SQL has no other way
/// to learn it than to fail.
#[pg_extern(sql = r#"
CREATE PROCEDURE note_transaction_control()
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON PROCEDURE note_transaction_control() IS 'Internal: notes whether the calling procedure may COMMIT.';
"#)]
fn note_transaction_control(fcinfo: pg_sys::FunctionCallInfo) {
    // SAFETY: PostgreSQL passes a valid call; its context is a CallContext where it comes from CALL, and the tag is looked
    // at before the node is.
    let may_commit = unsafe {
        let context = (*fcinfo).context;
        !context.is_null()
            && (*context).type_ == pg_sys::NodeTag::T_CallContext
            && !(*context.cast::<pg_sys::CallContext>()).atomic
    };
    MAY_COMMIT.set(may_commit);
}

/// What `note_transaction_control` noted.
#[pg_extern(volatile, parallel_unsafe)]
fn may_commit() -> bool {
    MAY_COMMIT.get()
}

/// What reading the API took in this session so far: HTTP requests, the repeated ones among them, bytes of reply bodies
/// after decompression, scans that ended with less than the API announced under `on_incomplete 'warning'`, and scans that
/// saw the data change while they read, under `on_drift 'ignore'`.
#[pg_extern(volatile, parallel_unsafe)]
fn session_statistics() -> TableIterator<
    'static,
    (
        name!(requests, i64),
        name!(retries, i64),
        name!(bytes, i64),
        name!(incomplete_scans, i64),
        name!(drifted_scans, i64),
    ),
> {
    let totals = pluralsight_api::session_totals();
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    TableIterator::once((
        number(totals.requests),
        number(totals.retries),
        number(totals.bytes),
        number(incomplete_scans()),
        number(drifted_scans()),
    ))
}

extension_sql_file!(
    "../sql/copies.sql",
    name = "copies",
    requires = [note_transaction_control, may_commit, session_statistics]
);
extension_sql_file!(
    "../sql/history.sql",
    name = "history",
    requires = ["copies"]
);
extension_sql_file!(
    "../sql/schedule.sql",
    name = "schedule",
    requires = ["copies"]
);
