//! What looks like a loss of data and not like a change of it is refused.

use pgrx::PgSqlErrorCode;
use pluralsight_catalog::{CopiedTable, quote_literal};

use super::set::Set;
use crate::error::{FdwError, Result};
use crate::sql;
use crate::sql_file;

/// Reads an argument `max_shrink`.
pub fn parse_max_shrink(text: &str) -> Result<f64> {
    text.parse::<f64>()
        .ok()
        .filter(|part| (0.0..=1.0).contains(part))
        .ok_or_else(|| {
            FdwError::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("max_shrink must be between 0 and 1, and is {text}"),
            )
            .detail("It is the part of its rows that a copy may lose in one refresh: 0.1 stands for 10 %.")
        })
}

/// The rows that a copy of `kept` rows may lose. A single row is no sign of trouble.
pub fn most_gone(kept: u64, max_shrink: f64) -> u64 {
    ((kept as f64 * max_shrink).floor() as u64).max(1)
}

/// The rows of a copy.
pub fn kept(table: &CopiedTable) -> Result<u64> {
    sql::value::<i64>(&table.count(&table.quoted()), &[])
        .map(|kept| kept.unwrap_or_default().unsigned_abs())
}

/// Refuses a copy that would lose too much of what it has: rows are counted by their keys, so that an exchange of everybody
/// is noticed, too.
pub fn refuse_loss(set: &Set, table: &CopiedTable, max_shrink: f64) -> Result<()> {
    let kept = kept(table)?;
    let staged = sql::value::<i64>(&table.count(&table.staged()), &[])?
        .unwrap_or_default()
        .unsigned_abs();
    let gone = match table.key {
        Some(_) => sql::value::<i64>(
            &format!("SELECT count(*) FROM ({}) AS gone", table.missing_keys()),
            &[],
        )?
        .unwrap_or_default()
        .unsigned_abs(),
        None => kept.saturating_sub(staged),
    };
    if gone == 0 || (gone <= most_gone(kept, max_shrink) && staged > 0) {
        return Ok(());
    }
    Err(refusal(
        format!(
            "\"{}\".\"{}\" would lose {gone} of {kept} rows",
            set.name, table.name
        ),
        format!(
            "That is more than max_shrink allows, {}.",
            percent(max_shrink)
        ),
        set,
    ))
}

/// Refuses the answer for another plan than that of the copies.
pub fn refuse_other_plan(set: &Set, table: &CopiedTable) -> Result<()> {
    const PLAN: &str = "plan_id";
    // Some of its rows may be those of every plan.
    const SHARED: &str = "permission_sets";
    if table.name == SHARED || !table.columns.iter().any(|column| column.name == PLAN) {
        return Ok(());
    }
    let plan_of = |relation: &str| {
        sql::value::<String>(
            &sql_file::for_table(include_str!("../../sql/copies/lookup/plan.sql"), relation),
            &[],
        )
    };
    let (before, now) = (plan_of(&table.quoted())?, plan_of(&table.staged())?);
    match (before, now) {
        (Some(before), Some(now)) if before != now => Err(refusal(
            format!(
                "\"{}\".\"{}\" holds plan \"{before}\", and the API answers for plan \"{now}\"",
                set.name, table.name
            ),
            "The token may be one of another plan.".to_owned(),
            set,
        )),
        _ => Ok(()),
    }
}

/// A refusal that can be overruled.
pub fn refusal(message: String, detail: String, set: &Set) -> FdwError {
    FdwError::new(PgSqlErrorCode::ERRCODE_DATA_EXCEPTION, message)
        .detail(format!(
            "{detail} The statement below refreshes all the same; run it if this is right."
        ))
        .hint(format!(
            "CALL pluralsight_fdw.refresh({}, force => true);",
            quote_literal(&set.name)
        ))
}

fn percent(part: f64) -> String {
    format!("{} %", (part * 100_000.0).round() / 1_000.0)
}
