//! HTTP: paths, the API key, request and answer bodies.

mod body;
mod patch;
mod reply;
mod script;

use std::{io::Write, sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
    routing::any,
};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::{
    connection::Control,
    engine::{self, Answer, Query},
    record::{Key, Recorded},
    state::{Live, Shared},
    switches::{Coding, Introspection},
};

use reply::{Payload, Reply};
use script::Script;

/// Refused without a key, with a wrong one and with a deleted one (probe of 2026-08-29).
const UNAUTHORIZED: &str = r#"{"error":"AuthenticationError: Invalid API Key"}"#;

const NOT_FOUND: &str = "<!DOCTYPE html>\n<html><head><title>Not Found</title></head><body><h1>404 Not Found</h1></body></html>\n";

/// No request of this API comes near.
const LARGEST_REQUEST: usize = 16 << 20;

/// Both spellings of the path, and a page that is no API for any other.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/graphql", any(graphql))
        .route("/GraphQL", any(graphql))
        .fallback(elsewhere)
        .with_state(shared)
}

/// What is known of a request while it is answered.
struct Exchange {
    shared: Arc<Shared>,
    control: Option<Arc<Control>>,
    number: u64,
    coding: Coding,
}

async fn graphql(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    receive(shared, request, true).await
}

async fn elsewhere(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    receive(shared, request, false).await
}

async fn receive(shared: Arc<Shared>, request: Request, is_api: bool) -> Response {
    let (parts, body) = request.into_parts();
    let control = parts.extensions.get::<Arc<Control>>().cloned();
    let body = http_body_util::Limited::new(body, LARGEST_REQUEST)
        .collect()
        .await;
    let body = body.map(http_body_util::Collected::to_bytes);
    let live = shared.live();
    let query = match &body {
        _ if !is_api => Err(Reply::new(
            StatusCode::NOT_FOUND,
            "text/html; charset=utf-8",
            Payload::Text(NOT_FOUND.as_bytes().to_vec()),
        )),
        _ if parts.method != Method::POST => {
            let reply = Reply::json(
                StatusCode::METHOD_NOT_ALLOWED,
                r#"{"error":"Method Not Allowed"}"#,
            );
            Err(reply.with_header("allow", Some("POST")))
        }
        Err(_) => Err(Reply::json(
            StatusCode::PAYLOAD_TOO_LARGE,
            r#"{"error":"Payload Too Large"}"#,
        )),
        Ok(body) => read(&parts.headers, body),
    };
    let asked = query.as_ref().ok();
    let actions = shared.faults.take(
        asked.map_or(&[], |query| query.fields.as_slice()),
        asked.and_then(|query| query.operation_name.as_deref()),
    );
    let script = Script { actions };
    script.prepare(&shared).await;
    let key = key(&parts.headers, &shared, &live);
    let number = record(
        &shared,
        &parts,
        asked,
        key,
        &script,
        control.as_deref(),
        body.as_ref().map_or(0, Bytes::len),
    );
    let pause = live.config.latency + script.delay();
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    let reply = match (script.instead(&shared.url()), query) {
        (Some(reply), _) => reply,
        (None, Err(reply)) => reply,
        (None, Ok(query)) => answer(&shared, &live, &query, key, &script),
    };
    let coding = match accepts_gzip(&parts.headers) {
        true => live.config.coding,
        false => Coding::Identity,
    };
    send(
        &Exchange {
            shared,
            control,
            number,
            coding,
        },
        &script,
        reply,
    )
}

/// The GraphQL request in a body.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<Query, Reply> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Reply::errors(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "POST body must be application/json",
        ));
    }
    let bad = |message: &str| Err(Reply::errors(StatusCode::BAD_REQUEST, message));
    let Ok(Value::Object(mut body)) = serde_json::from_slice(body) else {
        return bad("POST body is not a JSON object");
    };
    let Some(Value::String(document)) = body.remove("query") else {
        return bad("Must provide query string.");
    };
    let variables = match body.remove("variables") {
        None | Some(Value::Null) => Value::Null,
        Some(variables @ Value::Object(_)) => variables,
        Some(_) => {
            return bad(
                "Variables must be provided as an Object where each property is a variable value.",
            );
        }
    };
    let operation_name = match body.remove("operationName") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name),
        Some(_) => return bad("operationName must be a string."),
    };
    Ok(Query {
        fields: engine::root_fields(&document),
        document,
        operation_name,
        variables,
    })
}

fn key(headers: &HeaderMap, shared: &Shared, live: &Live) -> Key {
    let sent = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let Some((scheme, token)) = sent.and_then(|sent| sent.split_once(' ')) else {
        return Key::Missing;
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Key::Missing;
    }
    let is_known = token.trim() == live.config.token && !shared.is_revoked();
    if is_known {
        Key::Accepted
    } else {
        Key::Refused
    }
}

