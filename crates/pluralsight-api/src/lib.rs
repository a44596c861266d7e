//! A client for Pluralsight's GraphQL API.
//!
//! An answer is whole, or it is an error that says what happened and what to do. [`Client`] sends a query until it is
//! answered; [`Pages`] reads an answer page after page and reconciles it with what the API says of its size;
//! [`count`] asks for that size alone; [`describe`] asks what the API's schema holds.
//!
//! The futures need a tokio runtime with time and I/O enabled, may be polled on one thread alone, and may be left
//! unpolled or dropped at any moment. Nothing is printed or logged, no file is written, and the token is in no text.

mod ahead;
mod argument;
mod batch;
mod begun;
mod cause;
mod cell;
mod census;
mod client;
mod coding;
mod columns;
mod completeness;
mod connecting;
mod count;
mod decode;
mod endpoint;
mod envelope;
mod error;
mod failure;
mod fingerprint;
mod graphql_error;
mod instant;
pub mod io;
mod json;
mod operation;
mod page;
mod page_query;
mod path;
mod reading;
mod records;
mod refusal;
mod reply;
pub mod retry;
mod schema;
mod seen;
mod selection;
mod settings;
mod stats;
mod text;
mod tls;
mod token;
mod transport;
mod usual;
mod values;
mod wake;

pub use argument::{Argument, Constant, ConstantError, InputType};
pub use batch::{Batch, Problem, ProblemKind, Row};
pub use cell::{Cell, Cells, Text};
pub use census::{Part, count_parts};
pub use client::{Call, Client, Context};
pub use columns::{ColumnPlan, Condition, Take};
pub use completeness::{Completeness, Finding, Gap};
pub use connecting::is_connecting;
pub use count::count;
pub use endpoint::{Endpoint, UrlProblem};
pub use error::{Error, ErrorKind, Phase, Place};
pub use fingerprint::Fingerprints;
pub use graphql_error::GraphQlError;
pub use operation::{Operation, Shape};
pub use page::{Page, Pages};
pub use page_query::{PageQuery, PageSizes};
pub use path::{FieldPath, Name, PathError};
pub use reading::{Account, Turn, ask, read_pages};
pub use records::whole_number;
pub use refusal::Refusal;
pub use reply::{Reply, Warning};
pub use retry::RetryBudget;
pub use schema::{Described, FieldShape, TypeKind, TypeRef, TypeShape, describe};
pub use selection::Selection;
pub use settings::Settings;
pub use stats::{Stats, Totals, session_clock, session_totals};
pub use token::{Token, TokenError};
pub use transport::settle;
pub use url::Url;
