//! What is tried again, how often, and what is said when it was of no use.

mod support;

use std::time::{Duration, Instant, SystemTime};

use pluralsight_api::{Error, ErrorKind, Phase, RetryBudget, Settings};
use serde_json::json;
use support::*;

/// The first request meets the script, every further one is answered.
async fn once(script: Vec<Step>) -> (Caller, Server) {
    let server = Server::scripted(vec![script, good()]);
    let caller = Caller::new(&server);
    caller.send().await.expect("the second attempt is answered");
    assert_eq!(server.count(), 2);
    assert_eq!((caller.stats.requests(), caller.stats.retries()), (2, 1));
    (caller, server)
}

/// Every request meets the script.
async fn always(script: Vec<Step>) -> (Error, usize) {
    let server = Server::scripted(vec![script]);
    let caller = Caller::new(&server);
    let error = caller.send().await.expect_err("no attempt is answered");
    texts(&error);
    assert_eq!(caller.stats.requests() as usize, server.count());
    (error, server.count())
}

#[tokio::test]
async fn a_status_that_may_pass_is_retried() {
    for code in [408, 425, 429, 500, 502, 503, 504] {
        once(status(code)).await;
    }
}

#[tokio::test]
async fn a_status_that_will_not_pass_is_not_retried() {
    for (code, kind) in [
        (400, ErrorKind::Http),
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::NotFound),
        (405, ErrorKind::NotFound),
        (410, ErrorKind::NotFound),
        (418, ErrorKind::Http),
        (501, ErrorKind::Http),
    ] {
        let (error, requests) = always(status(code)).await;
        assert_eq!((error.kind(), requests), (kind, 1), "{code}");
    }
}

#[tokio::test]
async fn three_attempts_are_made_and_then_the_error_says_so() {
    let (error, requests) = always(status(503)).await;
    assert_eq!((error.kind(), requests), (ErrorKind::Http, 3));
    let text = error.to_string();
    assert!(
        text.starts_with("HTTP 503 from 127.0.0.1:")
            && text.ends_with("reading users (3 attempts)"),
        "{text}"
    );
}

#[tokio::test]
async fn a_429_with_retry_after_is_obeyed() {
    let started = Instant::now();
    let (caller, _server) = once(reply(429, &[("retry-after", "1")], "slow down")).await;
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert!(caller.stats.backoff() >= Duration::from_secs(1));
    assert!(caller.stats.waited() >= caller.stats.backoff());
}

