//! Waiting for the network inside a PostgreSQL backend.
//!
//! One current-thread runtime and the HTTP clients live as long as the backend, or until a wait is interrupted. The clients'
//! connection tasks run only while a query waits, on the backend's own thread. The one other thread that can appear looks up host names; it has
//! every signal blocked and never comes near PostgreSQL.

use std::cell::RefCell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use pgrx::pg_sys;
use pluralsight_api::{Client, Settings};
use tokio::runtime::{Builder, Runtime};

use crate::error::{FdwError, Result};

/// How long an interrupt may go unnoticed while the network is silent.
const INTERRUPT_CHECK: Duration = Duration::from_millis(5);
/// Turns that a connection's tasks get to notice that their request is gone: noticing, shutting down, closing.
const SETTLING_TURNS: usize = 8;
/// Clients kept: as many different sets of server options as one session will sensibly use.
const CLIENTS: usize = 8;

#[cfg(any(feature = "pg17", feature = "pg18"))]
thread_local! {
    static WAIT_EVENT: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

thread_local! {
    static RUNTIME: RefCell<Option<Rc<Runtime>>> = const { RefCell::new(None) };
    static CLIENT_POOL: RefCell<Vec<(Settings, Rc<Client>)>> = const { RefCell::new(Vec::new()) };
}

/// The backend's runtime, made on first use (never when the library is preloaded: threads and descriptors do not
/// survive a fork).
fn runtime() -> Result<Rc<Runtime>> {
    RUNTIME.with_borrow_mut(|slot| {
        if let Some(runtime) = slot {
            return Ok(Rc::clone(runtime));
        }
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(2)
            // A server that floods the connection keeps its task busy for as long as it is let: every turn of it is
            // followed by a look at the time.
            .event_interval(1)
            .thread_keep_alive(Duration::from_secs(1))
            .on_thread_start(block_signals)
            .build()
            .map_err(|error| {
                FdwError::internal(format!("cannot start the network runtime: {error}"))
            })?;
        let runtime = Rc::new(runtime);
        *slot = Some(Rc::clone(&runtime));
        Ok(runtime)
    })
}

/// PostgreSQL's signal handlers must run on the backend's own thread.
fn block_signals() {
    // SAFETY: both calls only read and write the set on this stack and the calling thread's own mask.
    unsafe {
        let mut every: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut every);
        libc::pthread_sigmask(libc::SIG_SETMASK, &every, std::ptr::null_mut());
    }
}

/// The client for these settings, kept with its idle connection for the life of the backend.
pub fn client(settings: &Settings) -> Result<Rc<Client>> {
    CLIENT_POOL.with_borrow_mut(|clients| {
        if let Some(position) = clients.iter().position(|(known, _)| known == settings) {
            let entry = clients.remove(position);
            let client = Rc::clone(&entry.1);
            clients.push(entry);
            return Ok(client);
        }
        let client = {
            let runtime = runtime()?;
            let _inside = runtime.enter();
            Rc::new(
                Client::new(settings)
                    .map_err(|error| FdwError::from_api(&error, "cannot set up the API client"))?,
            )
        };
        if clients.len() >= CLIENTS {
            clients.remove(0);
        }
        clients.push((settings.clone(), Rc::clone(&client)));
        Ok(client)
    })
}

/// Runs `future` to its end, looking for interrupts meanwhile.
///
/// Ctrl-C, `statement_timeout` and `pg_terminate_backend` end the wait by unwinding out of this function, which drops
/// the future and with it the request. An interrupt that turns out harmless (a reload, say) lets the same future go on.
pub fn wait<F: Future>(future: F) -> Result<F::Output> {
    // Before the future, so that it is dropped after it.
    let mut turn = Turn {
        runtime: Some(runtime()?),
        interrupted: true,
    };
    let mut future = pin!(future);
    loop {
        let waiting = WaitEvent::begin();
        let Some(runtime) = &turn.runtime else {
            return Err(FdwError::internal("a wait without a runtime"));
        };
        let outcome = runtime.block_on(async {
            tokio::select! {
                biased;
                output = &mut future => Some(output),
                () = tokio::time::sleep(INTERRUPT_CHECK) => None,
            }
        });
        drop(waiting);
        // Outside the runtime: raising an error must not unwind through it.
        pgrx::check_for_interrupts!();
        if let Some(output) = outcome {
            turn.interrupted = false;
            return Ok(output);
        }
    }
}

/// Shows in pg_stat_activity that the backend waits for the API, until it is dropped.
struct WaitEvent;

impl WaitEvent {
    fn begin() -> WaitEvent {
        report_wait(wait_event());
        WaitEvent
    }
}

impl Drop for WaitEvent {
    fn drop(&mut self) {
        report_wait(0);
    }
}

/// What PostgreSQL's own `pgstat_report_wait_start` and `pgstat_report_wait_end` do.
fn report_wait(event: u32) {
    // SAFETY: PostgreSQL keeps the pointer valid from a process's start to its end; others only read what it points to.
    unsafe { pg_sys::my_wait_event_info.write_volatile(event) };
}

/// `PluralsightRequest`, or before PostgreSQL 17 `Extension`, which has no names there.
fn wait_event() -> u32 {
    #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
    return pg_sys::PG_WAIT_EXTENSION;
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    WAIT_EVENT.with(|known| {
        if known.get() == 0 {
            // SAFETY: registers the name, or finds it registered; the text lives as long as the program.
            known.set(unsafe { pg_sys::WaitEventExtensionNew(c"PluralsightRequest".as_ptr()) });
        }
        known.get()
    })
}

/// One wait. When it is over, connections learn that their request was dropped: their tasks run only when somebody waits,
/// and a request that was given up would otherwise hold its socket until the next query.
///
/// After an interrupt the runtime goes with everything that it runs: a server that floods its connection would keep that
/// connection's task, and so the next query, busy.
struct Turn {
    runtime: Option<Rc<Runtime>>,
    interrupted: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        let interrupted = self.interrupted;
        // Nothing here waits for anything, and nothing of it may add a panic to the unwinding of an error.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| {
            if interrupted {
                CLIENT_POOL.with_borrow_mut(Vec::clear);
                drop(RUNTIME.take());
                if let Some(runtime) = Rc::into_inner(runtime) {
                    // Without waiting for a name look-up that hangs.
                    runtime.shutdown_background();
                }
                return;
            }
            runtime.block_on(async {
                for _ in 0..SETTLING_TURNS {
                    tokio::task::yield_now().await;
                }
            });
        }));
    }
}

// SAFETY: declarations of PostgreSQL's own functions from utils/timeout.h, unchanged from 14 to 18; neither raises.
unsafe extern "C-unwind" {
    fn get_timeout_active(id: i32) -> bool;
    fn get_timeout_finish_time(id: i32) -> pg_sys::TimestampTz;
}

/// In PostgreSQL's enum `TimeoutId`: `STATEMENT_TIMEOUT` and, since 17, `TRANSACTION_TIMEOUT`.
#[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
const DEADLINES: &[i32] = &[3];
#[cfg(any(feature = "pg17", feature = "pg18"))]
const DEADLINES: &[i32] = &[3, 8];

/// When `statement_timeout` or `transaction_timeout` will end the running statement, if either will.
pub fn statement_deadline() -> Option<Instant> {
    let left = DEADLINES
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
