//! What clients asked for.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;

/// One request, as it came and as it was answered.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Counted from 1 since the start, or since [`crate::Sandbox::reset`].
    pub number: u64,
    /// The root fields of the document, joined by commas: `users`. Empty when it could not be parsed.
    pub operation: String,
    /// The document.
    pub document: String,
    /// The variables; null when none were sent.
    pub variables: Value,
    /// Whether it came with the right API key.
    pub has_key: bool,
    /// HTTP status of the answer; `None` while it is being made, or when the connection was reset instead.
    pub status: Option<u16>,
    /// The faults that were applied, in the words of the command line.
    pub faults: Vec<String>,
    /// When the request had been read.
    pub at: Instant,
    /// From then until the answer was handed to the connection.
    pub took: Option<Duration>,
    /// Size of the answer's body as it was to be sent, compressed or not; 0 for one without an end.
    pub bytes_out: usize,
}

/// The log of requests. The oldest are forgotten past a limit.
pub(crate) struct Log {
    inner: Mutex<Inner>,
}

struct Inner {
    next: u64,
    kept: VecDeque<Recorded>,
}

const LIMIT: usize = 100_000;

impl Default for Log {
    fn default() -> Self {
        let inner = Inner {
            next: 1,
            kept: VecDeque::new(),
        };
        Self {
            inner: Mutex::new(inner),
        }
    }
}

impl Log {
    /// Notes a request and gives it a number.
    pub(crate) fn begin(&self, mut request: Recorded) -> u64 {
        let mut inner = self.lock();
        request.number = inner.next;
        inner.next += 1;
        if inner.kept.len() >= LIMIT {
            inner.kept.pop_front();
        }
        let number = request.number;
        inner.kept.push_back(request);
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

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.lock().kept.iter().cloned().collect()
    }

    pub(crate) fn total(&self) -> u64 {
        self.lock().next - 1
    }

    pub(crate) fn count(&self, field: &str) -> u64 {
        let inner = self.lock();
        let asks = |request: &&Recorded| request.operation.split(',').any(|asked| asked == field);
        inner.kept.iter().filter(asks).count() as u64
    }

    pub(crate) fn reset(&self) {
        let mut inner = self.lock();
        inner.kept.clear();
        inner.next = 1;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
