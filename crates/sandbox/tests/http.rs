//! HTTP, the key, connections and the life of the server.

mod client;

use std::{
    net::TcpStream,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use client::Fixture;
use pluralsight_sandbox::{Coding, Config, Error, Key, Sandbox};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Value, json};

const COUNT: &str = "{ users { totalCount } }";

#[tokio::test]
async fn without_the_right_key_the_answer_is_401_with_the_body_of_the_real_api() {
    let fixture = Fixture::users(5);
    let body = json!({ "query": COUNT });
    let request = || fixture.http.post(fixture.sandbox.url()).json(&body);
    for (request, key) in [
        (request(), Key::Missing),
        (request().bearer_auth("wrong"), Key::Refused),
        // HTTP strips the space after the word, so that no key is left.
        (request().bearer_auth(""), Key::Missing),
        (
            request().basic_auth("sandbox-token", None::<&str>),
            Key::Missing,
        ),
        (
            request().header("authorization", "sandbox-token"),
            Key::Missing,
        ),
    ] {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 401);
        assert_eq!(
            response.text().await.expect("text"),
            r#"{"error":"AuthenticationError: Invalid API Key"}"#
        );
        assert_eq!(
            fixture
                .sandbox
                .requests()
                .last()
                .map(|request| (request.key, request.status)),
            Some((key, Some(401)))
        );
    }
    assert_eq!(fixture.sandbox.count("users"), 5);
    let response = request()
        .header("authorization", "bearer sandbox-token")
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status().as_u16(), 200);
}

#[tokio::test]
async fn a_key_can_be_revoked_and_changed_while_the_server_runs() {
    let fixture = Fixture::users(5);
    let status = async || {
        fixture
            .send(COUNT)
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };
    assert_eq!(status().await, 200);
    fixture.sandbox.revoke_token();
    assert_eq!(status().await, 401);
    fixture.sandbox.restore_token();
    assert_eq!(status().await, 200);
    fixture
        .sandbox
        .update(|config| config.token = "other".to_owned())
        .expect("a change");
    assert_eq!(
        (status().await, fixture.sandbox.token().as_str()),
        (200, "other")
    );
    let old = fixture
        .http
        .post(fixture.sandbox.url())
        .bearer_auth("sandbox-token")
        .json(&json!({ "query": COUNT }));
    assert_eq!(old.send().await.expect("an answer").status().as_u16(), 401);
}

