//! The ways to get the same data, each run the same way.

use std::process::Command;
use std::time::Instant;

use behaviour::Stage;

use crate::measure::{self, Sample};
use crate::raw::{Raw, Step};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../benches/requests_copy.py");

#[derive(Clone)]
pub enum Way {
    /// The documents that the first way of the case with SQL sends.
    Raw,
    Sql(String),
    /// A script in Python, with so many records a page.
    Script(u32),
}

/// One sandbox, one backend, one raw loop.
pub struct Lab {
    pub stage: Stage,
    pub users: u64,
    pub raw: Raw,
    backend: u32,
}

impl Lab {
    pub fn new(mut stage: Stage, users: u64) -> Lab {
        let backend = stage.session.pid();
        Lab {
            stage,
            users,
            raw: Raw::start(),
            backend,
        }
    }

    /// The requests that `sql` makes.
    pub fn steps(&mut self, sql: &str) -> Vec<Step> {
        self.stage.sandbox.reset();
        self.stage.session.run(sql);
        let mut requests = self.stage.sandbox.requests();
        requests.sort_by_key(|request| request.number);
        requests
            .into_iter()
            .map(|request| Step {
                document: request.document,
                variables: request.variables,
            })
            .collect()
    }

    pub fn run(&mut self, way: &Way, steps: &[Step]) -> Sample {
        self.stage.sandbox.reset();
        let mut sample = match way {
            Way::Raw => self.run_raw(steps),
            Way::Sql(sql) => self.run_sql(sql),
            Way::Script(page_size) => self.run_script(*page_size),
        };
        let requests = self.stage.sandbox.requests();
        sample.requests = self.stage.sandbox.total();
        sample.bytes = requests
            .iter()
            .map(|request| request.bytes_out as u64)
            .sum();
        sample
    }

    fn run_raw(&mut self, steps: &[Step]) -> Sample {
        let (url, token) = (self.stage.sandbox.url(), self.stage.sandbox.token());
        let (seconds, cpu) = self.raw.run(&url, &token, steps);
        Sample {
            seconds,
            cpu,
            ..Sample::default()
        }
    }

    fn run_sql(&mut self, sql: &str) -> Sample {
        let before = self.stage.session.private_memory();
        measure::forget_peak(self.backend);
        let (started, cpu) = (Instant::now(), measure::cpu(self.backend));
        self.stage.session.run(sql);
        let seconds = started.elapsed().as_secs_f64();
        let cpu = measure::cpu(self.backend) - cpu;
        let peak = self.stage.session.memory_high_water();
        Sample {
            seconds,
            cpu,
            growth: Some(peak.saturating_sub(before)),
            ..Sample::default()
        }
    }

    fn run_script(&mut self, page_size: u32) -> Sample {
        let (started, cpu) = (Instant::now(), measure::cpu_of_children());
        let output = Command::new("python3")
            .args([
                SCRIPT,
                &self.stage.sandbox.url(),
                &self.stage.sandbox.token(),
            ])
            .arg(page_size.to_string())
            .env("PGDATABASE", self.stage.database())
            .output()
            .expect("python3 runs");
        let seconds = started.elapsed().as_secs_f64();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            self.users.to_string(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Sample {
            seconds,
            cpu: measure::cpu_of_children() - cpu,
            ..Sample::default()
        }
    }
}

/// Whether the script can run here.
pub fn has_script() -> bool {
    Command::new("python3")
        .args(["-c", "import requests"])
        .output()
        .is_ok_and(|output| output.status.success())
}
