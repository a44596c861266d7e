//! Reading: what the API has goes into staged tables, before anything is compared or written.
//!
//! Temporary tables cannot be made inside a security-restricted operation, so these are unlogged tables in the schema of the
//! copies, made and dropped in the same transaction.

use pgrx::PgSqlErrorCode;
use pluralsight_catalog::CopiedTable;

use super::log::{Report, TableReport};
use super::set::Set;
use super::{erase, unlogged};
use crate::error::{FdwError, Result};
use crate::executor::{drifted_scans, incomplete_scans};
use crate::parameters;
use crate::sql;

/// Readings of a table whose total moves each time.
const MOST_READINGS: u64 = 3;
/// Keys asked for at a time, before it is looked at whether enough are gone to refuse the whole.
const KEYS_AT_A_TIME: usize = 1_000;
/// Holds the people of users and admins apart.
const PERSON: &str = "user_id";

/// Reads a table whole, and asks by key for what is missing. `most_gone` is the number of keys that may be gone before the
/// guard refuses the refresh; asking for more would be a waste. The API takes its time, so what comes after its answers is only
/// done if the schema of the copies is still found by its name.
pub fn read(
    set: &Set,
    table: &CopiedTable,
    most_gone: Option<u64>,
    erased: bool,
    report: &mut Report,
) -> Result<TableReport> {
    let before = Counters::now();
    let mut told = TableReport::default();
    unlogged::will_be_made();
    sql::run(&table.stage(), &[])?;
    loop {
        told.readings += 1;
        let drifted = drifted_scans();
        sql::run(&table.read(), &[])?;
        set.refuse_new_name()?;
        refuse_incomplete(table, &before)?;
        if drifted_scans() == drifted || told.readings == MOST_READINGS {
            break;
        }
        sql::run(&format!("DELETE FROM {}", table.staged()), &[])?;
    }
    if table.key.is_some() {
        tidy(table, &mut told, report)?;
        sql::run(&format!("ANALYZE {}", table.staged()), &[])?;
        confirm(set, table, most_gone, &mut told)?;
        refuse_incomplete(table, &before)?;
    }
    if erased && table.columns.iter().any(|column| column.name == PERSON) {
        erase::leave_out(set, &table.staged())?;
    }
    let rows = sql::value::<i64>(&table.count(&table.staged()), &[])?.unwrap_or_default();
    told.rows = rows.unsigned_abs();
    before.take(&mut told);
    Ok(told)
}

/// An answer that a query may put up with is none to replace good data with.
fn refuse_incomplete(table: &CopiedTable, before: &Counters) -> Result<()> {
    if incomplete_scans() == before.incomplete {
        return Ok(());
    }
    Err(FdwError::new(
        PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
        format!("{}: the answer is incomplete", table.source),
    )
    .detail("The table or its server has on_incomplete 'warning'. The warning before this error says what is missing."))
}

/// Records without a key cannot be told apart, and a key that comes twice stands for one record. Neither keeps the others
/// from being refreshed.
fn tidy(table: &CopiedTable, told: &mut TableReport, report: &mut Report) -> Result<()> {
    let key = table.key.as_deref().unwrap_or_default();
    told.without_key = sql::run(&table.drop_without_key(), &[])?;
    if told.without_key > 0 {
        report.warn(
            format!(
                "{}: left out {} without {key}",
                table.name,
                records(told.without_key)
            ),
            None,
        );
    }
    told.repeated_key = sql::run(&table.drop_repeated(), &[])?;
    if told.repeated_key > 0 {
        report.warn(
            format!(
                "{}: left out {} with a {key} that another record has",
                table.name,
                records(told.repeated_key)
            ),
            None,
        );
    }
    Ok(())
}

fn records(number: u64) -> String {
    match number {
        1 => "1 record".to_owned(),
        number => format!("{number} records"),
    }
}

/// Nobody is gone until the API says so: data that moves while it is read can hide records from a reading. So the API is asked
/// by key for each record that the copy has and the reading lacks.
fn confirm(
    set: &Set,
    table: &CopiedTable,
    most_gone: Option<u64>,
    told: &mut TableReport,
) -> Result<()> {
    let missing: Vec<String> = sql::rows(&table.missing_keys(), &[], |row| row.get::<String>(1))?
        .into_iter()
        .flatten()
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    // A key that is there must be among the answers, or the filter does not do what it says.
    let witness = sql::value::<String>(&table.witness(), &[])?;
    sql::run(&table.stage_answers(), &[])?;
    let mut gone: u64 = 0;
    // Where nothing is refused, one statement asks for all of them, in the cheapest way that there is.
    let at_a_time = match most_gone {
        Some(_) => KEYS_AT_A_TIME,
        None => missing.len(),
    };
    for keys in missing.chunks(at_a_time) {
        let mut asked = keys.to_vec();
        asked.extend(witness.clone());
        ask(set, table, &asked)?;
        let is_heard = match &witness {
            None => true,
            Some(witness) => {
                sql::value::<bool>(&table.is_answered(), &[witness.as_str().into()])? == Some(true)
            }
        };
        if !is_heard {
            sql::run(&format!("DELETE FROM {}", table.answered()), &[])?;
            without_filters(|| ask(set, table, &asked))?;
        }
        let found = sql::run(&table.take_answers(), &[])?;
        sql::run(&format!("DELETE FROM {}", table.answered()), &[])?;
        told.confirmed += found;
        gone += keys.len() as u64 - found.min(keys.len() as u64);
        if most_gone.is_some_and(|most| gone > most) {
            break;
        }
    }
    sql::run(&table.unstage_answers(), &[]).map(|_| ())
}

fn ask(set: &Set, table: &CopiedTable, keys: &[String]) -> Result<()> {
    sql::run(&table.read_keys(), &[keys.to_vec().into()])?;
    set.refuse_new_name()
}

/// Reads everything, and looks at the keys here.
fn without_filters<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    parameters::with(&[("pluralsight_fdw.pushdown_filter", "off")], work)
}

/// What reading the API took in this session so far.
struct Counters {
    requests: u64,
    retries: u64,
    bytes: u64,
    incomplete: u64,
}

impl Counters {
    fn now() -> Counters {
        let totals = pluralsight_api::session_totals();
        Counters {
            requests: totals.requests,
            retries: totals.retries,
            bytes: totals.bytes,
            incomplete: incomplete_scans(),
        }
    }

    fn take(&self, told: &mut TableReport) {
        let now = Counters::now();
        told.requests = now.requests.saturating_sub(self.requests);
        told.retries = now.retries.saturating_sub(self.retries);
        told.bytes = now.bytes.saturating_sub(self.bytes);
    }
}
