//! A local server that behaves like Pluralsight's GraphQL API, for demos, tests and benchmarks.
//!
//! It serves `graphql/schema.graphql` from a real GraphQL engine, so that it refuses what the real API would refuse, with
//! an organization that is generated from a seed. What is not known of the real API is a switch of [`Config`], and each guess
//! that may be wrong a named [`Variant`]; what can go wrong is a rule of [`Faults`].
//!
//! ```
//! use pluralsight_sandbox::{Config, Sandbox};
//!
//! let sandbox = Sandbox::start(Config { users: 250, seed: 7, ..Config::default() })?;
//! assert!(sandbox.url().starts_with("http://127.0.0.1:"));
//!
//! // The truth, to compare a client's answer with.
//! let first = sandbox.organization().user(0);
//! assert_eq!(sandbox.organization().find(&first.ps_user_id), Some(first));
//!
//! // The second request for users is told to wait a second.
//! sandbox.faults().script("users@2=429,retry-after=1")?;
//!
//! // What the client asked for.
//! assert_eq!(sandbox.count("users"), 0);
//! assert!(sandbox.requests().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Sandbox`] runs on threads of its own, so that a synchronous test can use it; dropping it closes the port.
//!
//! | module | concern |
//! | --- | --- |
//! | `organization` | who is in it, and what happens to them while the server runs |
//! | `schema`, `engine` | the schema that is served, and its answers |
//! | `switches`, `config` | what is not known of the API, and how it is told |
//! | `variants` | other schemas and other behavior, each with a name |
//! | `faults` | which of them are spoiled, and how |
//! | `http`, `server`, `state`, `connection`, `tls` | how they are sent, and spoiled |
//! | `record` | what was asked |

mod config;
mod connection;
mod cursor;
mod engine;
mod faults;
mod http;
mod organization;
mod record;
mod schema;
mod server;
mod state;
mod switches;
mod tls;
mod variants;

pub use config::Config;
pub use faults::{Faults, GRAMMAR, GrammarError, Rule};
pub use organization::{
    Membership, Organization, PermissionSet, Place, Plan, PlanAdmin, Product, Team, User,
};
pub use record::Recorded;
pub use schema::SchemaError;
pub use server::{Error, Sandbox};
pub use switches::{
    BadCursor, Cap, Coding, Cursors, Dates, EmailMatch, ErrorStyle, Filters, Ids, Introspection,
    ListEnd, NameMatch, Numbers, TeamMatch, Totals, WarningStyle,
};
pub use tls::{Certificate, TlsError};
pub use variants::{VARIANTS, Variant, variant};
