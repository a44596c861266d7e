//! `pluralsight_fdw.check(server)`: is everything there that a query needs, and if not, what is to be done?

use std::sync::Arc;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys;
use pgrx::prelude::*;
use pluralsight_api::{
    Call, Client, Context, ErrorKind, FieldPath, Operation, Selection, Settings, Stats, Url, count,
};
use pluralsight_catalog::{Table, quote_identifier};
use serde_json::{Value, json};

use crate::encoding;
use crate::error::{FdwError, OrRaise, Result};
use crate::executor::{Session, distrusted_filters};
use crate::options::Server;
use crate::options::catalog::FURTHER_PAGES;
use crate::{announcements, parameters, token};

mod copies;
mod finding;
mod lines;
mod tables;

use finding::Finding;
use lines::wrapped;

/// Characters of a line of what was found, and of a hint: a row then fits a terminal of 100.
const FOUND_LINE: usize = 27;
const HINT_LINE: usize = 37;

/// Tries what a query would need, as the current role: one row per check, and what to do if it failed. Each check of the
/// API rests on those before it; after a failure the others are skipped.
#[pg_extern(volatile, parallel_unsafe)]
fn check(
    server: default!(&str, "'pluralsight'"),
) -> TableIterator<
    'static,
    (
        name!(checked, String),
        name!(status, String),
        name!(found, String),
        name!(hint, Option<String>),
    ),
> {
    let server = Server::named(server);
    let findings = parameters::with_safe_path(|| {
        may_use(&server)?;
        let mut findings = Vec::new();
        api(&server, &mut findings);
        findings.extend(filters(&server));
        findings.extend(copies::check(&server));
        findings.extend([announced(), cron(), version()]);
        Ok(findings)
    })
    .or_raise();
    let rows: Vec<_> = findings
        .into_iter()
        .map(|finding| {
            (
                finding.check,
                finding.status.to_owned(),
                wrapped(&encoding::message(&finding.found), FOUND_LINE),
                finding
                    .hint
                    .map(|hint| wrapped(&encoding::message(&hint), HINT_LINE)),
            )
        })
        .collect();
    TableIterator::new(rows)
}

/// What the server's token can see is not for everyone.
pub fn may_use(server: &Server) -> Result<()> {
    let query = include_str!("../sql/check/usage.sql");
    let may = Spi::connect(|client| {
        client
            .select(query, Some(1), &[server.oid.into()])?
            .first()
            .get::<bool>(1)
    });
    match may {
        Ok(Some(true)) => Ok(()),
        Ok(_) => Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("permission denied for foreign server {}", server.name),
        )),
        Err(error) => Err(FdwError::internal(format!(
            "the server's privileges cannot be read: {error}"
        ))),
    }
}

/// Filters that have failed in this session.
fn filters(server: &Server) -> Option<Finding> {
    let failures = distrusted_filters(server.oid);
    if failures.is_empty() {
        return None;
    }
    let named: Vec<String> = failures
        .iter()
        .map(|failure| format!("{} of {}: {}", failure.filter, failure.query, failure.why))
        .collect();
    Some(Finding::warning(
        "filters",
        named.join("; "),
        "Nothing is lost: the table is read as a whole instead. To save the try, take the filter out of the table's option filters.",
    ))
}

/// What is tried of the API, in the order in which a request comes by.
const REACH: [&str; 5] = ["DNS", "TLS", "reach", "token accepted", "entitlement"];
/// What is tried after that.
const BEYOND: [&str; 4] = ["page size", "clock", "latency", "tables"];

fn api(server: &Server, findings: &mut Vec<Finding>) {
    let done = findings.len();
    try_api(server, findings);
    // What was not reached is named all the same.
    let first = ["options", "token"];
    let Some(broken) = findings[done..]
        .iter()
        .find(|finding| {
            let name = &&*finding.check;
            finding.status == "failed" && (first.contains(name) || REACH.contains(name))
        })
        .map(|finding| finding.check.clone())
    else {
        return;
    };
    let names = first.iter().chain(&REACH).chain(&BEYOND);
    let failed_at = names.clone().position(|name| *name == broken).unwrap_or(0);
    for name in names.skip(failed_at + 1) {
        findings.push(Finding::skipped(*name, &format!("{broken} failed")));
    }
}

