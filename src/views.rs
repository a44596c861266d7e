//! The views of `sql/views/`, over the foreign tables of a schema or over stored copies of them.

mod create;
mod definition;
mod dependencies;
mod file;
mod notices;
mod outcome;
mod place;
mod renewal;
mod state;

pub use create::create;
pub use file::{BASE_TABLES, FILES, FILLED_IN, FRESHNESS, File, SALT};
pub use notices::{announce, changed_column, report};
pub use outcome::Outcome;
pub use place::{Place, create_copies_call, reconnect_call, renew_copies, set_up_call};
pub use state::{are_other_than_made, completion_call, is_ours, renewal_call};
