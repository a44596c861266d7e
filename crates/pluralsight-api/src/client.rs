//! Sending a query until it is answered, or until it is certain that it will not be.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::begun::Begun;
use crate::endpoint::{self, Endpoint, host_of};
use crate::error::{Error, Place};
use crate::failure::{Failure, Last};
use crate::reply::{self, ReadData, Reply, Tree};
use crate::retry::{Decision, Policy, Reason, RetryBudget, decide};
use crate::settings::Settings;
use crate::stats::Stats;
use crate::token::Token;
use crate::transport::{RawReply, Sent, Transport};

/// A client of the API. It keeps one connection and, once known, the address; it is meant to be made once and kept. It
/// holds no token.
pub struct Client {
    transport: Transport,
    policy: Policy,
    candidates: Vec<Url>,
    /// The candidate that has answered as the API does.
    chosen: Cell<Option<usize>>,
    /// A copy of the address for [`Client::endpoint`].
    endpoint: RefCell<Option<Url>>,
    /// The most records of a page that the API has not refused, by root field.
    page_sizes: RefCell<HashMap<String, u32>>,
}

/// One query.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The root field, for messages.
    pub operation: &'a str,
    /// The GraphQL document.
    pub document: &'a str,
    /// Which of the document's operations to run, where it holds several.
    pub operation_name: Option<&'a str>,
    /// The values of the document's variables, an object.
    pub variables: Value,
}

/// On whose behalf a query is sent, how long it may take, and what it cost.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub token: &'a Token,
    pub stats: &'a Stats,
    /// When the answer stops being of use. No wait that would end later is begun.
    pub deadline: Option<Instant>,
    /// The retries that this scan may still make.
    pub budget: &'a RetryBudget,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    query: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_name: Option<&'a str>,
    variables: &'a Value,
}

impl Client {
    /// Sets a client up; nothing is sent. Fails on an address, a proxy or an authority that cannot be used.
    pub fn new(settings: &Settings) -> Result<Client, Error> {
        Client::with_candidates(settings, settings.endpoint.candidates()?)
    }

    /// The same with other addresses than the two built-in ones to choose from, in order.
    pub fn with_candidates(settings: &Settings, candidates: Vec<Url>) -> Result<Client, Error> {
        for url in &candidates {
            endpoint::check(url)?;
            if url.scheme() == "http" && settings.proxy.is_some() {
                return Err(Error::Settings(
                    "an http address is not asked through a proxy: the token would leave this machine in clear text"
                        .to_owned(),
                ));
            }
        }
        let known = match settings.endpoint {
            Endpoint::Url(_) => candidates.first().cloned(),
            Endpoint::BuiltIn => None,
        };
        Ok(Client {
            transport: Transport::new(
                settings,
                candidates.iter().any(|url| url.scheme() == "https"),
            )?,
            policy: Policy {
                max_attempts: settings.max_attempts.max(1),
                initial_backoff: settings.initial_backoff,
                max_backoff: settings.max_backoff,
            },
            candidates,
            chosen: Cell::new(known.as_ref().map(|_| 0)),
            endpoint: RefCell::new(known),
            page_sizes: RefCell::default(),
        })
    }

    /// The address in use: the one that was set, or the built-in one that has answered. `None` before the first answer.
    pub fn endpoint(&self) -> Option<Url> {
        self.endpoint.borrow().clone()
    }

    /// Sends the query, again where that may help, and reads the answer. Dropping the future at any moment is safe.
    pub async fn send(&self, call: &Call<'_>, context: &Context<'_>) -> Result<Reply, Error> {
        self.send_and_read(call, context, &Tree, None).await
    }

    /// The same; what becomes of the answer's data is up to `data`. The first attempt may have been begun before.
    pub(crate) async fn send_and_read<R: ReadData>(
        &self,
        call: &Call<'_>,
        context: &Context<'_>,
        data: &R,
        begun: Option<Begun<'_>>,
    ) -> Result<Reply<R::Data>, Error> {
        let body = body(call).map_err(|error| {
            Error::Settings(format!("the query cannot be written as JSON: {error}"))
        })?;
        let first = self.chosen.get().unwrap_or(0);
        let mut outcome = self.send_to(first, &body, call, context, data, begun).await;
        if self.chosen.get().is_none() {
            // Only while the address is open, and each of the others once.
            for candidate in first + 1..self.candidates.len() {
                if !matches!(&outcome, Err(unanswered) if unanswered.elsewhere) {
                    break;
                }
                let next = self
                    .send_to(candidate, &body, call, context, data, None)
                    .await;
                // If no address is the API's, the first one's story is the one to tell.
                if !matches!(&next, Err(unanswered) if unanswered.elsewhere) {
                    outcome = next;
                }
            }
        }
        outcome.map_err(|unanswered| unanswered.error)
    }