#[tokio::test]
async fn both_spellings_of_the_path_are_served_and_no_other() {
    let fixture = Fixture::users(5);
    let post = async |path: &str| {
        let url = fixture.sandbox.url().replace("/graphql", path);
        let request = fixture
            .http
            .post(url)
            .bearer_auth("sandbox-token")
            .json(&json!({ "query": COUNT }));
        let response = request.send().await.expect("an answer");
        let kind = response.headers()[CONTENT_TYPE]
            .to_str()
            .expect("text")
            .to_owned();
        (response.status().as_u16(), kind)
    };
    for path in ["/graphql", "/GraphQL", "/graphql?x=1"] {
        assert_eq!(
            post(path).await,
            (200, "application/json; charset=utf-8".to_owned()),
            "{path}"
        );
    }
    for path in ["/", "/graphql/", "/GRAPHQL", "/api/graphql"] {
        assert_eq!(
            post(path).await,
            (404, "text/html; charset=utf-8".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn only_a_post_of_a_json_object_with_a_query_is_a_request() {
    let fixture = Fixture::users(5);
    let url = fixture.sandbox.url();
    let get = fixture.http.get(&url).send().await.expect("an answer");
    assert_eq!(
        (get.status().as_u16(), get.headers()["allow"].to_str().ok()),
        (405, Some("POST"))
    );
    for (kind, body, status) in [
        ("text/plain", r#"{"query":"{ users { totalCount } }"}"#, 415),
        ("application/json", "", 400),
        ("application/json", "[]", 400),
        ("application/json", "{}", 400),
        ("application/json", r#"{"query":7}"#, 400),
        (
            "application/json",
            r#"{"query":"{ users { totalCount } }","variables":[]}"#,
            400,
        ),
        (
            "application/json",
            r#"{"query":"{ users { totalCount } }","operationName":7}"#,
            400,
        ),
        (
            "application/json; charset=utf-8",
            r#"{"query":"{ users { totalCount } }","variables":null,"operationName":null}"#,
            200,
        ),
    ] {
        let request = fixture
            .http
            .post(&url)
            .bearer_auth("sandbox-token")
            .header(CONTENT_TYPE, kind)
            .body(body);
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), status, "{kind} {body}");
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(answer.get("errors").is_some(), status != 200);
    }
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_accept_it() {
    let fixture = Fixture::users(500);
    let plain = reqwest::Client::builder()
        .no_proxy()
        .no_gzip()
        .build()
        .expect("a client");
    let ask = async |accepted: Option<&str>| {
        let body = json!({ "query": "{ users(first: 500) { nodes { email } } }" });
        let mut request = plain
            .post(fixture.sandbox.url())
            .bearer_auth("sandbox-token")
            .json(&body);
        if let Some(accepted) = accepted {
            request = request.header(ACCEPT_ENCODING, accepted);
        }
        let response = request.send().await.expect("an answer");
        let is_gzip = response
            .headers()
            .get(CONTENT_ENCODING)
            .is_some_and(|coding| coding == "gzip");
        (is_gzip, response.bytes().await.expect("a body").len())
    };
    let (is_gzip, whole) = ask(None).await;
    assert!(!is_gzip);
    let (is_gzip, small) = ask(Some("br, gzip")).await;
    assert!(is_gzip && small * 2 < whole);
    let last = fixture.sandbox.requests().pop().expect("a request");
    assert_eq!((last.compressed, last.bytes_out), (true, small));
    assert_eq!(ask(Some("gzip;q=0")).await, (false, whole));
    assert_eq!(ask(Some("identity")).await, (false, whole));
    assert_eq!(
        fixture.data("{ users(first: 1) { totalCount } }").await["users"]["totalCount"],
        500
    );
    fixture
        .sandbox
        .update(|config| config.coding = Coding::Identity)
        .expect("a change");
    assert_eq!(ask(Some("gzip")).await, (false, whole));
}

#[tokio::test]
async fn requests_are_recorded_as_they_came() {
    let fixture = Fixture::users(5);
    let document = "query Mine($n: Int) { users(first: $n) { totalCount } planInfo { name } }";
    let body = json!({ "query": document, "variables": { "n": 2 }, "operationName": "Mine" });
    let request = fixture
        .http
        .post(fixture.sandbox.url())
        .bearer_auth("sandbox-token")
        .header("user-agent", "test/1")
        .json(&body);
    request
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    let recorded = fixture.sandbox.requests().pop().expect("a request");
    assert_eq!(
        (
            recorded.operation.as_str(),
            recorded.operation_name.as_deref(),
            &*recorded.document
        ),
        ("users,planInfo", Some("Mine"), document)
    );
    assert_eq!(
        (
            recorded.number,
            recorded.status,
            recorded.key,
            recorded.connection
        ),
        (1, Some(200), Key::Accepted, 1)
    );
    assert_eq!(
        (recorded.method.as_str(), recorded.path.as_str()),
        ("POST", "/graphql")
    );
    assert_eq!(
        (recorded.variable("n"), recorded.variable("m")),
        (&json!(2), &Value::Null)
    );
    assert_eq!(recorded.header("user-agent"), Some("test/1"));
    assert_eq!(recorded.header("authorization"), None);
    assert!(
        !recorded.is_faulty()
            && recorded.took.is_some()
            && recorded.bytes_in > 0
            && recorded.bytes_out > 0
    );
    assert!(!format!("{recorded:?}").contains("sandbox-token"));
    assert_eq!(
        (
            fixture.sandbox.count("users"),
            fixture.sandbox.count("planInfo"),
            fixture.sandbox.count("teams")
        ),
        (1, 1, 0)
    );
    fixture.sandbox.reset();
    assert_eq!(
        (
            fixture.sandbox.total(),
            fixture.sandbox.count("users"),
            fixture.sandbox.requests().len()
        ),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn the_log_forgets_the_oldest_but_counts_them() {
    let fixture = Fixture::new(Config {
        users: 5,
        log_limit: 3,
        ..Config::default()
    });
    for _ in 0..5 {
        fixture.data(COUNT).await;
    }
    let numbers: Vec<u64> = fixture
        .sandbox
        .requests()
        .iter()
        .map(|request| request.number)
        .collect();
    assert_eq!(
        (
            numbers,
            fixture.sandbox.count("users"),
            fixture.sandbox.total()
        ),
        (vec![3, 4, 5], 5, 5)
    );
}

#[tokio::test]
async fn a_connection_is_kept_alive_and_counted() {
    let fixture = Fixture::users(5);
    for _ in 0..3 {
        fixture.data(COUNT).await;
    }
    let connections = fixture.sandbox.connections();
    assert_eq!((connections.accepted, connections.open), (1, 1));
    assert!(
        fixture
            .sandbox
            .requests()
            .iter()
            .all(|request| request.connection == 1)
    );
    let raw = TcpStream::connect(fixture.sandbox.address()).expect("a connection");
    wait_for(|| fixture.sandbox.connections().open == 2);
    drop(raw);
    wait_for(|| fixture.sandbox.connections().open == 1);
    assert_eq!(fixture.sandbox.connections().accepted, 2);
}

#[tokio::test]
async fn latency_comes_before_each_answer_and_holds_nobody_else_up() {
    let fixture = Fixture::new(Config {
        users: 5,
        latency: Duration::from_millis(150),
        ..Config::default()
    });
    let begun = Instant::now();
    let answers = futures_util::future::join_all((0..8).map(|_| fixture.data(COUNT))).await;
    let took = begun.elapsed();
    assert_eq!(answers.len(), 8);
    assert!(
        took >= Duration::from_millis(150) && took < Duration::from_millis(900),
        "{took:?}"
    );
}

#[tokio::test]
async fn each_request_is_shown_to_the_observer_once_it_is_answered() {
    let fixture = Fixture::users(5);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    fixture.sandbox.observe(move |request| {
        noted
            .lock()
            .expect("no panic")
            .push((request.operation.clone(), request.status))
    });
    fixture.data(COUNT).await;
    fixture.data("{ teams { totalCount } }").await;
    assert_eq!(
        *seen.lock().expect("no panic"),
        [
            ("users".to_owned(), Some(200)),
            ("teams".to_owned(), Some(200))
        ]
    );
}

#[test]
fn dropping_the_server_closes_its_port_even_while_an_answer_waits() {
    let sandbox = Sandbox::start(Config {
        users: 5,
        latency: Duration::from_secs(60),
        ..Config::default()
    })
    .expect("a sandbox");
    let address = sandbox.address();
    let mut socket = TcpStream::connect(address).expect("a connection");
    let body = json!({ "query": COUNT }).to_string();
    std::io::Write::write_all(&mut socket, format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sandbox-token\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()
    ).as_bytes()).expect("sent");
    wait_for(|| sandbox.count("users") == 1);
    let begun = Instant::now();
    drop(sandbox);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(TcpStream::connect(address).is_err());
    // The port can be taken again at once.
    let again = Sandbox::start(Config {
        users: 1,
        port: Some(address.port()),
        ..Config::default()
    })
    .expect("a sandbox");
    assert_eq!(again.address(), address);
    assert!(matches!(
        Sandbox::start(Config {
            port: Some(address.port()),
            ..Config::default()
        }),
        Err(Error::Listen(_))
    ));
}

fn wait_for(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < end, "it never came to pass");
        std::thread::sleep(Duration::from_millis(2));
    }
}
