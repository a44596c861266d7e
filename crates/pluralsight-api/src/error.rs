//! Everything that can go wrong between asking and having an answer.

use std::fmt;
use std::time::Duration;

use crate::settings::EndpointError;
use crate::token::TokenError;

/// One entry of a reply's `errors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphQlError {
    pub message: String,
    /// Where in the answer it happened, as `users.nodes.3.email`; empty if the API does not say.
    pub path: String,
    /// `extensions.code`; empty if the API does not say.
    pub code: String,
}

impl GraphQlError {
    /// Whether it says of itself that another attempt may succeed.
    pub fn is_transient(&self) -> bool {
        const CODES: [&str; 7] = ["SERVICE_UNAVAILABLE", "TIMEOUT", "GATEWAY_TIMEOUT", "RATE_LIMITED", "TOO_MANY_REQUESTS", "THROTTLED", "DOWNSTREAM_SERVICE_ERROR"];
        const WORDS: [&str; 7] = ["temporar", "try again", "timed out", "timeout", "rate limit", "too many requests", "unavailable"];
        let message = self.message.to_lowercase();
        CODES.contains(&self.code.as_str()) || WORDS.iter().any(|word| message.contains(word))
    }
}

impl fmt::Display for GraphQlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.path.is_empty() {
            write!(f, " (at {})", self.path)?;
        }
        Ok(())
    }
}

/// A field that the API does not know, as its own message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedField {
    pub field: String,
    /// The type that lacks it; empty if the message does not say.
    pub on_type: String,
}

/// The kinds of [`Error`], for choosing an error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    Setup,
}

