//! What reading the API took, for `EXPLAIN` and for people.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime};

/// What all scans of this thread, that is of a backend, have taken together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// HTTP requests sent, repeated ones included.
    pub requests: u64,
    /// Requests that were sent again after one that failed.
    pub retries: u64,
    /// Bytes of reply bodies, after decompression.
    pub bytes: u64,
}

thread_local! {
    static TOTALS: Cell<Totals> = const { Cell::new(Totals { requests: 0, retries: 0, bytes: 0 }) };
}

/// The sum over everything that this thread has read so far.
pub fn session_totals() -> Totals {
    TOTALS.get()
}

thread_local! {
    static CLOCK: Cell<Option<(SystemTime, SystemTime)>> = const { Cell::new(None) };
}

/// The time that the last reply to this thread was sent by the API's clock, and the time that it came by this machine's.
pub fn session_clock() -> Option<(SystemTime, SystemTime)> {
    CLOCK.get()
}

fn add(change: impl FnOnce(&mut Totals)) {
    let mut totals = TOTALS.get();
    change(&mut totals);
    TOTALS.set(totals);
}

/// Counters of one scan. Shared by reference and readable at any moment, also while a request is under way.
#[derive(Debug, Default)]
pub struct Stats {
    requests: Cell<u64>,
    retries: Cell<u64>,
    pages: Cell<u64>,
    rows: Cell<u64>,
    duplicates: Cell<u64>,
    bytes: Cell<u64>,
    waited: Cell<Duration>,
    backoff: Cell<Duration>,
    slowest_page: Cell<Duration>,
    clock: Cell<Option<(SystemTime, SystemTime)>>,
}

impl Stats {
    /// HTTP requests sent, repeated ones included.
    pub fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Requests that were sent again after one that failed.
    pub fn retries(&self) -> u64 {
        self.retries.get()
    }

    /// Pages that came whole.
    pub fn pages(&self) -> u64 {
        self.pages.get()
    }

    /// Records handed out.
    pub fn rows(&self) -> u64 {
        self.rows.get()
    }

    /// Records that came again and were left out.
    pub fn duplicates(&self) -> u64 {
        self.duplicates.get()
    }

    /// Bytes of reply bodies, after decompression.
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Time spent on the network and between attempts.
    pub fn waited(&self) -> Duration {
        self.waited.get()
    }

    /// The part of [`Stats::waited`] that was spent between attempts.
    pub fn backoff(&self) -> Duration {
        self.backoff.get()
    }

    /// The longest that one page took, its retries included.
    pub fn slowest_page(&self) -> Duration {
        self.slowest_page.get()
    }

    /// The time that the last reply was sent by the API's clock, and the time that it came by this machine's; `None` if
    /// no reply has told its date. The API's has whole seconds.
    pub fn clock(&self) -> Option<(SystemTime, SystemTime)> {
        self.clock.get()
    }

    pub(crate) fn heard_the_time(&self, sent: SystemTime) {
        let clock = Some((sent, SystemTime::now()));
        self.clock.set(clock);
        CLOCK.set(clock);
    }

    pub(crate) fn count_request(&self) {
        self.requests.set(self.requests.get().saturating_add(1));
        add(|totals| totals.requests = totals.requests.saturating_add(1));
    }

    pub(crate) fn count_retry(&self) {
        self.retries.set(self.retries.get().saturating_add(1));
        add(|totals| totals.retries = totals.retries.saturating_add(1));
    }

    pub(crate) fn count_bytes(&self, bytes: usize) {
        self.bytes
            .set(self.bytes.get().saturating_add(bytes as u64));
        add(|totals| totals.bytes = totals.bytes.saturating_add(bytes as u64));
    }

    pub(crate) fn count_page(&self, rows: usize, duplicates: usize, took: Duration) {
        self.pages.set(self.pages.get().saturating_add(1));
        self.rows.set(self.rows.get().saturating_add(rows as u64));
        self.duplicates
            .set(self.duplicates.get().saturating_add(duplicates as u64));
        self.slowest_page.set(self.slowest_page.get().max(took));
    }

    /// Counts the time from now until the guard is dropped, also when the future that holds it is dropped.
    pub(crate) fn waiting(&self, between_attempts: bool) -> Waiting<'_> {
        Waiting {
            stats: self,
            since: Instant::now(),
            between_attempts,
        }
    }
}

/// See [`Stats::waiting`].
pub(crate) struct Waiting<'a> {
    stats: &'a Stats,
    since: Instant,
    between_attempts: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let took = self.since.elapsed();
        let stats = self.stats;
        stats.waited.set(stats.waited.get().saturating_add(took));
        if self.between_attempts {
            stats.backoff.set(stats.backoff.get().saturating_add(took));
        }
    }
}
