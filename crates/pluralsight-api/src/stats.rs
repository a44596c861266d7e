//! What reading the API took, for `EXPLAIN` and for people.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::wake::Wake;

/// What all scans of this process, that is of a backend, have taken together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// HTTP requests sent, repeated ones included.
    pub requests: u64,
    /// Requests that were sent again after one that failed.
    pub retries: u64,
    /// Bytes of reply bodies, after decompression.
    pub bytes: u64,
}

static REQUESTS: AtomicU64 = AtomicU64::new(0);
static RETRIES: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// The sum over everything that this process has read so far.
pub fn session_totals() -> Totals {
    Totals {
        requests: REQUESTS.load(Relaxed),
        retries: RETRIES.load(Relaxed),
        bytes: BYTES.load(Relaxed),
    }
}

static CLOCK: Mutex<Option<(SystemTime, SystemTime)>> = Mutex::new(None);

/// The time that the last reply to this process was sent by the API's clock, and the time that it came by this machine's.
pub fn session_clock() -> Option<(SystemTime, SystemTime)> {
    *CLOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counters of one scan. Shared by reference and readable at any moment, also while a request is under way on another
/// thread.
#[derive(Debug, Default)]
pub struct Stats {
    requests: AtomicU64,
    retries: AtomicU64,
    pages: AtomicU64,
    rows: AtomicU64,
    duplicates: AtomicU64,
    bytes: AtomicU64,
    /// Times are in nanoseconds.
    waited: AtomicU64,
    backoff: AtomicU64,
    slowest_page: AtomicU64,
    clock: Mutex<Option<(SystemTime, SystemTime)>>,
    between_attempts: AtomicBool,
    /// Who is to be told when the kind of wait changes.
    watcher: OnceLock<Arc<Wake>>,
}

impl Stats {
    /// HTTP requests sent, repeated ones included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Requests that were sent again after one that failed.
    pub fn retries(&self) -> u64 {
        self.retries.load(Relaxed)
    }

    /// Pages that came whole.
    pub fn pages(&self) -> u64 {
        self.pages.load(Relaxed)
    }

    /// Records handed out.
    pub fn rows(&self) -> u64 {
        self.rows.load(Relaxed)
    }

    /// Records that came again and were left out.
    pub fn duplicates(&self) -> u64 {
        self.duplicates.load(Relaxed)
    }

    /// Bytes of reply bodies, after decompression.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Time spent on the network and between attempts.
    pub fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited.load(Relaxed))
    }

    /// The part of [`Stats::waited`] that was spent between attempts.
    pub fn backoff(&self) -> Duration {
        Duration::from_nanos(self.backoff.load(Relaxed))
    }

    /// The longest that one page took, its retries included.
    pub fn slowest_page(&self) -> Duration {
        Duration::from_nanos(self.slowest_page.load(Relaxed))
    }

    /// The time that the last reply was sent by the API's clock, and the time that it came by this machine's; `None` if
    /// no reply has told its date. The API's has whole seconds.
    pub fn clock(&self) -> Option<(SystemTime, SystemTime)> {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the wait that is under way is one between two attempts.
    pub fn is_between_attempts(&self) -> bool {
        self.between_attempts.load(Relaxed)
    }

    /// Wakes the other side of the thread whenever the kind of wait changes.
    pub(crate) fn watch_by(&self, wake: Arc<Wake>) {
        // The first one stays: all readings that share counters are on one thread.
        let _ = self.watcher.set(wake);
    }

    fn now_between_attempts(&self, between: bool) {
        self.between_attempts.store(between, Relaxed);
        if let Some(watcher) = self.watcher.get() {
            watcher.wake();
        }
    }

    pub(crate) fn heard_the_time(&self, sent: SystemTime) {
        let clock = Some((sent, SystemTime::now()));
        for slot in [&self.clock, &CLOCK] {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = clock;
        }
    }

    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Relaxed);
        REQUESTS.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_retry(&self) {
        self.retries.fetch_add(1, Relaxed);
        RETRIES.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
        BYTES.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn count_page(&self, rows: usize, duplicates: usize, took: Duration) {
        self.pages.fetch_add(1, Relaxed);
        self.rows.fetch_add(rows as u64, Relaxed);
        self.duplicates.fetch_add(duplicates as u64, Relaxed);
        self.slowest_page.fetch_max(nanoseconds(took), Relaxed);
    }

    /// Counts the time from now until the guard is dropped, also when the future that holds it is dropped.
    pub(crate) fn waiting(&self, between_attempts: bool) -> Waiting<'_> {
        if between_attempts {
            self.now_between_attempts(true);
        }
        Waiting {
            stats: self,
            since: Instant::now(),
            between_attempts,
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// See [`Stats::waiting`].
pub(crate) struct Waiting<'a> {
    stats: &'a Stats,
    since: Instant,
    between_attempts: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let took = nanoseconds(self.since.elapsed());
        self.stats.waited.fetch_add(took, Relaxed);
        if self.between_attempts {
            self.stats.backoff.fetch_add(took, Relaxed);
            self.stats.now_between_attempts(false);
        }
    }
}
