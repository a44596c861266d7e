//! Runs the files of `sql/` as psql would: with the schema on the search path, one statement after the other.

use std::ffi::{CStr, CString};

use pgrx::pg_sys;
use pgrx::prelude::*;
use pluralsight_catalog::quote_identifier;

use crate::error::{FdwError, Result};

/// Settings that would change what a file's text means, or how a definition is printed, and what they are while it runs.
const SETTINGS: [(&CStr, &CStr); 4] = [
    (c"standard_conforming_strings", c"on"),
    (c"quote_all_identifiers", c"off"),
    // "relation already exists, skipping" is no news.
    (c"client_min_messages", c"warning"),
    (c"check_function_bodies", c"on"),
];

/// Runs `work` with the schema's objects found by their names alone, and nothing else but PostgreSQL's own. After an error
/// the settings are restored by the end of the transaction or subtransaction.
pub fn inside<T>(schema: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let path = CString::new(format!("{}, pg_temp", quote_identifier(schema)))
        .map_err(|_| FdwError::internal("the schema's name holds a NUL"))?;
    // SAFETY: both are called within a transaction; the texts are NUL-terminated.
    let level = unsafe {
        let level = pg_sys::NewGUCNestLevel();
        for (name, value) in SETTINGS.iter().copied().chain([(c"search_path", &*path)]) {
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
        }
        level
    };
    let result = work();
    // SAFETY: the level is the one that was just begun.
    unsafe { pg_sys::AtEOXact_GUC(true, level) };
    result
}

/// Runs every statement of `text`. To be called inside [`inside`].
pub fn run(text: &str) -> Result<()> {
    Spi::connect_mut(|client| client.update(text, None, &[]).map(|_| ()))
        .map_err(|error| FdwError::internal(format!("a statement cannot be run: {error}")))
}
