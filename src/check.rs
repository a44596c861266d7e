//! `pluralsight.check(server)`: is everything there that a query needs, and if not, what is to be done?

use std::rc::Rc;

use pgrx::pg_sys;
use pgrx::prelude::*;
use pluralsight_api::{Client, Context, ErrorKind, Operation, Stats, count};

use crate::error::FdwError;
use crate::executor::Session;
use crate::options::Server;
use crate::{announcements, runtime, token};

/// One thing that was looked at.
struct Finding {
    check: &'static str,
    status: &'static str,
    found: String,
    cure: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Finding {
        Finding {
            check,
            status: "ok",
            found: found.into(),
            cure: None,
        }
    }

    fn warning(check: &'static str, found: impl Into<String>, cure: &str) -> Finding {
        Finding {
            check,
            status: "warning",
            found: found.into(),
            cure: Some(cure.to_owned()),
        }
    }

    fn failed(check: &'static str, error: FdwError) -> Finding {
        Finding {
            check,
            status: "failed",
            found: error.message,
            cure: error.hint,
        }
    }
}

/// Tries what a query would need, as the current role; a row a check, with the cure where something is amiss.
#[pg_extern(volatile, parallel_unsafe)]
fn check(
    server: default!(&str, "'pluralsight'"),
) -> TableIterator<
    'static,
    (
        name!(check, String),
        name!(status, String),
        name!(found, String),
        name!(cure, Option<String>),
    ),
> {
    let server = Server::named(server);
    let mut findings = Vec::new();
    api(&server, &mut findings);
    findings.extend([announced(), cron(), version()]);
    let rows: Vec<_> = findings
        .into_iter()
        .map(|finding| {
            (
                finding.check.to_owned(),
                finding.status.to_owned(),
                finding.found,
                finding.cure,
            )
        })
        .collect();
    TableIterator::new(rows)
}

/// Options, token, connection, access: each rests on the one before, so the first failure is the last check.
fn api(server: &Server, findings: &mut Vec<Finding>) {
    let settings = match server.client_settings() {
        Ok(settings) => settings,
        Err(error) => return findings.push(Finding::failed("options", error)),
    };
    findings.push(Finding::ok(
        "options",
        format!("{} of the server are valid", server.options.len()),
    ));
    // SAFETY: reads the backend's own state.
    let user = unsafe { pg_sys::GetUserId() };
    match token::find(server, user) {
        Err(error) => return findings.push(Finding::failed("token", error)),
        Ok(found) if found.origin == "server, api_token" => findings.push(Finding::warning(
            "token",
            format!("found: {}", found.origin),
            "Every role can read it in pg_foreign_server: give it by user mapping, file, Vault or sealed instead.",
        )),
        Ok(found) => findings.push(Finding::ok("token", format!("found: {}", found.origin))),
    }
    let stats = Rc::new(Stats::default());
    let counted = Session::open(server, user, Rc::clone(&stats)).and_then(|session| {
        let users =
            Operation::named("users").ok_or_else(|| FdwError::internal("users is not asked"))?;
        // Twice, so that the second one tells the round trip without connecting.
        session.run("users", async |client: &Client, context: &Context<'_>| {
            count(client, context, &users, None).await
        })?;
        let before = stats.waited();
        let total = session.run("users", async |client: &Client, context: &Context<'_>| {
            count(client, context, &users, None).await
        })?;
        Ok((total, stats.waited() - before))
    });
    let address = runtime::client(&settings)
        .ok()
        .and_then(|client| client.endpoint())
        .map(|url| url.to_string());
    match counted {
        Ok((total, latency)) => {
            findings.push(Finding::ok(
                "connection",
                address.unwrap_or_else(|| "connected".to_owned()),
            ));
            findings.push(Finding::ok(
                "access",
                format!("the API accepts the token and counts {total} users"),
            ));
            let milliseconds = latency.as_millis();
            findings.push(if milliseconds < 1_000 {
                Finding::ok("latency", format!("{milliseconds} ms a request"))
            } else {
                Finding::warning("latency", format!("{milliseconds} ms a request"), "Join by user_id or email, name only the columns needed, and see EXPLAIN (ANALYZE) for the requests of a query.")
            });
        }
        Err(error) => {
            let check = match error.kind {
                Some(ErrorKind::Connect | ErrorKind::Timeout) => "connection",
                Some(ErrorKind::Tls) => "TLS",
                Some(ErrorKind::NotFound | ErrorKind::Redirect | ErrorKind::BadReply) => "address",
                _ => "access",
            };
            findings.push(Finding::failed(check, error));
        }
    }
}

fn announced() -> Finding {
    match announcements::heard().len() {
        0 => Finding::ok(
            "announcements",
            "the API has announced nothing in this session",
        ),
        heard => Finding::warning(
            "announcements",
            format!("the API has announced {heard} things in this session"),
            "SELECT * FROM pluralsight.api_announcements;",
        ),
    }
}

fn cron() -> Finding {
    match one("SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_cron'") {
        Some(version) => Finding::ok("pg_cron", format!("version {version} is installed")),
        None => Finding::warning(
            "pg_cron",
            "not installed in this database",
            "Only needed for refreshes on a schedule; any other scheduler that runs psql will do.",
        ),
    }
}

fn version() -> Finding {
    let query = "SELECT installed.extversion || ' ' || available.default_version
                 FROM pg_catalog.pg_extension AS installed
                 JOIN pg_catalog.pg_available_extensions AS available ON available.name = installed.extname
                 WHERE installed.extname = 'pluralsight_fdw'";
    let versions = one(query).unwrap_or_default();
    match versions.split_once(' ') {
        Some((installed, available)) if installed == available => {
            Finding::ok("extension", format!("version {installed} is up to date"))
        }
        Some((installed, available)) => Finding::warning(
            "extension",
            format!("version {installed} is installed, {available} is available"),
            "ALTER EXTENSION pluralsight_fdw UPDATE;",
        ),
        None => Finding::warning(
            "extension",
            "its version cannot be told",
            "CREATE EXTENSION pluralsight_fdw;",
        ),
    }
}

/// The first value of a query that only reads.
fn one(query: &str) -> Option<String> {
    Spi::connect(|client| {
        client
            .select(query, Some(1), &[])
            .ok()?
            .first()
            .get::<String>(1)
            .ok()
            .flatten()
    })
}
