//! Everything that can be chosen about the server. Most of it is chosen by a [`crate::Variant`].
//!
//! Much about the real API is not published. Each unknown is a switch here, because a server that fixes a guess proves
//! nothing but the guess.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    faults::Rule,
    switches::{
        BadCursor, Cap, Coding, Cursors, Dates, ErrorStyle, Filters, Ids, Introspection, ListEnd,
        Numbers, Totals, WarningStyle,
    },
    tls::Certificate,
};

/// What the server is and how it behaves. `Config::default()` is the API as far as it is documented.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many users the organization has, removed ones included.
    pub users: u64,
    /// What the organization is generated from: the same seed gives the same people.
    pub seed: u64,
    /// The instant that counts as now in the organization.
    pub now: DateTime<Utc>,
    /// How many teams; unset, as many as fit the number of users, at most 1,200.
    pub teams: Option<u32>,
    /// How ids are spelled.
    pub ids: Ids,

    /// The port on 127.0.0.1; unset, a free one.
    pub port: Option<u16>,
    /// The API key that is accepted.
    pub token: String,
    /// Time before each answer.
    pub latency: Duration,
    /// Serve HTTPS with such a certificate, made at the start by an authority of the server's own.
    pub tls: Option<Certificate>,
    /// How answers are compressed for clients that accept gzip.
    pub coding: Coding,

    /// The most records a page holds.
    pub page_cap: Cap,
    /// The most records that may be asked for: more is an error.
    pub refuse_over: Option<u32>,
    /// The entries of a list inside a record, where the query does not say how many are wanted.
    pub inner_page: Option<usize>,
    /// What a cursor remembers.
    pub cursors: Cursors,
    /// What an unknown cursor does.
    pub bad_cursor: BadCursor,
    /// How a list ends.
    pub list_end: ListEnd,
    /// What `totalCount` says.
    pub totals: Totals,
    /// What stands in `extensions.warnings`.
    pub warnings: WarningStyle,
    /// The key is older than a year: it works, and each reply carries a warning.
    pub key_expired: bool,

    /// What the API does with conditions.
    pub filters: Filters,

    /// Leave out a field, an input field, an argument or a type: `User.mfaEnabled`, `UserFilter.psUserIds`,
    /// `Query.users.filter`, `TeamsFilter`.
    pub without: Vec<String>,
    /// Serve under another name: `User.mfaEnabled=isMfaEnabled`, `UserFilter.emails=emailIn`, `PlanInfo=Plan`.
    pub rename: Vec<String>,
    /// Give a field, an input field or an argument this type, and add it where there is none: `User.productIds: String`,
    /// `Query.users.after: ID`; or add a type: `type Shoe { size: Int }`. Values of what is new follow from record and type.
    pub extra: Vec<String>,
    /// A field that a plain key may not ask for: the whole call fails.
    pub beta: Vec<String>,
    /// A query that this key may not ask: it is null, beside an error.
    pub forbidden: Vec<String>,
    /// Who may ask for `__schema` and `__type`.
    pub introspection: Introspection,

    /// How instants are written.
    pub dates: Dates,
    /// How counts are written.
    pub numbers: Numbers,
    /// One user has no `psUserId`.
    pub nameless_user: bool,

    /// A query under another key than its own name is refused.
    pub refuses_aliases: bool,

    /// HTTP status of an answer to a document that is not valid.
    pub invalid_document_status: u16,
    /// Whose words validation errors are in.
    pub error_style: ErrorStyle,
    /// Put `extensions.code` beside each error.
    pub error_codes: bool,

    /// Faults, e.g. `users@2=429,retry-after=1`.
    pub faults: Vec<Rule>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            users: 2345,
            seed: 7,
            now: DateTime::from_timestamp(1_793_491_200, 0).unwrap_or_default(),
            teams: None,
            ids: Ids::default(),
            port: None,
            token: "sandbox-token".to_owned(),
            latency: Duration::ZERO,
            tls: None,
            coding: Coding::default(),
            page_cap: Cap(Some(10_000)),
            refuse_over: None,
            inner_page: None,
            cursors: Cursors::default(),
            bad_cursor: BadCursor::default(),
            list_end: ListEnd::default(),
            totals: Totals::default(),
            warnings: WarningStyle::default(),
            key_expired: false,
            filters: Filters::default(),
            without: Vec::new(),
            rename: Vec::new(),
            extra: Vec::new(),
            beta: Vec::new(),
            forbidden: Vec::new(),
            introspection: Introspection::default(),
            dates: Dates::default(),
            numbers: Numbers::default(),
            nameless_user: false,
            refuses_aliases: false,
            invalid_document_status: 200,
            error_style: ErrorStyle::default(),
            error_codes: false,
            faults: Vec::new(),
        }
    }
}
