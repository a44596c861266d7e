//! Why one attempt came to nothing, before it is known whether it was the last one.

use std::time::Duration;

use crate::error::{Error, Listed, Phase, Place, Stalled};
use crate::graphql_error::{GraphQlError, Trouble, overall, refuses_the_document};
use crate::retry::Outcome;
use crate::text::{shortened, size};

/// What the API answers, in words, to a key that it does not know (seen by a public probe of the service).
const KNOWN_REFUSAL: &str = "AuthenticationError";

#[derive(Debug)]
pub(crate) enum Failure {
    NotConnected {
        cause: String,
        no_such_host: bool,
    },
    Tls {
        cause: String,
    },
    Timeout {
        phase: Phase,
        after: Duration,
    },
    /// The reply broke off or is no GraphQL answer. `is_page`: it is a web page; `passes`: another attempt may do better.
    Broken {
        why: String,
        excerpt: String,
        is_page: bool,
        passes: bool,
    },
    TooLarge {
        limit: u64,
    },
    Redirect {
        status: u16,
        to: Option<String>,
    },
    /// A status other than success, without GraphQL errors. `says`: the error in a JSON body, or nothing.
    Status {
        status: u16,
        retry_after: Option<Duration>,
        says: String,
        excerpt: String,
        is_page: bool,
    },
    GraphQl {
        errors: Vec<GraphQlError>,
        status: u16,
        retry_after: Option<Duration>,
    },
}

/// The error of an attempt that was the last.
pub(crate) struct Last<'a> {
    pub at: Place,
    pub attempts: u32,
    pub document: &'a str,
}

impl Failure {
    /// Something that cannot even be sent.
    pub fn unsendable(why: &str) -> Failure {
        Failure::Broken {
            why: format!("the request could not be made: {why}"),
            excerpt: String::new(),
            is_page: false,
            passes: false,
        }
    }

    /// What a retry depends on.
    pub fn outcome(&self) -> Outcome {
        match self {
            Failure::NotConnected { .. } => Outcome::NotConnected,
            Failure::Timeout { .. } => Outcome::TimedOut,
            Failure::Broken { passes: true, .. } => Outcome::Broken,
            Failure::Status {
                status,
                retry_after,
                ..
            } => Outcome::Status {
                status: *status,
                retry_after: *retry_after,
            },
            Failure::GraphQl {
                errors,
                status,
                retry_after,
            } => match overall(errors) {
                Trouble::Transient => Outcome::Transient {
                    retry_after: *retry_after,
                },
                Trouble::RateLimited => Outcome::Status {
                    status: 429,
                    retry_after: *retry_after,
                },
                // A server in trouble may say so by its status alone, unless the document is what it refuses.
                Trouble::Permanent if *status >= 500 && !refuses_the_document(errors) => {
                    Outcome::Status {
                        status: *status,
                        retry_after: *retry_after,
                    }
                }
                Trouble::Permanent | Trouble::Unauthorized | Trouble::Forbidden => {
                    Outcome::Permanent
                }
            },
            Failure::Broken { passes: false, .. }
            | Failure::Tls { .. }
            | Failure::TooLarge { .. }
            | Failure::Redirect { .. } => Outcome::Permanent,
        }
    }

    /// Whether this cannot be the API, so that the next of the built-in addresses is worth a try: no such host, nothing
    /// there, a web page, a redirect, or a refusal in other words than the API's own.
    pub fn is_elsewhere(&self) -> bool {
        match self {
            Failure::NotConnected { no_such_host, .. } => *no_such_host,
            Failure::Redirect { .. } => true,
            Failure::Broken { is_page, .. } => *is_page,
            Failure::Status {
                status: 404 | 405 | 410,
                ..
            } => true,
            Failure::Status {
                status: 401 | 403,
                says,
                ..
            } => !says.contains(KNOWN_REFUSAL),
            Failure::Status {
                status: 400..500,
                is_page,
                ..
            } => *is_page,
            _ => false,
        }
    }

    /// Whether only the API itself answers like this.
    pub fn proves_the_api(&self) -> bool {
        match self {
            Failure::GraphQl { .. } => true,
            Failure::Status {
                status: 401 | 403,
                says,
                ..
            } => says.contains(KNOWN_REFUSAL),
            _ => false,
        }
    }

    /// A few words for an error that has another subject.
    pub fn summary(&self, host: &str) -> String {
        match self {
            Failure::NotConnected { cause, .. } | Failure::Tls { cause } => cause.clone(),
            Failure::Timeout { phase, after } => Stalled(*phase, host, *after).to_string(),
            Failure::Broken { why, .. } => why.clone(),
            Failure::TooLarge { limit } => format!("a reply larger than {}", size(*limit)),
            Failure::Redirect { status, .. } | Failure::Status { status, .. } => {
                format!("HTTP {status}")
            }
            Failure::GraphQl { errors, .. } => Listed(errors).to_string(),
        }
    }

    /// The error that a person sees. `asked`: the wait that the server asked for, if that is why this was the last.
    pub fn into_error(self, last: Last<'_>, asked: Option<Duration>) -> Error {
        let Last {
            at,
            attempts,
            document,
        } = last;
        let at = Box::new(at);
        match self {
            Failure::NotConnected { cause, .. } => Error::Connect {
                at,
                cause,
                attempts,
            },
            Failure::Tls { cause } => Error::Tls {
                host: at.host,
                cause,
            },
            Failure::Timeout { phase, after } => Error::Timeout {
                at,
                phase,
                after,
                attempts,
            },
            Failure::Broken { why, excerpt, .. } => Error::BadReply {
                at,
                why,
                excerpt,
                attempts,
            },
            Failure::TooLarge { limit } => Error::TooLarge { at, limit },
            Failure::Redirect { status, to } => Error::Redirect { at, status, to },
            Failure::Status {
                status: 401, says, ..
            } => Error::Unauthorized {
                at,
                says: or_status(says, 401),
            },
            Failure::Status {
                status: 403, says, ..
            } => Error::Forbidden {
                at,
                says: or_status(says, 403),
            },
            Failure::Status {
                status: status @ (404 | 405 | 410),
                ..
            } => Error::NotFound { at, status },
            Failure::Status {
                status: 429,
                retry_after,
                ..
            } => Error::RateLimited {
                at,
                retry_after: asked.or(retry_after),
                attempts,
            },
            Failure::Status {
                status,
                retry_after,
                excerpt,
                ..
            } => Error::Http {
                at,
                status,
                retry_after: asked.or(retry_after),
                excerpt,
                attempts,
            },
            Failure::GraphQl {
                errors,
                retry_after,
                ..
            } => match overall(&errors) {
                Trouble::Unauthorized => Error::Unauthorized {
                    at,
                    says: Listed(&errors).to_string(),
                },
                Trouble::Forbidden => Error::Forbidden {
                    at,
                    says: Listed(&errors).to_string(),
                },
                Trouble::RateLimited => Error::RateLimited {
                    at,
                    retry_after: asked.or(retry_after),
                    attempts,
                },
                Trouble::Transient | Trouble::Permanent => Error::GraphQl {
                    at,
                    errors: located(errors, document),
                    document: shortened(document, usize::MAX),
                    attempts,
                },
            },
        }
    }
}

fn located(mut errors: Vec<GraphQlError>, document: &str) -> Vec<GraphQlError> {
    for error in &mut errors {
        error.locate(document);
    }
    errors
}

fn or_status(says: String, status: u16) -> String {
    if says.is_empty() {
        format!("HTTP {status}")
    } else {
        format!("{says} (HTTP {status})")
    }
}