#[tokio::test]
async fn a_retry_after_that_is_a_date_is_obeyed() {
    let started = Instant::now();
    // A date has whole seconds, so this one is more than one second and at most two ahead.
    let date = httpdate(SystemTime::now() + Duration::from_secs(2));
    once(reply(503, &[("retry-after", &date)], "")).await;
    assert!(
        started.elapsed() >= Duration::from_millis(900),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_retry_after_that_is_a_date_is_read_by_the_servers_own_clock() {
    // Its clock is years ahead; by that clock it asks for no wait, and for one second.
    for (date, wait) in [
        ("Mon, 05 Jan 2037 00:00:00 GMT", 0),
        ("Sun, 04 Jan 2037 23:59:59 GMT", 1),
    ] {
        let started = Instant::now();
        let headers = [
            ("retry-after", "Mon, 05 Jan 2037 00:00:00 GMT"),
            ("date", date),
        ];
        once(reply(503, &headers, "")).await;
        let elapsed = started.elapsed();
        assert!(
            elapsed >= Duration::from_secs(wait) && elapsed < Duration::from_secs(wait + 2),
            "{date}: {elapsed:?}"
        );
    }
}

#[tokio::test]
async fn a_retry_after_that_is_nonsense_or_past_is_ignored() {
    for value in [
        "soon",
        "-5",
        "1.5",
        "",
        "Tue, 06 Nov 1990 08:49:37 GMT",
        "0",
    ] {
        let started = Instant::now();
        once(reply(429, &[("retry-after", value)], "")).await;
        assert!(
            started.elapsed() < Duration::from_secs(1),
            "{value}: {:?}",
            started.elapsed()
        );
    }
}

#[tokio::test]
async fn a_retry_after_beyond_max_backoff_fails_at_once_and_says_so() {
    for (value, said) in [
        ("31536000", "365 days"),
        ("3600", "60 min"),
        ("99999999999999999999", "days"),
    ] {
        let (error, requests) = always(reply(429, &[("retry-after", value)], "")).await;
        assert_eq!(
            (error.kind(), requests),
            (ErrorKind::RateLimited, 1),
            "{value}"
        );
        assert!(
            error.to_string().contains("it asks to wait") && error.to_string().contains(said),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("max_backoff"));
    }
    let (error, requests) = always(reply(503, &[("retry-after", "3600")], "")).await;
    assert!(
        matches!(
            error,
            Error::Http {
                status: 503,
                retry_after: Some(_),
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(requests, 1);
}

#[tokio::test]
async fn a_429_three_times_is_a_rate_limit() {
    let (error, requests) = always(status(429)).await;
    assert_eq!((error.kind(), requests), (ErrorKind::RateLimited, 3));
}

#[tokio::test]
async fn a_connection_that_breaks_is_retried() {
    let body = br#"{"data": {"users": {"totalCount": 0}}}"#;
    for script in [
        vec![Step::Reset],
        vec![Step::Close],
        vec![begun(body.len(), &body[..10]), Step::Reset],
        vec![begun(body.len(), &body[..10]), Step::Close],
        vec![begun(body.len() + 10, body), Step::Close],
        vec![begun(body.len() - 10, &body[..body.len() - 10])],
        vec![
            Step::Send(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec()),
            Step::Close,
        ],
        vec![
            Step::Send(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"dat".to_vec(),
            ),
            Step::Close,
        ],
        vec![
            Step::Send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
            Step::Close,
        ],
    ] {
        once(script).await;
    }
}

#[tokio::test]
async fn a_connection_that_always_breaks_is_one_clear_error() {
    for script in [
        vec![Step::Reset],
        vec![Step::Close],
        vec![begun(100, b"{\"data\""), Step::Reset],
        vec![begun(100, b"{\"data\""), Step::Close],
    ] {
        let (error, requests) = always(script).await;
        assert_eq!(
            (error.kind(), requests),
            (ErrorKind::BadReply, 3),
            "{error}"
        );
        assert!(
            error.to_string().contains("connection") && error.to_string().contains("3 attempts"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn gzip_that_is_cut_or_broken_is_retried() {
    let whole = gzipped(br#"{"data": {"users": {"totalCount": 0}}}"#);
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    for body in [&whole[..whole.len() - 12], &whole[..5], b"not gzip at all"] {
        once(reply(200, &headers, body)).await;
    }
}

#[tokio::test]
async fn a_reply_that_is_no_answer_is_retried_and_then_described() {
    for (content_type, body, said) in [
        (
            "text/html",
            &b"<html><body>Sign in"[..],
            "it is a web page (HTML)",
        ),
        ("application/json", b"<html>", "it is a web page (HTML)"),
        ("application/json", b"", "it is empty"),
        (
            "application/json",
            b"{\"data\": {\"users\": \"\xff\xfe\"}}",
            "it is not UTF-8",
        ),
        (
            "application/json",
            b"{\"data\": {\"users\"",
            "it is not JSON",
        ),
        ("application/json", b"[]", "it is JSON, but not an object"),
        (
            "application/json",
            b"{\"hello\": 1}",
            "it has neither data nor errors",
        ),
        ("application/json", b"{\"data\": null}", "its data is null"),
    ] {
        once(reply(200, &[("content-type", content_type)], body)).await;
        let (error, requests) = always(reply(200, &[("content-type", content_type)], body)).await;
        assert_eq!((error.kind(), requests), (ErrorKind::BadReply, 3), "{said}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn a_stall_before_or_amid_the_reply_is_a_timeout() {
    for (script, reading) in [
        (vec![Step::Stall], false),
        (vec![begun(100, b"{\"data\""), Step::Stall], true),
    ] {
        let server = Server::scripted(vec![script.clone(), good()]);
        let quick = Settings {
            request_timeout: Duration::from_millis(150),
            ..settings(&server.url())
        };
        Caller::with(&quick)
            .send()
            .await
            .expect("the second attempt is answered");
        assert_eq!((server.count(), server.connections()), (2, 2));

        let server = Server::scripted(vec![script]);
        let caller = Caller::with(&Settings {
            endpoint: settings(&server.url()).endpoint,
            max_attempts: 2,
            ..quick
        });
        let started = Instant::now();
        let error = caller.send().await.expect_err("no attempt is answered");
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{:?}",
            started.elapsed()
        );
        let Error::Timeout {
            phase,
            after,
            attempts: 2,
            ..
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(
            (after, matches!(phase, Phase::Reading(7))),
            (Duration::from_millis(150), reading),
            "{phase:?}"
        );
        assert!(
            error.to_string().contains("150 ms") && error.to_string().contains("2 attempts"),
            "{error}"
        );
        server.wait_until_closed();
    }
}

#[tokio::test]
async fn a_reply_a_byte_at_a_time_ends_at_the_timeout() {
    let mut script = vec![begun(1_000, b"")];
    for _ in 0..1_000 {
        script.extend([
            Step::Send(b" ".to_vec()),
            Step::Wait(Duration::from_millis(5)),
        ]);
    }
    let server = Server::scripted(vec![script]);
    let caller = Caller::with(&Settings {
        request_timeout: Duration::from_millis(150),
        max_attempts: 1,
        ..settings(&server.url())
    });
    let error = caller.send().await.expect_err("too slow");
    assert!(
        matches!(
            error,
            Error::Timeout {
                phase: Phase::Reading(1..),
                attempts: 1,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refused_connection_is_retried_and_names_host_and_cause() {
    let server = Server::scripted(vec![good()]);
    let address = server.address;
    drop(server);
    let caller = Caller::with(&settings(&format!("http://{address}/graphql")));
    let error = caller.send().await.expect_err("nobody listens");
    assert_eq!(
        error.to_string(),
        format!("could not connect to {address}: connection refused (3 attempts)")
    );
    assert_eq!(
        (
            error.kind(),
            caller.stats.requests(),
            caller.stats.retries()
        ),
        (ErrorKind::Connect, 3, 2)
    );
}

#[tokio::test]
async fn a_graphql_error_that_says_it_passes_is_retried() {
    let errors = json!({"errors": [{"message": "upstream", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]});
    once(answer(&errors)).await;
    once(reply(
        500,
        &[("content-type", "application/json")],
        errors.to_string(),
    ))
    .await;
    once(answer(
        &json!({"data": {"users": null}, "errors": [{"message": "request timed out"}]}),
    ))
    .await;
    once(answer(
        &json!({"errors": [{"message": "slow down", "extensions": {"code": "THROTTLED"}}]}),
    ))
    .await;
    let (error, requests) = always(answer(&errors)).await;
    assert_eq!((error.kind(), requests), (ErrorKind::GraphQl, 3));
}

#[tokio::test]
async fn the_retries_of_one_scan_are_bounded() {
    let server = Server::start(|request| {
        if request.number.is_multiple_of(2) {
            good()
        } else {
            status(503)
        }
    });
    let caller = Caller {
        budget: RetryBudget::new(2),
        ..Caller::new(&server)
    };
    for _ in 0..2 {
        caller.send().await.expect("one retry each");
    }
    let error = caller.send().await.expect_err("both retries are spent");
    assert!(
        matches!(
            error,
            Error::BudgetSpent {
                retries: 2,
                attempts: 1,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("2 requests were repeated")
            && error.to_string().contains("HTTP 503"),
        "{error}"
    );
    assert_eq!((server.count(), caller.budget.left()), (5, 0));
}

#[tokio::test]
async fn a_wait_past_the_deadline_fails_at_once() {
    let server = Server::scripted(vec![reply(429, &[("retry-after", "2")], "")]);
    let caller = Caller {
        deadline: Some(Instant::now() + Duration::from_secs(1)),
        ..Caller::new(&server)
    };
    let started = Instant::now();
    let error = caller
        .send()
        .await
        .expect_err("the wait would end too late");
    assert!(
        started.elapsed() < Duration::from_millis(800),
        "{:?}",
        started.elapsed()
    );
    assert!(
        matches!(
            error,
            Error::Deadline {
                wait: Some(_),
                attempts: 1,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("2 s") && error.to_string().contains("HTTP 429"),
        "{error}"
    );
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let server = Server::scripted(vec![good()]);
    let caller = Caller {
        deadline: Some(Instant::now()),
        ..Caller::new(&server)
    };
    let error = caller.send().await.expect_err("too late");
    assert!(
        matches!(
            error,
            Error::Deadline {
                wait: None,
                attempts: 0,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!((server.count(), caller.stats.requests()), (0, 0));
}

fn httpdate(time: SystemTime) -> String {
    ::httpdate::fmt_http_date(time)
}
