//! Requests with retries, over the first address that is the API.

use std::cell::RefCell;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value};
use url::Url;

use crate::error::Error;
use crate::reply::Reply;
use crate::retry::{Decision, Policy, decide};
use crate::settings::{Endpoint, Settings};
use crate::stats::{RetryBudget, Stats};
use crate::token::Token;
use crate::transport::{Failure, Transport};

/// Pluralsight's addresses, in the order in which they are tried: the one that integrations of others use, then the one
/// of the developer portal's page "Using GraphQL".
pub const BUILT_IN: [&str; 2] = ["https://api.pluralsight.com/GraphQL", "https://paas-api.pluralsight.com/graphql"];

/// Talks to one API. Holds its connections, but no token.
pub struct Client {
    transport: Transport,
    policy: Policy,
    /// Addresses still in question; the one in use comes first.
    candidates: RefCell<Vec<Url>>,
    chosen: RefCell<Option<Url>>,
}

/// One request.
pub struct Call<'a> {
    pub document: &'a str,
    pub variables: Map<String, Value>,
}

/// On whose behalf, and within what bounds.
pub struct Context<'a> {
    pub token: &'a Token,
    pub stats: &'a Stats,
    /// When the statement ends at the latest.
    pub deadline: Option<Instant>,
    pub budget: &'a RetryBudget,
}

impl Context<'_> {
    fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

impl Client {
    /// A client that has not connected yet.
    ///
    /// # Errors
    /// Settings that the HTTP library refuses, such as a certificate that is none.
    pub fn new(settings: &Settings) -> Result<Client, Error> {
        let candidates = match &settings.endpoint {
            Endpoint::Url(url) => vec![url.clone()],
            Endpoint::BuiltIn => BUILT_IN.iter().filter_map(|text| Url::parse(text).ok()).collect(),
        };
        Client::with_candidates(settings, candidates)
    }

    /// A client that tries `candidates` in turn, whatever the settings' endpoint says.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_candidates(settings: &Settings, candidates: Vec<Url>) -> Result<Client, Error> {
        Ok(Client {
            transport: Transport::new(settings)?,
            policy: Policy {
                max_attempts: settings.max_attempts,
                initial_backoff: settings.initial_backoff,
                max_backoff: settings.max_backoff,
            },
            candidates: RefCell::new(candidates),
            chosen: RefCell::new(None),
        })
    }

    /// The address in use, once one has answered as the API.
    pub fn endpoint(&self) -> Option<Url> {
        self.chosen.borrow().clone()
    }

    /// Asks, as often as the policy and the context's bounds allow.
    ///
    /// # Errors
    /// Whatever the last attempt met.
    pub async fn send(&self, call: &Call<'_>, context: &Context<'_>) -> Result<Reply, Error> {
        loop {
            let Some(url) = self.candidates.borrow().first().cloned() else {
                return Err(Error::Setup("there is no address to ask".to_owned()));
            };
            match self.send_to(&url, call, context).await {
                Err(error) if error.is_elsewhere() && self.has_another() => {
                    self.candidates.borrow_mut().remove(0);
                }
                outcome => {
                    if outcome.is_ok() || !matches!(outcome, Err(Error::Connect { .. } | Error::Timeout { .. } | Error::Tls { .. })) {
                        self.chosen.borrow_mut().get_or_insert(url);
                    }
                    return outcome;
                }
            }
        }
    }

    /// Only while no address has answered yet does it make sense to try the next.
    fn has_another(&self) -> bool {
        self.chosen.borrow().is_none() && self.candidates.borrow().len() > 1
    }

    async fn send_to(&self, url: &Url, call: &Call<'_>, context: &Context<'_>) -> Result<Reply, Error> {
        let body = serde_json::json!({ "query": call.document, "variables": call.variables });
        let mut attempt = 1;
        loop {
            context.stats.request(attempt > 1);
            let Failure { outcome, error } = match self.transport.attempt(url, &body, call.document, context.token, context.stats, context.left()).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let error = error(attempt);
            if error.is_elsewhere() && self.has_another() {
                return Err(error);
            }
            match decide(&outcome, attempt, &self.policy, rand::random(), SystemTime::now(), context.left()) {
                Decision::GiveUp | Decision::Exhausted | Decision::WaitTooLong(_) => return Err(error),
                Decision::PastDeadline(delay) => {
                    let late = delay.saturating_sub(context.left().unwrap_or_default());
                    return Err(Error::Deadline { late, cause: error.to_string() });
                }
                Decision::RetryAfter(delay) => {
                    if !context.budget.take() {
                        return Err(Error::BudgetSpent { cause: error.to_string() });
                    }
                    let started = Instant::now();
                    tokio::time::sleep(delay).await;
                    context.stats.backed_off(started.elapsed());
                    attempt += 1;
                }
            }
        }
    }
}
