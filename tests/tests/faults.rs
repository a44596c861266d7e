//! What goes wrong on the way is retried or reported; the rows are complete, or there is one clear error.

use std::time::{Duration, Instant};

use behaviour::Stage;
use pluralsight_sandbox::Config;

/// 2,345 users are four pages; the faults hit the second.
fn stage_with(options: &str) -> Stage {
    let mut stage = Stage::new(Config {
        users: 2_345,
        ..Config::default()
    });
    stage
        .session
        .run("ALTER SERVER pluralsight OPTIONS (ADD initial_backoff '10ms')");
    if !options.is_empty() {
        stage
            .session
            .run(&format!("ALTER SERVER pluralsight OPTIONS ({options})"));
    }
    stage.sandbox.reset();
    stage
}

fn inject(stage: &Stage, fault: &str) {
    stage.sandbox.faults().script(fault).expect(fault);
}

const READ: &str =
    "SELECT count(email) + count(*) FILTER (WHERE email IS NULL) FROM pluralsight.users";

#[test]
fn one_fault_on_page_two_costs_one_retry_and_no_row() {
    for (fault, options) in [
        ("users@2=429,retry-after=1", ""),
        ("users@2=503", ""),
        ("users@2=delay=5s", "ADD request_timeout '300ms'"),
        ("users@2=reset", ""),
        ("users@2=reset-body", ""),
        ("users@2=truncated-gzip", ""),
        ("users@2=html", ""),
        ("users@2=empty", ""),
        ("users@2=invalid-utf8", ""),
    ] {
        let mut stage = stage_with(options);
        inject(&stage, fault);
        let started = Instant::now();
        assert_eq!(stage.session.value(READ), "2345", "{fault}");
        assert_eq!(
            stage.sandbox.count("users"),
            5,
            "{fault}: four pages and one retry"
        );
        if fault.contains("retry-after") {
            assert!(
                started.elapsed() >= Duration::from_secs(1),
                "Retry-After is obeyed"
            );
        }
    }
}

#[test]
fn three_faults_in_a_row_are_one_clear_error_and_the_session_goes_on() {
    for (fault, options, code, words) in [
        ("users@2-4=429", "", "53400", "rate limit"),
        ("users@2-4=503", "", "HV000", "HTTP 503"),
        (
            "users@2-4=delay=5s",
            "ADD request_timeout '200ms'",
            "HV000",
            "200 ms",
        ),
        ("users@2-4=reset", "", "HV000", "connection"),
    ] {
        let mut stage = stage_with(options);
        inject(&stage, fault);
        let error = stage.session.error(READ);
        assert_eq!(error.code, code, "{fault}: {error:?}");
        assert!(error.message.contains(words), "{fault}: {error:?}");
        assert!(error.message.contains("3 attempts"), "{fault}: {error:?}");
        assert_eq!(
            stage.sandbox.count("users"),
            4,
            "{fault}: one page and three attempts"
        );
        stage.sandbox.faults().clear();
        stage.sandbox.reset();
        assert_eq!(
            stage.session.value(READ),
            "2345",
            "the next query in the same session"
        );
    }
}

#[test]
fn what_another_attempt_would_meet_again_is_not_retried() {
    for (fault, code, words) in [
        ("users@2=400", "HV000", "400"),
        ("users@2=401", "28000", "refused the token"),
        ("users@2=403", "42501", "denied access"),
        ("users@2=404", "HV000", "no GraphQL API"),
        ("users@2=redirect=http://127.0.0.1:9/", "HV000", "redirect"),
        ("users@2=429,retry-after=31536000", "53400", "wait"),
    ] {
        let mut stage = stage_with("");
        inject(&stage, fault);
        let error = stage.session.error(READ);
        assert_eq!(error.code, code, "{fault}: {error:?}");
        assert!(error.message.contains(words), "{fault}: {error:?}");
        assert_eq!(stage.sandbox.count("users"), 2, "{fault}");
        stage.sandbox.faults().clear();
        assert_eq!(
            stage.session.value(READ),
            "2345",
            "the next query in the same session"
        );
    }
}

#[test]
fn an_answer_that_is_not_complete_is_an_error() {
    for (fault, words) in [
        ("users@2=repeat-cursor", "cursor"),
        ("users@2=no-cursor", "no cursor"),
        ("users@2=empty-page", "page is empty"),
        ("users@2=null-connection", "users"),
        ("users@2=partial=boom", "boom"),
    ] {
        let mut stage = stage_with("");
        inject(&stage, fault);
        let error = stage.session.error(READ);
        assert!(
            error.message.starts_with("users: ") && error.message.contains(words),
            "{fault}: {error:?}"
        );
        stage.sandbox.faults().clear();
        assert_eq!(
            stage.session.value(READ),
            "2345",
            "the next query in the same session"
        );
    }
}

#[test]
fn a_missing_token_says_so_and_costs_no_request() {
    let mut stage = stage_with("");
    for change in [
        "OPTIONS (SET api_token '')",
        "OPTIONS (SET api_token '   ')",
        "OPTIONS (DROP api_token)",
    ] {
        stage.session.run(&format!(
            "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight {change}"
        ));
        let error = stage.session.error("SELECT email FROM pluralsight.users");
        assert_eq!(
            (error.message.as_str(), error.code.as_str()),
            ("API token is missing", "HV00J")
        );
        assert!(
            error
                .hint
                .is_some_and(|hint| hint.contains("CREATE USER MAPPING"))
        );
    }
    assert_eq!(stage.sandbox.requests().len(), 0);
}

#[test]
fn statement_timeout_ends_a_wait_at_once() {
    let mut stage = Stage::new(Config {
        users: 10,
        latency: Duration::from_secs(5),
        ..Config::default()
    });
    stage.session.run("SET statement_timeout = '100ms'");
    let started = Instant::now();
    let error = stage.session.error("SELECT email FROM pluralsight.users");
    assert_eq!(error.code, "57014", "{error:?}");
    assert!(
        started.elapsed() < Duration::from_millis(300),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn ctrl_c_ends_any_wait_within_200_ms() {
    for fault in [
        "users@1=delay=60s",
        "users@1=stall=10",
        "users@1-9=503,retry-after=20",
        "users@1=slow=200ms/1",
    ] {
        let stage = stage_with("");
        inject(&stage, fault);
        let mut victim = stage.another_session();
        let canceller = victim.canceller();
        let worker = std::thread::spawn(move || {
            let error = victim.error(READ);
            (error, Instant::now(), victim)
        });
        while stage.sandbox.count("users") == 0 {
            std::thread::yield_now();
        }
        let started = Instant::now();
        canceller.cancel();
        let (error, ended, mut victim) = worker.join().expect("the worker does not panic");
        assert_eq!(error.code, "57014", "{fault}: {error:?}");
        assert!(
            ended - started < Duration::from_millis(200),
            "{fault}: {:?}",
            ended - started
        );
        stage.sandbox.faults().clear();
        assert_eq!(
            victim.value(READ),
            "2345",
            "the next query in the same session"
        );
    }
}

#[test]
fn a_connection_that_is_never_accepted_can_be_cancelled() {
    // A port whose queue is full answers nothing: neither a connection nor a refusal.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let mut stage = stage_with("");
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url 'http://{address}/graphql')"
    ));
    stage.session.run("SET statement_timeout = '150ms'");
    let started = Instant::now();
    let error = stage.session.error("SELECT email FROM pluralsight.users");
    assert_eq!(error.code, "57014", "{error:?}");
    assert!(
        started.elapsed() < Duration::from_millis(350),
        "{:?}",
        started.elapsed()
    );
}
