//! Waiting for the API: others can see it, and no server can hold it up.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use behaviour::{Session, Stage};
use pluralsight_sandbox::Config;

/// Long enough for a machine under load, and far from any timeout of the extension.
const SOON: Duration = Duration::from_secs(20);

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

fn stage() -> Stage {
    Stage::new(Config {
        users: 250,
        ..Config::default()
    })
}

const READ: &str = "SELECT count(email) FROM pluralsight.users";

#[test]
fn a_server_that_never_pauses_holds_up_neither_a_timeout_nor_the_next_query() {
    let mut stage = stage();
    let working = stage.sandbox.address();
    assert_eq!(stage.session.rows(READ).len(), 1);
    let endless = server(
        String::new(),
        b"HTTP/1.1 100 Continue\r\n\r\n",
        usize::MAX,
        b"",
    );
    point_to(&mut stage.session, endless);
    stage.session.run("SET statement_timeout = '200ms'");
    let started = Instant::now();
    let error = stage.session.error(READ);
    let took = started.elapsed();
    assert_eq!(error.code, "57014", "{error:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    stage.session.run("RESET statement_timeout");
    point_to(&mut stage.session, working);
    let started = Instant::now();
    assert_eq!(stage.session.rows(READ).len(), 1);
    let took = started.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
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
    let version: u32 = stage
        .session
        .value("SHOW server_version_num")
        .parse()
        .expect("a number");
    let expected = if version >= 170_000 {
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
