//! Planning a scan: what it will cost, what the API can be asked, what is left to PostgreSQL.

pub mod cost;
mod count;
mod path;
mod plan;
mod planned;
mod restriction;

pub use count::get_foreign_upper_paths;
pub use path::{get_foreign_paths, get_foreign_rel_size};
pub use plan::get_foreign_plan;
