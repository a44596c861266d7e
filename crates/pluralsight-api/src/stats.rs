//! What a scan has cost so far.

use std::cell::Cell;
use std::time::Duration;

/// Counters of one scan. They can be read while a request is under way.
#[derive(Debug, Default)]
pub struct Stats {
    requests: Cell<u64>,
    retries: Cell<u64>,
    pages: Cell<u64>,
    bytes: Cell<u64>,
    waited: Cell<Duration>,
    backoff: Cell<Duration>,
    slowest: Cell<Duration>,
}

impl Stats {
    /// HTTP requests sent, retries included.
    pub fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Requests that repeated an earlier one.
    pub fn retries(&self) -> u64 {
        self.retries.get()
    }

    /// Pages received.
    pub fn pages(&self) -> u64 {
        self.pages.get()
    }

    /// Bytes of the replies' bodies, after decompression.
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Time spent waiting: for replies and before retries.
    pub fn waited(&self) -> Duration {
        self.waited.get()
    }

    /// The part of [`Stats::waited`] spent before retries.
    pub fn backoff(&self) -> Duration {
        self.backoff.get()
    }

    /// The longest wait for one reply.
    pub fn slowest(&self) -> Duration {
        self.slowest.get()
    }

    pub(crate) fn request(&self, retry: bool) {
        self.requests.set(self.requests.get() + 1);
        self.retries.set(self.retries.get() + u64::from(retry));
    }

    pub(crate) fn page(&self) {
        self.pages.set(self.pages.get() + 1);
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.bytes.set(self.bytes.get() + bytes);
    }

    pub(crate) fn replied(&self, after: Duration) {
        self.waited.set(self.waited.get() + after);
        self.slowest.set(self.slowest.get().max(after));
    }

    pub(crate) fn backed_off(&self, delay: Duration) {
        self.waited.set(self.waited.get() + delay);
        self.backoff.set(self.backoff.get() + delay);
    }
}

/// How many retries a scan may make over all its requests, so that an API on its knees is not hammered.
#[derive(Debug)]
pub struct RetryBudget {
    left: Cell<u32>,
}

impl RetryBudget {
    pub fn new(retries: u32) -> RetryBudget {
        RetryBudget { left: Cell::new(retries) }
    }

    /// Takes one retry; false if there is none left.
    pub(crate) fn take(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }
}

impl Default for RetryBudget {
    /// Ten retries: three pages that each needed the last attempt, and some to spare.
    fn default() -> RetryBudget {
        RetryBudget::new(10)
    }
}
