//! What stands in `extensions.warnings`.

use serde_json::{Value, json};

use crate::config::WarningStyle;

/// Something the API wants its client to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warning {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Warning {
    pub(crate) fn key_expired() -> Self {
        Self { code: "API_KEY_EXPIRED", message: "This API key is more than one year old and has expired. Create a new key on the Manage Keys page.".to_owned() }
    }

    pub(crate) fn deprecated(path: &str, reason: &str) -> Self {
        Self {
            code: "DEPRECATED_FIELD",
            message: format!("The field {path} is deprecated: {reason}."),
        }
    }

    pub(crate) fn shown(&self, style: WarningStyle) -> Value {
        match style {
            WarningStyle::Strings => json!(self.message),
            WarningStyle::Objects => json!({ "code": self.code, "message": self.message }),
        }
    }
}
