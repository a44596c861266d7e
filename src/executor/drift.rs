//! Data that changes while it is read, page by page: the option `on_drift`.

use std::cell::Cell;

use pgrx::PgSqlErrorCode;
use pluralsight_api::ErrorKind;

use super::statement::Answer;
use crate::error::{FdwError, Result};
use crate::options::{OnDrift, TableOptions};

/// Readings that `on_drift 'retry'` takes at most.
const READINGS: u32 = 3;

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

/// Reads into the buffer of `answer`, before its first record is handed out, until nothing changed meanwhile: the whole
/// answer, or as many records as the query can take.
pub(super) fn read_steadily(
    answer: &Answer,
    options: &TableOptions,
    limit: Option<u64>,
) -> Result<()> {
    for _ in 0..READINGS {
        let outcome = read(answer, options, limit);
        if !answer.fetch.borrow().drifted() {
            match outcome {
                Err(error) if error.kind == Some(ErrorKind::Incomplete) => {}
                other => return other,
            }
        } else if let Err(error) = outcome
            && error.kind != Some(ErrorKind::Incomplete)
        {
            return Err(error);
        }
        answer.restart(options)?;
    }
    Err(changed(
        options,
        "ignore",
        &format!(", each of {READINGS} times"),
    ))
}

fn read(answer: &Answer, options: &TableOptions, limit: Option<u64>) -> Result<()> {
    let mut fetch = answer.fetch.borrow_mut();
    let mut got: u64 = 0;
    while !fetch.finished() && limit.is_none_or(|limit| got < limit) {
        let records = fetch.next_page(options)?.unwrap_or_default();
        got += records.len() as u64;
        answer.keep(&records);
        if fetch.drifted() {
            break;
        }
    }
    Ok(())
}

fn changed(options: &TableOptions, hint: &str, how_often: &str) -> FdwError {
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
