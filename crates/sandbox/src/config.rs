//! Everything that can be chosen about the server. Each field is also a flag of the program.
//!
//! Much about the real API is not published. Each unknown is a switch here, because a server that fixes a guess proves
//! nothing but the guess.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};

use crate::{faults::Rule, tls::Certificate};

/// What the server is and how it behaves. `Config::default()` is the API as far as it is documented.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// How many users the organisation has, removed ones included
    #[arg(long, default_value_t = Config::default().users)]
    pub users: u64,
    /// What the organisation is generated from: the same seed gives the same people
    #[arg(long, default_value_t = Config::default().seed)]
    pub seed: u64,
    /// The instant that counts as now in the organisation; the library's default is fixed, the program's is the present
    #[arg(long, default_value_t = Config::default().now)]
    pub now: DateTime<Utc>,
    /// How many teams; unset, as many as fit the number of users, at most 1,200
    #[arg(long)]
    pub teams: Option<u32>,
    /// How many plan admins; unset, as many as fit the number of users, at most 1,200
    #[arg(long)]
    pub admins: Option<u32>,

    /// The port on 127.0.0.1; unset, a free one
    #[arg(long)]
    pub port: Option<u16>,
    /// The API key that is accepted
    #[arg(long, default_value_t = Config::default().token)]
    pub token: String,
    /// State of that key
    #[arg(long, value_enum, default_value_t)]
    pub key: KeyState,
    /// Time before each answer, e.g. 250ms, 5s
    #[arg(long, value_parser = duration, default_value = "0ms")]
    pub latency: Duration,
    /// Serve HTTPS with such a certificate, made at the start by an authority of the server's own
    #[arg(long, value_enum)]
    pub tls: Option<Certificate>,
    /// Compress answers for clients that accept gzip
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub gzip: bool,
    /// Close a connection that has been idle for so long; unset, never
    #[arg(long, value_parser = duration)]
    pub idle_timeout: Option<Duration>,

    /// The most records a page holds: a number or "none"
    #[arg(long, value_parser = cap, default_value = "1000")]
    pub page_cap: Cap,
    /// Records on a page when the query does not say `first`
    #[arg(long, default_value_t = Config::default().default_page_size)]
    pub default_page_size: u32,
    /// What a cursor remembers
    #[arg(long, value_enum, default_value_t)]
    pub cursors: Cursors,
    /// What an unknown cursor does
    #[arg(long, value_enum, default_value_t)]
    pub bad_cursor: BadCursor,
    /// What stands in `extensions.warnings`
    #[arg(long, value_enum, default_value_t)]
    pub warnings: WarningStyle,

    /// How addresses are compared with `UserFilter.emails`
    #[arg(long, value_enum, default_value_t)]
    pub email_match: EmailMatch,
    /// Which memberships `UserFilter.teamIds` counts
    #[arg(long, value_enum, default_value_t)]
    pub team_match: TeamMatch,
    /// How team names are compared with `TeamsFilter.name`
    #[arg(long, value_enum, default_value_t)]
    pub name_match: NameMatch,
    /// What an empty list in a filter means
    #[arg(long, value_enum, default_value_t)]
    pub empty_list: EmptyList,
    /// The most values a list in a filter may have; unset, any number
    #[arg(long)]
    pub max_filter_values: Option<usize>,

    /// Leave out a field, an input field, an argument or a type: `User.mfaEnabled`, `UserFilter.psUserIds`,
    /// `Query.users.filter`, `TeamsFilter`. May be given more than once
    #[arg(long)]
    pub without: Vec<String>,
    /// Serve under another name: `User.mfaEnabled=isMfaEnabled`, `UserFilter.emails=emailIn`, `PlanInfo=Plan`
    #[arg(long)]
    pub rename: Vec<String>,
    /// Add a field or an input field: `User.favouriteColour: String`. Values follow from the record and the type
    #[arg(long)]
    pub extra: Vec<String>,
    /// A field that a plain key may not ask for: the whole call fails
    #[arg(long)]
    pub beta: Vec<String>,
    /// What `planInfo` answers
    #[arg(long, value_enum, default_value_t)]
    pub plan_info: PlanInfoShape,
    /// Who may ask for `__schema` and `__type`
    #[arg(long, value_enum, default_value_t)]
    pub introspection: Introspection,

    /// HTTP status of an answer to a document that is not valid: 200 or 400
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=499))]
    pub invalid_document_status: u16,
    /// Whose words validation errors are in
    #[arg(long, value_enum, default_value_t)]
    pub error_style: ErrorStyle,
    /// Put `extensions.code` beside each error
    #[arg(long)]
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
            port: None,
            token: "sandbox-token".to_owned(),
            key: KeyState::default(),
            latency: Duration::ZERO,
            tls: None,
            gzip: true,
            idle_timeout: None,
            page_cap: Cap(Some(1000)),
            default_page_size: 100,
            cursors: Cursors::default(),
            bad_cursor: BadCursor::default(),
            warnings: WarningStyle::default(),
            email_match: EmailMatch::default(),
            team_match: TeamMatch::default(),
            name_match: NameMatch::default(),
            empty_list: EmptyList::default(),
            max_filter_values: None,
            without: Vec::new(),
            rename: Vec::new(),
            extra: Vec::new(),
            beta: Vec::new(),
            plan_info: PlanInfoShape::default(),
            introspection: Introspection::default(),
            invalid_document_status: 200,
            error_style: ErrorStyle::default(),
            error_codes: false,
            faults: Vec::new(),
            log_limit: 100_000,
        }
    }
}

