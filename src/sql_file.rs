//! Runs the files of `sql/` as psql would: with the schema on the search path, one statement after the other.

use crate::error::Result;
use crate::{parameters, sql};

/// Settings that would change what a file's text means, or how a definition is printed, and what they are while it runs.
const SETTINGS: [(&str, &str); 3] = [
    ("quote_all_identifiers", "off"),
    // "relation already exists, skipping" is no news.
    ("client_min_messages", "warning"),
    ("check_function_bodies", "on"),
];

/// Runs `work` with the schema's objects found by their names alone, and nothing else but PostgreSQL's own. After an error
/// the settings are restored by the end of the transaction or subtransaction.
pub fn inside<T>(schema: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    parameters::inside(schema, || parameters::with(&SETTINGS, work))
}

/// The statement of a file that is for several tables, and calls them `this_table`, for one of them. `table` is quoted.
pub fn for_table(text: &str, table: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with("--"))
        .map(|line| line.replace("this_table", table))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Runs every statement of `text`. To be called inside [`inside`].
pub fn run(text: &str) -> Result<()> {
    sql::run(text, &[]).map(|_| ())
}
