//! Statements, run through SPI with errors in the words of this extension. They see what was committed before them.

use pgrx::datum::{DatumWithOid, FromDatum, IntoDatum};
use pgrx::prelude::*;
use pgrx::spi::{SpiError, SpiHeapTupleData, SpiResult};

use crate::error::{FdwError, Result};

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

/// What an error of SPI itself, and not of PostgreSQL, becomes.
pub fn failed(error: SpiError) -> FdwError {
    FdwError::internal(format!("a statement failed: {error}"))
}
