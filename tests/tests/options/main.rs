//! What may be said in OPTIONS (…), and where. Each statement runs on its own and is undone.

mod statements;
mod values;

use std::collections::BTreeSet;

use behaviour::{Session, Stage};
use pluralsight_sandbox::Config;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Server,
    UserMapping,
    Table,
    Column,
}

use Place::{Column, Server, Table, UserMapping};
use statements::STATEMENTS;
use values::VALUES;

impl Place {
    const ALL: [Place; 4] = [Server, UserMapping, Table, Column];

    fn name(self) -> &'static str {
        match self {
            Server => "server",
            UserMapping => "user mapping",
            Table => "foreign table",
            Column => "column",
        }
    }

    /// The statement that makes one with these options.
    fn create(self, options: &str) -> String {
        match self {
            Server => {
                format!("CREATE SERVER s FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS ({options})")
            }
            UserMapping => {
                format!("CREATE USER MAPPING FOR PUBLIC SERVER pluralsight OPTIONS ({options})")
            }
            Table => format!(
                "CREATE FOREIGN TABLE t (user_id text) SERVER pluralsight OPTIONS ({options})"
            ),
            Column => format!(
                "CREATE FOREIGN TABLE t (user_id text OPTIONS ({options})) SERVER pluralsight OPTIONS (query 'users')"
            ),
        }
    }

    /// The same with one option; a table also has the one that it cannot be without.
    fn with(self, option: &str, value: &str) -> String {
        let needed = if self == Table && option != "query" {
            "query 'users', "
        } else {
            ""
        };
        self.create(&format!("{needed}{option} '{value}'"))
    }

    /// Every option that may stand here, as the HINT lists them.
    fn options(self) -> &'static str {
        match self {
            Server => {
                "api_url, api_token, api_token_file, api_token_id, api_token_name, api_token_sealed, ca_file, proxy, page_size, max_attempts, initial_backoff, max_backoff, request_timeout, connect_timeout, max_response_size, on_incomplete, on_drift, pushdown_filter, pushdown_limit, pushdown_count, pushdown_join"
            }
            UserMapping => {
                "api_token, api_token_file, api_token_id, api_token_name, api_token_sealed"
            }
            Table => {
                "query, shape, records, total_count, page_info, first_argument, first_type, after_argument, after_type, filter_argument, filter_type, arguments, page_size, on_incomplete, on_drift, pushdown_filter, pushdown_limit, pushdown_count, pushdown_join, key, filters, truncated, rows, unchecked, absent"
            }
            Column => "field, only_where, only_where_not, aggregate, epoch, null_as_empty, absent",
        }
    }
}

