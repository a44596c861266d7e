//! Where PostgreSQL's major versions differ.

use std::ffi::{CStr, c_char};

use pgrx::pg_sys;

/// The text of a String node.
///
/// # Safety
/// `node` must be a String node.
pub unsafe fn string_value(node: *mut pg_sys::Node) -> *const c_char {
    // SAFETY: the caller vouches for the node's type.
    #[cfg(feature = "pg14")]
    unsafe {
        (*node.cast::<pg_sys::Value>()).val.str_
    }
    // SAFETY: as above.
    #[cfg(not(feature = "pg14"))]
    unsafe {
        (*node.cast::<pg_sys::String>()).sval
    }
}

/// The role whose privileges and user mapping count for a scan: the owner of the view that it stands in, or else the
/// current role. As postgres_fdw does it.
///
/// # Safety
/// `node` must be a scan that is being executed.
pub unsafe fn scan_user(node: *mut pg_sys::ForeignScanState) -> pg_sys::Oid {
    // SAFETY: the caller vouches for the node; an executing scan has a plan and an executor state.
    let checked = unsafe {
        let plan = (*node).ss.ps.plan.cast::<pg_sys::ForeignScan>();
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        {
            let estate = (*node).ss.ps.state;
            let relation = if (*plan).scan.scanrelid > 0 {
                (*plan).scan.scanrelid as i32
            } else {
                pg_sys::bms_next_member((*plan).fs_relids, -1)
            };
            let entries = crate::list::members::<pg_sys::RangeTblEntry>((*estate).es_range_table);
            entries
                .get(relation as usize - 1)
                .map_or(pg_sys::InvalidOid, |&entry| (*entry).checkAsUser)
        }
        #[cfg(not(any(feature = "pg14", feature = "pg15")))]
        {
            (*plan).checkAsUser
        }
    };
    if checked == pg_sys::InvalidOid {
        // SAFETY: reads the backend's own state.
        unsafe { pg_sys::GetUserId() }
    } else {
        checked
    }
}

/// `ReThrowError`, which never returns; the bindings of 18 do not know that.
///
/// # Safety
/// As the function itself: `data` must be a copy of an error.
pub unsafe fn rethrow(data: *mut pg_sys::ErrorData) -> ! {
    // SAFETY: the caller vouches for the error.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        pg_sys::ReThrowError(data);
        #[cfg(feature = "pg18")]
        {
            pg_sys::ReThrowError(data);
            unreachable!("an error was raised")
        }
    }
}

/// Whether some of the plans may turn out not to be needed while the statement runs.
///
/// # Safety
/// `append` must be a plan that is in use.
pub unsafe fn is_pruned(append: *const pg_sys::Append) -> bool {
    // SAFETY: the caller vouches for the plan.
    #[cfg(not(feature = "pg18"))]
    return unsafe { !(*append).part_prune_info.is_null() };
    // SAFETY: as above.
    #[cfg(feature = "pg18")]
    return unsafe { (*append).part_prune_index >= 0 };
}

/// Whether an Append answers interrupts while it waits for its scans: since the minor releases of May 2025.
pub fn append_answers_interrupts() -> bool {
    #[cfg(feature = "pg14")]
    const FIRST: i32 = 140_018;
    #[cfg(feature = "pg15")]
    const FIRST: i32 = 150_013;
    #[cfg(feature = "pg16")]
    const FIRST: i32 = 160_009;
    #[cfg(feature = "pg17")]
    const FIRST: i32 = 170_005;
    #[cfg(feature = "pg18")]
    const FIRST: i32 = 180_000;
    // SAFETY: reads a setting that every server has, and its text.
    let number = unsafe {
        let text = pg_sys::GetConfigOption(c"server_version_num".as_ptr(), true, false);
        if text.is_null() {
            return false;
        }
        CStr::from_ptr(text)
    };
    let number = number
        .to_str()
        .ok()
        .and_then(|text| text.parse::<i32>().ok());
    number.is_some_and(|number| number >= FIRST)
}

/// Refuses settings of the extension's that do not exist; 14 cannot.
pub fn reserve_prefix(prefix: &'static CStr) {
    #[cfg(feature = "pg14")]
    let _ = prefix;
    // SAFETY: the call only records the prefix, which lives as long as the program.
    #[cfg(not(feature = "pg14"))]
    unsafe {
        pg_sys::MarkGUCPrefixReserved(prefix.as_ptr());
    }
}

/// In PostgreSQL's enum `TimeoutId`: `STATEMENT_TIMEOUT` and, since 17, `TRANSACTION_TIMEOUT`.
#[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
pub const DEADLINES: &[i32] = &[3];
#[cfg(any(feature = "pg17", feature = "pg18"))]
pub const DEADLINES: &[i32] = &[3, 8];

/// A wait event of that name, or before 17 `Extension`, which has no names there.
pub fn wait_event(name: &'static CStr) -> u32 {
    #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
    {
        let _ = name;
        pg_sys::PG_WAIT_EXTENSION
    }
    // SAFETY: registers the name, or finds it registered; it lives as long as the program.
    #[cfg(any(feature = "pg17", feature = "pg18"))]
    unsafe {
        pg_sys::WaitEventExtensionNew(name.as_ptr())
    }
}

/// Calls one of PostgreSQL's makers of foreign paths, whose arguments grew: 18 has the number of disabled nodes before the
/// costs, and 17 the restrictions of a join that was pushed down before the private list. Neither is ever anything here.
macro_rules! foreign_path {
    ($make:ident($($head:expr),* ; $startup:expr, $total:expr, $($middle:expr),* ; $private:expr)) => {{
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
        let path = pg_sys::$make($($head),*, $startup, $total, $($middle),*, $private);
        #[cfg(feature = "pg17")]
        let path = pg_sys::$make($($head),*, $startup, $total, $($middle),*, std::ptr::null_mut(), $private);
        #[cfg(feature = "pg18")]
        let path = pg_sys::$make($($head),*, 0, $startup, $total, $($middle),*, std::ptr::null_mut(), $private);
        path
    }};
}

/// `create_foreignscan_path`.
///
/// # Safety
/// As the function itself: called while planning, with `rel` a base relation of ours.
pub unsafe fn foreign_scan_path(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    rows: f64,
    startup_cost: f64,
    total_cost: f64,
    required_outer: *mut pg_sys::Bitmapset,
) -> *mut pg_sys::ForeignPath {
    let (target, none, nil) = (
        std::ptr::null_mut(),
        std::ptr::null_mut(),
        std::ptr::null_mut(),
    );
    // SAFETY: the caller vouches for the arguments; the rest are PostgreSQL's own "nothing".
    unsafe {
        foreign_path!(create_foreignscan_path(
            root, rel, target, rows; startup_cost, total_cost, nil, required_outer, none; nil
        ))
    }
}

/// `create_foreign_upper_path`.
///
/// # Safety
/// As the function itself: called from GetForeignUpperPaths with its arguments.
pub unsafe fn foreign_upper_path(
    root: *mut pg_sys::PlannerInfo,
    rel: *mut pg_sys::RelOptInfo,
    target: *mut pg_sys::PathTarget,
    startup_cost: f64,
    total_cost: f64,
    private: *mut pg_sys::List,
) -> *mut pg_sys::ForeignPath {
    let (none, nil) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the caller vouches for the arguments.
    unsafe {
        foreign_path!(create_foreign_upper_path(
            root, rel, target, 1.0; startup_cost, total_cost, nil, none; private
        ))
    }
}
