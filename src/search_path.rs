//! A search path for as long as some work lasts.

use std::ffi::CStr;

use pgrx::pg_sys;

/// The path under which nothing of a user's is found before PostgreSQL's own objects.
pub const SAFE: &CStr = c"pg_catalog, pg_temp";

/// Runs `work` under `path`. After an error the path is restored by the end of the transaction or subtransaction.
pub fn under<T>(path: &CStr, work: impl FnOnce() -> T) -> T {
    // SAFETY: both are called within a transaction, and the texts are NUL-terminated.
    let level = unsafe {
        let level = pg_sys::NewGUCNestLevel();
        pg_sys::set_config_option(
            c"search_path".as_ptr(),
            path.as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
        level
    };
    let result = work();
    // SAFETY: the level is the one that was just begun.
    unsafe { pg_sys::AtEOXact_GUC(true, level) };
    result
}
