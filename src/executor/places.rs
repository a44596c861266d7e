//! From a record to a row.

use pgrx::pg_sys::Datum;
use pluralsight_api::{ColumnPlan, Problem, Row};

use super::arena::{Arena, Lifetime, Memory};
use super::decode::ColumnReader;
use crate::error::{FdwError, Result};

/// Bytes of a column's value that are not in its cell, in the mean.
const HEADERS: usize = 24;

/// Where the readers of a scan find their cells in the rows of a reading, which may hold columns of other scans, too.
pub struct Places(Vec<(usize, usize)>);

impl Places {
    /// `columns` are those of the reading.
    pub fn new(readers: &[ColumnReader], columns: &[ColumnPlan]) -> Result<Places> {
        let mut places = Vec::with_capacity(readers.len());
        for (reader, plan) in readers.iter().map(ColumnReader::plan).enumerate() {
            let column = columns
                .iter()
                .position(|column| *column == plan)
                .ok_or_else(|| FdwError::internal("a column that was not read"))?;
            places.push((column, reader));
        }
        places.sort_unstable();
        Ok(Places(places))
    }

    /// Puts a record's values where a slot has them. `problems` are those of the reading's columns. What the values need
    /// is taken from `memory`, and is theirs until another record is put there.
    pub fn fill(
        &self,
        readers: &[ColumnReader],
        (row, lifetime): (Row<'_>, Lifetime),
        problems: &[Option<Problem>],
        memory: &mut Memory,
        values: &mut [Datum],
        nulls: &mut [bool],
    ) -> Result<()> {
        nulls.fill(true);
        // A cell is written in no fewer bytes than its value, but for headers and what fills them up.
        let expected = row.bytes().len() + HEADERS * self.0.len();
        let mut arena = Arena::new(expected, lifetime, memory);
        let mut cells = row.cells().enumerate();
        let mut cell = cells.next();
        for &(column, reader) in &self.0 {
            while let Some((at, _)) = cell
                && at < column
            {
                cell = cells.next();
            }
            let (Some((_, value)), Some(reader)) = (cell, readers.get(reader)) else {
                return Err(FdwError::internal("a record without a cell"));
            };
            if let (Some(value), Some(slot), Some(null)) = (
                reader.read(
                    value,
                    problems.get(column).and_then(Option::as_ref),
                    &mut arena,
                )?,
                values.get_mut(reader.index()),
                nulls.get_mut(reader.index()),
            ) {
                *slot = value;
                *null = false;
            }
        }
        Ok(())
    }
}
