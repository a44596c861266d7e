//! Each fault does what it says, and only to the requests that it names.

mod answers;
#[path = "../client/mod.rs"]
mod client;

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use client::Fixture;
use pluralsight_sandbox::{Action, Config, Rule, When};
use reqwest::StatusCode;
use serde_json::{Value, json};

const PAGE: &str = "{ users(first: 20) { totalCount nodes { psUserId email } pageInfo { endCursor hasNextPage } } }";

fn with(rules: &[&str]) -> Fixture {
    let faults = rules.iter().map(|rule| rule.parse().expect(rule)).collect();
    Fixture::new(Config {
        users: 60,
        faults,
        ..Config::default()
    })
}

/// The bytes of an answer to a request over a socket of its own, and how the connection ended.
fn raw(fixture: &Fixture, keep_open: Duration) -> (Vec<u8>, std::io::Result<()>) {
    let mut socket = TcpStream::connect(fixture.sandbox.address()).expect("a connection");
    socket.set_read_timeout(Some(keep_open)).expect("a timeout");
    let body = json!({ "query": PAGE }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sandbox-token\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return (answer, Ok(())),
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
            Err(error) => return (answer, Err(error)),
        }
    }
}

/// Headers and body of a raw answer.
fn halves(answer: &[u8]) -> (String, &[u8]) {
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("headers");
    (
        String::from_utf8_lossy(&answer[..end]).into_owned(),
        &answer[end + 4..],
    )
}

fn content_length(headers: &str) -> usize {
    let line = headers
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .expect("a length");
    line.parse().expect("a number")
}

#[tokio::test]
async fn only_the_requests_that_a_rule_names_are_spoiled() {
    let fixture = with(&["users@2=503", "planInfo@-2=500", "*@4-=429"]);
    let status = async |document: &str| {
        fixture
            .send(document)
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };
    assert_eq!(status(PAGE).await, 200);
    assert_eq!(status("{ planInfo { name } }").await, 500);
    assert_eq!(status(PAGE).await, 503);
    assert_eq!(status(PAGE).await, 429);
    assert_eq!(status("{ teams { totalCount } }").await, 429);
    let faulty: Vec<bool> = fixture
        .sandbox
        .requests()
        .iter()
        .map(|request| request.is_faulty())
        .collect();
    assert_eq!(
        (faulty, fixture.sandbox.count("users")),
        (vec![false, true, true, true, true], 3)
    );
    fixture.sandbox.faults().clear();
    assert_eq!(status("{ planInfo { name } }").await, 200);
}

#[tokio::test]
async fn rules_are_added_counted_and_taken_away_while_the_server_runs() {
    let fixture = with(&[]);
    let faults = fixture.sandbox.faults();
    fixture.data(PAGE).await;
    let id = faults.add(
        Rule::new("users", When::Nth(1), Action::Delay(Duration::ZERO)).and(Action::TotalCount(7)),
    );
    let other = faults.script("Named=500").expect("a rule");
    assert_eq!(fixture.data(PAGE).await["users"]["totalCount"], 7);
    assert_eq!(fixture.data(PAGE).await["users"]["totalCount"], 60);
    let named =
        json!({ "query": "query Named { users { totalCount } }", "operationName": "Named" });
    let named = fixture
        .http
        .post(fixture.sandbox.url())
        .bearer_auth("sandbox-token")
        .json(&named)
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (
            named.status().as_u16(),
            faults.applied(id),
            faults.applied(other)
        ),
        (500, 1, 1)
    );
    faults.remove(other);
    assert_eq!(faults.applied(other), 0);
    assert!(faults.script("users@2").is_err());
}

#[tokio::test]
async fn chance_is_the_same_in_each_run() {
    let pattern = async || {
        let fixture = with(&["users@~3=500"]);
        let mut spoiled = Vec::new();
        for _ in 0..30 {
            spoiled.push(
                fixture
                    .send("{ users { totalCount } }")
                    .await
                    .expect("an answer")
                    .status()
                    == 500,
            );
        }
        spoiled
    };
    let first = pattern().await;
    assert_eq!(first, pattern().await);
    assert!((3..20).contains(&first.iter().filter(|spoiled| **spoiled).count()));
}

