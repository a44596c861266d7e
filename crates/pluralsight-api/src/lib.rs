//! A client of Pluralsight's GraphQL API.
//!
//! Knows nothing of PostgreSQL, starts no runtime, spawns nothing, prints nothing: whoever polls its futures decides when
//! to stop. What is asked comes from the documents in `graphql/`; what comes back is complete, or an [`Error`].

mod client;
mod document;
mod error;
mod page;
mod reply;
pub mod retry;
mod schema;
mod seen;
mod settings;
mod stats;
mod token;
mod transport;

pub use client::{BUILT_IN, Call, Client, Context};
pub use document::{FieldPath, FieldPathError, Operation, Selection};
pub use error::{Error, ErrorKind, GraphQlError, RefusedField};
pub use page::{Completeness, Page, PageQuery, PageSizes, Pages, Shape, count};
pub use reply::{Reply, Warning};
pub use schema::{Described, FieldShape, TypeRef, TypeShape, describe};
pub use settings::{Endpoint, EndpointError, Settings};
pub use stats::{RetryBudget, Stats};
pub use token::{Token, TokenError};
