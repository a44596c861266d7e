//! The network's own thread: the backend waits for it and answers at once, whatever the network does, takes memory in
//! proportion to what comes, and has the next page read while it hands out rows.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use behaviour::copies::wait_until;
use behaviour::{Cancels, Session, Stage};
use pluralsight_sandbox::Config;

/// Long enough for a machine under load, and far from any timeout of the extension.
const SOON: Duration = Duration::from_secs(20);

const READ: &str = "SELECT count(email) FROM pluralsight.users";

/// One test at a time: some watch the clock, and some keep a processor busy.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server that sends each connection's first request the head, and then the part again and again, so many times.
fn server(head: String, part: &'static [u8], times: usize, tail: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let head = head.clone();
            // A client that goes away ends it.
            std::thread::spawn(move || -> std::io::Result<()> {
                let mut request = [0; 16 * 1024];
                let _ = client.read(&mut request)?;
                client.write_all(head.as_bytes())?;
                let block = part.repeat(4_096);
                let mut left = times;
                while left > 0 {
                    let now = left.min(4_096);
                    client.write_all(&block[..now * part.len()])?;
                    left -= now;
                }
                client.write_all(tail)
            });
        }
    });
    address
}

fn point_to(session: &mut Session, address: SocketAddr) {
    session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url 'http://{address}/graphql')"
    ));
}

/// A server that never pauses and never answers.
fn endless() -> SocketAddr {
    server(
        String::new(),
        b"HTTP/1.1 100 Continue\r\n\r\n",
        usize::MAX,
        b"",
    )
}

fn stage() -> Stage {
    Stage::new(Config {
        users: 250,
        ..Config::default()
    })
}

#[test]
fn a_cancel_is_answered_at_once_wherever_it_hits() {
    let _alone = alone();
    let mut stage = Stage::new(Config {
        users: 1_000,
        ..Config::default()
    });
    stage
        .session
        .run("ALTER SERVER pluralsight OPTIONS (ADD page_size '10')");
    let working = stage.sandbox.address();
    // What the machine and PostgreSQL take for it, whatever is canceled.
    let mut victim = stage.another_session();
    let usual = Cancels::of(&mut victim, &mut stage.session, "SELECT pg_sleep(60)", 70);
    let mut all = Cancels::default();
    for (of, network, fault) in [
        ("a reply that does not come", working, "users=delay=60s"),
        ("one page after the other", working, "users=delay=10ms"),
        ("a server that never pauses", endless(), "users=delay=60s"),
    ] {
        stage.sandbox.faults().clear();
        stage.sandbox.faults().script(fault).expect("a rule");
        point_to(&mut stage.session, network);
        let took = Cancels::of(&mut victim, &mut stage.session, READ, 70);
        wait_until("the network's thread and no other", || {
            threads(&mut victim) <= 2
        });
        println!("{of}: p50 {:?}", took.median());
        all.extend(took);
    }
    all.assert_prompt(&usual);
}

#[test]
fn a_reply_of_empty_records_takes_memory_in_proportion_to_its_size() {
    let _alone = alone();
    let mut stage = stage();
    // What stays after a first query, and what a look at the memory takes.
    stage.session.rows("SELECT * FROM pluralsight.users");
    stage.session.memory_high_water();
    let before = stage.session.private_memory();
    const RECORD: &[u8] = b"{\"\":0},";
    const RECORDS: usize = 4_000_000;
    let body = r#"{"data":{"users":{"totalCount":4000001,"pageInfo":{"hasNextPage":false,"endCursor":null},"nodes":["#;
    let tail = b"{\"\":0}]}}}";
    let size = body.len() + RECORD.len() * RECORDS + tail.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n{body}"
    );
    let address = server(head, RECORD, RECORDS, tail);
    point_to(&mut stage.session, address);
    for columns in ["*", "email"] {
        let error = stage
            .session
            .error(&format!("SELECT {columns} FROM pluralsight.users"));
        assert!(
            error.message.contains("was asked for"),
            "{columns}: {error:?}"
        );
    }
    let grown = stage.session.memory_high_water().saturating_sub(before);
    println!("a reply of {} kB took {} kB", size / 1_024, grown / 1_024);
    assert!(
        grown <= 4 * size as u64,
        "{} kB for a reply of {} kB",
        grown / 1_024,
        size / 1_024
    );
}

/// A server that answers every request with this record of one user.
fn answering(record: &str) -> SocketAddr {
    let body = format!(
        r#"{{"data":{{"users":{{"totalCount":1,"pageInfo":{{"hasNextPage":false,"endCursor":null}},"nodes":[{record}]}}}}}}"#
    );
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    server(head, b"", 0, b"")
}

