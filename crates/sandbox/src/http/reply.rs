//! An answer before it is sent.

use axum::http::StatusCode;

pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// What a body is made of.
#[derive(Clone)]
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
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) payload: Payload,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, content_type: &str, payload: Payload) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            payload,
        }
    }

    pub(super) fn json(status: StatusCode, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, JSON, Payload::Text(body.into()))
    }
}
