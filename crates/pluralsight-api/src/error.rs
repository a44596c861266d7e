//! Every way in which reading the API can fail.

use std::fmt;
use std::time::Duration;

use crate::completeness::Gap;
use crate::endpoint::UrlProblem;
use crate::graphql_error::{GraphQlError, named_fields};
use crate::refusal::{self, Refusal};
use crate::text::{counted, shortened, size, spoken};

/// What was read, from where, and how far it had come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The root field, such as `users`.
    pub operation: String,
    /// The host, with its port where that is not the usual one.
    pub host: String,
    /// The page, from 1, where the answer has pages.
    pub page: Option<u32>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading {}", self.operation)?;
        match self.page {
            Some(page) => write!(f, ", page {page}"),
            None => Ok(()),
        }
    }
}

/// How far an attempt had come when its time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No connection yet.
    Connecting,
    /// The request was under way; no header of the reply had come.
    Waiting,
    /// The reply had begun; so many bytes of it had come, after decompression.
    Reading(u64),
}

/// Why an answer could not be had. `Display` says what happened, where, after how many attempts and why;
/// [`Error::hint`] says what to do about it. No text in it holds the token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// HTTP 401, or a GraphQL error that says the same.
    #[error("the API refused the token: {says}, {at} from {}", .at.host)]
    Unauthorized { at: Box<Place>, says: String },
    /// HTTP 403, or a GraphQL error that says the same.
    #[error("the API denied access: {says}, {at} from {}", .at.host)]
    Forbidden { at: Box<Place>, says: String },
    /// HTTP 404, 405 or 410: the address is not that of the API.
    #[error("no GraphQL API was found at {}: HTTP {status}, {at}", .at.host)]
    NotFound { at: Box<Place>, status: u16 },
    /// HTTP 429, or a GraphQL error that says the same. `retry_after` is what the server asked to wait.
    #[error("{}'s rate limit was reached, {at}{} ({})", .at.host, Asked(.retry_after), counted(u64::from(*.attempts), "attempt"))]
    RateLimited {
        at: Box<Place>,
        retry_after: Option<Duration>,
        attempts: u32,
    },
    /// Name look-up or connection failed.
    #[error("could not connect to {}: {cause} ({})", .at.host, counted(u64::from(*.attempts), "attempt"))]
    Connect {
        at: Box<Place>,
        cause: String,
        attempts: u32,
    },
    /// The server could not show that it is who it should be.
    #[error("no secure connection to {host}: {cause}")]
    Tls { host: String, cause: String },
    /// Nobody is trusted to say who a server is: no certificate authorities are installed and none were added.
    #[error(
        "no secure connection is possible: no certificate authorities are installed on this machine"
    )]
    NoAuthorities,
    /// One attempt took longer than it may.
    #[error("{}, {at} ({})", Stalled(*.phase, &.at.host, *.after), counted(u64::from(*.attempts), "attempt"))]
    Timeout {
        at: Box<Place>,
        phase: Phase,
        after: Duration,
        attempts: u32,
    },
    /// Any other HTTP status. `retry_after` is what the server asked to wait.
    #[error("HTTP {status} from {}, {at}{} ({})", .at.host, Asked(.retry_after), counted(u64::from(*.attempts), "attempt"))]
    Http {
        at: Box<Place>,
        status: u16,
        retry_after: Option<Duration>,
        excerpt: String,
        attempts: u32,
    },
    /// The reply broke off, or is not a GraphQL answer.
    #[error("unusable reply from {}: {why}, {at} ({})", .at.host, counted(u64::from(*.attempts), "attempt"))]
    BadReply {
        at: Box<Place>,
        why: String,
        excerpt: String,
        attempts: u32,
    },
    /// The reply is larger than `limit` bytes; the rest was not read.
    #[error("the reply from {} is larger than {} (max_response_size), {at}", .at.host, size(*.limit))]
    TooLarge { at: Box<Place>, limit: u64 },
    /// The server wants the request to go elsewhere; it does not, and neither does the token.
    #[error("{} answered with a redirect (HTTP {status}){}, {at}; redirects are not followed", .at.host, To(.to))]
    Redirect {
        at: Box<Place>,
        status: u16,
        to: Option<String>,
    },
    /// A non-empty `errors`, with `data` or without.
    #[error("the API answered with an error: {}, {at} ({})", Listed(.errors), counted(u64::from(*.attempts), "attempt"))]
    GraphQl {
        at: Box<Place>,
        errors: Vec<GraphQlError>,
        document: String,
        attempts: u32,
    },
    /// The answer is not whole, or cannot be shown to be.
    #[error("incomplete answer from {}, {at}: {gap}", .at.host)]
    Incomplete { at: Box<Place>, gap: Gap },
    /// The answer breaks the schema.
    #[error("unexpected answer from {}, {at}: {path} is {got}, not {expected}", .at.host)]
    Shape {
        at: Box<Place>,
        path: String,
        expected: String,
        got: String,
    },
    /// The statement would end before another attempt could be made.
    #[error("gave up on {}, {at}: {}{}", .at.host, TooLate(.wait), LastCause(.cause.as_deref(), *.attempts))]
    Deadline {
        at: Box<Place>,
        wait: Option<Duration>,
        cause: Option<String>,
        attempts: u32,
    },
    /// The scan has repeated as many requests as one scan may.
    #[error("gave up on {}, {at}: {}{}", .at.host, repeated(*.retries), LastCause(Some(.cause), *.attempts))]
    BudgetSpent {
        at: Box<Place>,
        retries: u32,
        cause: String,
        attempts: u32,
    },
    /// The address that was set cannot be used.
    #[error("invalid API address: {0}")]
    InvalidUrl(#[from] UrlProblem),
    /// A setting other than the address cannot be used.
    #[error("{0}")]
    Settings(String),
}

