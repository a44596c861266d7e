//! Eight sessions, random queries, random faults, random cancels and terminations: an answer is right or it is an error.
//!
//! `SOAK_SECONDS` sets how long, `SOAK_SEED` what happens; `make soak` runs it for half an hour.

mod generator;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use behaviour::{Session, Stage, cluster};
use generator::{Generator, answer, over, samples, stage};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

const SESSIONS: u64 = 8;
const MEGABYTE: u64 = 1 << 20;

/// Each hits some requests, and together they hit about one in four.
const FAULTS: [&str; 18] = [
    "*@~60=503",
    "*@~90=429",
    "*@~80=reset",
    "*@~80=reset-body",
    "*@~90=close-body",
    "*@~60=delay=150ms",
    "*@~150=delay=5s",
    "*@~150=stall",
    "*@~90=html",
    "*@~90=empty",
    "*@~90=truncated-gzip",
    "*@~120=errors='Something broke'",
    "users@~90=drop-rows=2",
    "users@~90=duplicate-rows=2",
    "users@~120=repeat-cursor",
    "users@~120=last-page",
    "users@~120=null-node=3",
    "planAdmins@~60=null-connection",
];

/// What a query may end in, when something was done to it.
const MISHAPS: [&str; 9] = [
    "HV000", "HV004", "HV00N", "53400", "28000", "42501", "57014", "57P01", "08006",
];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[derive(Default)]
struct Figures {
    right: AtomicU32,
    rows: AtomicU32,
    ends: Mutex<BTreeMap<String, u32>>,
}

/// An answer in a few words: a whole one fills a log.
fn outline(answer: &Result<Vec<String>, String>) -> String {
    match answer {
        Ok(rows) => format!("{} rows", rows.len()),
        Err(code) => format!("error {code}"),
    }
}

/// A session, as it may have to be opened again.
fn connected(stage: &Stage) -> Session {
    let mut session = stage.another_session();
    session.run("SET statement_timeout = '20s'");
    session
}

