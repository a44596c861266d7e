//! Statements, run through SPI with errors in the words of this extension. They see what was committed before them.

use std::cell::RefCell;
use std::collections::HashMap;

use pgrx::datum::{DatumWithOid, FromDatum, IntoDatum};
use pgrx::pg_sys::PgOid;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiError, SpiHeapTupleData, SpiResult};

use crate::error::{FdwError, Result};
use crate::parameters;

/// Runs a statement, or several; the number of rows that the last one touched.
pub fn run(statement: &str, arguments: &[DatumWithOid<'_>]) -> Result<u64> {
    Spi::connect_mut(|client| {
        client
            .update(statement, None, arguments)
            .map(|touched| touched.len() as u64)
    })
    .map_err(failed)
}

/// The first column of the first row, if there is one.
pub fn value<T: FromDatum + IntoDatum>(
    statement: &str,
    arguments: &[DatumWithOid<'_>],
) -> Result<Option<T>> {
    rows(statement, arguments, |row| row.get::<T>(1)).map(|rows| rows.into_iter().next().flatten())
}

/// A value from every row.
pub fn rows<T>(
    statement: &str,
    arguments: &[DatumWithOid<'_>],
    mut read: impl FnMut(&SpiHeapTupleData<'_>) -> SpiResult<T>,
) -> Result<Vec<T>> {
    Spi::connect_mut(|client| {
        let table = client.update(statement, None, arguments)?;
        let mut rows = Vec::with_capacity(table.len());
        for row in table {
            rows.push(read(&row)?);
        }
        Ok(rows)
    })
    .map_err(failed)
}

thread_local! {
    /// The plans of look-ups. They stay for as long as the session does.
    static KEPT: RefCell<HashMap<&'static str, &'static OwnedPreparedStatement>> = RefCell::default();
}

/// As [`rows`], for a file that asks the catalogs of one object after the other, whatever is on the search path. To plan it
/// takes longer than to run it, so one plan is kept for all of them.
pub fn look_up<T>(
    statement: &'static str,
    arguments: &[DatumWithOid<'_>],
    mut read: impl FnMut(&SpiHeapTupleData<'_>) -> SpiResult<T>,
) -> Result<Vec<T>> {
    parameters::with_one_plan(|| {
        Spi::connect_mut(|client| {
            let plan = kept(client, statement, arguments)?;
            let mut rows = Vec::new();
            for row in client.update(plan, None, arguments)? {
                rows.push(read(&row)?);
            }
            Ok(rows)
        })
        .map_err(failed)
    })
}

fn kept(
    client: &SpiClient<'_>,
    statement: &'static str,
    arguments: &[DatumWithOid<'_>],
) -> SpiResult<&'static OwnedPreparedStatement> {
    if let Some(plan) = KEPT.with_borrow(|kept| kept.get(statement).copied()) {
        return Ok(plan);
    }
    let types: Vec<PgOid> = arguments
        .iter()
        .map(|argument| PgOid::from(argument.oid()))
        .collect();
    let plan = &*Box::leak(Box::new(client.prepare_mut(statement, &types)?.keep()));
    KEPT.with_borrow_mut(|kept| kept.insert(statement, plan));
    Ok(plan)
}

/// What an error of SPI itself, and not of PostgreSQL, becomes.
pub fn failed(error: SpiError) -> FdwError {
    FdwError::internal(format!("a statement failed: {error}"))
}
