//! The declarations, a file a table.

mod admins;
mod columns;
mod permission_sets;
mod plan;
mod teams;
mod users;

use crate::declaration::Table;

/// Every table that `IMPORT FOREIGN SCHEMA` offers, in the order in which it creates them.
pub const ALL: &[&Table] = &[
    &users::USERS,
    &plan::PLAN,
    &admins::ADMINS,
    &teams::TEAMS,
    &permission_sets::PERMISSION_SETS,
];

/// The place of a table in the order in which stored copies are refreshed: the plan first, so that no seat is counted that is
/// assigned while the users are read. `None` for a table that is not declared.
pub fn refresh_rank(name: &str) -> Option<usize> {
    let others = ALL.iter().filter(|table| table.name != plan::PLAN.name);
    std::iter::once(&&plan::PLAN)
        .chain(others)
        .position(|table| table.name == name)
}

impl Table {
    /// The table of that name, if there is one.
    pub fn named(name: &str) -> Option<&'static Table> {
        ALL.iter().copied().find(|table| table.name == name)
    }

    /// The table over that root field, if there is one.
    pub fn over(query: &str) -> Option<&'static Table> {
        ALL.iter().copied().find(|table| table.query == query)
    }
}
