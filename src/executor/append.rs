//! Scans below one Append that wait for the network together: `UNION ALL`, partitions, the children of a table.
//!
//! The Append asks each of its scans for a row and goes on with those that have one. So the pages of several organizations
//! are under way at once, while no scan holds more of them than it would alone. How many scans read at a time is
//! `pluralsight_fdw.parallel_readings`; where the plan may stop early, it is one after the other, as if nobody had asked.

use pgrx::pg_sys::{self, ffi::pg_guard_ffi_boundary};
use pgrx::prelude::*;

use super::scan::{Scan, with_scan};
use crate::compat;

// SAFETY: a declaration of PostgreSQL's own function from executor/execAsync.h, unchanged from 14 to 18.
unsafe extern "C-unwind" {
    fn ExecAsyncResponse(request: *mut pg_sys::AsyncRequest);
}

#[pg_guard]
pub unsafe extern "C-unwind" fn is_foreign_path_async_capable(
    path: *mut pg_sys::ForeignPath,
) -> bool {
    // SAFETY: the planner's own path.
    let (kind, may_stop) = unsafe {
        let may_stop = !(*path).fdw_private.is_null();
        ((*(*path).path.parent).reloptkind, may_stop)
    };
    let is_scan = matches!(
        kind,
        pg_sys::RelOptKind::RELOPT_BASEREL | pg_sys::RelOptKind::RELOPT_OTHER_MEMBER_REL
    );
    is_scan && !may_stop && compat::append_answers_interrupts()
}

/// Asked for a row: there is one, there is none any more, or it has to be waited for.
#[pg_guard]
pub unsafe extern "C-unwind" fn foreign_async_request(request: *mut pg_sys::AsyncRequest) {
    // SAFETY: the executor's own request, for a scan of ours.
    unsafe { produce(request) }
}

/// Says what is to be waited for, unless the row has come meanwhile.
#[pg_guard]
pub unsafe extern "C-unwind" fn foreign_async_configure_wait(request: *mut pg_sys::AsyncRequest) {
    // SAFETY: the executor's own request, for a scan of ours, which waits.
    unsafe {
        (*request).callback_pending = false;
        produce(request);
        if (*request).request_complete {
            let instrument = (*(*request).requestee).instrument;
            if !instrument.is_null() && !(*request).result.is_null() {
                (*instrument).tuplecount += 1.0;
            }
            pg_guard_ffi_boundary(|| ExecAsyncResponse(request));
            return;
        }
        let Some(descriptor) = descriptor(request) else {
            return;
        };
        // All scans of one thread have one descriptor, and a set holds each once.
        let is_there = siblings(request).into_iter().any(|(other, _)| {
            (*other).request_index < (*request).request_index
                && (*other).callback_pending
                && self::descriptor(other) == Some(descriptor)
        });
        if !is_there {
            let append = (*request).requestor.cast::<pg_sys::AppendState>();
            pg_sys::AddWaitEventToSet(
                (*append).as_eventset,
                pg_sys::WL_SOCKET_READABLE,
                descriptor,
                std::ptr::null_mut(),
                request.cast(),
            );
        }
    }
}

/// Something has happened on the descriptor, to this scan or to another one.
#[pg_guard]
pub unsafe extern "C-unwind" fn foreign_async_notify(request: *mut pg_sys::AsyncRequest) {
    // SAFETY: the executor's own request, for a scan of ours.
    unsafe {
        // Before anything is looked at: every scan that waits is looked at again before the next wait.
        if let Some(scan) = scan_of(request) {
            scan.clear_descriptor();
        }
        produce(request);
    }
}

/// # Safety
/// `request` must be one for a scan of ours.
unsafe fn scan_of<'a>(request: *mut pg_sys::AsyncRequest) -> Option<&'a mut Scan> {
    // SAFETY: the caller vouches for the request.
    unsafe { with_scan((*request).requestee.cast()) }
}

unsafe fn descriptor(request: *mut pg_sys::AsyncRequest) -> Option<i32> {
    // SAFETY: the caller has a request for a scan of ours.
    unsafe { scan_of(request)?.descriptor() }
}

