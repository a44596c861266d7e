//! Planning a scan: what it will cost, what the API can be asked, what is left to PostgreSQL.

mod cost;
mod count;
mod path;
mod plan;
mod restriction;

pub use count::get_foreign_upper_paths;
pub use path::{get_foreign_paths, get_foreign_rel_size};
pub use plan::get_foreign_plan;

pub use cost::{KEYS_A_REQUEST, last_total, remember_total};

use crate::options::TableOptions;
use crate::relation::Relation;
use restriction::Pushed;

/// What the planner's callbacks hand to one another about one table of one query; hangs on `RelOptInfo.fdw_private`.
struct Planned {
    relation: Relation,
    /// The restrictions that the API can evaluate.
    pushed: Vec<Pushed>,
    /// Every restriction is evaluated by the API exactly as PostgreSQL would.
    exact: bool,
}

/// Requests that reading the whole table takes, if this session or the table's option `rows` says how many rows it has.
pub fn known_pages(options: &TableOptions) -> Option<f64> {
    let last = cost::last_total(options.server.oid, &options.query).map(|total| total as f64);
    last.or(options.rows).map(|rows| cost::pages(options, rows))
}
