//! Which of the built-in addresses is used. Servers of the test stand in for them.

mod support;

use pluralsight_api::{Client, ErrorKind, Settings};
use serde_json::json;
use support::*;

fn choosing(servers: &[&Server]) -> Caller {
    let settings = Settings {
        endpoint: pluralsight_api::Endpoint::BuiltIn,
        ..settings("http://127.0.0.1:9/")
    };
    Caller::of(
        Client::with_candidates(
            &settings,
            servers
                .iter()
                .map(|server| server.url().parse().unwrap())
                .collect(),
        )
        .unwrap(),
    )
}

fn page_of_html(status: u16) -> Vec<Step> {
    reply(
        status,
        &[("content-type", "text/html; charset=utf-8")],
        "<!doctype html><title>Hello</title>",
    )
}

fn known_refusal() -> Vec<Step> {
    reply(
        401,
        &[("content-type", "application/json")],
        r#"{"error":"AuthenticationError: Invalid API Key"}"#,
    )
}

#[tokio::test]
async fn the_first_address_that_answers_is_kept() {
    let (first, second) = (
        Server::scripted(vec![good()]),
        Server::scripted(vec![good()]),
    );
    let caller = choosing(&[&first, &second]);
    assert_eq!(caller.client.endpoint(), None);
    for _ in 0..3 {
        caller.send().await.expect("answered");
    }
    assert_eq!((first.count(), second.count()), (3, 0));
    assert_eq!(caller.client.endpoint().unwrap().as_str(), first.url());
}

#[tokio::test]
async fn an_address_that_is_not_the_api_is_tried_once() {
    for script in [
        status(404),
        status(405),
        status(410),
        page_of_html(200),
        page_of_html(404),
        reply(302, &[("location", "https://www.pluralsight.com/")], ""),
        reply(
            403,
            &[("content-type", "application/json")],
            r#"{"message":"Missing Authentication Token"}"#,
        ),
        reply(401, &[], "Unauthorized"),
    ] {
        let (first, second) = (
            Server::scripted(vec![script.clone()]),
            Server::scripted(vec![good()]),
        );
        let caller = choosing(&[&first, &second]);
        for _ in 0..3 {
            caller.send().await.expect("the second address answers");
        }
        assert_eq!((first.count(), second.count()), (1, 3), "{script:?}");
        assert_eq!(caller.client.endpoint().unwrap().as_str(), second.url());
        assert_eq!(caller.stats.retries(), 0);
    }
}

#[tokio::test]
async fn trouble_at_the_first_address_does_not_lead_to_the_second() {
    for script in [
        status(503),
        page_of_html(502),
        vec![Step::Reset],
        status(429),
        reply(200, &[], ""),
    ] {
        let (first, second) = (
            Server::scripted(vec![script.clone()]),
            Server::scripted(vec![good()]),
        );
        let caller = choosing(&[&first, &second]);
        caller
            .send()
            .await
            .expect_err("three attempts at the first");
        assert_eq!((first.count(), second.count()), (3, 0), "{script:?}");
        assert_eq!(caller.client.endpoint(), None);
    }
}

#[tokio::test]
async fn trouble_that_passes_leaves_the_choice_open_until_the_api_answers() {
    let (first, second) = (
        Server::scripted(vec![status(503), status(404)]),
        Server::scripted(vec![good()]),
    );
    let caller = choosing(&[&first, &second]);
    caller.send().await.expect("the second address answers");
    assert_eq!((first.count(), second.count()), (2, 1));
}

#[tokio::test]
async fn a_refused_token_or_query_proves_the_address() {
    let errors = answer(&json!({"errors": [{"message": "Syntax Error"}]}));
    for (script, kind) in [
        (known_refusal(), ErrorKind::Unauthorized),
        (errors, ErrorKind::GraphQl),
    ] {
        let (first, second) = (
            Server::scripted(vec![script, status(404)]),
            Server::scripted(vec![good()]),
        );
        let caller = choosing(&[&first, &second]);
        assert_eq!(caller.send().await.expect_err("refused").kind(), kind);
        assert_eq!(caller.client.endpoint().unwrap().as_str(), first.url());
        assert_eq!(
            caller.send().await.expect_err("not found").kind(),
            ErrorKind::NotFound
        );
        assert_eq!(second.count(), 0);
    }
}

#[tokio::test]
async fn if_no_address_is_the_api_the_first_one_is_named() {
    let (first, second) = (
        Server::scripted(vec![status(404)]),
        Server::scripted(vec![page_of_html(404)]),
    );
    let caller = choosing(&[&first, &second]);
    let error = caller.send().await.expect_err("neither");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains(&first.address.to_string()),
        "{error}"
    );
    assert_eq!((first.count(), second.count()), (1, 1));
}

#[tokio::test]
async fn if_the_second_address_is_the_api_its_refusal_is_told() {
    let (first, second) = (
        Server::scripted(vec![status(404)]),
        Server::scripted(vec![known_refusal()]),
    );
    let caller = choosing(&[&first, &second]);
    let error = caller.send().await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(
        error.to_string().contains(&second.address.to_string()),
        "{error}"
    );
    assert_eq!(caller.client.endpoint().unwrap().as_str(), second.url());
}

#[tokio::test]
async fn an_address_that_was_set_is_used_alone() {
    let server = Server::scripted(vec![status(404)]);
    let caller = Caller::new(&server);
    assert_eq!(caller.client.endpoint().unwrap().as_str(), server.url());
    assert_eq!(
        caller.send().await.expect_err("not found").kind(),
        ErrorKind::NotFound
    );
    assert_eq!(server.count(), 1);
}
