//! `pluralsight_fdw.verify_pushdown`: every scan that leaves a condition to the API is run a second time without, and a
//! difference is an error. It proves on a live API that pushing down changes no answer.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use pgrx::PgSqlErrorCode;
use pgrx::memcxt::PgMemoryContexts;
use pgrx::pg_sys::{self, Oid};
use pluralsight_api::{FieldPath, Stats};
use serde_json::Value as Json;

use super::decode::{ColumnReader, fill};
use super::fetch::{Fetch, Reading};
use super::filter::Asked;
use super::generated::Generated;
use super::statement::readers;
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
    let wanted = [(field, filtered.value()?)];
    let fields = wanted.iter().map(|(path, _)| path.clone()).collect();
    let mut matching = 0;
    read(options, &fields, &Asked::Everything, user, |record| {
        let holds = wanted.iter().any(|(path, value)| at(record, path) == value);
        matching += u64::from(holds);
        Ok(())
    })?;
    if matching == counted {
        return Ok(());
    }
    let numbers = format!("totalCount says {counted}, the records themselves are {matching}");
    Err(difference(options, asked, &numbers, ""))
}

fn at<'a>(record: &'a Json, path: &FieldPath) -> &'a Json {
    path.segments()
        .iter()
        .try_fold(record, |value, name| value.get(name))
        .unwrap_or(&Json::Null)
}

fn read(
    options: &TableOptions,
    fields: &std::collections::BTreeSet<FieldPath>,
    asked: &Asked,
    user: Oid,
    mut take: impl FnMut(&Json) -> Result<()>,
) -> Result<()> {
    let reading = Reading {
        options,
        fields,
        asked,
        limit: None,
    };
    let mut fetch = Fetch::new(&reading, user, Arc::new(Stats::default()))?;
    while !fetch.finished() {
        for record in fetch.next_page(options)?.unwrap_or_default() {
            take(&record).map_err(|error| fetch.masked(error))?;
        }
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
    let (readers, fields) = readers(relation, columns)?;
    let mut scratch = PgMemoryContexts::new("pluralsight_fdw verify_pushdown");
    read(&relation.options, &fields, asked, user, |record| {
        // SAFETY: the row's values live in the scratch context until the conditions have looked at them.
        let passes = unsafe { scratch.switch_to(|_| passes(&readers, record, check)) }?;
        // SAFETY: nothing of the row is used any more; the slot is cleared before it is filled again.
        unsafe { scratch.reset() };
        if passes {
            let identity = relation
                .options
                .key
                .as_ref()
                .map_or_else(|| record.to_string(), |key| at(record, key).to_string());
            *found.entry(identity).or_insert(0) += 1;
        }
        Ok(())
    })?;
    Ok(found)
}

unsafe fn passes(readers: &[ColumnReader], record: &Json, check: &LocalCheck) -> Result<bool> {
    // SAFETY: the scan's own slot, conditions and expression context, between two rows of the executor.
    unsafe {
        ((*(*check.slot).tts_ops)
            .clear
            .expect("every slot type can be cleared"))(check.slot);
        let width = (*(*check.slot).tts_tupleDescriptor).natts as usize;
        let values = std::slice::from_raw_parts_mut((*check.slot).tts_values, width);
        let nulls = std::slice::from_raw_parts_mut((*check.slot).tts_isnull, width);
        fill(readers, record, values, nulls)?;
        pg_sys::ExecStoreVirtualTuple(check.slot);
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
        ((*(*check.slot).tts_ops)
            .clear
            .expect("every slot type can be cleared"))(check.slot);
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
