//! Every error that this extension raises, with its SQLSTATE, in one place.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::PgLogLevel;
use pluralsight_api::{Error as ApiError, ErrorKind};

use crate::encoding;

/// What a person reads: what happened, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct FdwError {
    pub code: PgSqlErrorCode,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// What the message becomes for those who may not see the data that it shows.
    pub without_data: Option<String>,
    /// Whether the detail shows data.
    pub data_in_detail: bool,
    /// What kind of API error it was, if it was one.
    pub kind: Option<ErrorKind>,
}

/// Shorthand for what most of this crate returns.
pub type Result<T> = std::result::Result<T, FdwError>;

impl FdwError {
    pub fn new(code: PgSqlErrorCode, message: impl Into<String>) -> FdwError {
        FdwError {
            code,
            message: message.into(),
            detail: None,
            hint: None,
            without_data: None,
            data_in_detail: false,
            kind: None,
        }
    }

    pub fn detail(mut self, detail: impl Into<String>) -> FdwError {
        self.detail = Some(detail.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> FdwError {
        self.hint = Some(hint.into());
        self
    }

    /// What the message is for those who may not see data.
    pub fn without_data(mut self, message: impl Into<String>) -> FdwError {
        self.without_data = Some(message.into());
        self
    }

    /// The same for one who may see data of the scan, or may not: see [`crate::visibility`].
    pub fn shown_to(mut self, sees_values: bool) -> FdwError {
        if !sees_values {
            if let Some(message) = self.without_data.take() {
                self.message = message;
            }
            if self.data_in_detail {
                self.detail = None;
            }
        }
        self
    }

    /// Tells the client, and goes on.
    pub fn warn(self) {
        ErrorReport::from(self).report(PgLogLevel::WARNING);
    }

    /// Tells the client something that is in order.
    pub fn notice(mut self) {
        self.code = PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION;
        ErrorReport::from(self).report(PgLogLevel::NOTICE);
    }

    /// Raises it as a PostgreSQL ERROR.
    pub fn raise(self) -> ! {
        ErrorReport::from(self).report(PgLogLevel::ERROR);
        unreachable!("an ERROR does not return")
    }

    /// The table's own data or the API's answer does not fit the column.
    pub fn bad_value(message: impl Into<String>) -> FdwError {
        FdwError::new(PgSqlErrorCode::ERRCODE_FDW_INVALID_DATA_TYPE, message)
    }

    /// Something that only a defect of this extension can cause.
    pub fn internal(message: impl Into<String>) -> FdwError {
        FdwError::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, message)
    }

    /// An error of the API client, met while reading `place` (a table or a function).
    pub fn from_api(error: &ApiError, place: &str) -> FdwError {
        let mut report = FdwError::new(sqlstate(error.kind()), format!("{place}: {error}"));
        report.hint = error.hint();
        report.detail = error.detail();
        report.kind = Some(error.kind());
        match error {
            // A reply that is no answer may be the beginning of one.
            ApiError::BadReply { .. } | ApiError::Http { .. } => report.data_in_detail = true,
            ApiError::Shape {
                at, path, expected, ..
            } => {
                report.without_data = Some(format!(
                    "{place}: unexpected answer from {}, {at}: {path} is not {expected}",
                    at.host
                ));
            }
            _ => {}
        }
        report
    }
}

fn sqlstate(kind: ErrorKind) -> PgSqlErrorCode {
    match kind {
        ErrorKind::Unauthorized => PgSqlErrorCode::ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
        ErrorKind::Forbidden => PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        ErrorKind::RateLimited => PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
        ErrorKind::Connect | ErrorKind::Tls => {
            PgSqlErrorCode::ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION
        }
        ErrorKind::Shape | ErrorKind::Incomplete => PgSqlErrorCode::ERRCODE_FDW_INVALID_DATA_TYPE,
        ErrorKind::Deadline => PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
        ErrorKind::InvalidUrl => PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
        _ => PgSqlErrorCode::ERRCODE_FDW_ERROR,
    }
}

impl From<FdwError> for ErrorReport {
    fn from(error: FdwError) -> ErrorReport {
        let shown = |text: &str| encoding::message(text).into_owned();
        let mut report = ErrorReport::new(error.code, shown(&error.message), "pluralsight_fdw");
        if let Some(detail) = &error.detail {
            report = report.set_detail(shown(detail));
        }
        if let Some(hint) = &error.hint {
            report = report.set_hint(shown(hint));
        }
        report
    }
}

/// Raises the error of a `Result`, or hands out its value: for callbacks that PostgreSQL calls.
pub trait OrRaise<T> {
    fn or_raise(self) -> T;
}

impl<T> OrRaise<T> for Result<T> {
    fn or_raise(self) -> T {
        self.unwrap_or_else(|error| error.raise())
    }
}