fn try_api(server: &Server, findings: &mut Vec<Finding>) {
    let settings = match server.client_settings() {
        Ok(settings) => settings,
        Err(error) => return findings.push(Finding::failed("options", error)),
    };
    findings.push(Finding::ok(
        "options",
        match server.options.len() {
            1 => "the server's one option is valid".to_owned(),
            number => format!("the server's {number} options are valid"),
        },
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
    let stats = Arc::new(Stats::default());
    let session = match Session::open(server, user, Arc::clone(&stats)) {
        Ok(session) => session,
        Err(error) => {
            let check = match error.kind {
                Some(ErrorKind::Tls) => "TLS",
                _ => "options",
            };
            return findings.push(Finding::failed(check, error));
        }
    };
    let counted = users(&session);
    let address = session
        .run("check", async |client: &Client, _: &Context<'_>| {
            Ok(client.endpoint())
        })
        .ok()
        .flatten();
    let failed_at = match &counted {
        Ok(_) => REACH.len(),
        Err(error) => stage(error),
    };
    let connected = !matches!(&counted, Err(error) if matches!(error.kind, Some(ErrorKind::Connect | ErrorKind::Timeout)));
    for (stage, check) in REACH.into_iter().enumerate().take(failed_at) {
        // Nothing is known of it where there is no connection.
        if check == "TLS" && !connected {
            findings.push(Finding::skipped(check, "no connection"));
            continue;
        }
        findings.push(Finding::ok(
            check,
            passed(stage, address.as_ref(), &settings, &counted),
        ));
    }
    let counted = match counted {
        Ok(counted) => counted,
        Err(error) => {
            return findings.push(Finding::failed(
                REACH.get(failed_at).copied().unwrap_or("reach"),
                error,
            ));
        }
    };
    findings.push(page(&session, server, counted));
    findings.push(clock(&stats));
    findings.push(latency(&session, &stats));
    findings.extend(tables::check(server, user));
}

/// How far the request came.
fn stage(error: &FdwError) -> usize {
    match error.kind {
        Some(ErrorKind::Connect) if error.message.contains("no such host") => 0,
        Some(ErrorKind::Tls) => 1,
        Some(ErrorKind::Unauthorized) => 3,
        Some(ErrorKind::Forbidden | ErrorKind::GraphQl | ErrorKind::Shape) => 4,
        _ => 2,
    }
}

/// What is known of a stage that was passed.
fn passed(
    stage: usize,
    address: Option<&Url>,
    settings: &Settings,
    counted: &Result<Option<u64>>,
) -> String {
    let host = address.and_then(Url::host_str).unwrap_or("the API");
    let is_https = address.is_none_or(|url| url.scheme() == "https");
    match (stage, &settings.proxy, counted) {
        (0, Some(proxy), _) => format!(
            "proxy {} was found, which looks up the API's name",
            proxy.host_str().unwrap_or("")
        ),
        (0, None, _) if address.is_some_and(|url| url.domain().is_none()) => {
            format!("no name to look up: {host} is an address")
        }
        (0, None, _) => format!("{host} was found"),
        (1, ..) if !is_https => "not in use: the address is this machine's own".to_owned(),
        (1, _, Ok(_)) => format!("the certificate of {host} is trusted"),
        (1, _, Err(_)) => "nothing was wrong with it".to_owned(),
        (2, ..) => address.map_or_else(
            || "the API answers".to_owned(),
            |url| match url.port() {
                Some(port) => format!("{host}:{port} answers"),
                None => format!("{host} answers"),
            },
        ),
        (3, ..) => "the API knows the token".to_owned(),
        (_, _, Ok(None)) => "the token may read users".to_owned(),
        (_, _, Ok(Some(1))) => "the token may read users; there is 1".to_owned(),
        (_, _, Ok(Some(total))) => format!("the token may read users; there are {total}"),
        (_, _, Err(_)) => String::new(),
    }
}

fn users(session: &Session) -> Result<Option<u64>> {
    let users = declared("users")?;
    session.run(
        "users",
        async move |client: &Client, context: &Context<'_>| {
            match count(client, context, &users, None).await {
                // The token counts; what the API lacks is told table by table.
                Err(error) if !error.refusals().is_empty() => Ok(None),
                counted => counted,
            }
        },
    )
}

fn declared(query: &str) -> Result<Operation> {
    Table::over(query)
        .map(Table::operation)
        .ok_or_else(|| FdwError::internal("a query that is not declared"))
}

