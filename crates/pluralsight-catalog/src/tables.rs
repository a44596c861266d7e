//! The declarations, a file a table.

mod admins;
mod columns;
mod plan;
mod teams;
mod users;

use crate::Table;

/// Every table that `IMPORT FOREIGN SCHEMA` offers, in the order in which it creates them.
pub const ALL: &[&Table] = &[&users::USERS, &plan::PLAN, &admins::ADMINS, &teams::TEAMS];
