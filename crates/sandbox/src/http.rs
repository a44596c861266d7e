//! HTTP: paths, the API key, request and answer bodies, and what a fault makes of them.

pub(crate) mod body;
mod patch;
pub(crate) mod reply;

use std::{io::Write, sync::Arc, time::Instant};

use axum::{
    Extension, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{Html, Response},
    routing::post,
};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    connection::Control,
    engine::{self, Answer, Query},
    faults::{Cut, Script},
    record::Recorded,
    state::{Live, Shared},
    switches::{Coding, Introspection},
};

use body::{Ending, Shaped};
use reply::{Payload, Reply};

/// Refused without a key, with a wrong one and with a deleted one (probe of 2026-08-29).
const UNAUTHORIZED: &str = r#"{"error":"AuthenticationError: Invalid API Key"}"#;

const NOT_FOUND: Html<&str> = Html(
    "<!DOCTYPE html>\n<html><head><title>Not Found</title></head><body><h1>404 Not Found</h1></body></html>\n",
);

/// Both spellings of the path, and a page that is no API for any other.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/graphql", post(graphql))
        .route("/GraphQL", post(graphql))
        .fallback(async || (StatusCode::NOT_FOUND, NOT_FOUND))
        .with_state(shared)
}

async fn graphql(
    State(shared): State<Arc<Shared>>,
    Extension(control): Extension<Arc<Control>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let live = shared.live();
    let query = read(&body);
    let fields = query.as_ref().map_or(&[][..], |query| &query.fields);
    let rules = shared.faults.take(fields);
    let mut script = Script {
        address: shared.url(),
        ..Script::default()
    };
    for action in rules.iter().flat_map(|rule| &rule.actions) {
        action(&mut script, &shared.organization);
    }
    if script.revokes {
        shared.revoke(true);
    }
    let has_key = has_key(&headers, &shared, &live);
    let asked = query.as_ref();
    let number = shared.log.begin(Recorded {
        number: 0,
        operation: fields.join(","),
        document: asked.map_or(String::new(), |query| query.document.clone()),
        variables: asked.map_or(Value::Null, |query| query.variables.clone()),
        has_key,
        status: None,
        faults: rules.iter().map(ToString::to_string).collect(),
        at: Instant::now(),
        took: None,
        bytes_out: 0,
    });
    let pause = live.config.latency + script.delay;
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    let reply = match (script.instead.take(), query) {
        (Some(reply), _) => reply,
        (None, Some(query)) => answer(&shared, &live, &query, has_key, &mut script),
        (None, None) => Reply::json(
            StatusCode::BAD_REQUEST,
            r#"{"errors":[{"message":"Must provide a query, as JSON."}]}"#,
        ),
    };
    let coding = match accepts_gzip(&headers) {
        true => live.config.coding,
        false => Coding::Identity,
    };
    let status = (script.breaks.is_none()).then(|| reply.status.as_u16());
    let (response, bytes) = response(reply, coding, script, control);
    let complete = shared.log.complete(number, |request| {
        request.status = status;
        request.took = Some(request.at.elapsed());
        request.bytes_out = status.map_or(0, |_| bytes);
    });
    shared.observe(complete);
    response
}

/// The GraphQL request in a body.
fn read(body: &[u8]) -> Option<Query> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    let document = body["query"].as_str()?.to_owned();
    let name = body["operationName"].as_str();
    Some(Query {
        fields: engine::root_fields(&document),
        document,
        operation_name: name.map(str::to_owned),
        variables: body["variables"].take(),
    })
}

fn has_key(headers: &HeaderMap, shared: &Shared, live: &Live) -> bool {
    let sent = headers.get(header::AUTHORIZATION);
    let sent = sent.and_then(|value| value.to_str().ok()?.split_once(' '));
    let is_right = sent.is_some_and(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && token.trim() == live.config.token
    });
    is_right && !shared.is_revoked()
}

