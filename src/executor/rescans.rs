//! What the executor will ask of a scan: its rows a second time, or all of them.

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

/// Whether every row of a scan will be asked for, unless the query fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Whole,
    /// If whoever runs the statement takes all of its rows.
    AsTheStatement,
    Unknown,
}

/// A node may stop its input early: LIMIT, a join that has seen enough, EXISTS. So may whoever fetches from a cursor,
/// unless a node below it takes in all of its input before it hands out its first row.
///
/// # Safety
/// `statement` must be the plan that is being executed, `scan` one of its nodes.
pub unsafe fn extent(statement: *mut pg_sys::PlannedStmt, scan: *const pg_sys::Plan) -> Extent {
    // SAFETY: the caller vouches for the plan.
    unsafe {
        // INSERT and the like are always run to their end.
        let is_select = (*statement).commandType == pg_sys::CmdType::CMD_SELECT;
        let whole = if is_select {
            Extent::AsTheStatement
        } else {
            Extent::Whole
        };
        takes_all((*statement).planTree, scan, whole).unwrap_or(Extent::Unknown)
    }
}

/// Whether the statement is one whose client takes all of its rows: no cursor, and no query inside a function, which may
/// want the first row only.
///
/// # Safety
/// `estate` must be an executor state that is in use.
pub unsafe fn runs_to_end(estate: *const pg_sys::EState) -> bool {
    // SAFETY: the portal, if there is one, is the running one; its query has begun, since a scan of one is asked for rows.
    unsafe {
        let portal = pg_sys::ActivePortal;
        if portal.is_null() || (*portal).queryDesc.is_null() || (*portal).name.is_null() {
            return false;
        }
        std::ptr::eq((*(*portal).queryDesc).estate, estate) && *(*portal).name == 0
    }
}

/// `extent`: how much of `plan` itself is asked for.
unsafe fn takes_all(
    plan: *mut pg_sys::Plan,
    scan: *const pg_sys::Plan,
    extent: Extent,
) -> Option<Extent> {
    if plan.is_null() {
        return None;
    }
    if std::ptr::eq(plan, scan) {
        return Some(extent);
    }
    // SAFETY: plan nodes are read by their tags; each list below holds plans.
    unsafe {
        let (left, right) = ((*plan).lefttree, (*plan).righttree);
        match (*plan).type_ {
            // These take in everything before they hand out anything.
            NodeTag::T_Sort | NodeTag::T_Hash => takes_all(left, scan, Extent::Whole),
            NodeTag::T_Agg => {
                let is_sorted =
                    (*plan.cast::<pg_sys::Agg>()).aggstrategy == pg_sys::AggStrategy::AGG_SORTED;
                takes_all(left, scan, if is_sorted { extent } else { Extent::Whole })
            }
            NodeTag::T_HashJoin => {
                let kind = (*plan.cast::<pg_sys::Join>()).jointype;
                // An inner join ends early if nothing is on the other side.
                let takes_outer = matches!(
                    kind,
                    pg_sys::JoinType::JOIN_LEFT
                        | pg_sys::JoinType::JOIN_FULL
                        | pg_sys::JoinType::JOIN_ANTI
                );
                let outer = if takes_outer { extent } else { Extent::Unknown };
                takes_all(right, scan, Extent::Whole).or_else(|| takes_all(left, scan, outer))
            }
            NodeTag::T_NestLoop => {
                takes_all(left, scan, extent).or_else(|| takes_all(right, scan, Extent::Unknown))
            }
            NodeTag::T_Result
            | NodeTag::T_ProjectSet
            | NodeTag::T_ModifyTable
            | NodeTag::T_Unique
            | NodeTag::T_Group
            | NodeTag::T_LockRows => takes_all(left, scan, extent),
            NodeTag::T_SubqueryScan => {
                takes_all((*plan.cast::<pg_sys::SubqueryScan>()).subplan, scan, extent)
            }
            NodeTag::T_Append => members((*plan.cast::<pg_sys::Append>()).appendplans)
                .into_iter()
                .find_map(|plan| takes_all(plan, scan, extent)),
            // LIMIT, merge joins, window functions, and whatever else may stop.
            _ => takes_all(left, scan, Extent::Unknown)
                .or_else(|| takes_all(right, scan, Extent::Unknown)),
        }
    }
}
