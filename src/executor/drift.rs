//! Data that changes while it is read, page by page: the option `on_drift`.

use std::cell::Cell;

use pgrx::PgSqlErrorCode;

use crate::error::{FdwError, Result};
use crate::options::{OnDrift, TableOptions};

/// Readings that `on_drift 'retry'` takes at most.
pub const READINGS: u32 = 3;

thread_local! {
    static DRIFTED: Cell<u64> = const { Cell::new(0) };
}

/// How many readings of this session saw the data change while they read, and returned rows all the same.
pub fn drifted_scans() -> u64 {
    DRIFTED.get()
}

/// A reading has seen the data change.
pub(super) fn met(options: &TableOptions) -> Result<()> {
    match options.on_drift {
        OnDrift::Ignore => {
            DRIFTED.set(DRIFTED.get().saturating_add(1));
            Ok(())
        }
        OnDrift::Retry => Ok(()),
        OnDrift::Error => Err(changed(options, "retry", "")),
    }
}

pub fn changed(options: &TableOptions, hint: &str, how_often: &str) -> FdwError {
    let does = match hint {
        "retry" => "To let a scan read again by itself",
        _ => "To accept the rows of such a reading",
    };
    FdwError::new(
        PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
        format!(
            "{}: the data changed while it was read{how_often}",
            options.name
        ),
    )
    .detail("The total that the API gives with each page changed, or a record came twice.")
    .hint(format!(
        "Run the query again. {does}: {}",
        options.statement_setting("on_drift", hint)
    ))
}
