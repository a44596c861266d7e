//! One session with PostgreSQL, as psql has it: simple queries, texts, notices.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use postgres::{CancelToken, Client, Config, NoTls, SimpleQueryMessage};

/// An error as a person reads it.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// SQLSTATE.
    pub code: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

/// A connection whose every statement must succeed, unless it is asked for its error.
pub struct Session {
    client: Client,
    notices: Arc<Mutex<Vec<String>>>,
    hints: Arc<Mutex<Vec<String>>>,
}

/// Cancels what a session is doing, from another thread.
pub struct Canceller(CancelToken);

impl Canceller {
    pub fn cancel(&self) {
        self.0
            .cancel_query(NoTls)
            .expect("the server takes the cancel request");
    }
}

impl Session {
    pub fn connect(config: &Config) -> Session {
        let notices = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&notices);
        let hints = Arc::new(Mutex::new(Vec::new()));
        let hint_sink = Arc::clone(&hints);
        let mut config = config.clone();
        config.notice_callback(move |notice| {
            let text = format!("{}: {}", notice.severity(), notice.message());
            sink.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(text);
            hint_sink
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(notice.hint().map(str::to_owned));
        });
        let client = config
            .connect(NoTls)
            .expect("the cluster accepts connections");
        let mut session = Session {
            client,
            notices,
            hints,
        };
        session.run("SET TimeZone = 'UTC'");
        session
    }

    /// The rows of all statements of `sql`, as texts.
    pub fn try_rows(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Refusal> {
        let outcome = self.client.simple_query(sql);
        let messages = outcome.map_err(|error| {
            // The error comes before the backend has let go of its locks; it answers nothing else before that.
            let _ = self.client.simple_query("");
            match error.as_db_error() {
                Some(refusal) => Refusal {
                    code: refusal.code().code().to_owned(),
                    message: refusal.message().to_owned(),
                    detail: refusal.detail().map(str::to_owned),
                    hint: refusal.hint().map(str::to_owned),
                },
                None => Refusal {
                    code: "08006".to_owned(),
                    message: error.to_string(),
                    detail: None,
                    hint: None,
                },
            }
        })?;
        Ok(messages
            .into_iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(
                    (0..row.len())
                        .map(|column| row.get(column).map(str::to_owned))
                        .collect(),
                ),
                _ => None,
            })
            .collect())
    }

    pub fn rows(&mut self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.try_rows(sql)
            .unwrap_or_else(|refusal| panic!("{sql}\n{refusal:?}"))
    }

    pub fn run(&mut self, sql: &str) {
        self.rows(sql);
    }

    /// The one value of the one row; NULL is the empty text.
    pub fn value(&mut self, sql: &str) -> String {
        let rows = self.rows(sql);
        assert_eq!(
            (rows.len(), rows.first().map(Vec::len)),
            (1, Some(1)),
            "{sql}: {rows:?}"
        );
        rows[0][0].clone().unwrap_or_default()
    }

    /// The first column, NULL as the empty text.
    pub fn column(&mut self, sql: &str) -> Vec<String> {
        self.rows(sql)
            .into_iter()
            .map(|row| row.into_iter().next().flatten().unwrap_or_default())
            .collect()
    }

    /// The plan, a line a line.
    pub fn plan(&mut self, sql: &str) -> String {
        self.column(&format!("EXPLAIN (COSTS OFF) {sql}"))
            .join("\n")
    }

    /// The error that the statement must end with.
    pub fn error(&mut self, sql: &str) -> Refusal {
        match self.try_rows(sql) {
            Err(refusal) => refusal,
            Ok(rows) => panic!("{sql} should have failed, and answered {} rows", rows.len()),
        }
    }

    /// What the server has said beside the answers since the last call.
    pub fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The HINTs of what the server has said beside the answers since the last call.
    pub fn hints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.hints.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// To be called after a cancel: PostgreSQL signals it twice, and the second signal may hit the next query.
    pub fn outlast_cancel(&mut self) {
        // Whether it is hit or not, nothing is left to come.
        let _ = self.try_rows("SELECT pg_sleep(0.01)");
    }

    pub fn canceller(&self) -> Canceller {
        Canceller(self.client.cancel_token())
    }

    /// Process id of the backend.
    pub fn pid(&mut self) -> u32 {
        self.value("SELECT pg_backend_pid()")
            .parse()
            .expect("a process id")
    }

    /// Memory of the backend that is its own, in bytes: without the buffers that all backends share.
    pub fn private_memory(&mut self) -> u64 {
        self.status("RssAnon:")
    }

    /// The most memory that the backend has held, in bytes, beyond what it shares with others now.
    pub fn memory_high_water(&mut self) -> u64 {
        let shared = self.status("RssFile:") + self.status("RssShmem:");
        self.status("VmHWM:").saturating_sub(shared)
    }

    fn status(&mut self, label: &str) -> u64 {
        let pid = self.pid();
        let status =
            std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the backend is there");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(label))
            .expect("Linux knows the label");
        line.split_whitespace()
            .next()
            .and_then(|number| number.parse::<u64>().ok())
            .expect("a number of kB")
            * 1_024
    }

    /// Bytes in the backend's memory contexts.
    pub fn memory_contexts(&mut self) -> u64 {
        self.value("SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts")
            .parse()
            .expect("a number")
    }

    /// Established connections of this machine's processes to that address, as the backend's own table of sockets has them.
    pub fn sockets_to(&mut self, address: SocketAddr) -> usize {
        let pid = self.pid();
        let own: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .expect("the backend is there")
            .filter_map(|entry| {
                std::fs::read_link(entry.ok()?.path())
                    .ok()?
                    .to_str()
                    .map(str::to_owned)
            })
            .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
            .collect();
        let table = std::fs::read_to_string(format!("/proc/{pid}/net/tcp"))
            .expect("Linux tells of its sockets");
        let port = format!(":{:04X}", address.port());
        table
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|fields| {
                fields.len() > 9
                    && fields[2].ends_with(&port)
                    && own.iter().any(|inode| inode == fields[9])
            })
            .count()
    }
}
