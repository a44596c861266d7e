//! Whether the executor may ask a scan for its rows a second time.

use pgrx::pg_sys::{self, NodeTag};

use crate::list::members;

/// Looks for `scan` in the statement's plan: below the inner side of a nested loop, or outside the main tree (in a
/// sub-plan), it may be rescanned. A node that keeps its input's rows itself shields what is below it.
///
/// # Safety
/// `statement` must be the plan that is being executed, `scan` one of its nodes.
pub unsafe fn may_rescan(statement: *mut pg_sys::PlannedStmt, scan: *const pg_sys::Plan) -> bool {
    // SAFETY: the caller vouches for the plan.
    unsafe { find((*statement).planTree, scan, false) }.unwrap_or(true)
}

unsafe fn find(plan: *mut pg_sys::Plan, scan: *const pg_sys::Plan, again: bool) -> Option<bool> {
    if plan.is_null() {
        return None;
    }
    if std::ptr::eq(plan, scan) {
        return Some(again);
    }
    // SAFETY: plan nodes are read by their tags; each list below holds plans.
    unsafe {
        match (*plan).type_ {
            NodeTag::T_Material => find((*plan).lefttree, scan, false),
            NodeTag::T_NestLoop => {
                find((*plan).lefttree, scan, again).or_else(|| find((*plan).righttree, scan, true))
            }
            NodeTag::T_RecursiveUnion => {
                find((*plan).lefttree, scan, again).or_else(|| find((*plan).righttree, scan, true))
            }
            NodeTag::T_Append => find_in((*plan.cast::<pg_sys::Append>()).appendplans, scan, again),
            NodeTag::T_MergeAppend => find_in(
                (*plan.cast::<pg_sys::MergeAppend>()).mergeplans,
                scan,
                again,
            ),
            NodeTag::T_SubqueryScan => {
                find((*plan.cast::<pg_sys::SubqueryScan>()).subplan, scan, again)
            }
            _ => {
                find((*plan).lefttree, scan, again).or_else(|| find((*plan).righttree, scan, again))
            }
        }
    }
}

unsafe fn find_in(
    plans: *mut pg_sys::List,
    scan: *const pg_sys::Plan,
    again: bool,
) -> Option<bool> {
    // SAFETY: a list of plans.
    unsafe {
        members(plans)
            .into_iter()
            .find_map(|plan| find(plan, scan, again))
    }
}
