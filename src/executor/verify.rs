//! `pluralsight_fdw.verify_pushdown`: every scan that leaves a condition to the API is run a second time without, and a
//! difference is an error. It proves on a live API that pushing down changes no answer.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use pgrx::PgSqlErrorCode;
use pgrx::memcxt::PgMemoryContexts;
use pgrx::pg_sys::{self, Oid};
use pluralsight_api::{Batch, ColumnPlan, FieldPath, Stats};

use super::arena::{Lifetime, Memory};
use super::decode::ColumnReader;
use super::decode::readers;
use super::fetch::Fetch;
use super::filter::Asked;
use super::generated::Generated;
use super::json::{as_json, json_of};
use super::places::Places;
use super::slot;
use super::template::Reading;
use crate::error::{FdwError, Result};
use crate::options::TableOptions;
use crate::relation::Relation;

/// Records named in the error.
const NAMED: usize = 3;

/// The executor's means to check a row: where it is put, and the conditions.
pub struct LocalCheck {
    pub slot: *mut pg_sys::TupleTableSlot,
    pub conditions: *mut pg_sys::ExprState,
    pub context: *mut pg_sys::ExprContext,
    pub generated: Rc<Generated>,
}

/// Runs a scan with and without what it asks, and compares the rows that pass the query's own conditions.
pub fn rows(
    relation: &Relation,
    columns: &[i16],
    asked: &Asked,
    user: Oid,
    check: &LocalCheck,
) -> Result<()> {
    if !matches!(asked, Asked::Filtered(_) | Asked::Nothing) {
        return Ok(());
    }
    let pushed = passing(relation, columns, asked, user, check)?;
    let plain = passing(relation, columns, &Asked::Everything, user, check)?;
    compare(&relation.options, asked, &pushed, &plain)
}

/// Counts the records that match what was asked, by reading them all.
pub fn count(options: &TableOptions, asked: &Asked, user: Oid, counted: u64) -> Result<()> {
    let Asked::Filtered(filtered) = asked else {
        return Ok(());
    };
    let field = FieldPath::parse(&filtered.filter.field)
        .map_err(|error| FdwError::internal(error.to_string()))?;
    let wanted = filtered.value()?;
    let columns = [as_json(&field)];
    let mut matching = 0;
    read(options, &columns, &Asked::Everything, user, |page| {
        let holds = page.rows().filter(|row| json_of(row.cell(0)) == wanted);
        matching += holds.count() as u64;
        Ok(())
    })?;
    if matching == counted {
        return Ok(());
    }
    let numbers = format!("totalCount says {counted}, the records themselves are {matching}");
    Err(difference(options, asked, &numbers, ""))
}

fn read(
    options: &TableOptions,
    columns: &[ColumnPlan],
    asked: &Asked,
    user: Oid,
    mut take: impl FnMut(&Batch) -> Result<()>,
) -> Result<()> {
    let reading = Reading {
        options,
        columns,
        asked,
        limit: None,
        reads_to_end: true,
    };
    let mut fetch = Fetch::new(&reading, user, Arc::new(Stats::default()))?;
    while !fetch.finished() {
        let page = fetch.next_page(options)?.unwrap_or_default();
        take(&page).map_err(|error| fetch.masked(error))?;
    }
    Ok(())
}

