//! One connection, used again and again, and never a dead one.

mod support;

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use pluralsight_api::{Client, Error, ErrorKind, Pages, Settings, settle};
use serde_json::json;
use support::*;

#[tokio::test]
async fn many_pages_take_one_connection() {
    let server = Server::start(users(2_345));
    let caller = Caller::new(&server);
    let ids = caller
        .read(&mut Pages::new(users_query()))
        .await
        .expect("complete");
    assert_eq!(
        (ids.len(), server.count(), server.connections()),
        (2_345, 4, 1)
    );
}

#[tokio::test]
async fn the_request_says_who_asks_and_what() {
    let server = Server::scripted(vec![good()]);
    Caller::new(&server).send().await.expect("answered");
    let request = &server.requests()[0];
    assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(
        request.headers["user-agent"],
        concat!("pluralsight_fdw/", env!("CARGO_PKG_VERSION"))
    );
    assert!(request.headers["accept-encoding"].contains("gzip"));
    assert_eq!(request.path, "/graphql");
    assert_eq!(
        request.body,
        json!({"query": "query Users { users { totalCount } }", "variables": {}})
    );
}

#[tokio::test]
async fn gzip_is_decoded() {
    let body = json!({"data": {"users": {"totalCount": 7}}}).to_string();
    let (start, end) = body.as_bytes().split_at(11);
    let members = [gzipped(start), gzipped(end)].concat();
    for (coding, body) in [
        ("gzip", gzipped(body.as_bytes())),
        ("GZIP", gzipped(body.as_bytes())),
        ("x-gzip", gzipped(body.as_bytes())),
        ("gzip", members),
        ("identity", body.clone().into_bytes()),
        ("", body.clone().into_bytes()),
    ] {
        let server = Server::scripted(vec![reply(
            200,
            &[
                ("content-type", "application/json"),
                ("content-encoding", coding),
            ],
            body,
        )]);
        let answer = Caller::new(&server).send().await.expect(coding);
        assert_eq!(answer.data["users"]["totalCount"], 7);
    }
}