fn record(
    shared: &Shared,
    parts: &Parts,
    query: Option<&Query>,
    key: Key,
    script: &Script,
    control: Option<&Control>,
    bytes_in: usize,
) -> u64 {
    let shown = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let fields = query.map_or(&[][..], |query| query.fields.as_slice());
    let headers = parts
        .headers
        .iter()
        .filter(|(name, _)| **name != header::AUTHORIZATION);
    let recorded = Recorded {
        number: 0,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        operation: fields.join(","),
        operation_name: query.and_then(|query| query.operation_name.clone()),
        document: shared
            .log
            .share(query.map_or("", |query| query.document.as_str())),
        variables: query.map_or(Value::Null, |query| query.variables.clone()),
        headers: headers
            .map(|(name, value)| (name.as_str().to_owned(), shown(value)))
            .collect(),
        key,
        status: None,
        faults: script.names(),
        at: Instant::now(),
        took: None,
        connection: control.map_or(0, |control| control.id),
        bytes_in,
        bytes_out: 0,
        compressed: false,
    };
    shared.log.begin(recorded, fields)
}

fn answer(shared: &Shared, live: &Live, query: &Query, key: Key, script: &Script) -> Reply {
    let is_open = live.config.introspection == Introspection::Open
        && engine::is_introspection_only(&query.fields);
    if key != Key::Accepted && !is_open {
        return Reply::json(StatusCode::UNAUTHORIZED, UNAUTHORIZED);
    }
    let snapshot = shared.organization.snapshot();
    let mut answer = live.engine.answer(snapshot, query, &script.tweaks());
    let status = match answer.is_invalid {
        true => StatusCode::from_u16(live.config.invalid_document_status).unwrap_or(StatusCode::OK),
        false => StatusCode::OK,
    };
    script.edit(&mut answer);
    Reply::json(status, script.patch(text(&answer)))
}

/// The three members of a GraphQL response, as one text.
fn text(answer: &Answer) -> Vec<u8> {
    let mut body = Vec::with_capacity(answer.data.as_ref().map_or(0, Vec::len) + 64);
    let mut member = |name: &str, value: &[u8]| {
        body.push(if body.is_empty() { b'{' } else { b',' });
        body.extend_from_slice(format!("\"{name}\":").as_bytes());
        body.extend_from_slice(value);
    };
    if !answer.errors.is_empty() {
        member(
            "errors",
            Value::from(answer.errors.clone()).to_string().as_bytes(),
        );
    }
    if let Some(data) = &answer.data {
        member("data", data);
    }
    if !answer.warnings.is_empty() {
        member(
            "extensions",
            json!({ "warnings": answer.warnings })
                .to_string()
                .as_bytes(),
        );
    }
    body.push(b'}');
    body
}

fn send(exchange: &Exchange, script: &Script, reply: Reply) -> Response {
    let broken = script.breaks_off(exchange.control.as_ref());
    let truncated = script.truncates_gzip();
    let (payload, is_gzip) = match reply.payload {
        Payload::Text(text) if truncated => {
            let mut bytes = compressed(&text);
            bytes.truncate(bytes.len() / 2);
            (Payload::Raw(bytes), true)
        }
        Payload::Text(text) if exchange.coding == Coding::TwoMembers => {
            let (one, other) = text.split_at(text.len() / 2);
            let members = [compressed(one), compressed(other)].concat();
            (Payload::Raw(members), true)
        }
        Payload::Text(text) if exchange.coding != Coding::Identity => {
            (Payload::Raw(compressed(&text)), true)
        }
        payload @ Payload::Bomb(_) => (payload, true),
        payload => (payload, false),
    };
    let shape = script.shape(&payload, exchange.control.clone());
    let bytes_out = match &payload {
        Payload::Text(bytes) | Payload::Raw(bytes) => bytes.len(),
        _ => 0,
    };
    let mut response = match (shape, payload) {
        (Some((body, length)), _) => {
            let mut response = Response::new(Body::new(body));
            if let Some(length) = length {
                response
                    .headers_mut()
                    .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            response
        }
        (None, Payload::Text(bytes) | Payload::Raw(bytes)) => {
            Response::new(Body::from(Bytes::from(bytes)))
        }
        (None, _) => Response::new(Body::empty()),
    };
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    if is_gzip {
        let name = match exchange.coding {
            Coding::Capitals => "GZIP",
            Coding::Old => "x-gzip",
            _ => "gzip",
        };
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    let more = reply
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .chain(script.headers());
    for (name, value) in more {
        // A header that HTTP does not allow is left out: there is no way to send it.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    let complete = exchange.shared.log.complete(exchange.number, |request| {
        request.status = (!broken).then_some(reply.status.as_u16());
        request.took = Some(request.at.elapsed());
        request.bytes_out = if broken { 0 } else { bytes_out };
        request.compressed = is_gzip;
    });
    exchange.shared.observe(complete);
    response
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
        is_gzip && !parts.any(|weight| weight.trim_start_matches("q=").parse::<f32>() == Ok(0.0))
    })
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(
        Vec::with_capacity(body.len() / 4),
        flate2::Compression::fast(),
    );
    // Writing to a vector cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}
