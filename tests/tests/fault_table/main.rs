//! Every fault that we can think of, and what the user sees of it: `docs/faults.md` is written from here.
//!
//! The page is compared with what happens; `UPDATE=1` writes it anew. Beside that each case says whether it ends in complete
//! rows or in an error, so that an update cannot turn one into the other unnoticed.

mod cases;

use std::fmt::Write;

use behaviour::{Refusal, Session, Stage};
use cases::{BODY, GRAPHQL, HTTP, MOVING, NETWORK, PAGES, VALUES};
use pluralsight_sandbox::{Certificate, Config, Cursors, Sandbox};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/faults.md");
const USERS: u64 = 2_345;
/// Four pages; most faults hit the second.
const READ: &str =
    "SELECT count(email) + count(*) FILTER (WHERE email IS NULL) FROM pluralsight.users";
const READ_ALL: &str =
    "SELECT count(everyone) FROM (SELECT u::text FROM pluralsight.users AS u) AS everyone";

use Ends::{Error, Moved, Whole};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    /// All the rows, not one more or less.
    Whole,
    /// All the rows, of which those who join or leave meanwhile may or may not be some.
    Moved,
    /// An error with that SQLSTATE.
    Error(&'static str),
}

struct Case {
    what: &'static str,
    /// A rule of the sandbox, as a person types it.
    rule: &'static str,
    ends: Ends,
}

const fn case(what: &'static str, rule: &'static str, ends: Ends) -> Case {
    Case { what, rule, ends }
}

struct Table {
    stage: Stage,
    page: String,
    wrong: Vec<String>,
}

impl Table {
    fn new() -> Table {
        let mut stage = Stage::new(Config {
            users: USERS,
            ..Config::default()
        });
        stage.session.run(
            "ALTER SERVER pluralsight OPTIONS (ADD initial_backoff '1ms', ADD request_timeout '1500ms', ADD max_response_size '4MB')",
        );
        Table {
            stage,
            page: "# Faults, and what you see of them\n\n\
                   This page is written by the test `tests/tests/fault_table/main.rs`, which makes each fault happen between PostgreSQL and a sandbox of\n\
                   the API and notes what comes of it. Each reads 2,345 users, which are four requests where nothing goes wrong; `request_timeout` is\n\
                   1500 ms, `max_response_size` 4 MB, and everything else as it is without options. Where a page's records\n\
                   are wrong, the next page had been asked for already. After each of them the next query in the same session answered in full.\n"
                .to_owned(),
            wrong: Vec::new(),
        }
    }

    fn section(&mut self, title: &str) {
        write!(
            self.page,
            "\n## {title}\n\n| fault | what you see | requests |\n| --- | --- | --- |\n"
        )
        .expect("a text takes it");
    }

    /// Puts the sandbox back to what it was.
    fn calm(&mut self) {
        self.stage.sandbox.faults().clear();
        self.stage.sandbox.restore_token();
        self.stage.sandbox.organization().restore();
        self.stage
            .sandbox
            .update(|config| {
                let url = config.token.clone();
                *config = Config {
                    users: USERS,
                    token: url,
                    ..Config::default()
                };
            })
            .expect("a valid configuration");
        self.stage.sandbox.reset();
    }

    fn run(&mut self, what: &str, rule: &str, query: &str, ends: Ends) {
        if !rule.is_empty() {
            self.stage.sandbox.faults().script(rule).expect(rule);
        }
        self.stage.sandbox.reset();
        let outcome = self.stage.session.try_rows(query);
        let requests = self.requests(what, outcome.is_err());
        let notices = self.stage.session.notices();
        self.note(what, &outcome, &notices, requests, ends);
        self.calm();
        let next = self.stage.session.value(READ);
        if next != USERS.to_string() {
            self.wrong
                .push(format!("{what}: the next query answered {next}"));
        }
    }

