//! Acting with another role's rights, the way PostgreSQL itself runs `REFRESH MATERIALIZED VIEW`.

use std::ffi::CString;

use pgrx::pg_sys::{self, Oid};

use crate::error::{FdwError, Result};

/// Where names are looked up when nothing of a user's may be found.
const SAFE_PATH: &str = "pg_catalog, pg_temp";

/// Runs `work` with no schema of a user in reach of its statements.
pub fn with_safe_path<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    with_path(SAFE_PATH, work)
}

/// Runs `work` as `owner` in a security-restricted operation: with the owner's rights and no others, unable to change
/// role, and with names looked up in `schema`, if one is given, and in `pg_catalog`.
///
/// After an ERROR the abort of the surrounding transaction or subtransaction takes everything back.
pub fn as_owner<T>(
    owner: Oid,
    schema: Option<&str>,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let (mut user, mut context) = (Oid::INVALID, 0);
    // SAFETY: reads the backend's own state, and sets it to a role that exists because it owns something.
    unsafe {
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        pg_sys::SetUserIdAndSecContext(
            owner,
            context
                | (pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION)
                    as i32,
        );
    }
    let path = match schema {
        Some(schema) => format!("{}, pg_temp", pluralsight_catalog::quote_identifier(schema)),
        None => SAFE_PATH.to_owned(),
    };
    let result = with_path(&path, work);
    // SAFETY: the state from before.
    unsafe { pg_sys::SetUserIdAndSecContext(user, context) };
    result
}

fn with_path<T>(path: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    // Tables are made where the database makes them, wherever the caller's would be.
    with_setting("default_tablespace", "", || {
        with_setting("search_path", path, work)
    })
}

/// Sets a parameter until the current level of settings is closed.
fn set(name: &str, value: &str) -> Result<()> {
    let text = |text: &str| {
        CString::new(text).map_err(|_| FdwError::internal("a setting with a NUL character"))
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

/// The role whose rights count now.
pub fn current_user() -> Oid {
    // SAFETY: reads the backend's own state.
    unsafe { pg_sys::GetUserId() }
}

/// Whether the current role is that role, a member of it with its rights, or a superuser.
pub fn acts_for(role: Oid) -> bool {
    // SAFETY: looks roles up in the catalog; an unknown one is nobody's.
    unsafe { pg_sys::has_privs_of_role(pg_sys::GetUserId(), role) }
}

/// Runs `work` with a parameter set to a value.
pub fn with_setting<T>(name: &str, value: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    // SAFETY: the level is closed below, or by the abort of the transaction.
    let level = unsafe { pg_sys::NewGUCNestLevel() };
    set(name, value)?;
    let result = work();
    // SAFETY: closes the level that was opened above.
    unsafe { pg_sys::AtEOXact_GUC(false, level) };
    result
}