/// The fields of some records of an operation, in one request.
fn ask(session: &Session, name: &str, fields: &[&str], variables: Value) -> Result<Value> {
    let paths: Vec<FieldPath> = fields
        .iter()
        .filter_map(|field| FieldPath::parse(field).ok())
        .collect();
    let document = declared(name)?.document(&Selection::from_paths(&paths), false);
    let root = name.to_owned();
    let reply = session.run(name, async move |client: &Client, context: &Context<'_>| {
        let call = Call {
            operation: &root,
            document: &document,
            operation_name: None,
            variables,
        };
        client.send(&call, context).await
    })?;
    announcements::tell("check", &reply.warnings);
    let mut data = reply.data;
    Ok(data.get_mut(name).map(Value::take).unwrap_or_default())
}

/// Whether the API hands out pages as large as a query asks for.
fn page(session: &Session, server: &Server, total: Option<u64>) -> Finding {
    let size = server
        .options
        .get("page_size")
        .and_then(|size| size.trim().parse().ok())
        .unwrap_or(u64::from(FURTHER_PAGES));
    let answer = match ask(session, "users", &["psUserId"], json!({ "first": size })) {
        Ok(answer) => answer,
        Err(error) => return Finding::failed("page size", error),
    };
    let got = answer
        .get("nodes")
        .and_then(Value::as_array)
        .map_or(0, Vec::len) as u64;
    let has_more = answer.pointer("/pageInfo/hasNextPage") == Some(&Value::Bool(true));
    if has_more && got < size {
        let verb = if server.options.contains_key("page_size") {
            "SET"
        } else {
            "ADD"
        };
        let hint = format!(
            "Nothing is lost, since further pages are read. To ask for what there is: ALTER SERVER {} OPTIONS ({verb} page_size '{got}');",
            quote_identifier(&server.name)
        );
        Finding::warning(
            "page size",
            format!("the API hands out {got} records a page where {size} are asked for"),
            &hint,
        )
    } else if got == size {
        Finding::ok(
            "page size",
            format!("the API hands out pages of {size} records"),
        )
    } else {
        Finding::ok(
            "page size",
            format!(
                "not reached: a page of {size} records holds all {} users",
                total.unwrap_or(got)
            ),
        )
    }
}

/// Tokens, certificates and Retry-After go by the clock.
fn clock(stats: &Stats) -> Finding {
    let Some((theirs, ours)) = stats.clock() else {
        return Finding::warning(
            "clock",
            "the API does not tell the time",
            "Compare this machine's clock with another's: certificates are checked by it.",
        );
    };
    let (ahead, behind) = (
        ours.duration_since(theirs).unwrap_or_default().as_secs(),
        theirs.duration_since(ours).unwrap_or_default().as_secs(),
    );
    // The API's date has whole seconds and is older than the reply.
    if ahead <= CLOCK_TOLERANCE && behind <= CLOCK_TOLERANCE {
        return Finding::ok("clock", "this machine's clock and the API's agree");
    }
    let (seconds, word) = if ahead > 0 {
        (ahead, "ahead of")
    } else {
        (behind, "behind")
    };
    Finding::warning(
        "clock",
        format!("this machine's clock is {seconds} s {word} the API's"),
        "Set this machine's clock, best by NTP: certificates and waits that the API asks for go by it.",
    )
}

/// Seconds that two clocks may differ before it is worth a word.
const CLOCK_TOLERANCE: u64 = 30;

/// The connection stands by now, so this is the round trip alone.
fn latency(session: &Session, stats: &Stats) -> Finding {
    let before = stats.waited();
    if let Err(error) = users(session) {
        return Finding::failed("latency", error);
    }
    let milliseconds = (stats.waited() - before).as_millis();
    let found = format!("{milliseconds} ms per request");
    if milliseconds < 1_000 {
        Finding::ok("latency", found)
    } else {
        Finding::warning(
            "latency",
            found,
            "Join by user_id or email, name only the columns needed, and see EXPLAIN (ANALYZE) for the requests of a query.",
        )
    }
}

fn announced() -> Finding {
    match announcements::heard().len() {
        0 => Finding::ok("deprecations", "the API has announced none in this session"),
        heard => Finding::warning(
            "deprecations",
            format!("announcements of the API heard in this session: {heard}"),
            "SELECT * FROM pluralsight_fdw.api_announcements;",
        ),
    }
}

fn cron() -> Finding {
    match one(include_str!("../sql/check/pg_cron.sql")) {
        Some(version) => Finding::ok("pg_cron", format!("version {version} is installed")),
        None => Finding::warning(
            "pg_cron",
            "not installed in this database",
            "Only needed for refreshes on a schedule; any other scheduler that runs psql will do.",
        ),
    }
}

fn version() -> Finding {
    let query = include_str!("../sql/check/version.sql");
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
            "Look for it in pg_extension and pg_available_extensions.",
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