    /// How many requests came. An error is told while the request for the next page is still on its way; as it is dropped
    /// then, the API may see it or not.
    fn requests(&self, what: &str, failed: bool) -> usize {
        let row = format!("| {what} | ");
        let page = std::fs::read_to_string(PAGE).unwrap_or_default();
        let written: Option<usize> = page
            .lines()
            .find(|line| line.starts_with(&row))
            .and_then(|line| line.trim_end_matches(" |").rsplit(' ').next()?.parse().ok());
        let requests = self.stage.sandbox.requests().len();
        match written {
            Some(written) if failed && requests + 1 == written => written,
            _ => requests,
        }
    }

    fn note(
        &mut self,
        what: &str,
        outcome: &Result<Vec<Vec<Option<String>>>, Refusal>,
        notices: &[String],
        requests: usize,
        ends: Ends,
    ) {
        let (seen, ended) = match outcome {
            Ok(rows) => {
                let rows = rows[0][0].clone().unwrap_or_default();
                let said: String = notices
                    .iter()
                    .map(|notice| format!("<br>{notice}"))
                    .collect();
                let kind = match rows.parse::<u64>() {
                    Ok(USERS) if ends == Whole => "whole",
                    Ok(rows) if ends == Moved && rows.abs_diff(USERS) <= 5 => "moved",
                    _ => "rows, but not those",
                };
                (format!("{rows} rows{said}"), kind.to_owned())
            }
            Err(error) => {
                let hint = error
                    .hint
                    .as_deref()
                    .map_or(String::new(), |hint| format!("<br>HINT: {hint}"));
                (
                    format!("`{}` {}{hint}", error.code, error.message),
                    error.code.clone(),
                )
            }
        };
        let expected = match ends {
            Whole => "whole",
            Moved => "moved",
            Error(code) => code,
        };
        if ended != expected {
            self.wrong
                .push(format!("{what}: expected {expected}, and saw {seen}"));
        }
        writeln!(
            self.page,
            "| {what} | {} | {requests} |",
            masked(&seen).replace('|', "\\|").replace('\n', " ")
        )
        .expect("a text takes it");
    }
}

/// The port is another one each time.
fn masked(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str("127.0.0.1:8080");
        masked.push_str(part.trim_start_matches(|letter: char| letter.is_ascii_digit()));
    }
    // How much had come when it stopped is a matter of chance.
    for after in [" bytes had come)", " bytes)"] {
        if let Some((head, tail)) = masked.split_once(after) {
            let head = head.trim_end_matches(|letter: char| letter.is_ascii_digit());
            masked = format!("{head}…{after}{tail}");
        }
    }
    // So is how far off a date is.
    for before in ["asks to wait ", "Try again in "] {
        if let Some((head, tail)) = masked.split_once(before)
            && let Some((days, rest)) = tail.split_once(" days")
            && days.parse().is_ok_and(|days: u32| days > 1_000)
        {
            masked = format!("{head}{before}… days{rest}");
        }
    }
    masked
}

