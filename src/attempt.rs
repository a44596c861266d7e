//! Work that may fail without the transaction failing with it, so that the failure can be told of.

use std::ffi::CStr;
use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::pg_sys::{self, AsPgCStr};
use pgrx::prelude::*;

use crate::error::FdwError;

/// SQLSTATE class of integrity constraint violations, whose DETAIL shows the row.
const CONSTRAINT_VIOLATION: &str = "23";
/// SQLSTATE class of a statement that does not fit what it names.
const MISFIT: &str = "42";
/// What of that class is a matter of rights.
const DENIED: &str = "42501";
/// SQLSTATE of a statement that was canceled.
const CANCELED: &str = "57014";

/// An error that was caught.
pub enum Failure {
    /// One of our own.
    Own(FdwError),
    /// One of PostgreSQL's, with all that belongs to it.
    Postgres(*mut pg_sys::ErrorData),
}

/// Runs `work` in a subtransaction. What it did is taken back if it fails.
pub fn attempt<T>(
    work: impl FnOnce() -> crate::error::Result<T>,
) -> std::result::Result<T, Failure> {
    // SAFETY: the state is read before and put back after, as PL/pgSQL does it for a block with EXCEPTION.
    let (context, owner) = unsafe {
        let state = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(state.0);
        state
    };
    let outcome = PgTryBuilder::new(AssertUnwindSafe(|| work().map_err(Failure::Own)))
        .catch_others(|error| Err(Failure::caught(error)))
        .execute();
    // SAFETY: this is the subtransaction that began above; in an error nothing else is left open in it.
    unsafe {
        match &outcome {
            Ok(_) => pg_sys::ReleaseCurrentSubTransaction(),
            Err(_) => pg_sys::RollbackAndReleaseCurrentSubTransaction(),
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
    }
    outcome
}

impl Failure {
    fn caught(error: CaughtError) -> Failure {
        match error {
            CaughtError::PostgresError(_) => {
                // SAFETY: the error is still on PostgreSQL's stack of errors. The portal's memory outlives the transaction.
                unsafe {
                    let before =
                        pg_sys::MemoryContextSwitchTo(if pg_sys::PortalContext.is_null() {
                            pg_sys::TopMemoryContext
                        } else {
                            pg_sys::PortalContext
                        });
                    let data = pg_sys::CopyErrorData();
                    pg_sys::MemoryContextSwitchTo(before);
                    Failure::Postgres(data).without_rows()
                }
            }
            CaughtError::ErrorReport(report)
            | CaughtError::RustPanic {
                ereport: report, ..
            } => {
                let mut error = FdwError::new(report.sql_error_code(), report.message().to_owned());
                error.detail = report.detail().map(str::to_owned);
                error.hint = report.hint().map(str::to_owned);
                Failure::Own(error)
            }
        }
    }

    /// A row that breaks a constraint is a person's data.
    fn without_rows(self) -> Failure {
        if self.sqlstate().starts_with(CONSTRAINT_VIOLATION) {
            self.with_detail(
                "The row is not shown, because it may hold a person's data.".to_owned(),
            )
        } else {
            self
        }
    }

    pub fn sqlstate(&self) -> String {
        let code = match self {
            Failure::Own(error) => error.code as i32,
            // SAFETY: the copy of the error lives as long as the portal.
            Failure::Postgres(data) => unsafe { (**data).sqlerrcode },
        };
        (0..5)
            .map(|place| char::from(((code >> (6 * place)) & 0x3F) as u8 + b'0'))
            .collect()
    }

    /// Whether a statement did not fit what it names: a column that is not there, or is of another type.
    pub fn is_misfit(&self) -> bool {
        let code = self.sqlstate();
        matches!(self, Failure::Postgres(_)) && code.starts_with(MISFIT) && code != DENIED
    }

    /// Whether the statement was canceled, or ran out of its time.
    pub fn is_canceled(&self) -> bool {
        self.sqlstate() == CANCELED
    }

    pub fn message(&self) -> String {
        match self {
            Failure::Own(error) => error.message.clone(),
            // SAFETY: as above.
            Failure::Postgres(data) => text(unsafe { (**data).message }).unwrap_or_default(),
        }
    }

    pub fn detail(&self) -> Option<String> {
        match self {
            Failure::Own(error) => error.detail.clone(),
            // SAFETY: as above.
            Failure::Postgres(data) => text(unsafe { (**data).detail }),
        }
    }

    pub fn hint(&self) -> Option<String> {
        match self {
            Failure::Own(error) => error.hint.clone(),
            // SAFETY: as above.
            Failure::Postgres(data) => text(unsafe { (**data).hint }),
        }
    }

    /// The same error with another detail.
    pub fn with_detail(self, detail: String) -> Failure {
        self.with(detail, FdwError::detail, |data| &mut data.detail)
    }

    /// The same error with another hint.
    pub fn with_hint(self, hint: String) -> Failure {
        self.with(hint, FdwError::hint, |data| &mut data.hint)
    }

    fn with(
        self,
        text: String,
        own: impl FnOnce(FdwError, String) -> FdwError,
        place: impl FnOnce(&mut pg_sys::ErrorData) -> &mut *mut std::ffi::c_char,
    ) -> Failure {
        match self {
            Failure::Own(error) => Failure::Own(own(error, text)),
            Failure::Postgres(data) => {
                // SAFETY: the error and its texts are in one context, which is where the new text goes.
                unsafe {
                    let before = pg_sys::MemoryContextSwitchTo((*data).assoc_context);
                    *place(&mut *data) = text.as_pg_cstr();
                    pg_sys::MemoryContextSwitchTo(before);
                }
                Failure::Postgres(data)
            }
        }
    }

    /// Raises it again, with everything that belonged to it.
    pub fn raise(self) -> ! {
        match self {
            Failure::Own(error) => error.raise(),
            // SAFETY: the copy of the error is whole.
            Failure::Postgres(data) => unsafe { crate::compat::rethrow(data) },
        }
    }
}

impl From<FdwError> for Failure {
    fn from(error: FdwError) -> Failure {
        Failure::Own(error)
    }
}

fn text(string: *const std::ffi::c_char) -> Option<String> {
    if string.is_null() {
        return None;
    }
    // SAFETY: PostgreSQL's strings end in NUL, and this one is not null.
    Some(
        unsafe { CStr::from_ptr(string) }
            .to_string_lossy()
            .into_owned(),
    )
}
