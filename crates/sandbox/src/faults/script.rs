//! What is done to one request.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    engine::tweaks::Tweaks,
    http::{body::Ending, reply::Reply},
    organization::Organization,
};

/// One thing that goes wrong: it writes into the script of a request, or changes the organization.
pub(crate) type Action = Arc<dyn Fn(&mut Script, &Organization) + Send + Sync>;

/// What is done to one request, sorted by what it is done to.
#[derive(Default)]
pub(crate) struct Script {
    /// The address of the server, for redirects to itself.
    pub(crate) address: String,
    /// From this request on, the key is refused.
    pub(crate) revokes: bool,
    /// The pause before the headers.
    pub(crate) delay: Duration,
    /// An answer that has nothing to do with the question.
    pub(crate) instead: Option<Reply>,
    pub(crate) tweaks: Tweaks,
    pub(crate) errors: Vec<Value>,
    /// Whether the errors stand alone, without data.
    pub(crate) hides_data: bool,
    pub(crate) warnings: Vec<Value>,
    /// Values that are put where a pointer leads, or taken out.
    pub(crate) patches: Vec<(String, Option<Value>)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) truncates_gzip: bool,
    /// How the connection breaks instead of an answer.
    pub(crate) breaks: Option<Ending>,
    /// What happens behind the body, or behind the part of it that is sent.
    pub(crate) ending: Ending,
    pub(crate) cut: Option<Cut>,
    /// The pause before each piece of so many bytes of the body.
    pub(crate) pace: Option<(Duration, usize)>,
    /// By how much the header's `content-length` differs from the truth.
    pub(crate) length: i64,
}

/// Where a body is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// After half of the bytes.
    Half,
    /// After so many bytes; at the end of a shorter body.
    After(usize),
}
