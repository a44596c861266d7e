//! `pluralsight_fdw`: a Pluralsight organization as foreign tables of PostgreSQL, over its GraphQL API.
//!
//! This crate is the part that lives in a PostgreSQL backend. What of the API can be queried is declared in
//! `pluralsight-catalog`; how to talk to the API is in `pluralsight-api`.

#![allow(unsafe_code, reason = "PostgreSQL is touched here, and nowhere else")]
#![deny(clippy::undocumented_unsafe_blocks)]

#[cfg(not(panic = "unwind"))]
compile_error!("an ERROR unwinds through this library: build it with panic = \"unwind\"");

mod analyze;
mod announcements;
mod attempt;
mod check;
mod comments;
mod compat;
mod copies;
mod encoding;
mod error;
mod executor;
mod explain;
mod fdw;
mod functions;
mod host_file;
mod import;
mod list;
mod match_key;
mod namespace;
mod options;
mod parameters;
mod planner;
mod random;
mod reading;
mod relation;
mod report;
mod role;
mod runtime;
mod set_up;
mod settings;
mod spec;
mod sql;
mod sql_file;
mod survey;
mod token;
mod trusted;
mod views;
mod visibility;

use pgrx::prelude::*;

pgrx::pg_module_magic!(name, version);

/// Called by PostgreSQL when it loads the library. Starts nothing: the library may be preloaded, and what is started
/// here would not survive the fork.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    settings::define();
}