#[test]
fn whatever_happens_an_answer_is_right_or_an_error() {
    let seconds = setting("SOAK_SECONDS", 20);
    let seed = setting("SOAK_SEED", 1);
    let mut stage = stage();
    stage.session.run(
        "ALTER SERVER pluralsight OPTIONS (ADD initial_backoff '1ms', ADD max_backoff '200ms', ADD request_timeout '1s', ADD max_attempts '2')",
    );
    // The right answers, from the local tables, before anything happens.
    let samples = samples(&mut stage.session);
    let mut generator = Generator::new(seed, samples);
    let mut queries: Vec<(String, Result<Vec<String>, String>)> = Vec::new();
    for _ in 0..300 {
        let query = generator.query();
        let expected = answer(&mut stage.session, &over(&query, "copy"));
        queries.push((over(&query, "pluralsight"), expected));
    }
    let queries = Arc::new(queries);
    stage.sandbox.reset();
    for fault in FAULTS {
        stage.sandbox.faults().script(fault).expect(fault);
    }

    let figures = Arc::new(Figures::default());
    let pids: Arc<Mutex<BTreeMap<u64, u32>>> = Arc::default();
    let over_now = Arc::new(AtomicBool::new(false));
    let (ended, stage) = (
        Instant::now() + Duration::from_secs(seconds),
        Arc::new(Mutex::new(stage)),
    );
    let workers: Vec<_> = (0..SESSIONS)
        .map(|number| {
            let (queries, figures, pids, over_now, stage) = (
                Arc::clone(&queries),
                Arc::clone(&figures),
                Arc::clone(&pids),
                Arc::clone(&over_now),
                Arc::clone(&stage),
            );
            thread::spawn(move || {
                let mut random = StdRng::seed_from_u64(seed * 1_000 + number);
                let open = || connected(&stage.lock().expect("nobody panicked"));
                let mut session = open();
                let note = |session: &mut Session| {
                    if let Ok(rows) = session.try_rows("SELECT pg_backend_pid()")
                        && let Some(pid) = rows[0][0].as_deref().and_then(|pid| pid.parse().ok())
                    {
                        pids.lock().expect("nobody panicked").insert(number, pid);
                    }
                };
                note(&mut session);
                while !over_now.load(Ordering::Relaxed) {
                    let (query, expected) = queries.choose(&mut random).expect("there are queries");
                    let found = answer(&mut session, query);
                    match &found {
                        Ok(rows) => {
                            assert!(
                                &found == expected,
                                "a wrong answer, {} where {} was right, for\n{query}",
                                outline(&found),
                                outline(expected)
                            );
                            figures.right.fetch_add(1, Ordering::Relaxed);
                            figures.rows.fetch_add(rows.len() as u32, Ordering::Relaxed);
                        }
                        Err(code) => {
                            assert!(
                                MISHAPS.contains(&code.as_str()) || &found == expected,
                                "an error that nothing explains, {code}, for\n{query}"
                            );
                            *figures
                                .ends
                                .lock()
                                .expect("nobody panicked")
                                .entry(code.clone())
                                .or_default() += 1;
                            if matches!(code.as_str(), "57P01" | "08006") {
                                session = open();
                                note(&mut session);
                            }
                        }
                    }
                }
                session
            })
        })
        .collect();

    // Somebody at the keyboard, who loses patience.
    let mut random = StdRng::seed_from_u64(seed);
    let (mut canceled, mut terminated) = (0, 0);
    let mut operator = stage.lock().expect("nobody panicked").another_session();
    while Instant::now() < ended && workers.iter().all(|worker| !worker.is_finished()) {
        thread::sleep(Duration::from_millis(random.random_range(20..200)));
        let victim = {
            let pids = pids.lock().expect("nobody panicked");
            let pids: Vec<u32> = pids.values().copied().collect();
            pids.choose(&mut random).copied()
        };
        if let Some(pid) = victim {
            if random.random_ratio(1, 5) {
                operator.run(&format!("SELECT pg_terminate_backend({pid})"));
                terminated += 1;
            } else {
                operator.run(&format!("SELECT pg_cancel_backend({pid})"));
                canceled += 1;
            }
        }
    }
    over_now.store(true, Ordering::Relaxed);
    let sessions: Vec<Session> = workers
        .into_iter()
        .map(|worker| worker.join().expect("no wrong answer"))
        .collect();

    // What is left in backends that have been through all this: right answers, memory and connections.
    let stage_now = stage.lock().expect("nobody panicked");
    stage_now.sandbox.faults().clear();
    // With a timeout as tight as above, a busy machine alone could cause an error now.
    operator.run("ALTER SERVER pluralsight OPTIONS (SET request_timeout '30s')");
    let left: Vec<(u64, usize)> = sessions
        .into_iter()
        .map(|mut session| {
            // The last cancel, or the last termination, may still be on its way.
            while let Err(refusal) = session.try_rows("SELECT 1") {
                if refusal.code != "57014" {
                    session = connected(&stage_now);
                }
            }
            // Counted first, for other options make another client.
            let sockets = session.sockets_to(stage_now.sandbox.address());
            for (query, expected) in queries.iter().take(5) {
                let found = answer(&mut session, query);
                assert!(
                    &found == expected,
                    "when all is calm again, {} for\n{query}",
                    outline(&found)
                );
            }
            (session.private_memory(), sockets)
        })
        .collect();
    drop(stage_now);

    let requests = stage.lock().expect("nobody panicked").sandbox.requests();
    let faulty = requests
        .iter()
        .filter(|request| !request.faults.is_empty())
        .count();
    println!("{seconds} s, {SESSIONS} sessions, seed {seed}");
    println!(
        "right answers: {} with {} rows; errors: {:?}",
        figures.right.load(Ordering::Relaxed),
        figures.rows.load(Ordering::Relaxed),
        figures.ends.lock().expect("nobody panicked")
    );
    println!(
        "requests: {}, spoiled of the last {}: {faulty}; canceled: {canceled}, terminated: {terminated}",
        stage.lock().expect("nobody panicked").sandbox.total(),
        requests.len()
    );
    println!(
        "memory of each backend in the end, kB: {:?}; its connections to the API: {:?}",
        left.iter()
            .map(|(memory, _)| memory / 1_024)
            .collect::<Vec<_>>(),
        left.iter().map(|(_, sockets)| sockets).collect::<Vec<_>>()
    );
    assert!(
        figures.right.load(Ordering::Relaxed) > 50,
        "hardly anything was answered"
    );
    assert!(faulty > 20, "hardly anything went wrong");
    assert!(
        left.iter().all(|(memory, _)| *memory < 60 * MEGABYTE),
        "{left:?}"
    );
    assert!(left.iter().all(|(_, sockets)| *sockets <= 1), "{left:?}");

    // No backend is stuck: every one has ended with its session.
    let database = stage.lock().expect("nobody panicked").database().to_owned();
    drop(operator);
    let mut observer = stage.lock().expect("nobody panicked").another_session();
    let deadline = Instant::now() + Duration::from_secs(10);
    while observer.value(&format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'"
    )) != "2"
    {
        assert!(
            Instant::now() < deadline,
            "a backend is left: {:?}",
            observer.rows("SELECT pid, state, query FROM pg_stat_activity")
        );
        thread::yield_now();
    }
    let log = cluster::shared_log();
    let token = stage.lock().expect("nobody panicked").sandbox.token();
    for word in [
        "panicked at",
        "PANIC:",
        "was terminated by signal",
        // So begins what the postmaster says of a backend that ended as none should.
        "server process (PID",
    ] {
        assert!(!log.contains(word), "{word} in the server's log");
    }
    // The statement that sets the token is not logged, so that it is nowhere.
    assert!(!log.contains(&token), "the token in the server's log");
}
