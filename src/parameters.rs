//! PostgreSQL's parameters, set for as long as some work lasts.

use std::ffi::CString;

use pgrx::pg_sys;
use pluralsight_catalog::quote_identifier;

use crate::error::{FdwError, Result};

/// The path under which nothing of a user's is found before PostgreSQL's own objects.
const SAFE_PATH: &str = "pg_catalog, pg_temp";

/// Runs `work` with no schema of a user in reach of its statements.
pub fn with_safe_path<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    with_path(SAFE_PATH, work)
}

/// Runs `work` with names looked up in that schema, and in PostgreSQL's own.
pub fn inside<T>(schema: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    with_path(&format!("{}, pg_temp", quote_identifier(schema)), work)
}

/// As [`with_safe_path`], for a prepared statement that shall not be planned again for each of its arguments.
pub fn with_one_plan<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    with_safe_path(|| with(&[("plan_cache_mode", "force_generic_plan")], work))
}

fn with_path<T>(path: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    with(
        &[
            ("search_path", path),
            // Tables are made where the database makes them, wherever the caller's would be.
            ("default_tablespace", ""),
            // Literals mean what they say.
            ("standard_conforming_strings", "on"),
            // Compiling these statements takes longer than running them.
            ("jit", "off"),
        ],
        work,
    )
}

/// Runs `work` with those parameters. After an ERROR the end of the transaction or subtransaction takes them back.
pub fn with<T>(parameters: &[(&str, &str)], work: impl FnOnce() -> Result<T>) -> Result<T> {
    // SAFETY: the level is closed below, or by the abort of the transaction.
    let level = unsafe { pg_sys::NewGUCNestLevel() };
    let result = parameters
        .iter()
        .try_for_each(|(name, value)| set(name, value))
        .and_then(|()| work());
    // SAFETY: closes the level that was opened above.
    unsafe { pg_sys::AtEOXact_GUC(false, level) };
    result
}

/// Sets a parameter until the current level of settings is closed.
fn set(name: &str, value: &str) -> Result<()> {
    let text = |text: &str| {
        CString::new(text).map_err(|_| FdwError::internal("a parameter with a NUL character"))
    };
    let (name, value) = (text(name)?, text(value)?);
    // SAFETY: both strings end in NUL and are copied.
    unsafe {
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
    Ok(())
}