/// The kinds of [`Error`], to choose a code by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    Unauthorized,
    Forbidden,
    NotFound,
    RateLimited,
    Connect,
    Tls,
    Timeout,
    Http,
    BadReply,
    TooLarge,
    Redirect,
    GraphQl,
    Incomplete,
    Shape,
    Deadline,
    BudgetSpent,
    InvalidUrl,
    Settings,
}

impl Error {
    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Unauthorized { .. } => ErrorKind::Unauthorized,
            Error::Forbidden { .. } => ErrorKind::Forbidden,
            Error::NotFound { .. } => ErrorKind::NotFound,
            Error::RateLimited { .. } => ErrorKind::RateLimited,
            Error::Connect { .. } => ErrorKind::Connect,
            Error::Tls { .. } | Error::NoAuthorities => ErrorKind::Tls,
            Error::Timeout { .. } => ErrorKind::Timeout,
            Error::Http { .. } => ErrorKind::Http,
            Error::BadReply { .. } => ErrorKind::BadReply,
            Error::TooLarge { .. } => ErrorKind::TooLarge,
            Error::Redirect { .. } => ErrorKind::Redirect,
            Error::GraphQl { .. } => ErrorKind::GraphQl,
            Error::Incomplete { .. } => ErrorKind::Incomplete,
            Error::Shape { .. } => ErrorKind::Shape,
            Error::Deadline { .. } => ErrorKind::Deadline,
            Error::BudgetSpent { .. } => ErrorKind::BudgetSpent,
            Error::InvalidUrl(_) => ErrorKind::InvalidUrl,
            Error::Settings(_) => ErrorKind::Settings,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::Unauthorized { .. } => {
                "Check the token, or have a plan admin make a new key under Manage Keys in Pluralsight's developer portal; a key that was not used for 90 days after it expired is deleted."
            }
            Error::Forbidden { .. } => {
                "The plan or the key lacks access: the API needs a Professional or Enterprise plan, and a key made by one of its admins."
            }
            Error::NotFound { .. } => {
                "Check api_url; Pluralsight documents https://paas-api.pluralsight.com/graphql."
            }
            Error::RateLimited {
                retry_after: Some(wait),
                ..
            } => {
                return Some(format!(
                    "Try again in {}, or raise max_backoff if a query may wait that long; fewer and larger pages (page_size) cost fewer requests.",
                    spoken(*wait)
                ));
            }
            Error::RateLimited { .. } => {
                "Try again later; fewer and larger pages (page_size) cost fewer requests."
            }
            Error::Connect { .. } => {
                "Check that this machine may reach that host (DNS, firewall, proxy)."
            }
            Error::Tls { .. } => {
                "If a proxy or a private authority signs the certificates here, add its certificate as a trusted authority (ca_file); TLS cannot be switched off."
            }
            Error::NoAuthorities => {
                "Install them (the package is called ca-certificates), or name a file of them in the server's option ca_file."
            }
            Error::Timeout {
                phase: Phase::Connecting,
                ..
            } => {
                "Check that this machine may reach that host; connect_timeout sets how long one attempt may take to connect."
            }
            Error::Timeout { .. } => {
                "request_timeout sets how long one attempt may take; a smaller page_size makes each reply smaller."
            }
            Error::Http {
                retry_after: Some(wait),
                ..
            } => {
                return Some(format!(
                    "Try again in {}, or raise max_backoff if a query may wait that long.",
                    spoken(*wait)
                ));
            }
            Error::Http { status: 500.., .. } => {
                "The trouble is on the API's side; try again later."
            }
            Error::Http { .. } => {
                "The API did not accept the request, and would not accept it again."
            }
            Error::BadReply { .. } => {
                "Try again; if it stays, something between here and the API may answer in its place: check api_url and proxy."
            }
            Error::TooLarge { .. } => {
                "Ask for smaller pages (page_size), or raise max_response_size."
            }
            Error::Redirect { .. } => "Set api_url to the address that answers itself.",
            Error::GraphQl { .. } => match self.refusals().first() {
                None if self.page_size(u32::MAX).is_some() => "Ask for smaller pages (page_size).",
                Some(_) => {
                    "The options of the foreign table and its columns say what is asked of the API: correct the one that the API refuses."
                }
                None => {
                    "The API itself reports this; if it stays, it is a matter for Pluralsight's support."
                }
            },
            Error::Incomplete { gap, .. } => gap.hint(),
            Error::Shape { .. } => {
                "The API may have changed; on_incomplete does not help here, since the answer cannot be read."
            }
            Error::Deadline { .. } => {
                "Raise statement_timeout or transaction_timeout, whichever is set, or try again when the API answers."
            }
            Error::BudgetSpent { .. } => "The API fails again and again; try again later.",
            Error::InvalidUrl(_) | Error::Settings(_) => return None,
        };
        Some(hint.to_owned())
    }

    /// What else is known: the query of a GraphQL error, or what a reply said that was not an answer.
    pub fn detail(&self) -> Option<String> {
        match self {
            Error::GraphQl { document, .. } if !document.is_empty() => {
                Some(format!("Query: {document}"))
            }
            Error::Http { excerpt, .. } | Error::BadReply { excerpt, .. }
                if !excerpt.is_empty() =>
            {
                Some(format!("The reply begins: {excerpt}"))
            }
            _ => None,
        }
    }

    /// What the API refuses in the document, in the order in which it says so, and the names from the root field down
    /// to where that stands; none where it does not say.
    pub fn refusals(&self) -> Vec<(&Refusal, &[String])> {
        match self {
            Error::GraphQl { errors, .. } => errors
                .iter()
                .filter_map(|error| Some((error.refusal.as_ref()?, error.at())))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The size of a page that may be asked for instead, if the API refuses to give one of `asked` records.
    pub fn page_size(&self, asked: u32) -> Option<u32> {
        let Error::GraphQl { errors, .. } = self else {
            return None;
        };
        let refused = errors
            .iter()
            .find_map(|error| refusal::read_page_size(&error.message, asked))?;
        // Without a number, a guess that comes down quickly.
        Some(refused.unwrap_or(asked / 10).max(1))
    }

    /// Names in the messages of errors that may be those of fields, or not.
    pub fn named_fields(&self) -> Vec<&str> {
        match self {
            Error::GraphQl { errors, .. } => errors
                .iter()
                .flat_map(|error| named_fields(&error.message))
                .collect(),
            Error::Forbidden { says, .. } => named_fields(says),
            _ => Vec::new(),
        }
    }

    /// The same error, on that page.
    pub(crate) fn on_page(mut self, number: u32) -> Error {
        if let Some(at) = self.place_mut() {
            at.page = Some(number);
        }
        self
    }

    fn place_mut(&mut self) -> Option<&mut Place> {
        match self {
            Error::Unauthorized { at, .. }
            | Error::Forbidden { at, .. }
            | Error::NotFound { at, .. }
            | Error::RateLimited { at, .. }
            | Error::Connect { at, .. }
            | Error::Timeout { at, .. }
            | Error::Http { at, .. }
            | Error::BadReply { at, .. }
            | Error::TooLarge { at, .. }
            | Error::Redirect { at, .. }
            | Error::GraphQl { at, .. }
            | Error::Incomplete { at, .. }
            | Error::Shape { at, .. }
            | Error::Deadline { at, .. }
            | Error::BudgetSpent { at, .. } => Some(at),
            Error::Tls { .. }
            | Error::NoAuthorities
            | Error::InvalidUrl(_)
            | Error::Settings(_) => None,
        }
    }
}

struct Asked<'a>(&'a Option<Duration>);

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(wait) => write!(f, "; it asks to wait {}", spoken(*wait)),
            None => Ok(()),
        }
    }
}

