//! Records that are handed out only when they are known to stand: the option `on_drift 'retry'`.

use pluralsight_api::ErrorKind;

use super::answer::Answer;
use super::drift::{READINGS, changed};
use crate::error::Result;
use crate::options::TableOptions;

/// Makes sure that records of the answer may be handed out.
pub fn settle(answer: &Answer, options: &TableOptions, limit: Option<u64>) -> Result<()> {
    if !answer.is_steady.get() {
        read_steadily(answer, options, limit)?;
        answer.is_steady.set(true);
    }
    Ok(())
}

/// Reads into the buffer of `answer`, before its first record is handed out, until nothing changed meanwhile: the whole
/// answer, or as many records as the query can take.
fn read_steadily(answer: &Answer, options: &TableOptions, limit: Option<u64>) -> Result<()> {
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