/// What went wrong. Its text never holds the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the API refused the token (HTTP 401{})", said(.message))]
    Unauthorized { message: String },
    #[error("the API denied access (HTTP 403{})", said(.message))]
    Forbidden { message: String },
    #[error("there is no GraphQL API at {url} (HTTP {status})")]
    NotFound { url: String, status: u16 },
    #[error("the API limits the rate of requests (HTTP 429 after {}{})", tries(.attempts), asked(.retry_after))]
    RateLimited { retry_after: Option<Duration>, attempts: u32 },
    #[error("could not connect to {host}: {cause} (after {})", tries(.attempts))]
    Connect { host: String, cause: String, attempts: u32 },
    #[error("no secure connection to {host}: {cause}")]
    Tls { host: String, cause: String },
    #[error("no complete reply from {host} within {} (after {})", duration(.after), tries(.attempts))]
    Timeout { host: String, after: Duration, attempts: u32 },
    #[error("the API answered HTTP {status} (after {}{})", tries(.attempts), asked(.retry_after))]
    Http { status: u16, attempts: u32, retry_after: Option<Duration> },
    #[error("the API's reply cannot be read: {why} (after {})", tries(.attempts))]
    BadReply { why: String, attempts: u32 },
    #[error("the API's reply is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the API redirects to {to} (HTTP {status}), where the token must not go")]
    Redirect { status: u16, to: String },
    #[error("the API reports {}{}", list(.errors), after_more(.attempts))]
    GraphQl { errors: Vec<GraphQlError>, attempts: u32, document: String },
    #[error("the answer is not complete: {why} (page {page}{})", expected_got(.expected, .got))]
    Incomplete { page: u32, why: String, expected: Option<String>, got: Option<u64> },
    #[error("the answer has an unexpected form: {path} holds {got} where {expected} was expected (page {page})")]
    Shape { page: u32, path: String, expected: String, got: String },
    #[error("the next attempt would come {} too late for this statement: {cause}", duration(.late))]
    Deadline { late: Duration, cause: String },
    #[error("too many retries in one scan: {cause}")]
    BudgetSpent { cause: String },
    #[error("invalid address of the API: {0}")]
    InvalidUrl(#[from] EndpointError),
    #[error("the API token cannot be used: {0}")]
    InvalidToken(#[from] TokenError),
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(String),
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Unauthorized { .. } | Error::InvalidToken(_) => ErrorKind::Unauthorized,
            Error::Forbidden { .. } => ErrorKind::Forbidden,
            Error::NotFound { .. } => ErrorKind::NotFound,
            Error::RateLimited { .. } => ErrorKind::RateLimited,
            Error::Connect { .. } => ErrorKind::Connect,
            Error::Tls { .. } => ErrorKind::Tls,
            Error::Timeout { .. } => ErrorKind::Timeout,
            Error::Http { .. } => ErrorKind::Http,
            Error::BadReply { .. } => ErrorKind::BadReply,
            Error::TooLarge { .. } => ErrorKind::TooLarge,
            Error::Redirect { .. } => ErrorKind::Redirect,
            Error::GraphQl { errors, .. } if errors.iter().any(|error| error.code == "UNAUTHENTICATED") => ErrorKind::Unauthorized,
            Error::GraphQl { errors, .. } if errors.iter().any(|error| error.code == "FORBIDDEN") => ErrorKind::Forbidden,
            Error::GraphQl { .. } => ErrorKind::GraphQl,
            Error::Incomplete { .. } => ErrorKind::Incomplete,
            Error::Shape { .. } => ErrorKind::Shape,
            Error::Deadline { .. } => ErrorKind::Deadline,
            Error::BudgetSpent { .. } => ErrorKind::BudgetSpent,
            Error::InvalidUrl(_) => ErrorKind::InvalidUrl,
            Error::Setup(_) => ErrorKind::Setup,
        }
    }

    /// What to do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        Some(
            match self.kind() {
                ErrorKind::Unauthorized => "Check the token, or make a new one: a plan admin finds Manage Keys in Pluralsight's developer portal. The API answers the same to a plan without access to it.",
                ErrorKind::Forbidden => "The key or the plan may not read this. Keys are made, with their rights, under Manage Keys in Pluralsight's developer portal.",
                ErrorKind::NotFound => "Check the server's option api_url, or drop it to use Pluralsight's own address.",
                ErrorKind::RateLimited => "Wait before asking again, or ask for less: name only the columns needed, and join by user_id or email.",
                ErrorKind::Connect | ErrorKind::Timeout => "Check that this host can reach the API. The server's options connect_timeout, request_timeout and max_attempts say how long to try.",
                ErrorKind::Tls => "The certificate must be valid for that host and issued by an authority that this host trusts.",
                ErrorKind::TooLarge => "Raise the server's option max_response_size, or lower page_size.",
                ErrorKind::Redirect => "If the API has moved there, set the server's option api_url to the new address.",
                ErrorKind::Incomplete => "Nothing was returned rather than a part. Try again; if it stays, the table option on_incomplete 'warning' lets the rows through with a warning.",
                ErrorKind::Deadline => "Raise statement_timeout, or try again later.",
                _ => return None,
            }
            .to_owned(),
        )
    }

    /// More for those who look into it: the document that the API refused.
    pub fn detail(&self) -> Option<String> {
        match self {
            Error::GraphQl { document, .. } => Some(format!("GraphQL document: {}", document)),
            _ => None,
        }
    }

    /// The field, argument or input field that the API does not know, if that is what it complains of.
    pub fn refused_field(&self) -> Option<RefusedField> {
        let Error::GraphQl { errors, .. } = self else { return None };
        errors.iter().find_map(|error| refused_in(&error.message))
    }

    /// Whether a look at another address makes sense: this one is not the API.
    pub(crate) fn is_elsewhere(&self) -> bool {
        match self {
            Error::NotFound { .. } => true,
            Error::Connect { cause, .. } => cause.contains(UNKNOWN_HOST),
            Error::BadReply { why, .. } => why.contains(HTML),
            _ => false,
        }
    }
}

