//! Waiting for the API, as others can see it.

use std::time::{Duration, Instant};

use behaviour::Stage;
use pluralsight_sandbox::Config;

/// Long enough for a machine under load, and far from any timeout of the extension.
const SOON: Duration = Duration::from_secs(20);

const READ: &str = "SELECT count(email) FROM pluralsight.users";

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
