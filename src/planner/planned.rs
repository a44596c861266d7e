//! What the callbacks of planning hand to one another.

use super::restriction::Pushed;
use crate::relation::Relation;

/// What the planner's callbacks hand to one another about one table of one query; hangs on `RelOptInfo.fdw_private`.
pub struct Planned {
    pub relation: Relation,
    /// The restrictions that the API can evaluate.
    pub pushed: Vec<Pushed>,
    /// Every restriction is evaluated by the API exactly as PostgreSQL would.
    pub exact: bool,
}
