//! Tables whose query the API does not have, or not for this key. Views over them go on working, with NULL for what is
//! unknown, so such a table reads as empty. That it does so is said once a session.

use std::cell::RefCell;
use std::collections::HashSet;

use pgrx::PgSqlErrorCode;

use crate::error::FdwError;
use crate::options::TableOptions;

thread_local! {
    static SAID: RefCell<HashSet<u32>> = RefCell::default();
}

/// Warns of a table that reads as empty, the first time that the session reads it.
pub fn warn(options: &TableOptions) {
    if SAID.with_borrow_mut(|said| said.insert(options.oid.to_u32())) {
        FdwError::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            format!(
                "foreign table {} reads as empty, because the API does not let this key read {}",
                options.qualified_name(),
                options.query
            ),
        )
        .hint("If that has changed, call pluralsight_fdw.set_up again.")
        .warn();
    }
}