#[test]
fn every_fault_ends_in_complete_rows_or_in_one_clear_error() {
    let mut table = Table::new();
    for (title, cases) in [
        ("HTTP", HTTP),
        ("Network", NETWORK),
        ("The reply's body", BODY),
        ("GraphQL", GRAPHQL),
    ] {
        table.section(title);
        for case in cases {
            let rule = match case.what {
                "429 once, Retry-After as a date just ahead" => {
                    let date = std::time::SystemTime::now() + std::time::Duration::from_secs(2);
                    let date = chrono::DateTime::<chrono::Utc>::from(date);
                    format!(
                        "users@2=429,retry-after='{}'",
                        date.format("%a, %d %b %Y %H:%M:%S GMT")
                    )
                }
                _ => case.rule.to_owned(),
            };
            table.run(case.what, &rule, READ, case.ends);
        }
    }
    table
        .stage
        .sandbox
        .update(|config| config.beta = vec!["User.email".to_owned()])
        .expect("a valid configuration");
    table.run(
        "a field in Beta, which the key may not ask for",
        "",
        READ,
        Error("HV000"),
    );

    table.section("Pages");
    for case in PAGES {
        let rule = match case.what {
            "a cursor of a megabyte" => {
                format!(
                    "users@2=set=/data/users/pageInfo/endCursor:\"{}\"",
                    "c".repeat(1 << 20)
                )
            }
            what => {
                if what.starts_with("a page cut") {
                    table
                        .stage
                        .sandbox
                        .update(|config| {
                            config.page_cap = "300"
                                .parse()
                                .map(Some)
                                .map(pluralsight_sandbox::Cap)
                                .expect("a number")
                        })
                        .expect("a valid configuration");
                }
                case.rule.to_owned()
            }
        };
        table.run(case.what, &rule, READ, case.ends);
    }

    table.section("Data that moves");
    for cursors in [Cursors::Keyed, Cursors::Offset] {
        for case in MOVING {
            let what = match cursors {
                Cursors::Keyed => format!("{}, cursors that hold a key", case.what),
                Cursors::Offset => format!("{}, cursors that hold a number", case.what),
            };
            table
                .stage
                .sandbox
                .update(|config| config.cursors = cursors)
                .expect("a valid configuration");
            table.run(&what, case.rule, READ, case.ends);
        }
    }

    table.section("Values that the schema does not allow");
    for (field, value) in VALUES {
        // On the last page: while an earlier one is looked at, the next may or may not have been asked for.
        table.run(
            &format!("`{field}` is `{value}`"),
            &format!("users@4=set=/data/users/nodes/7/{field}:{value}"),
            READ_ALL,
            Error("HV004"),
        );
    }
    table.run(
        "`psUserId` of an admin is null, which the schema rules out",
        "planAdmins=set=/data/planAdmins/nodes/1/psUserId:null",
        "SELECT count(user_id) FROM pluralsight.admins",
        Error("HV004"),
    );
    table.run(
        "`email` is missing from a record",
        "users@4=unset=/data/users/nodes/7/email",
        READ,
        Error("HV004"),
    );
    table.run(
        "a field that nobody asked for",
        "users@2=set=/data/users/nodes/7/surprise:1",
        READ,
        Whole,
    );

    table.section("TLS");
    for (what, certificate) in [
        ("an expired certificate", Certificate::Expired),
        ("a certificate that is not valid yet", Certificate::NotYet),
        ("a certificate for another name", Certificate::WrongName),
        (
            "a certificate that it signed itself",
            Certificate::SelfSigned,
        ),
    ] {
        tls(&mut table, what, certificate);
    }

    assert!(table.wrong.is_empty(), "{}", table.wrong.join("\n"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(PAGE, &table.page).expect("the page can be written");
    }
    let page = std::fs::read_to_string(PAGE).unwrap_or_default();
    for (number, (seen, written)) in table.page.lines().zip(page.lines()).enumerate() {
        assert_eq!(
            seen,
            written,
            "line {} of docs/faults.md; UPDATE=1 writes it anew",
            number + 1
        );
    }
    assert_eq!(
        table.page.lines().count(),
        page.lines().count(),
        "docs/faults.md; UPDATE=1 writes it anew"
    );
}

fn tls(table: &mut Table, what: &str, certificate: Certificate) {
    let sandbox = Sandbox::start(Config {
        users: USERS,
        tls: Some(certificate),
        ..Config::default()
    })
    .expect("the sandbox starts");
    let good = table.stage.sandbox.url();
    let point = |session: &mut Session, url: &str| {
        session.run(&format!(
            "ALTER SERVER pluralsight OPTIONS (SET api_url '{url}')"
        ));
    };
    point(&mut table.stage.session, &sandbox.url());
    // Trusted, so that each certificate is refused for its own reason.
    let authority = sandbox.ca_pem().map(|pem| {
        let file = behaviour::cluster::home().join(format!("{certificate:?}.pem"));
        std::fs::write(&file, pem).expect("the folder is there");
        file
    });
    if let Some(file) = &authority {
        table.stage.session.run(&format!(
            "ALTER SERVER pluralsight OPTIONS (ADD ca_file '{}')",
            file.display()
        ));
    }
    let outcome = table.stage.session.try_rows(READ);
    let requests = sandbox.requests().len();
    let notices = table.stage.session.notices();
    table.note(what, &outcome, &notices, requests, Error("HV00N"));
    if authority.is_some() {
        table
            .stage
            .session
            .run("ALTER SERVER pluralsight OPTIONS (DROP ca_file)");
    }
    point(&mut table.stage.session, &good);
    assert_eq!(table.stage.session.value(READ), USERS.to_string(), "{what}");
}

/// A value that no column of that type takes.
fn misfit(sql_type: &str) -> &'static str {
    match sql_type {
        "boolean" => "\"yes\"",
        "bigint" | "integer" | "integer[]" => "\"many\"",
        "text" | "text[]" => "{\"a\": 1}",
        "timestamp with time zone" => "\"yesterday\"",
        other => panic!("a type that this test does not know: {other}"),
    }
}