#[test]
fn digits_arrive_as_they_were_sent() {
    let _alone = alone();
    let mut stage = stage();
    for (name, of_type) in [
        ("exact", "numeric"),
        ("written", "text"),
        ("document", "jsonb"),
        ("verbatim", "json"),
        ("several", "numeric[]"),
    ] {
        let field = if name == "several" { "list" } else { "number" };
        stage.session.run(&format!(
            "ALTER FOREIGN TABLE pluralsight.users ADD COLUMN {name} {of_type} OPTIONS (field '{field}')"
        ));
    }
    for digits in [
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890.123456789012345678901234567890",
        "0.1000",
        "9007199254740993",
        "1.5e30",
        "-0.0",
    ] {
        let address = answering(&format!(
            r#"{{"psUserId":"u","number":{digits},"list":[{digits}, {digits}]}}"#
        ));
        point_to(&mut stage.session, address);
        assert_eq!(
            stage.session.rows(&format!(
                "SELECT exact = {digits}::numeric, written, document = '{digits}'::jsonb, verbatim, several[2] = {digits}::numeric
                 FROM pluralsight.users"
            )),
            [["t", digits, "t", digits, "t"].map(|text| Some(text.to_owned()))]
        );
    }
}

#[test]
fn a_server_that_never_pauses_holds_up_neither_a_timeout_nor_the_next_query() {
    let _alone = alone();
    let mut stage = stage();
    let working = stage.sandbox.address();
    assert_eq!(stage.session.rows(READ).len(), 1);
    point_to(&mut stage.session, endless());
    stage.session.run("SET statement_timeout = '200ms'");
    let started = Instant::now();
    let error = stage.session.error(READ);
    let took = started.elapsed();
    assert_eq!(error.code, "57014", "{error:?}");
    assert!(took < Duration::from_millis(400), "{took:?}");
    stage.session.run("RESET statement_timeout");
    point_to(&mut stage.session, working);
    let started = Instant::now();
    assert_eq!(stage.session.rows(READ).len(), 1);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn who_waits_for_the_api_says_so() {
    let _alone = alone();
    let mut stage = Stage::new(Config {
        users: 10,
        ..Config::default()
    });
    stage.hold_users();
    let mut victim = stage.another_session();
    let pid = victim.pid();
    let canceller = victim.canceller();
    let waiting = std::thread::spawn(move || victim.error(READ));
    let expected = if behaviour::cluster::major() >= 17 {
        "Extension/PluralsightRequest"
    } else {
        "Extension/Extension"
    };
    let until = Instant::now() + SOON;
    let sql = format!(
        "SELECT concat(wait_event_type, '/', wait_event) FROM pg_stat_activity WHERE pid = {pid}"
    );
    loop {
        let event = stage.session.value(&sql);
        if event == expected {
            break;
        }
        assert!(Instant::now() < until, "waits for {event}");
        std::thread::yield_now();
    }
    canceller.cancel();
    assert_eq!(waiting.join().expect("an error").code, "57014");
}

/// How many threads a backend has.
fn threads(session: &mut Session) -> usize {
    let pid = session.pid();
    std::fs::read_dir(format!("/proc/{pid}/task"))
        .expect("/proc")
        .count()
}

#[test]
fn a_backend_has_one_more_thread_once_it_has_read_and_none_before() {
    let _alone = alone();
    let stage = stage();
    let mut session = stage.another_session();
    session.run("SELECT 1");
    session.plan(READ);
    assert_eq!(threads(&mut session), 1);
    session.rows(READ);
    let after = threads(&mut session);
    // A thread that looks up a name may be there for a moment; an address needs none.
    assert_eq!(after, 2);
    session.run("SET statement_timeout = '1ms'");
    stage
        .sandbox
        .faults()
        .script("users=delay=60s")
        .expect("a rule");
    for _ in 0..20 {
        session.error(READ);
    }
    session.run("RESET statement_timeout");
    stage.sandbox.faults().clear();
    session.rows(READ);
    assert_eq!(threads(&mut session), 2);
}

#[test]
fn the_next_page_is_read_ahead_only_where_everything_will_be_read() {
    let _alone = alone();
    let mut stage = Stage::new(Config {
        users: 350,
        ..Config::default()
    });
    stage
        .session
        .run("ALTER SERVER pluralsight OPTIONS (ADD page_size '100')");
    for (sql, requests) in [
        (READ, 4),
        ("SELECT user_id FROM pluralsight.users", 4),
        ("SELECT user_id FROM pluralsight.users LIMIT 100", 1),
        (
            "SELECT user_id FROM pluralsight.users OFFSET 50 LIMIT 60",
            2,
        ),
        (
            "SELECT EXISTS (SELECT FROM pluralsight.users WHERE email IS NOT NULL)",
            1,
        ),
        (
            "SELECT 1 WHERE EXISTS (SELECT FROM pluralsight.users WHERE note IS NULL OR note IS NOT NULL)",
            1,
        ),
    ] {
        assert_eq!(stage.requests(sql), requests, "{sql}");
    }
    // Whoever reads from a cursor may stop at any time.
    stage.sandbox.reset();
    stage.session.run(
        "BEGIN; DECLARE people CURSOR FOR SELECT user_id FROM pluralsight.users; FETCH 5 FROM people; COMMIT",
    );
    assert_eq!(stage.sandbox.requests().len(), 1);
}

#[test]
fn pages_come_while_the_rows_of_others_are_consumed() {
    let _alone = alone();
    let mut stage = Stage::new(Config {
        users: 1_000,
        latency: Duration::from_millis(100),
        ..Config::default()
    });
    stage
        .session
        .run("ALTER SERVER pluralsight OPTIONS (ADD page_size '100')");
    // Ten pages of 100 ms, and 1 ms of work for each of 1,000 rows: one after the other it takes twice as long.
    let started = Instant::now();
    stage
        .session
        .rows("SELECT sum(length(pg_sleep(0.001)::text)), count(email) FROM pluralsight.users");
    let took = started.elapsed();
    println!("{took:?}");
    assert_eq!(stage.sandbox.count("users"), 10);
    let work = {
        let started = Instant::now();
        stage
            .session
            .rows("SELECT pg_sleep(0.001) FROM generate_series(1, 1000)");
        started.elapsed()
    };
    assert!(
        took < work + Duration::from_millis(700),
        "{took:?}, of which {work:?} are work"
    );
}

/// A statement over three lists, all of which it reads to their end.
const LISTS: &str = "SELECT user_id FROM pluralsight.users
     UNION ALL SELECT name FROM pluralsight.teams
     UNION ALL SELECT email FROM pluralsight.admins";

#[test]
fn lists_of_one_statement_are_read_at_once() {
    let _alone = alone();
    for (parallel, asked) in [(1, 0), (2, 1), (4, 2)] {
        let stage = stage();
        // No reply comes, so that no request makes room for another.
        for list in ["users", "teams", "planAdmins"] {
            stage
                .sandbox
                .faults()
                .script(&format!("{list}=delay=60s"))
                .expect("a rule");
        }
        let mut session = stage.another_session();
        session.run(&format!(
            "SET pluralsight_fdw.parallel_readings = {parallel}"
        ));
        let canceller = session.canceller();
        let reader = std::thread::spawn(move || session.error(LISTS));
        let sandbox = &stage.sandbox;
        let others = || sandbox.count("teams") + sandbox.count("planAdmins");
        // What else is asked for did not wait for the users.
        wait_until("the requests", || {
            sandbox.count("users") == 1 && others() >= asked
        });
        assert_eq!(others(), asked);
        canceller.cancel();
        assert_eq!(reader.join().expect("no panic").code, "57014");
    }
}

#[test]
fn reading_at_once_costs_no_request_more() {
    let _alone = alone();
    let mut stage = stage();
    for sql in [
        LISTS,
        &format!("{LISTS} LIMIT 3"),
        &format!("SELECT count(*) FROM ({LISTS}) AS every"),
        &format!("SELECT 1 WHERE EXISTS ({LISTS})"),
        &format!("SELECT every.* FROM ({LISTS}) AS every WHERE now() < '2000-01-01'"),
        "SELECT * FROM pluralsight.accounts",
        "SELECT * FROM pluralsight.accounts LIMIT 1",
        "SELECT count(*) FROM pluralsight.accounts WHERE billable",
        "SELECT * FROM pluralsight.users AS u JOIN pluralsight.admins AS a USING (email)",
        "SELECT * FROM pluralsight.users AS u, pluralsight.plan, pluralsight.teams AS t WHERE t.name = u.first_name",
        "SELECT * FROM pluralsight.teams AS t WHERE EXISTS (SELECT FROM pluralsight.users AS u WHERE t.name = u.email)",
        "SELECT (SELECT count(first_name) FROM pluralsight.users), name FROM pluralsight.teams",
        "SELECT a.email FROM pluralsight.users AS a JOIN pluralsight.users AS b USING (user_id)",
    ] {
        let mut counted = Vec::new();
        for parallel in [1, 8] {
            stage.session.run(&format!(
                "SET pluralsight_fdw.parallel_readings = {parallel}"
            ));
            counted.push((stage.requests(sql), stage.session.rows(sql).len()));
        }
        assert_eq!(counted[0], counted[1], "{sql}");
    }
    // A table that reads as empty is not asked for.
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.teams OPTIONS (ADD absent 'true')");
    stage.requests(LISTS);
    assert_eq!(stage.sandbox.count("teams"), 0);
}