/// The most records of a page; `Cap(None)` is no cap. The real number is not published, 1,000 is recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap(pub Option<u32>);

/// State of the API key (page "api-key-best-practices").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum KeyState {
    /// Younger than a year.
    #[default]
    Active,
    /// Older than a year: works, and each reply carries a warning.
    Expired,
    /// Cannot run mutations; reads like any other.
    ReadOnly,
    /// Unused for 90 days: refused.
    Deleted,
}

/// What a cursor remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Cursors {
    /// The last record given: nothing is skipped or repeated when records come and go.
    #[default]
    Keyed,
    /// How many records were given: an insertion before it makes one come twice, a removal makes one be skipped.
    Offset,
}

/// What the API does with a cursor that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum BadCursor {
    /// A GraphQL error.
    #[default]
    Error,
    /// The first page again, as one published client leads to believe.
    StartAgain,
}

/// What stands in `extensions.warnings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum WarningStyle {
    /// Sentences.
    #[default]
    Strings,
    /// Objects with `code` and `message`.
    Objects,
}

/// How addresses are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum EmailMatch {
    /// Letter by letter.
    #[default]
    Exact,
    /// Without regard to case.
    AnyCase,
}

/// Which memberships a filter on teams counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TeamMatch {
    /// Inherited ones too.
    #[default]
    Any,
    /// Only those with `isDirect` true.
    Direct,
}

/// How team names are compared: a pattern in the real API, of rules unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum NameMatch {
    /// The name contains the text.
    #[default]
    Substring,
    /// The same, without regard to case.
    AnyCaseSubstring,
    /// The name begins with the text.
    Prefix,
    /// The name is the text.
    Exact,
}

/// What an empty list in a filter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum EmptyList {
    /// Nobody meets it.
    #[default]
    Nobody,
    /// No condition.
    Everybody,
}

/// What `planInfo` answers. Only the query's name and the type `Product` are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PlanInfoShape {
    /// `PlanInfo` with `products`.
    #[default]
    Object,
    /// `[PlanInfo]`, of one.
    List,
    /// `PlanInfoConnection`, of one.
    Connection,
    /// `PlanInfo` without `products`.
    None,
    /// `[Product]`.
    Products,
    /// `ProductConnection`.
    ProductConnection,
}

/// Who may ask for `__schema` and `__type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Introspection {
    /// Whoever has a key.
    #[default]
    WithKey,
    /// Anybody.
    Open,
    /// Nobody.
    Off,
}

/// Whose words validation errors are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ErrorStyle {
    /// Those of graphql-js: the real service is said to run on Node.
    #[default]
    GraphqlJs,
    /// Those of the engine under this server.
    AsyncGraphql,
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

/// A duration like `250ms`, `5s`, `1min`; a bare number is milliseconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: f64 = digits
        .parse()
        .map_err(|_| format!("not a duration: {text}"))?;
    let scale = match text.get(digits.len()..).unwrap_or_default() {
        "" | "ms" => 0.001,
        "us" => 0.000_001,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("unknown unit {unit}: us, ms, s, min, h")),
    };
    Duration::try_from_secs_f64(number * scale).map_err(|_| format!("not a duration: {text}"))
}