#[test]
fn every_column_of_every_table_refuses_what_does_not_fit_it() {
    let mut stage = Stage::new(Config {
        users: 40,
        ..Config::default()
    });
    let columns = stage.session.rows(
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                (SELECT option_value FROM pg_options_to_table(a.attfdwoptions) WHERE option_name = 'field')
         FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
         WHERE c.relkind = 'f' AND c.relnamespace = 'pluralsight'::regnamespace AND a.attnum > 0
         ORDER BY c.relname, a.attnum",
    );
    assert!(columns.len() > 40, "{} columns", columns.len());
    let mut wrong = Vec::new();
    for column in columns {
        let mut values = column.into_iter().map(Option::unwrap_or_default);
        let mut next = || values.next().expect("four of them");
        let (table, column, sql_type, field) = (next(), next(), next(), next());
        assert!(!field.is_empty(), "{table}.{column} reads no field");
        let (operation, records) = match table.as_str() {
            "users" => ("users", "/data/users/nodes/*"),
            "admins" => ("planAdmins", "/data/planAdmins/nodes/*"),
            "teams" => ("teams", "/data/teams/nodes/*"),
            "permission_sets" => ("planPermissionSets", "/data/planPermissionSets/nodes/*"),
            "plan" => ("planInfo", "/data/planInfo"),
            other => panic!("a table that this test does not know: {other}"),
        };
        // As the API nests them: lists below teams.edges and products.
        let path = field
            .replace("edges.", "edges.*.")
            .replace("products.", "products.*.")
            .replace('.', "/");
        let first = field.split('.').next().unwrap_or_default();
        // One record will do, and a key must not be the same in all; not every record has what is nested.
        let records = if path == field {
            records.replace('*', "1")
        } else {
            records.to_owned()
        };
        for rule in [
            format!("{operation}=set={records}/{path}:{}", misfit(&sql_type)),
            format!("{operation}=set={records}/{first}:[{{}}]"),
            format!("{operation}=unset={records}/{path}"),
        ] {
            let read = format!("SELECT count({column}) FROM pluralsight.{table}");
            let before = stage.session.value(&read);
            stage.sandbox.faults().script(&rule).expect(&rule);
            match stage.session.try_rows(&read) {
                Err(error)
                    if error.code == "HV004"
                        && error.message.starts_with(&format!(
                            "{table}: column \"{column}\": field {field} "
                        ))
                        && error.hint.is_some() => {}
                other => wrong.push(format!("{table}.{column}, {rule}: {other:?}")),
            }
            stage.sandbox.faults().clear();
            assert_eq!(stage.session.value(&read), before, "after {rule}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