/// The records that pass the query's own conditions, by key where there is one, and how often each came.
fn passing(
    relation: &Relation,
    columns: &[i16],
    asked: &Asked,
    user: Oid,
    check: &LocalCheck,
) -> Result<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    if *asked == Asked::Nothing {
        return Ok(found);
    }
    let readers = readers(relation, columns)?;
    let mut columns: Vec<ColumnPlan> = readers.iter().map(ColumnReader::plan).collect();
    let places = Places::new(&readers, &columns)?;
    let key = relation.options.key.as_ref().map(|path| {
        columns.push(as_json(path));
        columns.len() - 1
    });
    let mut scratch = PgMemoryContexts::new("pluralsight_fdw verify_pushdown");
    read(&relation.options, &columns, asked, user, |page| {
        for (index, row) in page.rows().enumerate() {
            let record = Record {
                page,
                index,
                readers: &readers,
                places: &places,
            };
            // SAFETY: the row's values live in the scratch context until the conditions have looked at them.
            let passes = unsafe { scratch.switch_to(|_| passes(record, check)) }?;
            // SAFETY: nothing of the row is used any more; the slot is cleared before it is filled again.
            unsafe { scratch.reset() };
            if passes {
                let identity = key.map_or_else(
                    || format!("{:?}", row.cells().collect::<Vec<_>>()),
                    |key| json_of(row.cell(key)).to_string(),
                );
                *found.entry(identity).or_insert(0) += 1;
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// A record of a page, and how its columns are read.
#[derive(Clone, Copy)]
struct Record<'a> {
    page: &'a Batch,
    index: usize,
    readers: &'a [ColumnReader],
    places: &'a Places,
}

unsafe fn passes(record: Record<'_>, check: &LocalCheck) -> Result<bool> {
    let mut memory = Memory::default();
    // SAFETY: the scan's own slot, conditions and expression context, between two rows of the executor.
    unsafe {
        slot::clear(check.slot);
        let width = (*(*check.slot).tts_tupleDescriptor).natts as usize;
        let values = std::slice::from_raw_parts_mut((*check.slot).tts_values, width);
        let nulls = std::slice::from_raw_parts_mut((*check.slot).tts_isnull, width);
        record.places.fill(
            record.readers,
            (record.page.row(record.index), Lifetime::Shorter),
            record.page.problems(),
            &mut memory,
            values,
            nulls,
        )?;
        slot::store(check.slot);
        check.generated.compute(check.slot, check.context)?;
        if check.conditions.is_null() {
            return Ok(true);
        }
        (*check.context).ecxt_scantuple = check.slot;
        let evaluate = (*check.conditions)
            .evalfunc
            .ok_or_else(|| FdwError::internal("a condition without a program"))?;
        let mut is_null = false;
        let holds = pg_sys::ffi::pg_guard_ffi_boundary(|| {
            evaluate(check.conditions, check.context, &mut is_null)
        });
        slot::clear(check.slot);
        Ok(!is_null && holds.value() != 0)
    }
}

fn compare(
    options: &TableOptions,
    asked: &Asked,
    pushed: &BTreeMap<String, u64>,
    plain: &BTreeMap<String, u64>,
) -> Result<()> {
    if pushed == plain {
        return Ok(());
    }
    let only = |left: &BTreeMap<String, u64>, right: &BTreeMap<String, u64>| -> Vec<String> {
        left.iter()
            .filter(|(identity, times)| right.get(*identity) != Some(times))
            .map(|(identity, _)| identity.clone())
            .take(NAMED)
            .collect()
    };
    let (lost, gained) = (only(plain, pushed), only(pushed, plain));
    let named = |what: &str, names: Vec<String>| {
        if names.is_empty() {
            String::new()
        } else {
            format!("; {what}: {}", names.join(", "))
        }
    };
    let numbers = format!(
        "{} rows with the filter, {} without",
        pushed.values().sum::<u64>(),
        plain.values().sum::<u64>(),
    );
    let names = named("missing with the filter", lost) + &named("only with the filter", gained);
    Err(difference(options, asked, &numbers, &names))
}

/// `names` are keys of records, which not everybody may see.
fn difference(options: &TableOptions, asked: &Asked, numbers: &str, names: &str) -> FdwError {
    let filter = match asked {
        Asked::Filtered(filtered) => filtered.requests().join(", "),
        Asked::Everything | Asked::Nothing => String::new(),
    };
    let message = format!(
        "{}: the API's filter changes the answer: {numbers}",
        options.name
    );
    let mut error = FdwError::new(
        PgSqlErrorCode::ERRCODE_FDW_ERROR,
        format!("{message}{names}"),
    )
    .without_data(message)
    .detail(format!("Filter: {filter}"));
    error.data_in_detail = true;
    error
    .hint("If the data did not change meanwhile, take the filter out of the table's option filters, or set pluralsight_fdw.pushdown_filter = off.")
}