#[tokio::test]
async fn statuses_come_with_retry_after_and_body() {
    let fixture = with(&[
        "users@1=429,retry-after=1",
        "users@2=503,retry-after='Sun, 06 Nov 1994 08:49:37 GMT',body=<down>",
        "users@3=429,retry-after=soon",
        "users@4=500",
    ]);
    for (status, retry_after, body) in [
        (429, Some("1"), r#"{"error":"status 429"}"#),
        (503, Some("Sun, 06 Nov 1994 08:49:37 GMT"), "<down>"),
        (429, Some("soon"), r#"{"error":"status 429"}"#),
        (500, None, r#"{"error":"status 500"}"#),
    ] {
        let response = fixture.send(PAGE).await.expect("an answer");
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(
            response
                .headers()
                .get("retry-after")
                .and_then(|value| value.to_str().ok()),
            retry_after
        );
        assert_eq!(response.text().await.expect("text"), body);
    }
}

#[tokio::test]
async fn a_delay_comes_before_the_headers() {
    let fixture = with(&["users=delay=120ms"]);
    let begun = Instant::now();
    let response = fixture.send(PAGE).await.expect("an answer");
    assert!(begun.elapsed() >= Duration::from_millis(120));
    assert_eq!(response.status().as_u16(), 200);
}

#[tokio::test]
async fn a_slow_body_comes_in_pieces() {
    let fixture = with(&["users=slow=10ms/500"]);
    let begun = Instant::now();
    let response = fixture.send(PAGE).await.expect("an answer");
    let headers = begun.elapsed();
    let body = response.bytes().await.expect("a body");
    assert!(begun.elapsed() - headers >= Duration::from_millis(10 * (body.len() as u64 / 2000)));
    let whole: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(whole["data"]["users"]["totalCount"], 60);
}

#[test]
fn a_body_stalls_where_it_is_told() {
    let fixture = with(&["users@1=stall=100", "users@2=stall"]);
    for expected in [Some(100), None] {
        let (answer, end) = raw(&fixture, Duration::from_millis(300));
        let (headers, body) = halves(&answer);
        assert_eq!(body.len(), expected.unwrap_or(content_length(&headers) / 2));
        // The connection is still open: nothing but the timeout ended the wait.
        assert!(end.is_err_and(|error| matches!(
            error.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        )));
    }
}

#[test]
fn a_connection_is_reset_or_closed_before_the_headers() {
    let fixture = with(&["users@1=reset", "users@2=close"]);
    let (answer, end) = raw(&fixture, Duration::from_secs(5));
    assert!(
        answer.is_empty()
            && end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
    );
    let (answer, end) = raw(&fixture, Duration::from_secs(5));
    assert!(answer.is_empty() && end.is_ok());
    assert!(
        fixture
            .sandbox
            .requests()
            .iter()
            .all(|request| request.status.is_none() && request.is_faulty())
    );
    assert_eq!(fixture.sandbox.count("users"), 2);
}

#[test]
fn a_connection_is_reset_or_closed_within_the_body() {
    let fixture = with(&[
        "users@1=reset-body=50",
        "users@2=close-body=50",
        "users@3=close-body",
        "users@4=close-body=1000000",
    ]);
    let (_, end) = raw(&fixture, Duration::from_secs(5));
    assert!(end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
    for (expected, short_by) in [(Some(50), None), (None, None), (None, Some(1))] {
        let (answer, end) = raw(&fixture, Duration::from_secs(5));
        let (headers, body) = halves(&answer);
        let length = content_length(&headers);
        assert!(end.is_ok());
        assert_eq!(
            body.len(),
            expected.unwrap_or(short_by.map_or(length / 2, |by| length - by))
        );
    }
}

#[tokio::test]
async fn a_connection_is_closed_after_an_answer_without_a_word() {
    let fixture = with(&["users@1=close-after"]);
    let first = fixture.send(PAGE).await.expect("an answer");
    assert_eq!(first.headers().get("connection"), None);
    let body: Value = first.json().await.expect("JSON");
    assert_eq!(body["data"]["users"]["totalCount"], 60);
    let (answer, end) = raw(&fixture, Duration::from_millis(200));
    assert!(!answer.is_empty() && end.is_err());
    fixture
        .sandbox
        .faults()
        .script("users=close-after")
        .expect("a rule");
    let (answer, end) = raw(&fixture, Duration::from_secs(5));
    let (headers, body) = halves(&answer);
    assert!(end.is_ok() && body.len() == content_length(&headers));
}

#[test]
fn a_content_length_is_wrong_in_both_directions() {
    let fixture = with(&["users@1=length=+10", "users@2=length=-10"]);
    let (answer, end) = raw(&fixture, Duration::from_secs(5));
    let (headers, body) = halves(&answer);
    assert!(end.is_ok() && body.ends_with(b"}"));
    assert_eq!(content_length(&headers), body.len() + 10);
    let (answer, _) = raw(&fixture, Duration::from_millis(300));
    let (headers, body) = halves(&answer);
    assert_eq!(content_length(&headers), body.len());
    assert!(serde_json::from_slice::<Value>(body).is_err());
}

#[tokio::test]
async fn gzip_is_truncated_within_an_http_answer_that_is_whole() {
    let fixture = with(&["users=truncated-gzip"]);
    let plain = reqwest::Client::builder()
        .no_proxy()
        .no_gzip()
        .build()
        .expect("a client");
    let request = plain
        .post(fixture.sandbox.url())
        .bearer_auth("sandbox-token")
        .json(&json!({ "query": PAGE }));
    let response = request.send().await.expect("an answer");
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(
        response
            .bytes()
            .await
            .is_ok_and(|body| body.starts_with(&[0x1f, 0x8b]))
    );
    let response = fixture.send(PAGE).await.expect("headers");
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn bodies_can_be_anything() {
    let fixture = with(&[
        "users@1=html",
        "users@2=empty",
        "users@3=invalid-utf8",
        "users@4=not-json",
        "users@5=body='{\"a\": 1, \"b\": 2}'",
        "users@6=deep=10000",
    ]);
    let next = async || {
        let response = fixture.send(PAGE).await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let kind = response.headers()["content-type"]
            .to_str()
            .expect("text")
            .to_owned();
        (kind, response.bytes().await.expect("a body"))
    };
    let (kind, body) = next().await;
    assert!(kind.starts_with("text/html") && body.starts_with(b"<html>"));
    assert!(next().await.1.is_empty());
    assert!(std::str::from_utf8(&next().await.1).is_err());
    let (kind, body) = next().await;
    assert!(kind == "application/json" && serde_json::from_slice::<Value>(&body).is_err());
    assert_eq!(next().await.1.as_ref(), b"{\"a\": 1, \"b\": 2}");
    let deep = next().await.1;
    assert_eq!(deep.iter().filter(|byte| **byte == b'[').count(), 10_000);
    assert!(serde_json::from_slice::<Value>(&deep).is_err());
}

#[tokio::test]
async fn a_huge_body_is_valid_json_made_while_it_is_sent() {
    let fixture = with(&[
        "users@1=huge=3MB",
        "users@2=gzip-bomb=3MB",
        "users@3=huge=2GB",
    ]);
    for _ in 0..2 {
        let response = fixture.send(PAGE).await.expect("an answer");
        let body = response.bytes().await.expect("a body");
        assert!(
            (3_000_000..3_200_000).contains(&body.len()),
            "{}",
            body.len()
        );
        assert!(
            serde_json::from_slice::<Value>(&body).expect("JSON")["data"]["users"]["nodes"]
                .is_array()
        );
    }
    let mut response = fixture.send(PAGE).await.expect("an answer");
    assert_eq!(response.content_length(), None);
    let mut read = 0;
    while read < 20_000_000 {
        read += response.chunk().await.expect("more").expect("more").len();
    }
}

#[tokio::test]
async fn redirects_lead_elsewhere_or_in_a_circle() {
    let fixture = with(&[
        "users@1=redirect=http://elsewhere.example/graphql",
        "users@2=308,redirect=self",
    ]);
    let first = fixture.send(PAGE).await.expect("an answer");
    assert_eq!(
        (
            first.status().as_u16(),
            first.headers()["location"].to_str().ok()
        ),
        (307, Some("http://elsewhere.example/graphql"))
    );
    let second = fixture.send(PAGE).await.expect("an answer");
    assert_eq!(
        (
            second.status().as_u16(),
            second.headers()["location"].to_str().ok()
        ),
        (308, Some(fixture.sandbox.url().as_str()))
    );
}

#[tokio::test]
async fn headers_can_be_added() {
    let fixture = with(&["users=header='x-note: a, b'"]);
    assert_eq!(
        fixture.send(PAGE).await.expect("an answer").headers()["x-note"],
        "a, b"
    );
}

#[tokio::test]
async fn a_request_that_cannot_be_read_can_be_spoiled_too() {
    let fixture = with(&["*=500"]);
    let response = fixture
        .http
        .post(fixture.sandbox.url())
        .body("nonsense")
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status().as_u16(), 500);
}
