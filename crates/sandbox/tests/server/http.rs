//! HTTP, the key, the log and the life of the server.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use pluralsight_sandbox::{Config, Sandbox};
use serde_json::json;

use crate::client::Fixture;

const COUNT: &str = "{ users { totalCount } }";

#[tokio::test]
async fn without_the_right_key_the_answer_is_401_with_the_body_of_the_real_api() {
    let fixture = Fixture::users(5);
    let body = json!({ "query": COUNT });
    let request = || fixture.http.post(fixture.sandbox.url()).json(&body);
    for request in [
        request(),
        request().bearer_auth("wrong"),
        request().bearer_auth(""),
        request().basic_auth("sandbox-token", None::<&str>),
        request().header("authorization", "sandbox-token"),
    ] {
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 401);
        let body = response.text().await.expect("text");
        assert_eq!(body, r#"{"error":"AuthenticationError: Invalid API Key"}"#);
    }
    assert_eq!(fixture.send(COUNT).await.status().as_u16(), 200);
    fixture.sandbox.revoke_token();
    assert_eq!(fixture.send(COUNT).await.status().as_u16(), 401);
    fixture.sandbox.restore_token();
    fixture.update(|config| config.token = "other".to_owned());
    assert_eq!(fixture.send(COUNT).await.status().as_u16(), 200);
}

#[tokio::test]
async fn only_a_query_that_is_posted_to_the_path_in_either_spelling_is_answered() {
    let fixture = Fixture::users(5);
    let body = json!({ "query": COUNT }).to_string();
    for (path, body, status) in [
        ("/graphql", body.as_str(), 200),
        ("/GraphQL?x=1", &body, 200),
        ("/", &body, 404),
        ("/api/graphql", &body, 404),
        ("/graphql", "", 400),
        ("/graphql", "[]", 400),
        ("/graphql", r#"{"query":7}"#, 400),
    ] {
        let url = fixture.sandbox.url().replace("/graphql", path);
        let request = fixture.http.post(url).bearer_auth("sandbox-token");
        let response = request.body(body.to_owned()).send().await;
        assert_eq!(
            response.expect("an answer").status().as_u16(),
            status,
            "{path} {body}"
        );
    }
    let get = fixture.http.get(fixture.sandbox.url()).send().await;
    assert_eq!(get.expect("an answer").status().as_u16(), 405);
}

#[tokio::test]
async fn requests_are_recorded_as_they_came() {
    let fixture = Fixture::users(5);
    let document = "query Mine($n: Int) { users(first: $n) { totalCount } planInfo { name } }";
    fixture.data_with(document, json!({ "n": 2 })).await;
    let recorded = fixture.sandbox.requests().pop().expect("a request");
    assert_eq!((recorded.number, recorded.status), (1, Some(200)));
    assert_eq!(recorded.operation, "users,planInfo");
    assert_eq!(recorded.document, document);
    assert_eq!(recorded.variables, json!({ "n": 2 }));
    assert!(recorded.has_key && recorded.faults.is_empty() && recorded.bytes_out > 0);
    assert!(!format!("{recorded:?}").contains("sandbox-token"));
    assert_eq!(fixture.sandbox.count("users"), 1);
    assert_eq!(fixture.sandbox.count("planInfo"), 1);
    assert_eq!(fixture.sandbox.count("teams"), 0);
    fixture.sandbox.reset();
    assert_eq!(
        (fixture.sandbox.total(), fixture.sandbox.count("users")),
        (0, 0)
    );
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_accept_it() {
    let fixture = Fixture::users(500);
    let plain = reqwest::Client::builder().no_proxy().no_gzip().build();
    let plain = plain.expect("a client");
    let mut sizes = Vec::new();
    for accepted in ["br, gzip", "identity"] {
        let body = json!({ "query": "{ users(first: 500) { nodes { email } } }" });
        let request = plain
            .post(fixture.sandbox.url())
            .bearer_auth("sandbox-token");
        let request = request.header("accept-encoding", accepted).json(&body);
        let response = request.send().await.expect("an answer");
        assert_eq!(
            response.headers().contains_key("content-encoding"),
            accepted.contains("gzip")
        );
        let size = response.bytes().await.expect("a body").len();
        assert_eq!(
            fixture
                .sandbox
                .requests()
                .pop()
                .map(|request| request.bytes_out),
            Some(size)
        );
        sizes.push(size);
    }
    assert!(sizes[0] * 2 < sizes[1], "{sizes:?}");
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
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    std::io::Write::write_all(&mut socket, request.as_bytes()).expect("sent");
    while sandbox.count("users") == 0 {
        std::thread::yield_now();
    }
    let begun = Instant::now();
    drop(sandbox);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(TcpStream::connect(address).is_err());
    // The port can be taken again at once.
    let again = Sandbox::start(Config {
        port: Some(address.port()),
        ..Config::default()
    });
    assert_eq!(again.expect("a sandbox").address(), address);
}
