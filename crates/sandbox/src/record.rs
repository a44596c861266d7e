//! What clients asked for.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;

/// One request, as it came and as it was answered.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Counted from 1 since the start, or since [`crate::Sandbox::reset`].
    pub number: u64,
    /// HTTP method.
    pub method: String,
    /// Path of the address.
    pub path: String,
    /// The root fields of the document, joined by commas: `users`. Empty when it could not be parsed.
    pub operation: String,
    /// `operationName`, as sent.
    pub operation_name: Option<String>,
    /// The document.
    pub document: Arc<str>,
    /// The variables; null when none were sent.
    pub variables: Value,
    /// Headers, lower case, without `authorization`.
    pub headers: Vec<(String, String)>,
    /// What was made of the API key.
    pub key: Key,
    /// HTTP status of the answer; `None` while it is being made, or when the connection was reset instead.
    pub status: Option<u16>,
    /// The faults that were applied, in the words of [`crate::Action`].
    pub faults: Vec<String>,
    /// When the request had been read.
    pub at: Instant,
    /// From then until the answer was handed to the connection.
    pub took: Option<Duration>,
    /// Which TCP connection it came on, counted from 1.
    pub connection: u64,
    /// Size of the request's body.
    pub bytes_in: usize,
    /// Size of the answer's body as it was to be sent, compressed or not; 0 for one without an end.
    pub bytes_out: usize,
    /// `content-encoding` of the answer.
    pub compressed: bool,
}

impl Recorded {
    /// Whether a fault was applied.
    pub fn is_faulty(&self) -> bool {
        !self.faults.is_empty()
    }

    /// A variable by its name; null when it was not sent.
    pub fn variable(&self, name: &str) -> &Value {
        self.variables.get(name).unwrap_or(&Value::Null)
    }

    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What was made of the API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// None was sent, or not as `Bearer`.
    Missing,
    /// It was the right one.
    Accepted,
    /// It was not.
    Refused,
}

/// The log of requests. The oldest are forgotten past a limit, but stay counted.
pub(crate) struct Log {
    inner: Mutex<Inner>,
}

struct Inner {
    limit: usize,
    next: u64,
    kept: VecDeque<Recorded>,
    counts: HashMap<String, u64>,
    documents: HashMap<String, Arc<str>>,
}

/// Documents are few for an honest client; past this many they are no longer shared.
const SHARED_DOCUMENTS: usize = 1000;

impl Log {
    pub(crate) fn new(limit: usize) -> Self {
        let inner = Inner {
            limit,
            next: 1,
            kept: VecDeque::new(),
            counts: HashMap::new(),
            documents: HashMap::new(),
        };
        Self {
            inner: Mutex::new(inner),
        }
    }

    /// Notes a request and gives it a number.
    pub(crate) fn begin(&self, mut request: Recorded, fields: &[String]) -> u64 {
        let mut inner = self.lock();
        request.number = inner.next;
        inner.next += 1;
        for field in fields {
            *inner.counts.entry(field.clone()).or_default() += 1;
        }
        if inner.kept.len() >= inner.limit {
            inner.kept.pop_front();
        }
        let number = request.number;
        if inner.limit > 0 {
            inner.kept.push_back(request);
        }
        number
    }

    /// Completes what is known of a request; nothing happens when it has been forgotten.
    pub(crate) fn complete(
        &self,
        number: u64,
        complete: impl FnOnce(&mut Recorded),
    ) -> Option<Recorded> {
        let mut inner = self.lock();
        let first = inner.kept.front()?.number;
        let place = usize::try_from(number.checked_sub(first)?).ok()?;
        let request = inner.kept.get_mut(place)?;
        complete(request);
        Some(request.clone())
    }

    /// The same text only once in memory.
    pub(crate) fn share(&self, document: &str) -> Arc<str> {
        let mut inner = self.lock();
        if let Some(known) = inner.documents.get(document) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = Arc::from(document);
        if inner.documents.len() < SHARED_DOCUMENTS {
            inner
                .documents
                .insert(document.to_owned(), Arc::clone(&shared));
        }
        shared
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.lock().kept.iter().cloned().collect()
    }

    pub(crate) fn total(&self) -> u64 {
        self.lock().next - 1
    }

    pub(crate) fn count(&self, field: &str) -> u64 {
        self.lock().counts.get(field).copied().unwrap_or_default()
    }

    pub(crate) fn reset(&self) {
        let mut inner = self.lock();
        inner.kept.clear();
        inner.counts.clear();
        inner.next = 1;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
