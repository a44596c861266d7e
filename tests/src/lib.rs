//! How the tests reach PostgreSQL and the sandbox.
//!
//! `make test` starts one private PostgreSQL and runs every test against it, each in a database of its own; see
//! `scripts/with-postgres`.

mod cancels;
pub mod cluster;
pub mod copies;
mod relay;
mod session;
pub mod source;
mod stage;
mod tunnel;
pub mod vault;
pub mod views;

pub use cancels::Cancels;
pub use relay::{Received, Relay};
pub use session::{Canceller, Refusal, Session};
pub use stage::{Stage, fresh_database};
pub use tunnel::Tunnel;
