//! Faults come to the requests that they name. What each does is in the product's `docs/faults.md`.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use pluralsight_sandbox::{Config, Rule};
use serde_json::{Value, json};

use crate::client::Fixture;

const PAGE: &str = "{ users(first: 20) { totalCount nodes { psUserId email } pageInfo { endCursor hasNextPage } } }";

fn with(rules: &[&str]) -> Fixture {
    let faults = rules.iter().map(|rule| rule.parse().expect(rule)).collect();
    Fixture::new(Config {
        users: 60,
        faults,
        ..Config::default()
    })
}

#[tokio::test]
async fn only_the_requests_that_a_rule_names_are_spoiled() {
    for (target, spoiled) in [
        ("users", "11111111"),
        ("*", "11111111"),
        ("teams", "00000000"),
        ("users@2", "01000000"),
        ("users@2-4", "01110000"),
        ("*@3-", "00111111"),
        ("users@%3", "00100100"),
        ("users@~3", "00100010"),
    ] {
        let fixture = with(&[&format!("{target}=503,body='a, b'")]);
        let mut seen = String::new();
        for _ in 0..8 {
            seen.push(if fixture.send(PAGE).await.status() == 503 {
                '1'
            } else {
                '0'
            });
        }
        assert_eq!(seen, spoiled, "{target}");
        fixture.sandbox.faults().clear();
        assert_eq!(fixture.send(PAGE).await.status(), 200);
        let requests = fixture.sandbox.requests();
        let faulty = requests
            .iter()
            .map(|request| request.faults.len().to_string());
        assert_eq!(faulty.collect::<String>(), format!("{spoiled}0"));
    }
}

#[tokio::test]
async fn values_are_put_into_the_answer_and_taken_out() {
    let fixture = with(&[
        r#"users@1=set=/data/users/nodes/*/email:{"a":["it's, \"x"]},set=/data/users/nodes/0/more:true,unset=/data/users/totalCount,unset=/data/users/nodes/2"#,
        "users@2=set=/data/nothing/here:1,unset=/data/users/nodes/99,unset=/data/users/nodes/x/y",
    ]);
    let users = fixture.data(PAGE).await["users"].take();
    let nodes = users["nodes"].as_array().expect("nodes");
    let email = json!({ "a": ["it's, \"x"] });
    assert!(nodes.iter().all(|node| node["email"] == email) && nodes.len() == 19);
    assert_eq!(
        (&nodes[0]["more"], nodes[1].get("more")),
        (&json!(true), None)
    );
    assert_eq!(users.get("totalCount"), None);
    let untouched = fixture.data(PAGE).await;
    assert_eq!(untouched, fixture.data(PAGE).await);
}

/// The bytes of the body of an answer to a request over a socket of its own, its announced length, and how the connection ended.
fn raw(fixture: &Fixture) -> (usize, usize, Option<ErrorKind>) {
    let mut socket = TcpStream::connect(fixture.sandbox.address()).expect("a connection");
    let patience = Some(Duration::from_millis(300));
    socket.set_read_timeout(patience).expect("a timeout");
    let body = json!({ "query": PAGE }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sandbox-token\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    let end = socket.read_to_end(&mut answer).err();
    let answer = String::from_utf8(answer).expect("text");
    let (headers, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let mut lines = headers.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    (
        body.len(),
        length.unwrap_or_default(),
        end.map(|error| error.kind()),
    )
}

#[test]
fn a_connection_breaks_where_it_is_told() {
    let fixture = with(&[
        "users@1=reset",
        "users@2=close",
        "users@3=stall=100",
        "users@4=close-body=50",
        "users@5=close-body",
        "users@6=reset-body=50",
        "users@7=close-after",
        "users@8=length=+10",
    ]);
    assert_eq!(raw(&fixture), (0, 0, Some(ErrorKind::ConnectionReset)));
    assert_eq!(raw(&fixture), (0, 0, None));
    let (sent, told, end) = raw(&fixture);
    assert_eq!((sent, end), (100, Some(ErrorKind::WouldBlock)));
    assert_eq!(raw(&fixture), (50, told, None));
    assert_eq!(raw(&fixture), (told / 2, told, None));
    assert_eq!(raw(&fixture).2, Some(ErrorKind::ConnectionReset));
    assert_eq!(raw(&fixture), (told, told, None));
    assert_eq!(raw(&fixture), (told, told + 10, None));
    // Without a fault the connection stays open.
    assert_eq!(raw(&fixture), (told, told, Some(ErrorKind::WouldBlock)));
}

#[tokio::test]
async fn a_huge_body_is_valid_json_made_while_it_is_sent() {
    let fixture = with(&["users@1=huge=3MB", "users@2=huge=2GB"]);
    let body = fixture.send(PAGE).await.bytes().await.expect("a body");
    assert!((3_000_000..3_200_000).contains(&body.len()));
    let answer: Value = serde_json::from_slice(&body).expect("JSON");
    assert!(answer["data"]["users"]["nodes"].is_array());
    let mut response = fixture.send(PAGE).await;
    assert!(response.chunk().await.expect("more").is_some());
}

#[test]
fn what_cannot_be_read_is_refused() {
    for text in [
        "users",
        "users@x=500",
        "users@2=nonsense",
        "users=delay=soon",
        "users=huge=2XB",
        "users=set=/a",
        "users=99",
        "users=deep",
    ] {
        assert!(text.parse::<Rule>().is_err(), "{text}");
    }
}
