//! An answer before it is sent.

use axum::http::StatusCode;
use serde_json::json;

/// What a body is made of.
pub(crate) enum Payload {
    /// May be compressed.
    Text(Vec<u8>),
    /// Is sent as it is.
    Raw(Vec<u8>),
    /// So many bytes of JSON, made while they are sent.
    Huge(u64),
    /// The same, compressed.
    Bomb(u64),
}

/// An answer before it is shaped and sent.
pub(crate) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(String, String)>,
    pub(super) payload: Payload,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, content_type: &str, payload: Payload) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            payload,
        }
    }

    /// The same with one more header, if there is a value for it.
    pub(crate) fn with_header(mut self, name: &str, value: Option<&str>) -> Self {
        self.headers
            .extend(value.map(|value| (name.to_owned(), value.to_owned())));
        self
    }

    pub(super) fn json(status: StatusCode, body: impl Into<Vec<u8>>) -> Self {
        Self::new(
            status,
            "application/json; charset=utf-8",
            Payload::Text(body.into()),
        )
    }

    pub(super) fn errors(status: StatusCode, message: &str) -> Self {
        Self::json(
            status,
            json!({ "errors": [{ "message": message }] }).to_string(),
        )
    }
}