    /// One attempt at a query, which sets `sent`; `None` as long as no address has answered.
    pub(crate) fn attempt<'a>(
        &'a self,
        call: &Call<'_>,
        context: &Context<'a>,
        sent: Sent,
    ) -> Option<impl Future<Output = Result<RawReply, Failure>> + use<'a>> {
        let url = self.candidates.get(self.chosen.get()?)?;
        let (body, context) = (body(call).ok()?, *context);
        Some(async move {
            self.transport
                .attempt(url, context.token, &body, context.stats, sent)
                .await
        })
    }

    /// All attempts at one address.
    async fn send_to<R: ReadData>(
        &self,
        candidate: usize,
        body: &[u8],
        call: &Call<'_>,
        context: &Context<'_>,
        data: &R,
        mut begun: Option<Begun<'_>>,
    ) -> Result<Reply<R::Data>, Unanswered> {
        let Some(url) = self.candidates.get(candidate) else {
            return Err(Unanswered {
                error: Error::Settings("there is no address to send to".to_owned()),
                elsewhere: false,
            });
        };
        let host = host_of(url);
        let place = || Place {
            operation: call.operation.to_owned(),
            host: host.clone(),
            page: None,
        };
        let mut attempts = 0;
        let mut cause = None;
        loop {
            if context
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline)
            {
                let error = Error::Deadline {
                    at: Box::new(place()),
                    wait: None,
                    cause,
                    attempts,
                };
                return Err(Unanswered {
                    error,
                    elsewhere: false,
                });
            }
            attempts += 1;
            let outcome = match begun.take() {
                Some(begun) => begun.outcome().await,
                None => {
                    self.transport
                        .attempt(url, context.token, body, context.stats, Sent::default())
                        .await
                }
            };
            if let Ok(raw) = &outcome {
                data.came(raw).await;
            }
            let failure = match outcome.and_then(|raw| reply::read(&raw, context.token, data)) {
                Ok(reply) => {
                    self.choose(candidate);
                    return Ok(reply);
                }
                Err(failure) => failure,
            };
            data.failed();
            if failure.proves_the_api() {
                self.choose(candidate);
            }
            let elsewhere = self.chosen.get().is_none() && failure.is_elsewhere();
            let unanswered = |error| Unanswered { error, elsewhere };
            let last = Last {
                at: place(),
                attempts,
                document: call.document,
            };
            if elsewhere && candidate + 1 < self.candidates.len() {
                return Err(unanswered(failure.into_error(last, None)));
            }
            let decision = decide(
                failure.outcome(),
                attempts,
                self.policy,
                rand::random(),
                Instant::now(),
                context.deadline,
            );
            let wait = match decision {
                Decision::RetryAfter(wait) => wait,
                Decision::Stop(Reason::Deadline(wait)) => {
                    let cause = Some(failure.summary(&host));
                    return Err(unanswered(Error::Deadline {
                        at: Box::new(last.at),
                        wait: Some(wait),
                        cause,
                        attempts,
                    }));
                }
                Decision::Stop(Reason::WaitTooLong(asked)) => {
                    return Err(unanswered(failure.into_error(last, Some(asked))));
                }
                Decision::Stop(Reason::AttemptsUsed | Reason::Permanent) => {
                    return Err(unanswered(failure.into_error(last, None)));
                }
            };
            if !context.budget.take() {
                let (retries, cause) = (context.budget.allowed(), failure.summary(&host));
                return Err(unanswered(Error::BudgetSpent {
                    at: Box::new(last.at),
                    retries,
                    cause,
                    attempts,
                }));
            }
            cause = Some(failure.summary(&host));
            self.wait(wait, context).await;
            context.stats.count_retry();
        }
    }

    async fn wait(&self, wait: Duration, context: &Context<'_>) {
        let _waiting = context.stats.waiting(true);
        tokio::time::sleep(wait).await;
    }

    /// Keeps an address that has answered as the API does.
    fn choose(&self, candidate: usize) {
        if self.chosen.get().is_none() {
            self.chosen.set(Some(candidate));
            self.endpoint
                .replace(self.candidates.get(candidate).cloned());
        }
    }

    /// The most records that may be asked for in one page of that root field, as far as is known.
    pub(crate) fn page_size(&self, operation: &str) -> u32 {
        let sizes = self.page_sizes.borrow();
        sizes.get(operation).copied().unwrap_or(u32::MAX)
    }

    /// Keeps, for as long as the client lives, that the API refuses larger pages than that.
    pub(crate) fn learn_page_size(&self, operation: &str, most: u32) {
        self.page_sizes
            .borrow_mut()
            .insert(operation.to_owned(), most.max(1));
    }

    /// The host that messages name.
    pub(crate) fn host(&self) -> String {
        let index = self.chosen.get().unwrap_or(0);
        self.candidates.get(index).map_or_else(String::new, host_of)
    }
}

fn body(call: &Call<'_>) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Body {
        query: call.document,
        operation_name: call.operation_name,
        variables: &call.variables,
    })
}

/// Why one address gave no answer, and whether it may not be the API's at all.
struct Unanswered {
    error: Error,
    elsewhere: bool,
}
