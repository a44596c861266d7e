//! One attempt: one HTTP request, and its reply read to the last byte or to the limit.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap,
    LOCATION, RETRY_AFTER,
};
use rustls::ClientConfig;
use url::Url;

use crate::cause::{self, Cause};
use crate::coding::{self, Decoder, Undecodable};
use crate::connecting;
use crate::error::{Error, Phase};
use crate::failure::Failure;
use crate::retry::parse_retry_after;
use crate::settings::Settings;
use crate::stats::Stats;
use crate::tls;
use crate::token::Token;

/// How long a connection is kept for the next request. Shorter than servers and balancers commonly wait, so that it is
/// seldom used just as they close it.
const IDLE: Duration = Duration::from_secs(30);
/// Bytes of a reply other than 2xx that are read: enough for any error message.
const EXPLANATION: u64 = 1024 * 1024;

/// The connection and how to make a new one.
pub(crate) struct Transport {
    http: RefCell<reqwest::Client>,
    /// The last exchange did not come to an end, so the connection may be dead without either side knowing.
    doubtful: Cell<bool>,
    tls: ClientConfig,
    proxy: Option<Url>,
    connect_timeout: Duration,
    request_timeout: Duration,
    max_response_size: u64,
    /// The size of the last body: the pages of a list differ little.
    last_size: Cell<usize>,
}

/// A reply as it came.
pub(crate) struct RawReply {
    pub status: u16,
    pub content_type: String,
    /// What the server asks to wait.
    pub retry_after: Option<Duration>,
    /// The host that a redirect names.
    pub redirected_to: Option<String>,
    pub body: Vec<u8>,
}

impl Transport {
    pub fn new(settings: &Settings, uses_tls: bool) -> Result<Transport, Error> {
        let uses_tls = uses_tls
            || settings
                .proxy
                .as_ref()
                .is_some_and(|proxy| proxy.scheme() == "https");
        let tls = tls::config(settings.ca_pem.as_deref(), uses_tls)?;
        Ok(Transport {
            http: RefCell::new(build(
                &tls,
                settings.proxy.as_ref(),
                settings.connect_timeout,
            )?),
            doubtful: Cell::new(false),
            tls,
            proxy: settings.proxy.clone(),
            connect_timeout: settings.connect_timeout,
            request_timeout: settings.request_timeout,
            max_response_size: settings.max_response_size,
            last_size: Cell::new(0),
        })
    }

    /// Sends the request once, and sets `sent` when the connection takes it.
    pub async fn attempt(
        &self,
        url: &Url,
        token: &Token,
        body: &[u8],
        stats: &Stats,
        sent: Sent,
    ) -> Result<RawReply, Failure> {
        stats.count_request();
        let _waiting = stats.waiting(false);
        if self.doubtful.take()
            && let Ok(fresh) = build(&self.tls, self.proxy.as_ref(), self.connect_timeout)
        {
            self.http.replace(fresh);
        }
        let phase = Cell::new(Phase::Waiting);
        let mut unfinished = Unfinished(Some(&self.doubtful));
        let outcome = tokio::time::timeout(
            self.request_timeout,
            self.exchange(url, token, body, stats, &phase, sent),
        )
        .await;
        if outcome.is_ok() {
            unfinished.0 = None;
        }
        let outcome = outcome.unwrap_or_else(|_| {
            Err(Failure::Timeout {
                phase: phase.get(),
                after: self.request_timeout,
            })
        });
        if outcome.is_err() {
            // Nobody may poll the runtime for a long time from here on, and a connection closes only when its task runs.
            settle().await;
        }
        outcome
    }

    async fn exchange(
        &self,
        url: &Url,
        token: &Token,
        body: &[u8],
        stats: &Stats,
        phase: &Cell<Phase>,
        sent: Sent,
    ) -> Result<RawReply, Failure> {
        // The server may have closed the kept connection while nobody polled the runtime. Stepping aside lets the
        // connection's own task see that, so that the request does not go out on it.
        settle().await;
        let authorization = token
            .header()
            .ok_or_else(|| Failure::unsendable("the token cannot be sent"))?;
        // Cloned out of the cell: nothing is borrowed while waiting. A clone shares the connections.
        let http = self.http.borrow().clone();
        let request = http
            .post(url.clone())
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .header(ACCEPT_ENCODING, coding::ACCEPTED)
            .body(reqwest::Body::wrap(RequestBody {
                bytes: Some(Bytes::copy_from_slice(body)),
                sent,
            }));
        let mut response = request
            .send()
            .await
            .map_err(|error| self.failed_to_send(&error))?;
        let date = httpdate::parse_http_date(&text_of(response.headers(), DATE)).ok();
        if let Some(date) = date {
            stats.heard_the_time(date);
        }
        let is_success = response.status().is_success();
        let limit = if is_success {
            self.max_response_size
        } else {
            EXPLANATION.min(self.max_response_size)
        };
        let mut reply = RawReply {
            status: response.status().as_u16(),
            content_type: text_of(response.headers(), CONTENT_TYPE),
            // The clock that wrote the date is the one to read it by.
            retry_after: parse_retry_after(
                &text_of(response.headers(), RETRY_AFTER),
                date.unwrap_or_else(SystemTime::now),
            ),
            redirected_to: redirect_target(url, response.headers()),
            body: Vec::new(),
        };
        if is_success
            && response
                .content_length()
                .is_some_and(|length| length > limit)
        {
            return Err(Failure::TooLarge { limit });
        }
        let codings = response.headers().get_all(CONTENT_ENCODING);
        let decoder = Decoder::new(
            codings.iter().filter_map(|coding| coding.to_str().ok()),
            limit,
            self.last_size.get(),
        );
        phase.set(Phase::Reading(0));
        let body = match decoder {
            Ok(decoder) => read_body(&mut response, decoder, stats, phase).await,
            Err(undecodable) => Err(unreadable(undecodable, limit)),
        };
        match body {
            Ok(body) => {
                self.last_size.set(body.len());
                reply.body = body;
            }
            Err(failure) if is_success => return Err(failure),
            // The status says more than a broken or endless explanation.
            Err(_) => {}
        }
        Ok(reply)
    }

