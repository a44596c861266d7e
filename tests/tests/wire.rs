//! The network's own thread: the backend waits for it and answers at once, whatever the network does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use behaviour::copies::wait_until;
use behaviour::{Session, Stage};
use pluralsight_sandbox::Config;

/// Long enough for a machine under load, and far from any timeout of the extension.
const SOON: Duration = Duration::from_secs(20);

const READ: &str = "SELECT count(email) FROM pluralsight.users";

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

/// How long each of so many cancels took that hit `READ` at different points of its life, the shortest first.
fn cancels(stage: &mut Stage, times: u64) -> Vec<Duration> {
    let mut victim = stage.another_session();
    let is_active = format!(
        "SELECT state = 'active' FROM pg_stat_activity WHERE pid = {}",
        victim.pid()
    );
    let canceller = victim.canceller();
    let (turns, begun) = std::sync::mpsc::channel();
    let (ended, ends) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        for () in begun {
            let error = victim.error(READ);
            let _ = ended.send((Instant::now(), error));
        }
        victim
    });
    let mut took = Vec::new();
    for turn in 0..times {
        turns.send(()).expect("the reader lives");
        wait_until("a query under way", || {
            // PostgreSQL signals a cancel twice, and the second signal may hit the next query.
            if ends.try_recv().is_ok() {
                turns.send(()).expect("the reader lives");
            }
            stage.session.value(&is_active) == "t"
        });
        // Spread over a tenth of a second, in no order.
        let point = Instant::now() + Duration::from_micros(turn * 7_919 % 100_000);
        while Instant::now() < point {
            std::thread::yield_now();
        }
        let started = Instant::now();
        canceller.cancel();
        let (end, error) = ends.recv_timeout(SOON).expect("an end");
        assert_eq!(error.code, "57014", "{error:?}");
        took.push(end.duration_since(started));
    }
    drop(turns);
    let mut victim = reader.join().expect("no panic");
    wait_until("the network's thread and no other", || {
        threads(&mut victim) <= 2
    });
    took.sort();
    took
}

#[test]
fn a_cancel_is_answered_at_once_wherever_it_hits() {
    let mut stage = Stage::new(Config {
        users: 1_000,
        ..Config::default()
    });
    stage
        .session
        .run("ALTER SERVER pluralsight OPTIONS (ADD page_size '10')");
    let working = stage.sandbox.address();
    for (of, network, fault) in [
        ("a reply that does not come", working, "users=delay=60s"),
        ("one page after the other", working, "users=delay=10ms"),
        ("a server that never pauses", endless(), "users=delay=60s"),
    ] {
        stage.sandbox.faults().clear();
        stage.sandbox.faults().script(fault).expect("a rule");
        point_to(&mut stage.session, network);
        let took = cancels(&mut stage, 70);
        let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
        println!("{of}: p50 {median:?}, worst {worst:?}");
        assert!(median <= Duration::from_millis(10), "{of}: {took:?}");
        assert!(worst <= Duration::from_millis(100), "{of}: {took:?}");
    }
}

#[test]
fn a_server_that_never_pauses_holds_up_neither_a_timeout_nor_the_next_query() {
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
    let mut stage = Stage::new(Config {
        users: 10,
        ..Config::default()
    });
    stage
        .sandbox
        .faults()
        .script("users=delay=60s")
        .expect("a rule");
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
