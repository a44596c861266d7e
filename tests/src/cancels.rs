//! How long a backend takes to answer a cancel, at many points of a query's life.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::Session;
use crate::copies::wait_until;

/// Long enough for a machine under load, and far from any timeout of the extension.
const SOON: Duration = Duration::from_secs(20);

/// How long each cancel took until the query's error came.
#[derive(Debug, Default)]
pub struct Cancels(Vec<Duration>);

impl Cancels {
    /// Cancels the query so many times, at points that are spread over a tenth of a second in no order. `observer` is another
    /// session of the same server.
    pub fn of(
        victim: &mut Session,
        observer: &mut Session,
        sql: &'static str,
        times: u64,
    ) -> Cancels {
        let state = format!(
            "SELECT state FROM pg_stat_activity WHERE pid = {}",
            victim.pid()
        );
        let canceller = victim.canceller();
        let mut took = Vec::new();
        std::thread::scope(|threads| {
            let (turns, begun) = channel();
            let (ended, ends) = channel();
            let victim = &mut *victim;
            threads.spawn(move || {
                for () in begun {
                    let error = victim.error(sql);
                    let _ = ended.send((Instant::now(), error));
                }
            });
            for turn in 0..times {
                let mut is_under_way = false;
                while !is_under_way {
                    // The client has the error before the backend has done with the query.
                    wait_until("an idle backend", || observer.value(&state) == "idle");
                    turns.send(()).expect("the reader lives");
                    wait_until("a query under way", || {
                        is_under_way = observer.value(&state) == "active";
                        // PostgreSQL signals a cancel twice, and the second signal may hit the next query.
                        is_under_way || ends.try_recv().is_ok()
                    });
                }
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
        });
        victim.outlast_cancel();
        took.sort();
        Cancels(took)
    }

    /// Adds those of another query.
    pub fn extend(&mut self, others: Cancels) {
        self.0.extend(others.0);
        self.0.sort();
    }

    pub fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    fn worst(&self) -> Duration {
        self.0[self.0.len() - 1]
    }

    /// Fails if they took longer than a user should wait, beyond what the machine and PostgreSQL took for a `pg_sleep` (`usual`):
    /// half of them 10 ms, and the longest a tenth of a second.
    pub fn assert_prompt(&self, usual: &Cancels) {
        println!(
            "p50 {:?}, worst {:?}; of pg_sleep {:?}, {:?}",
            self.median(),
            self.worst(),
            usual.median(),
            usual.worst()
        );
        let median = usual.median() + Duration::from_millis(10);
        assert!(self.median() <= median, "{usual:?}: {self:?}");
        let worst = usual.worst() + Duration::from_millis(100);
        assert!(self.worst() <= worst, "{usual:?}: {self:?}");
    }
}
