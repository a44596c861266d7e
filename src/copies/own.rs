//! What every set has beside its copies and history: three tables, in the files that make them.

use super::columns;
use super::set::Set;
use crate::error::{FdwError, Result};
use crate::sql;

/// The names of the tables, in the order in which they are made.
pub const NAMES: [&str; 3] = ["settings", "refresh_log", "erased_people"];

const FILES: [&str; 3] = [
    include_str!("../../sql/copies/settings.sql"),
    include_str!("../../sql/copies/refresh_log.sql"),
    include_str!("../../sql/copies/erased_people.sql"),
];

/// A column that came after the first sets were made, in the file that adds it.
struct Added {
    table: &'static str,
    column: &'static str,
    file: &'static str,
}

macro_rules! added {
    ($table:literal, $column:literal) => {
        Added {
            table: $table,
            column: $column,
            file: include_str!(concat!(
                "../../sql/copies/added/",
                $table,
                ".",
                $column,
                ".sql"
            )),
        }
    };
}

const ADDED: [Added; 2] = [
    added!("settings", "warn_days"),
    added!("refresh_log", "runs_out"),
];

/// Makes the tables that are not there yet. To be called with the rights of the set's owner, like [`complete`].
pub fn create(set: &Set) -> Result<()> {
    for (name, file) in NAMES.into_iter().zip(FILES) {
        if set.relation(name).is_none() {
            sql::run(file, &[])?;
        }
    }
    complete(set)
}

/// Gives the tables the columns that a set of an older version lacks.
pub fn complete(set: &Set) -> Result<()> {
    for added in ADDED {
        let table = set
            .relation(added.table)
            .ok_or_else(|| FdwError::internal(format!("table \"{}\" is gone", added.table)))?;
        let (known, _) = columns::of(table)?;
        if !known.iter().any(|column| column.name == added.column) {
            sql::run(added.file, &[])?;
        }
    }
    Ok(())
}
