//! Everything that can be chosen about the server: what a person types is a flag of the program, the rest comes with a
//! [`crate::Variant`].
//!
//! Much about the real API is not published. Each unknown is a switch here, because a server that fixes a guess proves
//! nothing but the guess.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;

use crate::{
    duration::duration,
    faults::rule::Rule,
    switches::{
        BadCursor, Cap, Coding, Cursors, Dates, ErrorStyle, Filters, Ids, Introspection, ListEnd,
        Numbers, Totals, WarningStyle,
    },
    tls::Certificate,
};

/// What the server is and how it behaves. `Config::default()` is the API as far as it is documented.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// How many users the organization has, removed ones included
    #[arg(long, default_value_t = Config::default().users)]
    pub users: u64,
    /// What the organization is generated from: the same seed gives the same people
    #[arg(long, default_value_t = Config::default().seed)]
    pub seed: u64,
    /// The instant that counts as now in the organization; the library's default is fixed, the program's is the present
    #[arg(long, default_value_t = Config::default().now)]
    pub now: DateTime<Utc>,
    /// How many teams; unset, as many as fit the number of users, at most 1,200
    #[arg(long)]
    pub teams: Option<u32>,
    /// How many plan admins; unset, as many as fit the number of users, at most 1,200
    #[arg(long)]
    pub admins: Option<u32>,
    /// How ids are spelled
    #[arg(skip)]
    pub ids: Ids,

    /// The port on 127.0.0.1; unset, a free one
    #[arg(long)]
    pub port: Option<u16>,
    /// The API key that is accepted
    #[arg(long, default_value_t = Config::default().token)]
    pub token: String,
    /// Time before each answer, e.g. 250ms, 5s
    #[arg(long, value_parser = duration, default_value = "0ms")]
    pub latency: Duration,
    /// Serve HTTPS with such a certificate, made at the start by an authority of the server's own
    #[arg(long, value_enum)]
    pub tls: Option<Certificate>,
    /// How answers are compressed for clients that accept gzip
    #[arg(skip)]
    pub coding: Coding,

    /// The most records a page holds: a number or "none"
    #[arg(long, value_parser = cap, default_value = "10000")]
    pub page_cap: Cap,
    /// The most records that may be asked for: more is an error
    #[arg(skip)]
    pub refuse_over: Option<u32>,
    /// The entries of a list inside a record, where the query does not say how many are wanted
    #[arg(skip)]
    pub inner_page: Option<usize>,
    /// What a cursor remembers
    #[arg(skip)]
    pub cursors: Cursors,
    /// What an unknown cursor does
    #[arg(skip)]
    pub bad_cursor: BadCursor,
    /// How a list ends
    #[arg(skip)]
    pub list_end: ListEnd,
    /// What `totalCount` says
    #[arg(skip)]
    pub totals: Totals,
    /// What stands in `extensions.warnings`
    #[arg(skip)]
    pub warnings: WarningStyle,
    /// The key is older than a year: it works, and each reply carries a warning
    #[arg(skip)]
    pub key_expired: bool,

    /// What the API does with conditions
    #[arg(skip)]
    pub filters: Filters,

    /// Leave out a field, an input field, an argument or a type: `User.mfaEnabled`, `UserFilter.psUserIds`,
    /// `Query.users.filter`, `TeamsFilter`. May be given more than once
    #[arg(long)]
    pub without: Vec<String>,
    /// Serve under another name: `User.mfaEnabled=isMfaEnabled`, `UserFilter.emails=emailIn`, `PlanInfo=Plan`
    #[arg(long)]
    pub rename: Vec<String>,
    /// Give a field, an input field or an argument this type, and add it where there is none: `User.productIds: String`,
    /// `Query.users.after: ID`; or add a type: `type Shoe { size: Int }`. Values of what is new follow from record and type
    #[arg(long)]
    pub extra: Vec<String>,
    /// A field that a plain key may not ask for: the whole call fails
    #[arg(long)]
    pub beta: Vec<String>,
    /// A query that this key may not ask: it is null, beside an error
    #[arg(skip)]
    pub forbidden: Vec<String>,
    /// Who may ask for `__schema` and `__type`
    #[arg(long, value_enum, default_value_t)]
    pub introspection: Introspection,

    /// How instants are written
    #[arg(skip)]
    pub dates: Dates,
    /// How counts are written
    #[arg(skip)]
    pub numbers: Numbers,
    /// One user has no `psUserId`
    #[arg(skip)]
    pub nameless_user: bool,

    /// A query under another key than its own name is refused
    #[arg(skip)]
    pub refuses_aliases: bool,

    /// HTTP status of an answer to a document that is not valid
    #[arg(skip = 200_u16)]
    pub invalid_document_status: u16,
    /// Whose words validation errors are in
    #[arg(skip)]
    pub error_style: ErrorStyle,
    /// Put `extensions.code` beside each error
    #[arg(skip)]
    pub error_codes: bool,

    /// A fault, e.g. `users@2=429,retry-after=1`; see the grammar in the long help. May be given more than once
    #[arg(long = "fault", value_name = "RULE")]
    pub faults: Vec<Rule>,
    /// How many requests the log remembers; older ones are only counted
    #[arg(long, default_value_t = Config::default().log_limit)]
    pub log_limit: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            users: 2345,
            seed: 7,
            now: DateTime::from_timestamp(1_793_491_200, 0).unwrap_or_default(),
            teams: None,
            admins: None,
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
            log_limit: 100_000,
        }
    }
}

fn cap(text: &str) -> Result<Cap, String> {
    match text {
        "none" => Ok(Cap(None)),
        number => number
            .parse()
            .map(|cap| Cap(Some(cap)))
            .map_err(|_| "a number or \"none\"".to_owned()),
    }
}