    fn failed_to_send(&self, error: &reqwest::Error) -> Failure {
        if error.is_connect() && error.is_timeout() {
            return Failure::Timeout {
                phase: Phase::Connecting,
                after: self.connect_timeout,
            };
        }
        match cause::of(error) {
            Cause::Tls(cause) => Failure::Tls { cause },
            Cause::NoSuchHost => Failure::NotConnected {
                cause: "no such host".to_owned(),
                no_such_host: true,
            },
            Cause::Other(cause) if error.is_connect() => Failure::NotConnected {
                cause,
                no_such_host: false,
            },
            Cause::Other(cause) if error.is_builder() => Failure::unsendable(&cause),
            Cause::Other(cause) => Failure::Broken {
                why: cause,
                excerpt: String::new(),
                is_page: false,
                passes: true,
            },
        }
    }
}

/// Whether a request has been written to its connection.
#[derive(Clone, Default)]
pub(crate) struct Sent(Arc<AtomicBool>);

impl Sent {
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The body of a request, which notes when the connection takes it.
struct RequestBody {
    bytes: Option<Bytes>,
    sent: Sent,
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.0.store(true, Ordering::Relaxed);
        Poll::Ready(self.bytes.take().map(Frame::data).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// Reads the body to its end.
async fn read_body(
    response: &mut reqwest::Response,
    mut decoder: Decoder,
    stats: &Stats,
    phase: &Cell<Phase>,
) -> Result<Vec<u8>, Failure> {
    let limit = decoder.limit();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let before = decoder.decoded().len();
                let decoded = decoder
                    .feed(&chunk)
                    .map_err(|undecodable| unreadable(undecodable, limit))?;
                stats.count_bytes(decoded - before);
                phase.set(Phase::Reading(decoded as u64));
            }
            Ok(None) => {
                return decoder
                    .finish()
                    .map_err(|undecodable| unreadable(undecodable, limit));
            }
            Err(error) => return Err(broken_body(&error, decoder.decoded().len())),
        }
    }
}

fn unreadable(undecodable: Undecodable, limit: u64) -> Failure {
    let (why, passes) = match undecodable {
        Undecodable::TooLarge => return Failure::TooLarge { limit },
        Undecodable::Unknown(coding) => {
            let coding = crate::text::shortened(&coding, 100);
            (
                format!("its content coding is {coding}, which was not asked for"),
                false,
            )
        }
        Undecodable::Broken(why) => (why, true),
    };
    Failure::Broken {
        why,
        excerpt: String::new(),
        is_page: false,
        passes,
    }
}

/// An exchange under way. If it is dropped before its end, because of a timeout or because nobody waits any more, the
/// next one opens a new connection.
struct Unfinished<'a>(Option<&'a Cell<bool>>);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(doubtful) = self.0 {
            doubtful.set(true);
        }
    }
}

fn build(
    tls: &ClientConfig,
    proxy: Option<&Url>,
    connect_timeout: Duration,
) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("pluralsight_fdw/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls.clone())
        .redirect(reqwest::redirect::Policy::none())
        // Every request is counted, so every retry is ours.
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(connect_timeout)
        .connector_layer(connecting::Counted)
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(IDLE)
        // Another crate of the same build may have switched this on; `coding` decodes.
        .no_gzip()
        .no_proxy();
    if let Some(proxy) = proxy {
        let proxy = reqwest::Proxy::all(proxy.clone()).map_err(|error| {
            Error::Settings(format!(
                "the proxy's address cannot be used: {}",
                error.without_url()
            ))
        })?;
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(|error| {
        Error::Settings(format!(
            "the HTTP client cannot be set up: {}",
            error.without_url()
        ))
    })
}

fn text_of(headers: &HeaderMap, name: reqwest::header::HeaderName) -> String {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
        .to_owned()
}

/// The host that a redirect names; a target on the same host is named by its path.
fn redirect_target(from: &Url, headers: &HeaderMap) -> Option<String> {
    let to = from.join(headers.get(LOCATION)?.to_str().ok()?).ok()?;
    let host = crate::endpoint::host_of(&to);
    Some(if to.origin() == from.origin() {
        format!("{host}{}", to.path())
    } else {
        format!("{}://{host}", to.scheme())
    })
}

fn broken_body(error: &reqwest::Error, received: usize) -> Failure {
    let why = match cause::of(error) {
        Cause::Tls(cause) | Cause::Other(cause) => cause,
        Cause::NoSuchHost => "no such host".to_owned(),
    };
    Failure::Broken {
        why: format!(
            "{why} (after {})",
            crate::text::counted(received as u64, "byte")
        ),
        excerpt: String::new(),
        is_page: false,
        passes: true,
    }
}

/// Lets the runtime's other tasks see what has happened meanwhile, without waiting for anything. A connection closes
/// only when its own task runs, so a caller that drops a request under way, and will not soon make another, runs this
/// to leave no socket behind.
pub async fn settle() {
    // Once to hear of it, once to act on it, and once for what follows from that.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}
