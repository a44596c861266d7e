//! Answers that no further attempt would change.

mod support;

use pluralsight_api::{Error, ErrorKind, Refusal};
use serde_json::json;
use support::*;

/// The error of one request, which must not have been repeated.
async fn refused(script: Vec<Step>) -> Error {
    let server = Server::scripted(vec![script]);
    let caller = Caller::new(&server);
    let error = caller.send().await.expect_err("refused");
    texts(&error);
    assert_eq!((server.count(), caller.stats.retries()), (1, 0), "{error}");
    error
}

fn json_reply(status: u16, body: impl ToString) -> Vec<Step> {
    reply(
        status,
        &[("content-type", "application/json")],
        body.to_string(),
    )
}

#[tokio::test]
async fn a_token_that_the_api_does_not_know_is_an_error_that_says_where_to_get_one() {
    let error = refused(json_reply(
        401,
        r#"{"error":"AuthenticationError: Invalid API Key"}"#,
    ))
    .await;
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let text = error.to_string();
    assert!(text.starts_with("the API refused the token: AuthenticationError: Invalid API Key (HTTP 401), reading users from 127.0.0.1:"), "{text}");
    assert!(error.hint().unwrap().contains("Manage Keys"));
    for script in [
        json_reply(
            200,
            json!({"data": null, "errors": [{"message": "AuthenticationError: Invalid API Key"}]}),
        ),
        json_reply(
            200,
            json!({"errors": [{"message": "who?", "extensions": {"code": "UNAUTHENTICATED"}}]}),
        ),
        json_reply(401, json!({"errors": [{"message": "who?"}]})),
        reply(401, &[], ""),
    ] {
        assert_eq!(refused(script).await.kind(), ErrorKind::Unauthorized);
    }
}

#[tokio::test]
async fn a_plan_without_access_is_told_apart_from_a_bad_token() {
    for script in [
        json_reply(403, r#"{"message":"not entitled"}"#),
        json_reply(
            200,
            json!({"errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}),
        ),
    ] {
        let error = refused(script).await;
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        assert!(error.hint().unwrap().contains("Enterprise"));
    }
}

#[tokio::test]
async fn a_token_that_a_reply_echoes_is_masked_everywhere() {
    let quoted = format!("the key \"{TOKEN}\" is bad");
    for script in [
        json_reply(401, json!({"error": quoted})),
        json_reply(403, json!({"message": quoted})),
        json_reply(
            400,
            json!({"errors": [{"message": quoted, "path": [TOKEN], "extensions": {"code": TOKEN}}]}),
        ),
        reply(418, &[], &quoted),
        reply(
            302,
            &[("location", &format!("https://{TOKEN}.example/{TOKEN}"))],
            &quoted,
        ),
        json_reply(404, json!({"error": quoted})),
    ] {
        // `texts` looks for the token.
        refused(script).await;
    }
    let server = Server::scripted(vec![reply(200, &[], format!("<p>{quoted}"))]);
    texts(&Caller::new(&server).send().await.expect_err("a web page"));
    let server = Server::scripted(vec![answer(
        &json!({"data": {"users": {"totalCount": quoted}}}),
    )]);
    let caller = Caller::new(&server);
    let users = users_operation();
    texts(
        &pluralsight_api::count(&caller.client, &caller.context(), &users, None)
            .await
            .expect_err("no number"),
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_token_goes_nowhere_else() {
    for code in [301, 302, 303, 307, 308] {
        let elsewhere = Server::scripted(vec![good()]);
        let error = refused(reply(code, &[("location", &elsewhere.url())], "")).await;
        let Error::Redirect { status, to, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(
            (*status, to.as_deref()),
            (code, Some(format!("http://{}", elsewhere.address).as_str()))
        );
        assert!(
            error.to_string().contains("redirects are not followed"),
            "{error}"
        );
        assert_eq!(elsewhere.connections(), 0);
    }
    assert!(
        matches!(refused(reply(302, &[("location", "/login?next=graphql")], "")).await, Error::Redirect { to: Some(to), .. } if to.ends_with("/login"))
    );
    assert!(matches!(
        refused(reply(302, &[], "")).await,
        Error::Redirect { to: None, .. }
    ));
    assert!(matches!(
        refused(reply(302, &[("location", "ht tp:\\\\")], "")).await,
        Error::Redirect { .. }
    ));
}

#[tokio::test]
async fn an_invalid_query_is_a_graphql_error_whatever_the_status() {
    let errors = json!({"errors": [{"message": "Cannot query field \"mfaEnabled\" on type \"User\".", "locations": [{"line": 1, "column": 2}]}]});
    for status in [200, 400, 404, 422] {
        let error = refused(json_reply(status, &errors)).await;
        assert_eq!(error.kind(), ErrorKind::GraphQl, "{status}");
        assert_eq!(
            error.detail().unwrap(),
            "Query: query Users { users { totalCount } }"
        );
        let refusals = error.refusals();
        assert!(
            matches!(refusals.as_slice(), [(Refusal::Field { field, .. }, _)] if field == "mfaEnabled"),
            "{refusals:?}"
        );
        assert!(
            error
                .to_string()
                .contains("Cannot query field \"mfaEnabled\""),
            "{error}"
        );
    }
}

#[tokio::test]
async fn data_beside_errors_is_an_error() {
    let error = refused(json_reply(200, json!({"data": {"users": {"totalCount": 1}}, "errors": [{"message": "one resolver failed", "path": ["users", "nodes", 0, "teams"]}]}))).await;
    assert_eq!(error.kind(), ErrorKind::GraphQl);
    assert!(
        error
            .to_string()
            .contains("one resolver failed (at users.nodes.0.teams)"),
        "{error}"
    );
}

#[tokio::test]
async fn many_errors_are_told_in_few_words() {
    let errors: Vec<_> = (0..500)
        .map(|number| json!({"message": format!("error {number} {}", "x".repeat(10_000))}))
        .collect();
    let error = refused(json_reply(200, json!({ "errors": errors }))).await;
    assert!(
        error.to_string().len() < 1_500,
        "{}",
        error.to_string().len()
    );
    assert!(error.to_string().contains("and 97 more"), "{error}");
}

#[tokio::test]
async fn an_empty_list_of_errors_is_no_error() {
    for errors in [json!([]), json!(null)] {
        let server = Server::scripted(vec![answer(
            &json!({"data": {"users": {"totalCount": 0}}, "errors": errors}),
        )]);
        Caller::new(&server).send().await.expect("answered");
    }
}

#[tokio::test]
async fn an_endless_explanation_does_not_hide_the_status() {
    let chunk = format!("{:x}\r\n{}\r\n", 100_000, "x".repeat(100_000));
    let script = [
        vec![Step::Send(
            b"HTTP/1.1 403 No\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
        )],
        vec![Step::Send(chunk.into_bytes()); 1_000],
    ]
    .concat();
    assert_eq!(refused(script).await.kind(), ErrorKind::Forbidden);
    assert_eq!(
        refused(vec![
            Step::Send(b"HTTP/1.1 401 No\r\ncontent-length: 100\r\n\r\nbroken".to_vec()),
            Step::Close
        ])
        .await
        .kind(),
        ErrorKind::Unauthorized
    );
}
