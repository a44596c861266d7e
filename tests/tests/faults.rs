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
                .is_some_and(|hint| hint.contains("ALTER USER MAPPING FOR CURRENT_USER SERVER")),
            "the mapping is there, and only lacks the token"
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
    times_out(&mut stage);
}

/// Reads under a statement_timeout of 100 ms, which must end it within another 200 ms.
fn times_out(stage: &mut Stage) {
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
        victim.outlast_cancel();
        assert_eq!(
            victim.value(READ),
            "2345",
            "the next query in the same session"
        );
    }
}

#[test]
fn a_connection_that_is_never_accepted_can_be_canceled() {
    // A port whose queue is full answers nothing: neither a connection nor a refusal.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let mut stage = stage_with("");
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url 'http://{address}/graphql')"
    ));
    times_out(&mut stage);
}

#[test]
fn a_wait_that_would_outlast_the_statement_is_not_begun() {
    let mut stage = stage_with("");
    inject(&stage, "users@2-=429,retry-after=20");
    stage.session.run("SET statement_timeout = '10s'");
    let started = Instant::now();
    let error = stage.session.error(READ);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "it waited for {:?} before it failed",
        started.elapsed()
    );
    assert_eq!(error.code, "57014", "{error:?}");
    assert!(
        error.message.contains(
            "the wait of 20 s before the next attempt would end after the statement must"
        ) && error
            .hint
            .as_deref()
            .is_some_and(|hint| hint.contains("statement_timeout")),
        "{error:?}"
    );
    assert_eq!(stage.sandbox.count("users"), 2);
    stage.sandbox.faults().clear();
    assert_eq!(stage.session.value(READ), "2345");
}

#[test]
fn an_api_on_its_knees_is_not_hammered() {
    // 47 pages, and each needs a second attempt.
    let mut stage = stage_with("ADD page_size '50', SET initial_backoff '1ms'");
    inject(&stage, "users@%2=503");
    let error = stage.session.error(READ);
    assert_eq!(error.code, "HV000", "{error:?}");
    assert!(
        error
            .message
            .contains("10 requests were repeated in this scan"),
        "{error:?}"
    );
    // Ten pages that came, ten retries, and the attempt that found no retry left.
    assert!(
        stage.sandbox.count("users") <= 22,
        "{} requests",
        stage.sandbox.count("users")
    );
}

#[test]
fn what_the_api_announces_is_heard_once_a_session_and_listed() {
    let mut stage = stage_with("");
    inject(
        &stage,
        r#"users=warnings=["The field User.note is deprecated and will be removed on 2027-01-31."]"#,
    );
    let announced = "NOTICE: users: the API says: The field User.note is deprecated and will be removed on 2027-01-31.";
    stage.session.value(READ);
    assert_eq!(stage.session.notices(), [announced]);
    stage.session.value(READ);
    assert_eq!(stage.session.notices(), Vec::<String>::new());
    assert_eq!(
        stage
            .session
            .rows("SELECT table_name, announcement FROM pluralsight_fdw.api_announcements"),
        [[
            Some("users".to_owned()),
            Some("The field User.note is deprecated and will be removed on 2027-01-31.".to_owned())
        ]]
    );
    // Another session hears it for itself.
    let mut other = stage.another_session();
    assert_eq!(
        other.value("SELECT count(*) FROM pluralsight_fdw.api_announcements"),
        "0"
    );
    other.value(READ);
    assert_eq!(other.notices(), [announced]);
}

#[test]
fn an_incomplete_answer_is_returned_with_a_warning_where_that_is_allowed() {
    for (allowed, forbidden) in [
        (
            "ALTER SERVER pluralsight OPTIONS (ADD on_incomplete 'warning')",
            "ALTER SERVER pluralsight OPTIONS (SET on_incomplete 'error')",
        ),
        (
            "ALTER FOREIGN TABLE pluralsight.users OPTIONS (ADD on_incomplete 'warning')",
            "ALTER FOREIGN TABLE pluralsight.users OPTIONS (SET on_incomplete 'error')",
        ),
    ] {
        let mut stage = stage_with("");
        stage.session.run(allowed);
        inject(&stage, "users@2=last-page");
        assert_eq!(stage.session.value(READ), "1100");
        let notices = stage.session.notices();
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert!(
            notices[0].starts_with("WARNING: users: ")
                && notices[0].contains("expected 2345 records (totalCount), got 1100"),
            "{notices:?}"
        );
        stage.session.run(forbidden);
        stage.sandbox.faults().clear();
        inject(&stage, "users@2=last-page");
        assert_eq!(stage.session.error(READ).code, "HV004");
    }
    // The table's own word counts more than its server's.
    let mut stage = stage_with("ADD on_incomplete 'warning'");
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.users OPTIONS (ADD on_incomplete 'error')");
    inject(&stage, "users@2=last-page");
    assert_eq!(stage.session.error(READ).code, "HV004");
}

#[test]
fn a_reply_may_be_so_large_and_no_larger() {
    let mut stage = stage_with("ADD max_response_size '64kB'");
    let error = stage.session.error(READ_WIDE);
    assert_eq!(error.code, "HV000", "{error:?}");
    assert!(
        error
            .message
            .contains("larger than 64 kB (max_response_size)"),
        "{error:?}"
    );
    assert!(error.hint.is_some_and(|hint| hint.contains("page_size")));
    // As the hint says.
    stage
        .session
        .run("ALTER SERVER pluralsight OPTIONS (ADD page_size '40')");
    assert_eq!(stage.session.rows(READ_WIDE).len(), 2_345);
}

const READ_WIDE: &str = "SELECT * FROM pluralsight.users";