fn answer(
    shared: &Shared,
    live: &Live,
    query: &Query,
    has_key: bool,
    script: &mut Script,
) -> Reply {
    let is_open = live.config.introspection == Introspection::Open
        && engine::is_introspection_only(&query.fields);
    if !has_key && !is_open {
        return Reply::json(StatusCode::UNAUTHORIZED, UNAUTHORIZED);
    }
    let snapshot = shared.organization.snapshot();
    let mut answer = live.engine.answer(snapshot, query, &script.tweaks);
    let status = match answer.is_invalid {
        true => StatusCode::from_u16(live.config.invalid_document_status).unwrap_or(StatusCode::OK),
        false => StatusCode::OK,
    };
    answer.errors.append(&mut script.errors);
    answer.warnings.append(&mut script.warnings);
    if script.hides_data {
        answer.data = None;
    }
    let text = text(&answer);
    if script.patches.is_empty() {
        return Reply::json(status, text);
    }
    let mut patched: Value = serde_json::from_slice(&text).unwrap_or_default();
    for (pointer, value) in &script.patches {
        patch::patch(&mut patched, pointer, value.as_ref());
    }
    Reply::json(status, patched.to_string())
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
        let errors = Value::from(answer.errors.clone()).to_string();
        member("errors", errors.as_bytes());
    }
    if let Some(data) = &answer.data {
        member("data", data);
    }
    if !answer.warnings.is_empty() {
        let extensions = json!({ "warnings": answer.warnings }).to_string();
        member("extensions", extensions.as_bytes());
    }
    body.push(b'}');
    body
}

/// The response as the script wants it, and the size of its body.
fn response(
    reply: Reply,
    coding: Coding,
    script: Script,
    control: Arc<Control>,
) -> (Response, usize) {
    if let Some(ending) = script.breaks {
        control.break_off(ending == Ending::Reset);
    }
    let (payload, is_gzip) = encoded(reply.payload, coding, script.truncates_gzip);
    let mut length = None;
    let pause = script.pace.map(|(pause, _)| pause);
    let shaped = |pieces, ending| Body::new(Shaped::new(pieces, pause, ending, control));
    let (body, size) = match payload {
        Payload::Huge(bytes) => (shaped(body::huge(bytes), script.ending), 0),
        Payload::Bomb(bytes) => (shaped(body::bomb(bytes), script.ending), 0),
        Payload::Text(bytes) | Payload::Raw(bytes) => {
            let size = bytes.len();
            let ending = match script.ending {
                // What is promised does not come: the connection has to end for the client to see it.
                Ending::Finish if script.length > 0 => Ending::Close,
                ending => ending,
            };
            if ending == Ending::Finish && script.length == 0 && pause.is_none() {
                (Body::from(bytes), size)
            } else {
                length = Some((size as i64).saturating_add(script.length).max(0));
                let mut sent = Bytes::from(bytes);
                match script.cut {
                    None => {}
                    Some(Cut::Half) => sent.truncate(size / 2),
                    // The last byte is kept back: a body that is complete could not be broken.
                    Some(Cut::After(most)) => sent.truncate(most.min(size.saturating_sub(1))),
                }
                let piece = script.pace.map_or(usize::MAX, |(_, bytes)| bytes);
                (shaped(body::pieces(sent, piece), ending), size)
            }
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    if is_gzip {
        let name = match coding {
            Coding::Capitals => "GZIP",
            Coding::Old => "x-gzip",
            _ => "gzip",
        };
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    for (name, value) in reply.headers.into_iter().chain(script.headers) {
        // A header that HTTP does not allow is left out: there is no way to send it.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
    (response, size)
}

/// The body as it is sent, and whether it is compressed.
fn encoded(payload: Payload, coding: Coding, is_truncated: bool) -> (Payload, bool) {
    match payload {
        Payload::Text(text) if is_truncated => {
            let mut bytes = compressed(&text);
            bytes.truncate(bytes.len() / 2);
            (Payload::Raw(bytes), true)
        }
        Payload::Text(text) if coding == Coding::TwoMembers => {
            let (one, other) = text.split_at(text.len() / 2);
            let members = [compressed(one), compressed(other)].concat();
            (Payload::Raw(members), true)
        }
        Payload::Text(text) if coding != Coding::Identity => {
            (Payload::Raw(compressed(&text)), true)
        }
        Payload::Bomb(bytes) => (Payload::Bomb(bytes), true),
        payload => (payload, false),
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("gzip"))
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
