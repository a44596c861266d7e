//! Stored copies: a schema of ordinary tables that a refresh brings up to date, with their history and a log.
//!
//! Plain tables and not materialized views: a restore would run a materialized view's query, and so ask the API; its refresh
//! writes every row anew; and several of them cannot change at one moment.
//!
//! A set of copies is a schema that contains itself. Everything that a refresh reads or writes is an ordinary table in it, of
//! one owner; the extension keeps no state of its own. So renaming, reassigning, dumping and restoring a set need no help.

mod call;
mod clock;
mod columns;
mod copy;
mod create;
mod drop;
mod erase;
mod forecast;
mod guard;
mod history;
mod known;
mod lock;
mod log;
mod own;
mod refresh;
mod schedule;
mod set;
mod source;
mod stage;
mod unlogged;
mod write;

pub use schedule::{Job, job};
pub use source::this_database;

/// The sequences whose values are the key of `erased_people`.
const ERASURE_KEY: [&str; 2] = ["erasure_key_1", "erasure_key_2"];
