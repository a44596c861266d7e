//! The options of servers, user mappings, tables and columns: what exists, what it may hold, and how it is read.

pub mod catalog;
mod definition;
mod validator;

pub use catalog::{Server, TableOptions};
pub use definition::{OnDrift, Place};
pub use validator::validate;

use std::collections::BTreeMap;

/// Options as PostgreSQL keeps them: every name at most once.
pub type Options = BTreeMap<String, String>;