struct To<'a>(&'a Option<String>);

impl fmt::Display for To<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(host) => write!(f, " to {host}"),
            None => Ok(()),
        }
    }
}

/// A timeout in words: how far it had come, with which host, after how long.
pub(crate) struct Stalled<'a>(pub Phase, pub &'a str, pub Duration);

impl fmt::Display for Stalled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stalled(phase, host, after) = self;
        let after = spoken(*after);
        match phase {
            Phase::Connecting => write!(f, "no connection to {host} within {after}"),
            Phase::Waiting => write!(f, "no reply from {host} within {after}"),
            Phase::Reading(bytes) => write!(
                f,
                "the reply from {host} was not complete after {after} ({} had come)",
                counted(*bytes, "byte")
            ),
        }
    }
}

/// How many errors of one reply are shown.
const ERRORS_SHOWN: usize = 3;
const MESSAGES_LENGTH: usize = 600;

pub(crate) struct Listed<'a>(pub &'a [GraphQlError]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<String> = self
            .0
            .iter()
            .take(ERRORS_SHOWN)
            .map(ToString::to_string)
            .collect();
        f.write_str(&shortened(&shown.join("; "), MESSAGES_LENGTH))?;
        match self.0.len().saturating_sub(ERRORS_SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

fn repeated(retries: u32) -> String {
    match retries {
        1 => "one request was repeated in this scan, which is all that one scan may".to_owned(),
        _ => {
            format!("{retries} requests were repeated in this scan, which is all that one scan may")
        }
    }
}

struct TooLate<'a>(&'a Option<Duration>);

impl fmt::Display for TooLate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(wait) => write!(
                f,
                "the wait of {} before the next attempt would end after the statement must",
                spoken(*wait)
            ),
            None => f.write_str("the statement's time is over"),
        }
    }
}

struct LastCause<'a>(Option<&'a str>, u32);

impl fmt::Display for LastCause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(cause) = self.0 {
            write!(f, "; last cause: {cause}")?;
        }
        match self.1 {
            0 => Ok(()),
            attempts => write!(f, " ({})", counted(u64::from(attempts), "attempt")),
        }
    }
}
