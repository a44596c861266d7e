//! What the tests of stored copies have in common.

use std::thread;
use std::time::{Duration, Instant};

use pluralsight_sandbox::{Config, Sandbox};

use crate::{Session, Stage};

/// In the order in which they are refreshed.
pub const TABLES: [&str; 5] = ["plan", "users", "admins", "teams", "permission_sets"];
pub const REFRESH: &str = "CALL pluralsight_fdw.refresh()";

pub fn config(users: u64) -> Config {
    Config {
        users,
        ..Config::default()
    }
}

/// A stage with copies that hold what the API holds.
pub fn stage(users: u64) -> Stage {
    let mut stage = Stage::new(config(users));
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    stage.session.notices();
    stage.sandbox.reset();
    stage
}

/// Every row of every copy and of history, with the place where it is stored: a row that was written again has another.
pub fn stored(session: &mut Session) -> Vec<Vec<Option<String>>> {
    TABLES
        .iter()
        .chain(&["account_history", "license_history"])
        .flat_map(|table| {
            session.rows(&format!(
                "SELECT '{table}', ctid, xmin, t::text FROM pluralsight_copy.{table} AS t ORDER BY ctid"
            ))
        })
        .collect()
}

/// The last row of the log, in the order of `columns`.
pub fn logged(session: &mut Session, columns: &str) -> Vec<String> {
    session
        .rows(&format!(
            "SELECT {columns} FROM pluralsight_copy.refresh_log ORDER BY id DESC LIMIT 1"
        ))
        .remove(0)
        .into_iter()
        .map(Option::unwrap_or_default)
        .collect()
}

/// Rows that one has and the other lacks.
pub fn differences(session: &mut Session, table: &str) -> usize {
    let columns = session
        .column(&format!(
            "SELECT quote_ident(column_name) FROM information_schema.columns
             WHERE table_schema = 'pluralsight' AND table_name = '{table}' ORDER BY ordinal_position"
        ))
        .join(", ");
    session
        .rows(&format!(
            "(SELECT {columns} FROM pluralsight.{table} EXCEPT ALL SELECT {columns} FROM pluralsight_copy.{table})
             UNION ALL
             (SELECT {columns} FROM pluralsight_copy.{table} EXCEPT ALL SELECT {columns} FROM pluralsight.{table})"
        ))
        .len()
}

pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

pub fn set_up(session: &mut Session, sandbox: &Sandbox) {
    session.run(&format!(
        "CREATE EXTENSION pluralsight_fdw;
         CREATE SERVER pluralsight FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{}');
         CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token '{}');
         CALL pluralsight_fdw.set_up('pluralsight')",
        sandbox.url(),
        sandbox.token()
    ));
}
