//! Where PostgreSQL's major versions differ.

use std::ffi::c_char;

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

/// `create_foreignscan_path`, whose arguments grew with 17 and 18.
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
    let (none, nil) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the caller vouches for the arguments; the rest are PostgreSQL's own "nothing".
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
        return pg_sys::create_foreignscan_path(
            root,
            rel,
            std::ptr::null_mut(),
            rows,
            startup_cost,
            total_cost,
            nil,
            required_outer,
            none,
            nil,
        );
        #[cfg(feature = "pg17")]
        return pg_sys::create_foreignscan_path(
            root,
            rel,
            std::ptr::null_mut(),
            rows,
            startup_cost,
            total_cost,
            nil,
            required_outer,
            none,
            nil,
            nil,
        );
        #[cfg(feature = "pg18")]
        return pg_sys::create_foreignscan_path(
            root,
            rel,
            std::ptr::null_mut(),
            rows,
            0,
            startup_cost,
            total_cost,
            nil,
            required_outer,
            none,
            nil,
            nil,
        );
    }
}

/// `create_foreign_upper_path`, whose arguments grew with 17 and 18.
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
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
        return pg_sys::create_foreign_upper_path(
            root,
            rel,
            target,
            1.0,
            startup_cost,
            total_cost,
            nil,
            none,
            private,
        );
        #[cfg(feature = "pg17")]
        return pg_sys::create_foreign_upper_path(
            root,
            rel,
            target,
            1.0,
            startup_cost,
            total_cost,
            nil,
            none,
            nil,
            private,
        );
        #[cfg(feature = "pg18")]
        return pg_sys::create_foreign_upper_path(
            root,
            rel,
            target,
            1.0,
            0,
            startup_cost,
            total_cost,
            nil,
            none,
            nil,
            private,
        );
    }
}