/// The other requests of the same Append that are for scans of ours.
unsafe fn siblings(
    request: *mut pg_sys::AsyncRequest,
) -> Vec<(*mut pg_sys::AsyncRequest, &'static Scan)> {
    let mut found = Vec::new();
    // SAFETY: the requestor of every request is an Append; its array has a request for each member of the set.
    unsafe {
        let append = (*request).requestor.cast::<pg_sys::AppendState>();
        let mut index = -1;
        loop {
            index = pg_sys::bms_next_member((*append).as_asyncplans, index);
            let Ok(position) = usize::try_from(index) else {
                return found;
            };
            let other = *(*append).as_asyncrequests.add(position);
            if std::ptr::eq(other, request) {
                continue;
            }
            let node = (*other).requestee.cast::<pg_sys::ForeignScanState>();
            let is_ours = (*node).fdwroutine.as_ref().is_some_and(|routine| {
                routine.ForeignAsyncNotify.map(|notify| notify as *const ())
                    == Some(foreign_async_notify as *const ())
            });
            if is_ours && let Some(scan) = scan_of(other) {
                found.push((other, &*scan));
            }
        }
    }
}

/// Whether the scan may ask for its first page now.
unsafe fn may_begin(request: *mut pg_sys::AsyncRequest, scan: &Scan) -> bool {
    if scan.is_reading() {
        return true;
    }
    // SAFETY: the caller has a request for a scan of ours.
    let (siblings, depends, is_last) = unsafe {
        let plan = (*(*request).requestee).plan;
        let append = (*request).requestor.cast::<pg_sys::AppendState>();
        let depends = !(*plan).allParam.is_null();
        (siblings(request), depends, (*append).as_syncdone)
    };
    // Where the statement may stop early, plans that are not asynchronous come first.
    if !is_last && !scan.is_read_to_end() {
        return false;
    }
    let reading = || siblings.iter().filter(|(_, other)| other.is_reading());
    // What it depends on may find its records in a whole reading of the same server, once that has ended.
    let has_to_wait = depends && reading().any(|(_, other)| other.is_of_same_server(scan));
    !has_to_wait && reading().count() < scan.most_at_once()
}

unsafe fn produce(request: *mut pg_sys::AsyncRequest) {
    // SAFETY: the caller has a request for a scan of ours, which the executor runs through the node's own function.
    unsafe {
        let Some(scan) = scan_of(request) else {
            return answer(request, std::ptr::null_mut());
        };
        if !scan.complete && !may_begin(request, scan) {
            return wait(request);
        }
        // Beside plans that are not asynchronous it waits, so that these come after it, as without all this: they may need
        // what it reads. The next pages of all scans are under way nevertheless.
        let append = (*request).requestor.cast::<pg_sys::AppendState>();
        scan.set_waits((*append).as_nasyncplans < (*append).as_nplans);
        let node = (*request).requestee;
        let run = (*node)
            .ExecProcNodeReal
            .expect("a node that runs has a function");
        let slot = pg_guard_ffi_boundary(|| run(node));
        let scan = scan_of(request);
        let has_row = !slot.is_null() && (*slot).tts_flags & pg_sys::TTS_FLAG_EMPTY as u16 == 0;
        let is_early = scan.is_some_and(|scan| scan.set_waits(true));
        if has_row {
            answer(request, slot);
        } else if is_early {
            wait(request);
        } else {
            answer(request, std::ptr::null_mut());
        }
    }
}

unsafe fn answer(request: *mut pg_sys::AsyncRequest, slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: the executor's own request.
    unsafe {
        (*request).request_complete = true;
        (*request).callback_pending = false;
        (*request).result = slot;
    }
}

unsafe fn wait(request: *mut pg_sys::AsyncRequest) {
    // SAFETY: the executor's own request.
    unsafe {
        (*request).request_complete = false;
        (*request).callback_pending = true;
        (*request).result = std::ptr::null_mut();
    }
}
