//! How long a refresh of stored copies takes and what it writes, beside a materialized view and a script that COPYs, in the
//! same run: 100,000 users of whom 200 have changed since the time before. `make bench-refresh`.

use std::process::Command;
use std::time::{Duration, Instant};

use behaviour::{Session, Stage};
use pluralsight_sandbox::Config;

const USERS: u64 = 100_000;
const CHANGED: usize = 200;
const ROUNDS: usize = 5;
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/requests_copy.py");

#[derive(Default)]
struct Figures {
    times: Vec<Duration>,
    wal: Vec<u64>,
}

impl Figures {
    /// Runs `work`, and notes how long it took and how much of the write-ahead log it filled.
    fn measure(&mut self, observer: &mut Session, work: impl FnOnce()) {
        let place = |session: &mut Session| {
            session
                .value("SELECT pg_current_wal_insert_lsn() - '0/0'")
                .parse::<u64>()
                .expect("bytes")
        };
        let before = place(observer);
        let started = Instant::now();
        work();
        self.times.push(started.elapsed());
        self.wal.push(place(observer) - before);
    }

    fn print(&mut self, what: &str, beside: Duration) {
        self.times.sort();
        self.wal.sort();
        let (low, median, high) = (
            self.times[0],
            self.times[self.times.len() / 2],
            self.times[self.times.len() - 1],
        );
        println!(
            "{what:<42} {:>6.2} s ({:.2} to {:.2})  {:>5.2} x  {:>9.1} kB of WAL",
            median.as_secs_f64(),
            low.as_secs_f64(),
            high.as_secs_f64(),
            median.as_secs_f64() / beside.as_secs_f64(),
            self.wal[self.wal.len() / 2] as f64 / 1024.0
        );
    }
}

/// Gives some of the people another note.
fn change(stage: &Stage, note: &str) {
    let organization = stage.sandbox.organization();
    for number in 0..CHANGED {
        let person = organization.user((number * 487) as u64).ps_user_id;
        organization.edit_user(&person, |user| user.note = Some(note.to_owned()));
    }
}

fn main() {
    let mut stage = Stage::new(Config {
        users: USERS,
        ..Config::default()
    });
    stage.session.run(
        "CALL pluralsight_fdw.create_copies(tables => '{users}');
         CREATE MATERIALIZED VIEW whole AS SELECT * FROM pluralsight.users;
         CREATE UNIQUE INDEX ON whole (user_id);
         CREATE INDEX ON whole (lower(email)); CREATE INDEX ON whole (last_login)",
    );
    let has_requests = Command::new("python3")
        .args(["-c", "import requests"])
        .output()
        .is_ok_and(|output| output.status.success());
    let (mut refresh, mut plain, mut concurrent, mut script) = (
        Figures::default(),
        Figures::default(),
        Figures::default(),
        Figures::default(),
    );
    let mut observer = stage.another_session();
    for round in 0..ROUNDS {
        change(&stage, &format!("changed in round {round}"));
        let session = &mut stage.session;
        refresh.measure(&mut observer, || {
            session.run("CALL pluralsight_fdw.refresh()")
        });
        plain.measure(&mut observer, || {
            session.run("REFRESH MATERIALIZED VIEW whole")
        });
        change(&stage, &format!("again in round {round}"));
        let session = &mut stage.session;
        concurrent.measure(&mut observer, || {
            session.run("REFRESH MATERIALIZED VIEW CONCURRENTLY whole")
        });
        if has_requests {
            let (url, token, database) = (
                stage.sandbox.url(),
                stage.sandbox.token(),
                stage.database().to_owned(),
            );
            script.measure(&mut observer, || {
                let output = Command::new("python3")
                    .args([SCRIPT, &url, &token, "1000"])
                    .env("PGDATABASE", database)
                    .output()
                    .expect("python3 runs");
                assert_eq!(
                    String::from_utf8_lossy(&output.stdout).trim(),
                    USERS.to_string(),
                    "{}",
                    String::from_utf8_lossy(&output.stderr)
                );
            });
        }
        let written = stage.session.rows("SELECT rows_added, rows_changed, rows_removed FROM pluralsight_copy.refresh_log ORDER BY id DESC LIMIT 1");
        println!(
            "round {}: rows added, changed and removed by refresh(): {written:?}",
            round + 1
        );
    }
    let beside = {
        let mut times = refresh.times.clone();
        times.sort();
        times[times.len() / 2]
    };
    println!(
        "\n{USERS} users, {CHANGED} changed; median of {ROUNDS} (lowest to highest), beside refresh()"
    );
    refresh.print("CALL pluralsight_fdw.refresh()", beside);
    plain.print("REFRESH MATERIALIZED VIEW", beside);
    concurrent.print("REFRESH MATERIALIZED VIEW CONCURRENTLY", beside);
    if has_requests {
        script.print("requests + COPY", beside);
    } else {
        println!("requests + COPY was left out: python3 has no module requests");
    }
}