#[tokio::test]
async fn a_coding_that_was_not_asked_for_is_named() {
    let server = Server::scripted(vec![reply(200, &[("content-encoding", "br")], "\u{1}")]);
    let error = Caller::new(&server).send().await.expect_err("unreadable");
    assert_eq!(error.kind(), ErrorKind::BadReply);
    assert!(
        error.to_string().contains("content coding is br"),
        "{error}"
    );
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_reply_without_a_length_is_read_to_its_end() {
    let body = json!({"data": {"users": {"totalCount": 7}}}).to_string();
    let close = vec![
        Step::Send(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}").into_bytes()),
        Step::Close,
    ];
    let chunks = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let server = Server::scripted(vec![close, vec![Step::Send(chunks.into_bytes())]]);
    let caller = Caller::new(&server);
    for _ in 0..2 {
        assert_eq!(
            caller.send().await.expect("answered").data["users"]["totalCount"],
            7
        );
    }
    assert_eq!(caller.stats.retries(), 0);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_is_not_used() {
    let server = Server::start(|_| [good(), vec![Step::Close]].concat());
    let caller = Caller::new(&server);
    for _ in 0..3 {
        caller.send().await.expect("answered");
        // The client is not polled while the server closes the connection.
        server.wait_until_closed();
    }
    assert_eq!(
        (server.count(), server.connections(), caller.stats.retries()),
        (3, 3, 0)
    );
}

#[tokio::test]
async fn a_connection_that_closes_as_it_is_used_again_is_retried() {
    let server = Server::start(|request| {
        if request.number == 2 {
            vec![Step::Close]
        } else {
            good()
        }
    });
    let caller = Caller::new(&server);
    for _ in 0..2 {
        caller.send().await.expect("answered");
    }
    assert_eq!(
        (server.count(), server.connections(), caller.stats.retries()),
        (3, 2, 1)
    );
}

#[tokio::test]
async fn a_future_that_rests_goes_on_where_it_was() {
    let server = Server::start(|request| {
        if request.number == 1 {
            [vec![Step::Wait(Duration::from_millis(50))], good()].concat()
        } else {
            good()
        }
    });
    let caller = Caller::new(&server);
    let mut sending = pin!(caller.send());
    let mut rests = 0;
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut sending => break answer,
            () = tokio::time::sleep(Duration::from_millis(5)) => {
                rests += 1;
                assert_eq!(caller.stats.requests(), 1);
                // As a backend does between two looks at its interrupts.
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    };
    answer.expect("answered");
    assert!(rests > 0);
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_dropped_request_leaves_no_connection_and_the_next_one_works() {
    let server = Server::start(|request| match request.number {
        1 => vec![Step::Stall],
        2 => vec![begun(100, b"{\"data\""), Step::Stall],
        _ => good(),
    });
    let caller = Caller::new(&server);
    for number in 1..=2 {
        {
            let mut sending = pin!(caller.send());
            // Until the server has the request, and a little of the reply has come the second time.
            let waiting = number;
            std::future::poll_fn(|context| {
                assert!(sending.as_mut().poll(context).is_pending());
                if server.count() == waiting && (number == 1 || caller.stats.bytes() > 0) {
                    Poll::Ready(())
                } else {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            })
            .await;
        }
        assert!(caller.stats.waited() > Duration::ZERO);
        settle().await;
        server.wait_until_closed();
    }
    caller.send().await.expect("answered");
    assert_eq!((server.count(), server.connections()), (3, 3));
    drop(caller);
    settle().await;
    server.wait_until_closed();
}

#[tokio::test]
async fn after_an_error_the_same_client_works() {
    for script in [
        status(500),
        vec![Step::Reset],
        vec![begun(10, b"{"), Step::Close],
        reply(200, &[], "nonsense"),
        answer(&json!({"errors": [{"message": "no"}]})),
    ] {
        let server = Server::scripted(vec![script, good()]);
        let caller = Caller::with(&Settings {
            max_attempts: 1,
            ..settings(&server.url())
        });
        caller.send().await.expect_err("one attempt only");
        caller.send().await.expect("answered");
    }
}

#[tokio::test]
async fn a_reply_larger_than_allowed_is_not_read_to_its_end() {
    let limit = 100_000;
    let chunk = format!("{:x}\r\n{}\r\n", 10_000, " ".repeat(10_000));
    let endless = [
        vec![Step::Send(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
        )],
        vec![Step::Send(chunk.into_bytes()); 10_000],
    ]
    .concat();
    let bomb = gzipped(&vec![b' '; 50_000_000]);
    assert!(bomb.len() < limit);
    let scripts = [
        endless,
        vec![begun(2_000_000_000, b"{"), Step::Stall],
        reply(200, &[("content-encoding", "gzip")], bomb),
    ];
    for script in scripts {
        let server = Server::scripted(vec![script, good()]);
        let caller = Caller::with(&Settings {
            max_response_size: limit as u64,
            ..settings(&server.url())
        });
        let error = caller.send().await.expect_err("too large");
        assert!(
            matches!(error, Error::TooLarge { limit: 100_000, .. }),
            "{error:?}"
        );
        assert!(texts(&error).contains("max_response_size"));
        assert!(
            caller.stats.bytes() < 2 * limit as u64,
            "{}",
            caller.stats.bytes()
        );
        assert_eq!(server.count(), 1);
        caller.send().await.expect("the next request is answered");
    }
}

#[tokio::test]
async fn a_reply_of_exactly_the_size_allowed_is_read() {
    let body = json!({"data": {"users": {"totalCount": 0}}}).to_string();
    for (limit, fits) in [(body.len(), true), (body.len() - 1, false)] {
        let chunked = format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        for script in [
            reply(200, &[], &body),
            vec![Step::Send(chunked.into_bytes())],
        ] {
            let server = Server::scripted(vec![script]);
            let caller = Caller::with(&Settings {
                max_response_size: limit as u64,
                ..settings(&server.url())
            });
            assert_eq!(caller.send().await.is_ok(), fits);
        }
    }
}

#[tokio::test]
async fn json_nested_too_deeply_is_refused_without_a_retry() {
    let server = Server::scripted(vec![reply(
        200,
        &[],
        format!("{{\"data\":{}", "[".repeat(10_000)),
    )]);
    let error = Caller::new(&server).send().await.expect_err("too deep");
    assert!(error.to_string().contains("nested too deeply"), "{error}");
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn an_http_address_is_not_asked_through_a_proxy() {
    let proxy = Server::scripted(vec![good()]);
    let direct = Server::scripted(vec![good()]);
    let through = Settings {
        proxy: Some(format!("http://{}", proxy.address).parse().unwrap()),
        ..settings(&direct.url())
    };
    let error = Client::new(&through)
        .err()
        .expect("the token would be in clear text");
    assert_eq!(error.kind(), ErrorKind::Settings);
    assert_eq!((proxy.count(), direct.count()), (0, 0));
}

#[test]
fn no_proxy_is_taken_from_the_environment() {
    // The environment belongs to the whole process, so the variable is set for a process of its own.
    const MARK: &str = "PLURALSIGHT_API_TEST_CHILD";
    if std::env::var_os(MARK).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = Server::scripted(vec![good()]);
            Caller::new(&server)
                .send()
                .await
                .expect("answered directly");
        });
        return;
    }
    let nowhere = "http://127.0.0.1:9";
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_proxy_is_taken_from_the_environment"])
        .env(MARK, "1")
        .envs([
            ("http_proxy", nowhere),
            ("https_proxy", nowhere),
            ("HTTP_PROXY", nowhere),
            ("HTTPS_PROXY", nowhere),
            ("ALL_PROXY", nowhere),
            ("all_proxy", nowhere),
        ])
        .output()
        .unwrap();
    assert!(
        child.status.success(),
        "{}",
        String::from_utf8_lossy(&child.stdout)
    );
}

#[test]
fn an_address_that_is_not_allowed_is_refused_before_anything_is_sent() {
    for url in [
        "http://10.1.2.3/graphql",
        "https://user:hunter2@api.pluralsight.com/graphql",
        "gopher://api.pluralsight.com/",
    ] {
        let settings = Settings {
            endpoint: pluralsight_api::Endpoint::Url(url.parse().unwrap()),
            ..Settings::default()
        };
        let error = Client::new(&settings).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
