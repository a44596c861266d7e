//! A row of `check()`.

use crate::error::FdwError;

/// One thing that was looked at.
pub struct Finding {
    pub check: String,
    pub status: &'static str,
    pub found: String,
    pub hint: Option<String>,
}

impl Finding {
    pub fn ok(check: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding {
            check: check.into(),
            status: "ok",
            found: found.into(),
            hint: None,
        }
    }

    pub fn warning(check: impl Into<String>, found: impl Into<String>, hint: &str) -> Finding {
        Finding {
            check: check.into(),
            status: "warning",
            found: found.into(),
            hint: Some(hint.to_owned()),
        }
    }

    /// It rests on something that failed.
    pub fn skipped(check: impl Into<String>, because_of: &str) -> Finding {
        Finding {
            check: check.into(),
            status: "skipped",
            found: format!("not tried: {because_of}"),
            hint: None,
        }
    }

    pub fn failed(check: impl Into<String>, error: FdwError) -> Finding {
        Finding {
            check: check.into(),
            status: "failed",
            found: error.message,
            hint: Some(error.hint.unwrap_or_else(|| {
                "Do what it says; docs/errors.md has every error, and what is retried.".to_owned()
            })),
        }
    }
}
