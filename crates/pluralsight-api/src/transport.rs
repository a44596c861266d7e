//! One attempt at one request.

use std::error::Error as _;
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode, redirect};
use serde_json::Value;
use url::Url;

use crate::error::{Error, UNKNOWN_HOST};
use crate::reply::{self, Decoded, Reply};
use crate::retry::Outcome;
use crate::settings::Settings;
use crate::stats::Stats;
use crate::token::Token;

/// How long an idle connection is worth keeping.
const IDLE: Duration = Duration::from_secs(30);

/// A failed attempt: what it means for a retry, and the error if it was the last.
pub(crate) struct Failure {
    pub outcome: Outcome,
    /// The error, given the number of attempts made.
    pub error: Box<dyn FnOnce(u32) -> Error>,
}

impl Failure {
    fn new(outcome: Outcome, error: impl FnOnce(u32) -> Error + 'static) -> Failure {
        Failure { outcome, error: Box::new(error) }
    }
}

/// Sends requests over kept connections.
pub(crate) struct Transport {
    http: reqwest::Client,
    request_timeout: Duration,
    max_response_size: u64,
}

impl Transport {
    pub fn new(settings: &Settings) -> Result<Transport, Error> {
        // Another library in the process may have chosen one; which it is does not matter here.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let setup = |error: reqwest::Error| Error::Setup(chain(&error));
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("pluralsight_fdw/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .no_proxy();
        if let Some(pem) = &settings.ca_pem {
            let authorities = reqwest::Certificate::from_pem_bundle(pem).map_err(setup)?;
            builder = builder.tls_certs_merge(authorities);
        }
        if let Some(proxy) = &settings.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy.clone()).map_err(setup)?);
        }
        Ok(Transport {
            http: builder.build().map_err(setup)?,
            request_timeout: settings.request_timeout,
            max_response_size: settings.max_response_size,
        })
    }

    /// Asks once. The time limit covers everything from connecting to the last byte.
    pub async fn attempt(&self, url: &Url, body: &Value, document: &str, token: &Token, stats: &Stats, left: Option<Duration>) -> Result<Reply, Failure> {
        let started = Instant::now();
        let limit = left.map_or(self.request_timeout, |left| left.min(self.request_timeout));
        let outcome = tokio::time::timeout(limit, self.exchange(url, body, document, token)).await;
        stats.replied(started.elapsed());
        match outcome {
            Ok(Ok(reply)) => {
                stats.received(reply.bytes);
                Ok(reply)
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => {
                let host = host(url);
                Err(Failure::new(Outcome::Timeout, move |attempts| Error::Timeout { host, after: limit, attempts }))
            }
        }
    }

    async fn exchange(&self, url: &Url, body: &Value, document: &str, token: &Token) -> Result<Reply, Failure> {
        let Some(authorization) = token.header() else {
            return Err(Failure::new(Outcome::Permanent, |_| Error::InvalidToken(crate::TokenError::NotAHeader)));
        };
        let response = self
            .http
            .post(url.clone())
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string())
            .send()
            .await
            .map_err(|error| self.connection_failure(url, &error))?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map_or_else(|| "nowhere".to_owned(), |to| reply::quote(to, token));
            return Err(Failure::new(Outcome::Permanent, move |_| Error::Redirect { status: status.as_u16(), to }));
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|text| text.to_str().ok()).map(str::to_owned);
        let body = self.read(url, response).await?;
        match reply::decode(&body, token) {
            Decoded::Reply(reply) if status.is_success() => Ok(reply),
            Decoded::Errors(errors) if status.is_success() || status == StatusCode::BAD_REQUEST => {
                let transient = errors.iter().any(crate::GraphQlError::is_transient);
                let document = document.to_owned();
                Err(Failure::new(Outcome::GraphQl { transient }, move |attempts| reply::graphql_error(errors, attempts, &document)))
            }
            Decoded::Unreadable(why) if status.is_success() => Err(Failure::new(Outcome::BadReply, move |attempts| Error::BadReply { why, attempts })),
            _ => Err(status_failure(url, status, retry_after, reply::plain_message(&body, token))),
        }
    }

    /// The body, as long as it stays below the limit.
    async fn read(&self, url: &Url, mut response: Response) -> Result<Vec<u8>, Failure> {
        let limit = self.max_response_size;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.connection_failure(url, &error))? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(Failure::new(Outcome::Permanent, move |_| Error::TooLarge { limit }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn connection_failure(&self, url: &Url, error: &reqwest::Error) -> Failure {
        let host = host(url);
        let limit = self.request_timeout;
        if error.is_timeout() {
            return Failure::new(Outcome::Timeout, move |attempts| Error::Timeout { host, after: limit, attempts });
        }
        let cause = chain(error);
        if is_tls(error) {
            return Failure::new(Outcome::Permanent, move |_| Error::Tls { host, cause });
        }
        if error.is_decode() {
            return Failure::new(Outcome::BadReply, move |attempts| Error::BadReply { why: cause, attempts });
        }
        if error.is_connect() {
            return Failure::new(Outcome::Connection, move |attempts| Error::Connect { host, cause, attempts });
        }
        Failure::new(Outcome::Connection, move |attempts| Error::BadReply { why: format!("the connection broke before it was complete ({cause})"), attempts })
    }
}

fn status_failure(url: &Url, status: StatusCode, retry_after: Option<String>, message: String) -> Failure {
    let url = url.to_string();
    let wait = retry_after.as_deref().and_then(|text| crate::retry::parse_retry_after(text, std::time::SystemTime::now()));
    Failure::new(Outcome::Status { status, retry_after }, move |attempts| match status.as_u16() {
        401 => Error::Unauthorized { message },
        403 => Error::Forbidden { message },
        404 | 405 | 410 => Error::NotFound { url, status: status.as_u16() },
        429 => Error::RateLimited { retry_after: wait, attempts },
        other => Error::Http { status: other, attempts, retry_after: wait },
    })
}

/// Host and port, as a person looks for them.
pub(crate) fn host(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        _ => url.to_string(),
    }
}

/// The innermost causes of an error, which say more than its outermost words.
fn chain(error: &reqwest::Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let text = causes.join(": ");
    let lower = text.to_lowercase();
    if lower.contains("failed to lookup address") || lower.contains("name or service not known") || lower.contains("nodename nor servname") {
        return UNKNOWN_HOST.to_owned();
    }
    let innermost = causes.last().cloned().unwrap_or_else(|| error.to_string());
    // "(os error 111)" behind "Connection refused" says nothing more.
    innermost.split(" (os error").next().unwrap_or_default().to_owned()
}

fn is_tls(error: &reqwest::Error) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        // hyper hides the handshake's error in an io::Error, which must be looked into.
        let inner = cause.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref());
        if cause.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        next = cause.source();
    }
    false
}