/// One option: where it may stand, values that it takes, and values that it refuses, with the reason.
type Values = (
    &'static [Place],
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

const TOKEN: &str = "it holds a space, a line break or another character that no API key has";
const FILE: &str = "must be the absolute path of a file on the server's host";
const SEALED: &str = "must be what pluralsight_fdw.seal('…') answers";
const UUID: &str = "must be the UUID of a secret";
const PROXY: &str =
    "must be a URL that begins with http:// or https://, without a user name or a password";
const PAGE: &str = "must be a whole number from 1 to 10000";
const ATTEMPTS: &str = "must be a whole number from 1 to 10";
const DURATION: &str =
    "must be a whole number with a unit (ms, s, min or h), such as 250ms or 30s, and at most a day";
const SIZE: &str =
    "must be a whole number with a unit (kB, MB or GB), such as 32MB, and at most 1GB";
const SWITCH: &str = "must be on or off";
const NAME: &str =
    "must be one GraphQL name: letters, digits and underscores, not starting with a digit";
const PATH: &str =
    "must be GraphQL names joined by dots, such as teams.edges.node.name, and nothing else";
const RECORDS: &str = "must be GraphQL names joined by dots, such as edges.node, and nothing else";
const ARGUMENT: &str = "must be one GraphQL name, or empty where the query has no such argument";
const TYPE: &str = "must be a GraphQL type, such as UserFilter, Int! or [ID!]";
const ROWS: &str = "must be a whole number from 0 to 1000000000000";

/// Runs the statement and undoes it: its SQLSTATE, message and HINT, all empty where it was accepted.
fn outcome(session: &mut Session, sql: &str) -> (String, String, String) {
    session.run("BEGIN");
    let outcome = session.try_rows(sql);
    session.run("ROLLBACK");
    match outcome {
        Ok(_) => Default::default(),
        Err(refusal) => (
            refusal.code,
            refusal.message,
            refusal.hint.unwrap_or_default(),
        ),
    }
}

fn texts(code: &str, message: &str, hint: &str) -> (String, String, String) {
    (code.to_owned(), message.to_owned(), hint.to_owned())
}

#[test]
fn options_are_refused_or_accepted_as_documented() {
    let mut stage = Stage::new(Config {
        users: 5,
        ..Config::default()
    });
    let session = &mut stage.session;
    for &(places, option, good, bad) in VALUES {
        for place in places {
            for value in good {
                let sql = place.with(option, value);
                assert_eq!(outcome(session, &sql), texts("", "", ""), "{sql}");
            }
            for (value, problem) in bad {
                let sql = place.with(option, value);
                let message = format!("invalid value for option \"{option}\": {problem}");
                assert_eq!(
                    outcome(session, &sql),
                    texts("HV024", &message, ""),
                    "{sql}"
                );
            }
        }
        for place in Place::ALL.iter().filter(|place| !places.contains(place)) {
            let sql = place.with(option, good[0]);
            let message = format!("invalid option \"{option}\" for a {}", place.name());
            // In the order in which a HINT names them.
            let homes: Vec<&str> = [UserMapping, Server, Table, Column]
                .into_iter()
                .filter(|home| places.contains(home))
                .map(Place::name)
                .collect();
            let hint = format!("It belongs to a {}.", homes.join(" or a "));
            assert_eq!(
                outcome(session, &sql),
                texts("HV00D", &message, &hint),
                "{sql}"
            );
        }
    }
    for &(sql, code, message, hint) in STATEMENTS {
        let hint = Place::ALL.iter().fold(hint.to_owned(), |hint, place| {
            hint.replace(&format!("{{{}}}", place.name()), place.options())
        });
        assert_eq!(outcome(session, sql), texts(code, message, &hint), "{sql}");
    }
}

#[test]
fn the_table_of_this_test_and_the_documentation_have_every_option() {
    let manual = include_str!("../../../docs/options.md");
    for place in Place::ALL {
        let tested: BTreeSet<&str> = VALUES
            .iter()
            .filter(|(places, ..)| places.contains(&place))
            .map(|(_, option, ..)| *option)
            .collect();
        let known: BTreeSet<&str> = place.options().split(", ").collect();
        assert_eq!(tested, known, "{place:?}");
        for option in known {
            assert!(
                manual.contains(&format!("`{option}`")),
                "docs/options.md lacks {option}"
            );
        }
    }
}

#[test]
fn a_token_on_the_server_is_warned_about() {
    let mut stage = Stage::bare(Config {
        users: 5,
        ..Config::default()
    });
    let session = &mut stage.session;
    let warning = "WARNING: every role can read this API token in pg_foreign_server";
    for (sql, expected) in [
        (Server.with("api_token", "abc"), vec![warning]),
        (
            "ALTER SERVER pluralsight OPTIONS (ADD api_token 'abc')".to_owned(),
            vec![warning],
        ),
        // It says so each time that it would be stored again.
        (
            "ALTER SERVER pluralsight OPTIONS (ADD page_size '50')".to_owned(),
            vec![warning],
        ),
        (
            "ALTER SERVER pluralsight OPTIONS (DROP api_token)".to_owned(),
            vec![],
        ),
        (UserMapping.with("api_token", "abc"), vec![]),
    ] {
        session.notices();
        session.run(&sql);
        assert_eq!(session.notices(), expected, "{sql}");
    }
}
