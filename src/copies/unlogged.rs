//! Unlogged tables that are taken back must not keep the server from starting.
//!
//! An aborted transaction deletes the files of the unlogged tables that it made, and PostgreSQL does not wait until its WAL
//! says so. If the server dies before the WAL is on disk (its main process alone is killed, and every backend aborts), recovery
//! makes half of these files anew, stumbles over the other half, and ends with `could not create file …: File exists`. Only
//! somebody who deletes files by hand gets the server to start. That holds for every `CREATE UNLOGGED TABLE`; a refresh keeps
//! such tables for as long as it reads, so it flushes the WAL of its abort before the files are deleted.

use std::cell::Cell;
use std::ffi::c_void;

use pgrx::pg_sys;
use pgrx::prelude::*;

/// The least that a record of the WAL takes: its header.
const RECORD: u64 = size_of::<pg_sys::XLogRecord>() as u64;

thread_local! {
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
    /// Whether this transaction has made unlogged tables.
    static MADE: Cell<bool> = const { Cell::new(false) };
}

/// To be called before a transaction makes an unlogged table.
pub fn will_be_made() {
    MADE.set(true);
    if !REGISTERED.replace(true) {
        // SAFETY: both functions stay for as long as the backend lives; a library is never unloaded.
        unsafe {
            pg_sys::RegisterXactCallback(Some(at_end), std::ptr::null_mut());
            pg_sys::RegisterSubXactCallback(Some(at_end_of_subtransaction), std::ptr::null_mut());
        }
    }
}

/// Called when the abort is in the WAL, and before files are deleted.
#[pg_guard]
unsafe extern "C-unwind" fn at_end(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    if event == pg_sys::XactEvent::XACT_EVENT_ABORT {
        flush();
    }
    if event == pg_sys::XactEvent::XACT_EVENT_ABORT || event == pg_sys::XactEvent::XACT_EVENT_COMMIT
    {
        MADE.set(false);
    }
}

/// As [`at_end`].
#[pg_guard]
unsafe extern "C-unwind" fn at_end_of_subtransaction(
    event: pg_sys::SubXactEvent::Type,
    _subtransaction: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut c_void,
) {
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        flush();
    }
}

fn flush() {
    // SAFETY: reads the backend's own state; the record that it names is in the WAL, and a flush takes all with it that is
    // complete there.
    unsafe {
        if MADE.get() && pg_sys::ProcLastRecPtr != 0 {
            pg_sys::XLogFlush(pg_sys::ProcLastRecPtr + RECORD);
        }
    }
}
