//! What of a Pluralsight organization can be queried, declared once.
//!
//! A [`Table`] names a root field of the GraphQL API and the columns that a foreign table over it has. Everything else
//! follows from that one declaration: the `CREATE FOREIGN TABLE` text, the selection set, the default documents in
//! `graphql/`, the columns of stored copies and of their history, and the reference pages in `docs/`. Adding a column is one
//! line in one file of [`tables`]; adding a table is one file.
//!
//! Facts about the API come from Pluralsight's developer portal where it could be read; a name that could not be
//! confirmed there is marked with [`Presence::Discovered`] or has several candidates.

mod calendar;
mod copy;
mod ddl;
mod declaration;
mod discover;
mod filter;
mod gather;
mod halve;
mod imported;
mod match_key;
mod mend;
mod names;
mod nested;
mod notice;
mod probe;
mod query;
mod reference;
pub mod tables;
mod told;

pub use calendar::systemd_calendar;
pub use copy::{CopiedColumn, CopiedTable, account_history, drop_unchanged, stage_accounts};
pub use ddl::{
    ExistingColumn, ExistingTable, ImportedColumn, ImportedTable, Options, qualified,
    quote_identifier, quote_literal, set_column_option, set_table_option,
};
pub use declaration::{Column, Filter, FilterKind, History, Presence, SqlType, Table};
pub use discover::{Discovered, discover};
pub use filter::{FilterOption, FilterOptionError, parse_filters};
pub use match_key::match_key;
pub use mend::{ColumnMapping, Mapping, Mend, Refused, longer_list, mend_statement, mends};
pub use notice::Notice;
pub use pluralsight_api::Shape;
pub use query::{QUERY_OPTIONS, QueryOptionError, operation_from, operation_options};
pub use reference::reference_page;