pub(crate) const UNKNOWN_HOST: &str = "there is no such host";
pub(crate) const HTML: &str = "a web page instead of JSON";

/// The forms in which graphql-js and async-graphql name what they do not know.
fn refused_in(message: &str) -> Option<RefusedField> {
    let lower = message.to_lowercase();
    let known = ["cannot query field", "unknown field", "unknown argument", "is not defined by type", "invalid value for argument", "cannot access field", "beta", "not available"];
    if !known.iter().any(|words| lower.contains(words)) {
        return None;
    }
    let quoted: Vec<&str> = message.split('"').skip(1).step_by(2).collect();
    let field = quoted.first()?.rsplit('.').next()?.to_owned();
    // `Field "x" is not defined by type "T"` and `Unknown argument "x" on field "y" of type "T"` end with the type.
    let on_type = quoted.get(1..)?.last().map(|name| (*name).to_owned()).unwrap_or_default();
    let is_name = !field.is_empty() && field.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    is_name.then_some(RefusedField { field, on_type })
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

fn tries(count: &u32) -> String {
    if *count == 1 { "1 attempt".to_owned() } else { format!("{count} attempts") }
}

fn after_more(count: &u32) -> String {
    if *count <= 1 { String::new() } else { format!(" (after {count} attempts)") }
}

fn asked(delay: &Option<Duration>) -> String {
    delay.map(|delay| format!("; it asks to wait {}", duration(&delay))).unwrap_or_default()
}

fn duration(length: &Duration) -> String {
    if length.as_millis() < 1_000 {
        format!("{} ms", length.as_millis())
    } else {
        format!("{} s", (length.as_millis() as f64 / 100.0).round() / 10.0)
    }
}

fn list(errors: &[GraphQlError]) -> String {
    let shown: Vec<String> = errors.iter().take(3).map(ToString::to_string).collect();
    let more = errors.len().saturating_sub(3);
    let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}: {}{tail}", if errors.len() == 1 { "an error" } else { "errors" }, shown.join("; "))
}

fn expected_got(expected: &Option<String>, got: &Option<u64>) -> String {
    match (expected, got) {
        (Some(expected), Some(got)) => format!(", {expected} expected, {got} read"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graphql(message: &str) -> Error {
        Error::GraphQl {
            errors: vec![GraphQlError { message: message.to_owned(), path: String::new(), code: String::new() }],
            attempts: 1,
            document: String::new(),
        }
    }

    #[test]
    fn a_refused_field_is_recognised() {
        for (message, field, on_type) in [
            ("Cannot query field \"mfaEnabled\" on type \"User\".", "mfaEnabled", "User"),
            ("Cannot query field \"mfa\" on type \"User\". Did you mean \"mfaEnabled\"?", "mfa", "mfaEnabled"),
            ("Unknown field \"mfaEnabled\" on type \"User\"", "mfaEnabled", "User"),
            ("Field \"emails\" is not defined by type \"UserFilter\".", "emails", "UserFilter"),
            ("Unknown argument \"filter\" on field \"Query.users\".", "filter", "Query.users"),
        ] {
            let refused = graphql(message).refused_field().expect(message);
            assert_eq!((refused.field.as_str(), refused.on_type.as_str()), (field, on_type), "{message}");
        }
        assert_eq!(graphql("Something \"else\" is wrong").refused_field(), None);
    }

    #[test]
    fn an_error_reads_like_a_sentence() {
        let error = Error::RateLimited { retry_after: Some(Duration::from_secs(90)), attempts: 3 };
        assert_eq!(error.to_string(), "the API limits the rate of requests (HTTP 429 after 3 attempts; it asks to wait 90 s)");
        let error = Error::Incomplete { page: 3, why: "records are missing".into(), expected: Some("2345 records".into()), got: Some(2_000) };
        assert_eq!(error.to_string(), "the answer is not complete: records are missing (page 3, 2345 records expected, 2000 read)");
    }
}
