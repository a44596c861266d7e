//! The views of `sql/views/`, over the foreign tables of a schema or over stored copies of them.

mod create;
mod definition;
mod dependencies;
mod file;
mod notices;
mod outcome;
mod place;
mod renewal;

pub use create::{create, is_ours, needs_renewal, renewal_call};
pub use file::{FILES, FILLED_IN, File, SALT};
pub use notices::{announce, changed_column, report};
pub use outcome::Outcome;
pub use place::{Place, create_copies_call, renew_copies, set_up_call};
