//! Each fault does what it says, and only to the requests that it names.

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
async fn graphql_errors_stand_alone_or_beside_data() {
    let fixture = with(&[
        "users@1=errors=temporarily unavailable",
        r#"users@2=partial=[{"message":"one","path":["users","nodes",0,"email"]},{"message":"two"}]"#,
    ]);
    assert_eq!(
        fixture.ask(PAGE).await,
        json!({ "errors": [{ "message": "temporarily unavailable" }] })
    );
    let partial = fixture.ask(PAGE).await;
    assert_eq!(
        (
            partial["errors"].as_array().map(Vec::len),
            &partial["data"]["users"]["totalCount"]
        ),
        (Some(2), &json!(60))
    );
    assert_eq!(fixture.ask(PAGE).await.get("errors"), None);
}

#[tokio::test]
async fn values_are_put_into_the_answer_and_taken_out() {
    let fixture = with(&[
        "users@1=set=/data/users/nodes/*/email:{\"a\":[1]},set=/data/users/nodes/0/more:true,unset=/data/users/totalCount",
    ]);
    let data = fixture.data(PAGE).await;
    let nodes = data["users"]["nodes"].as_array().expect("nodes");
    assert!(
        nodes
            .iter()
            .all(|node| node["email"] == json!({ "a": [1] }))
            && nodes.len() == 20
    );
    assert_eq!(
        (
            &nodes[0]["more"],
            nodes[1].get("more"),
            data["users"].get("totalCount")
        ),
        (&json!(true), None, None)
    );
}

#[tokio::test]
async fn warnings_are_added_or_replaced() {
    let fixture = with(&[
        r#"users@1=warnings=["one",{"message":"two"}]"#,
        r#"users@2=warnings={"odd":1}"#,
    ]);
    let document = "{ users(first: 20000) { nodes { email } } }";
    let warnings = fixture.ask(document).await["extensions"]["warnings"].take();
    assert_eq!(
        (
            warnings.as_array().map(Vec::len),
            &warnings[1],
            &warnings[2]["message"]
        ),
        (Some(3), &json!("one"), &json!("two"))
    );
    assert_eq!(
        fixture.ask(document).await["extensions"]["warnings"],
        json!({ "odd": 1 })
    );
}

#[tokio::test]
async fn pages_lie_in_each_way_that_they_can() {
    let fixture = with(&[
        "users@1=repeat-cursor",
        "users@2=no-cursor",
        "users@3=empty-page",
        "users@4=last-page",
        "users@5=null-connection",
        "users@6=null-node=1",
        "users@7=total=5",
        "users@8=drop-rows=3",
        "teams@1=null-connection",
        "planAdmins@1=empty-page",
    ]);
    let start = fixture.sandbox.config();
    assert_eq!(start.faults.len(), 10);
    let after = "query($a: String) { users(first: 20, after: $a) { totalCount nodes { psUserId } pageInfo { endCursor hasNextPage } } }";
    let cursor = {
        let other = Fixture::users(60);
        other.data(PAGE).await["users"]["pageInfo"]["endCursor"].clone()
    };
    let mut pages = Vec::new();
    for _ in 0..8 {
        pages.push(fixture.data_with(after, json!({ "a": cursor })).await["users"].take());
    }
    let info = |page: &Value| {
        (
            page["pageInfo"]["endCursor"].clone(),
            page["pageInfo"]["hasNextPage"] == true,
        )
    };
    let rows = |page: &Value| page["nodes"].as_array().map(Vec::len);
    assert_eq!(
        (info(&pages[0]), rows(&pages[0])),
        ((cursor, true), Some(20))
    );
    assert_eq!(info(&pages[1]), (Value::Null, true));
    assert_eq!((rows(&pages[2]), info(&pages[2]).1), (Some(0), true));
    assert_eq!((rows(&pages[3]), info(&pages[3]).1), (Some(20), false));
    assert_eq!(pages[4], Value::Null);
    assert_eq!(
        (rows(&pages[5]), &pages[5]["nodes"][1]),
        (Some(20), &Value::Null)
    );
    assert_eq!(pages[6]["totalCount"], 5);
    assert_eq!(
        (rows(&pages[7]), &pages[7]["totalCount"]),
        (Some(17), &json!(60))
    );
    assert_eq!(
        fixture.data("{ teams { totalCount } }").await,
        json!({ "teams": null })
    );
    let admins = fixture
        .data("{ planAdmins { nodes { email } pageInfo { hasNextPage } } }")
        .await;
    assert_eq!(
        admins,
        json!({ "planAdmins": { "nodes": [], "pageInfo": { "hasNextPage": true } } })
    );
}

#[tokio::test]
async fn rows_come_twice_across_pages() {
    let fixture = with(&["users@2=duplicate-rows=3", "teams@2=duplicate-rows=2"]);
    let ids = fixture.nodes("users", "psUserId", 20, Value::Null).await;
    assert_eq!(ids.len(), 63);
    assert_eq!(ids[17..20], ids[20..23]);
    let teams = fixture.nodes("teams", "id", 5, Value::Null).await;
    assert_eq!(
        teams.len(),
        fixture.sandbox.organization().teams().len() + 2
    );
    assert_eq!(teams[3..5], teams[5..7]);
}

#[tokio::test]
async fn a_token_is_revoked_in_the_middle_of_a_scan() {
    let fixture = with(&["users@2=revoke", "users@4=restore"]);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(
            fixture
                .send(PAGE)
                .await
                .expect("an answer")
                .status()
                .as_u16(),
        );
    }
    assert_eq!(statuses, [200, 401, 401, 200]);
}

#[tokio::test]
async fn people_come_and_go_between_pages() {
    let fixture = with(&[
        "users@2=add-last=4",
        "users@3=forget-last=2,deactivate=1",
        "users@4=deactivate-last=1",
    ]);
    let active = fixture.sandbox.organization().active();
    let count =
        async || fixture.data("{ users { totalCount } }").await["users"]["totalCount"].clone();
    assert_eq!(
        [count().await, count().await, count().await, count().await],
        [json!(60), json!(64), json!(62), json!(62)]
    );
    // Two of the four who joined vanished, two others left the plan.
    assert_eq!(fixture.sandbox.organization().active(), active);
}

#[tokio::test]
async fn anything_else_can_run_before_an_answer() {
    let fixture = with(&[]);
    let runs = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&runs);
    fixture.sandbox.faults().add(Rule::any(
        When::Every(2),
        Action::Run(Arc::new(move |organization| {
            counted.fetch_add(organization.len(), Ordering::SeqCst);
            organization.edit_user(&organization.user(0).ps_user_id, |user| {
                user.note = Some("ran".to_owned())
            });
        })),
    ));
    let note = async || {
        fixture.data("{ users(first: 1) { nodes { note } } }").await["users"]["nodes"][0]["note"]
            .clone()
    };
    assert_ne!(note().await, "ran");
    assert_eq!(note().await, "ran");
    assert_eq!(runs.load(Ordering::SeqCst), 60);
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
