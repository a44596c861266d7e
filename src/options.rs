//! The options of servers, user mappings, tables and columns: what exists, what it may hold, and how it is read.

pub mod catalog;
mod definition;
mod epoch;
mod validator;
mod values;

pub use catalog::{Server, TableOptions};
pub use definition::{OnDrift, Options, TOKEN_SOURCES};
pub use epoch::Epoch;
pub use validator::validate;
