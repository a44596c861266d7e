//! Waiting for the network inside a PostgreSQL backend.
//!
//! The network has a thread of its own, which knows nothing of PostgreSQL and lives as long as the backend. The backend
//! waits for it beside its latch, so that an interrupt is answered at once, whatever the network does, and so that
//! pg_stat_activity says what is waited for.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use pgrx::pg_sys;
use pluralsight_api::io::{Demand, Feed, Io, Taken};
use pluralsight_api::{
    Account, Client, Context, Error as ApiError, Settings, Stats, ask, is_connecting,
};

use crate::compat;
use crate::error::{FdwError, Result};

/// How long the thread may take to let go of a request that was given up, before another thread takes its place.
const LETTING_GO: Duration = Duration::from_millis(100);
/// Settings known to make a client: as many as the thread keeps clients.
const PREPARED: usize = 8;

thread_local! {
    static IO: RefCell<Option<Rc<Io>>> = const { RefCell::new(None) };
    static KNOWN_SETTINGS: RefCell<Vec<Settings>> = const { RefCell::new(Vec::new()) };
    static WAIT_EVENTS: Cell<Option<WaitEvents>> = const { Cell::new(None) };
}

/// The thread, started on first use: never when the library is preloaded, since threads do not survive a fork.
pub fn io() -> Result<Rc<Io>> {
    if let Some(io) = IO.with_borrow(Clone::clone)
        && lets_go(&io)
    {
        return Ok(io);
    }
    let io = Rc::new(Io::start().map_err(|error| {
        FdwError::internal(format!("cannot start the thread for the network: {error}"))
    })?);
    // A thread that is held in a loop ends as soon as it gets out of it.
    IO.set(Some(Rc::clone(&io)));
    KNOWN_SETTINGS.take();
    Ok(io)
}

/// Whether the thread has let go of what was given up, or does so in time.
fn lets_go(io: &Io) -> bool {
    let until = Instant::now() + LETTING_GO;
    loop {
        io.clear();
        if io.hears() {
            return true;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        wait_event_or_latch(io.descriptor(), Some(left), wait_events().request);
    }
}

/// Makes sure that a client can be made from these settings.
pub fn prepare(account: &Account) -> Result<()> {
    let settings = &account.settings;
    if KNOWN_SETTINGS.with_borrow(|known| known.contains(settings)) {
        return Ok(());
    }
    run(account, async |_: &Client, _: &Context<'_>| Ok(()))?
        .map_err(|error| FdwError::from_api(&error, "cannot set up the API client"))?;
    KNOWN_SETTINGS.with_borrow_mut(|known| {
        if known.len() >= PREPARED {
            known.remove(0);
        }
        known.push(settings.clone());
    });
    Ok(())
}

/// Runs a request of the client on its thread, and waits for the answer.
pub fn run<T: Send + 'static>(
    account: &Account,
    request: impl AsyncFnOnce(&Client, &Context<'_>) -> std::result::Result<T, ApiError>
    + Send
    + 'static,
) -> Result<std::result::Result<T, ApiError>> {
    let feed = ask(&*io()?, account.clone(), demand(), request);
    wait(&feed, &account.stats)
}

/// Waits for what a feed brings next.
///
/// Ctrl-C, `statement_timeout` and `pg_terminate_backend` end the wait by unwinding out of this function; the request ends
/// when its feed is dropped. After an interrupt that turns out harmless (a reload, say) the wait goes on.
pub fn wait<T>(feed: &Feed<T>, stats: &Stats) -> Result<T> {
    loop {
        feed.clear();
        match feed.take() {
            Taken::Item(item) => return Ok(item),
            Taken::Ended => {
                return Err(FdwError::internal("the thread for the network has failed")
                    .hint("The server's log says more."));
            }
            Taken::Pending => {}
        }
        let events = wait_events();
        let event = if stats.is_between_attempts() {
            events.backoff
        } else if is_connecting() {
            events.connect
        } else {
            events.request
        };
        wait_event_or_latch(feed.descriptor(), None, event);
    }
}

/// Waits until the descriptor is readable or the time is over, and answers interrupts.
fn wait_event_or_latch(descriptor: i32, timeout: Option<Duration>, event: u32) {
    let mut wanted =
        pg_sys::WL_LATCH_SET | pg_sys::WL_SOCKET_READABLE | pg_sys::WL_EXIT_ON_PM_DEATH;
    let mut milliseconds = -1;
    if let Some(timeout) = timeout {
        wanted |= pg_sys::WL_TIMEOUT;
        milliseconds = timeout.as_millis() as std::ffi::c_long + 1;
    }
    // SAFETY: the backend's own latch and an open descriptor; the calls are made on the backend's thread. Raising an error
    // here leaves nothing half done: what waits is dropped by the unwinding.
    unsafe {
        let happened = pg_sys::WaitLatchOrSocket(
            pg_sys::MyLatch,
            wanted as i32,
            descriptor,
            milliseconds,
            event,
        );
        if happened as u32 & pg_sys::WL_LATCH_SET != 0 {
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
    }
    pgrx::check_for_interrupts!();
}

/// What pg_stat_activity calls the waits.
#[derive(Clone, Copy)]
struct WaitEvents {
    connect: u32,
    request: u32,
    backoff: u32,
}

fn wait_events() -> WaitEvents {
    if let Some(events) = WAIT_EVENTS.get() {
        return events;
    }
    let events = WaitEvents {
        connect: compat::wait_event(c"PluralsightConnect"),
        request: compat::wait_event(c"PluralsightRequest"),
        backoff: compat::wait_event(c"PluralsightBackoff"),
    };
    WAIT_EVENTS.set(Some(events));
    events
}

/// One more answer is wanted before the statement ends.
pub fn demand() -> Demand {
    Demand {
        deadline: statement_deadline(),
    }
}

// SAFETY: declarations of PostgreSQL's own functions from utils/timeout.h, unchanged from 14 to 18; neither raises.
unsafe extern "C-unwind" {
    fn get_timeout_active(id: i32) -> bool;
    fn get_timeout_finish_time(id: i32) -> pg_sys::TimestampTz;
}

/// When `statement_timeout` or `transaction_timeout` will end the running statement, if either will.
pub fn statement_deadline() -> Option<Instant> {
    let left = compat::DEADLINES
        .iter()
        .filter_map(|&timeout| {
            // SAFETY: plain reads of the backend's own state, on the backend's thread.
            unsafe {
                get_timeout_active(timeout)
                    .then(|| get_timeout_finish_time(timeout) - pg_sys::GetCurrentTimestamp())
            }
        })
        .min()?;
    Some(Instant::now() + Duration::from_micros(left.max(0).unsigned_abs()))
}
