//! What the executor will ask of a scan: its rows a second time, or all of them.

use pgrx::pg_sys::{self, NodeTag};

use crate::compat;
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

impl Extent {
    pub fn is_whole(self, runs_to_end: bool) -> bool {
        match self {
            Extent::Whole => true,
            Extent::AsTheStatement => runs_to_end,
            Extent::Unknown => false,
        }
    }
}

/// What the plan will ask of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Once its first row was asked for.
    pub extent: Extent,
    /// Its first row will be asked for, whatever the rows of other scans hold.
    pub is_certain: bool,
}

impl Demand {
    fn whole(self) -> Demand {
        Demand {
            extent: Extent::Whole,
            ..self
        }
    }

    fn unknown(self) -> Demand {
        Demand {
            extent: Extent::Unknown,
            ..self
        }
    }

    fn uncertain(self) -> Demand {
        Demand {
            is_certain: false,
            ..self
        }
    }
}

/// A node may stop its input early: LIMIT, a join that has seen enough, EXISTS. So may whoever fetches from a cursor,
/// unless a node below it takes in all of its input before it hands out its first row.
///
/// # Safety
/// `statement` must be the plan that is being executed, `scan` one of its nodes.
pub unsafe fn demand(statement: *mut pg_sys::PlannedStmt, scan: *const pg_sys::Plan) -> Demand {
    // SAFETY: the caller vouches for the plan.
    unsafe {
        // INSERT and the like are always run to their end.
        let is_select = (*statement).commandType == pg_sys::CmdType::CMD_SELECT;
        let whole = Demand {
            extent: if is_select {
                Extent::AsTheStatement
            } else {
                Extent::Whole
            },
            is_certain: true,
        };
        takes((*statement).planTree, scan, whole).unwrap_or(whole.unknown().uncertain())
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

/// `demand`: how much of `plan` itself is asked for.
unsafe fn takes(
    plan: *mut pg_sys::Plan,
    scan: *const pg_sys::Plan,
    demand: Demand,
) -> Option<Demand> {
    if plan.is_null() {
        return None;
    }
    if std::ptr::eq(plan, scan) {
        return Some(demand);
    }
    // SAFETY: plan nodes are read by their tags; each list below holds plans.
    unsafe {
        let (left, right) = ((*plan).lefttree, (*plan).righttree);
        match (*plan).type_ {
            // These take in everything before they hand out anything.
            NodeTag::T_Sort | NodeTag::T_Hash => takes(left, scan, demand.whole()),
            NodeTag::T_Agg => {
                let is_sorted =
                    (*plan.cast::<pg_sys::Agg>()).aggstrategy == pg_sys::AggStrategy::AGG_SORTED;
                takes(left, scan, if is_sorted { demand } else { demand.whole() })
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
                let outer = if takes_outer {
                    demand
                } else {
                    demand.unknown()
                };
                takes(right, scan, demand.whole()).or_else(|| takes(left, scan, outer))
            }
            NodeTag::T_NestLoop => takes(left, scan, demand)
                .or_else(|| takes(right, scan, demand.unknown().uncertain())),
            NodeTag::T_Result => {
                // A condition that holds for all rows or for none is looked at first.
                let is_gated = !(*plan.cast::<pg_sys::Result>()).resconstantqual.is_null();
                takes(
                    left,
                    scan,
                    if is_gated { demand.uncertain() } else { demand },
                )
            }
            NodeTag::T_ProjectSet
            | NodeTag::T_ModifyTable
            | NodeTag::T_Unique
            | NodeTag::T_Group
            | NodeTag::T_LockRows => takes(left, scan, demand),
            NodeTag::T_SubqueryScan => {
                takes((*plan.cast::<pg_sys::SubqueryScan>()).subplan, scan, demand)
            }
            NodeTag::T_Append => {
                let append = plan.cast::<pg_sys::Append>();
                let inner = if compat::is_pruned(append) {
                    demand.uncertain()
                } else {
                    demand
                };
                members((*append).appendplans)
                    .into_iter()
                    .find_map(|plan| takes(plan, scan, inner))
            }
            // LIMIT, merge joins, window functions, and whatever else may stop.
            _ => takes(left, scan, demand.unknown().uncertain())
                .or_else(|| takes(right, scan, demand.unknown().uncertain())),
        }
    }
}
