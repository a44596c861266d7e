//! What may be said in OPTIONS (…), and where. Each statement runs on its own and is undone.

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

const VALUES: &[Values] = &[
    (
        &[Server],
        "api_url",
        &[
            "https://paas-api.pluralsight.com/graphql",
            "https://api.corp.example:8443/graphql",
            "http://127.0.0.1:4000/graphql",
            "http://localhost/graphql",
            "http://[::1]:4000/graphql",
        ],
        &[
            (
                "",
                "it is not a URL (relative URL without a base); it looks like https://paas-api.pluralsight.com/graphql",
            ),
            (
                "api.pluralsight.com/graphql",
                "it is not a URL (relative URL without a base); it looks like https://paas-api.pluralsight.com/graphql",
            ),
            (
                "http://api.pluralsight.com/graphql",
                "it must begin with https://; http:// is for this machine's own addresses alone, such as http://127.0.0.1:4000/graphql",
            ),
            (
                "http://localhost.evil.example/",
                "it must begin with https://; http:// is for this machine's own addresses alone, such as http://127.0.0.1:4000/graphql",
            ),
            ("ftp://x.example/", "it must begin with https://"),
            ("file:///etc/passwd", "it must begin with https://"),
            (
                "https://someone:hunter2@x.example/graphql",
                "it must hold no user name or password",
            ),
            (
                "https://x.example/graphql?key=1",
                "it must hold no query (?…)",
            ),
            (
                "https://x.example/graphql#x",
                "it must hold no fragment (#…)",
            ),
        ],
    ),
    (
        &[Server, UserMapping],
        "api_token",
        // A blank one counts as none.
        &["abc", " abc ", "", "  "],
        &[("a b", TOKEN), ("schlüssel", TOKEN), ("a\nb", TOKEN)],
    ),
    (
        &[Server, UserMapping],
        "api_token_file",
        &["/run/secrets/pluralsight"],
        &[("secrets/pluralsight", FILE), ("", FILE), ("~/token", FILE)],
    ),
    (
        &[Server, UserMapping],
        "api_token_id",
        &[
            "0b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a11",
            "0B0F5C3E-7A1F-4B7E-9C0F-2F4F3F6F7A11",
        ],
        &[
            ("123", UUID),
            ("", UUID),
            ("0b0f5c3e7a1f4b7e9c0f2f4f3f6f7a11", UUID),
            ("0b-0f5c3e7a1f-4b7e-9c0f-2f4f3f6f7a11", UUID),
            ("0b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a1g", UUID),
        ],
    ),
    (
        &[Server, UserMapping],
        "api_token_name",
        &["pluralsight", "the key of Acme"],
        &[("", "must not be blank"), (" ", "must not be blank")],
    ),
    (
        &[Server, UserMapping],
        "api_token_sealed",
        &[
            "sealed:1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ],
        &[
            ("abc", SEALED),
            ("", SEALED),
            ("sealed:1:AAAA", SEALED),
            ("sealed:1:no base64!", SEALED),
            ("sealed:2:AAAA", SEALED),
        ],
    ),
    (
        &[Server],
        "ca_file",
        &["/etc/ssl/corp.pem"],
        &[("corp.pem", FILE), ("", FILE)],
    ),
    (
        &[Server],
        "proxy",
        &[
            "http://proxy.corp.example:3128",
            "https://proxy.corp.example",
        ],
        &[
            ("proxy.corp.example:3128", PROXY),
            ("socks5://proxy.corp.example", PROXY),
            ("http://someone:hunter2@proxy.corp.example", PROXY),
            ("nonsense", "must be a URL (relative URL without a base)"),
        ],
    ),
    (
        &[Server, Table],
        "page_size",
        &["1", "10000", " 500 "],
        &[
            ("0", PAGE),
            ("10001", PAGE),
            ("-5", PAGE),
            ("1.5", PAGE),
            ("", PAGE),
            ("many", PAGE),
        ],
    ),
    (
        &[Server],
        "max_attempts",
        &["1", "10"],
        &[("0", ATTEMPTS), ("11", ATTEMPTS), ("three", ATTEMPTS)],
    ),
    (
        &[Server],
        "initial_backoff",
        &["0ms", "250 ms", "24h"],
        &[
            ("250", DURATION),
            ("-1s", DURATION),
            ("25h", DURATION),
            ("2d", DURATION),
            ("", DURATION),
        ],
    ),
    (
        &[Server],
        "max_backoff",
        &["0s", "30s"],
        &[("30", DURATION), ("1.5s", DURATION)],
    ),
    (
        &[Server],
        "request_timeout",
        &["1min"],
        &[
            ("0s", "must be longer than 0"),
            ("soon", DURATION),
            ("99999999999999999999s", DURATION),
        ],
    ),
    (
        &[Server],
        "connect_timeout",
        &["500ms"],
        &[("0ms", "must be longer than 0"), ("5 fortnights", DURATION)],
    ),
    (
        &[Server],
        "max_response_size",
        &["512kB", "1GB"],
        &[
            ("2GB", SIZE),
            ("0MB", SIZE),
            ("32", SIZE),
            ("32mb", SIZE),
            ("", SIZE),
        ],
    ),
    (
        &[Server, Table],
        "on_incomplete",
        &["error", "warning"],
        &[
            ("ignore", "must be error or warning"),
            ("", "must be error or warning"),
        ],
    ),
    (
        &[Server, Table],
        "on_drift",
        &["ignore", "retry", "error"],
        &[
            ("warning", "must be ignore, retry or error"),
            ("", "must be ignore, retry or error"),
        ],
    ),
    (
        &[Server, Table],
        "pushdown_filter",
        &["on", "OFF"],
        &[("maybe", SWITCH), ("", SWITCH)],
    ),
    (
        &[Server, Table],
        "pushdown_limit",
        &["true", "0"],
        &[("2", SWITCH)],
    ),
    (
        &[Server, Table],
        "pushdown_count",
        &["yes", "no"],
        &[("maybe", SWITCH)],
    ),
    (
        &[Server, Table],
        "pushdown_join",
        &["1", "false"],
        &[("maybe", SWITCH)],
    ),
    (
        &[Table],
        "query",
        &["users", "somethingNew"],
        &[
            ("us ers", NAME),
            ("a.b", NAME),
            ("", NAME),
            ("1x", NAME),
            ("users { email }", NAME),
        ],
    ),
    (
        &[Table],
        "shape",
        &["connection", "object", "list"],
        &[
            ("tree", "must be connection, object or list"),
            ("", "must be connection, object or list"),
        ],
    ),
    (
        &[Table],
        "key",
        &["psUserId", "team.id"],
        &[("a b", PATH), ("", PATH)],
    ),
    (
        &[Table],
        "filters",
        &["emails, ids", "colors[]=color", "name~=name", ""],
        &[
            (
                "colors",
                "filter \"colors\" is not known; say what it compares: name=field for one value, name[]=field for a list, name~=field for a part of a text",
            ),
            ("a b=c", "\"a b\" is not a GraphQL name"),
            ("color={x}", "\"{x}\" is not a GraphQL name"),
        ],
    ),
    (
        &[Table],
        "truncated",
        &["teams.pageInfo.hasNextPage", "a, b.c"],
        &[("a..b", PATH), ("a, b c", PATH)],
    ),
    (
        &[Table],
        "rows",
        &["0", "1000"],
        &[("-1", ROWS), ("few", ROWS), ("", ROWS)],
    ),
    (
        &[Column],
        "field",
        &["email", "teams.edges.node.name"],
        &[("a { b }", PATH), ("", PATH), ("a,b", PATH), ("1a", PATH)],
    ),
    (&[Column], "only_where", &["isOnAccount"], &[("a-b", PATH)]),
    (&[Column], "only_where_not", &["isOnAccount"], &[("", PATH)]),
    (
        &[Column],
        "aggregate",
        &["sum"],
        &[("max", "must be sum"), ("", "must be sum")],
    ),
    (
        &[Column],
        "epoch",
        &["s", "ms"],
        &[("us", "must be s or ms"), ("", "must be s or ms")],
    ),
    (
        &[Column],
        "null_as_empty",
        &["true", "off"],
        &[("maybe", SWITCH), ("", SWITCH)],
    ),
    (
        &[Table, Column],
        "absent",
        &["true", "false"],
        &[("perhaps", SWITCH), ("", SWITCH)],
    ),
    (
        &[Table],
        "records",
        &["nodes", "edges.node"],
        &[("edges { node }", RECORDS), ("", RECORDS)],
    ),
    (
        &[Table],
        "total_count",
        &["on", "off"],
        &[("maybe", SWITCH), ("", SWITCH)],
    ),
    (
        &[Table],
        "page_info",
        &["on", "off"],
        &[("maybe", SWITCH), ("", SWITCH)],
    ),
    (
        &[Table],
        "first_argument",
        &["first", ""],
        &[("first: 1", ARGUMENT)],
    ),
    (
        &[Table],
        "after_argument",
        &["after", ""],
        &[("a b", ARGUMENT)],
    ),
    (
        &[Table],
        "filter_argument",
        &["where", ""],
        &[("1x", ARGUMENT)],
    ),
    (
        &[Table],
        "first_type",
        &["Int!"],
        &[("Int) {", TYPE), ("", TYPE)],
    ),
    (&[Table], "after_type", &["ID"], &[("[ID", TYPE)]),
    (
        &[Table],
        "filter_type",
        &["UserFilter", "[UserWhere!]"],
        &[("A B", TYPE)],
    ),
    (
        &[Table],
        "arguments",
        &["planId=1", "kind:PlanKind=ACTIVE"],
        &[],
    ),
    (
        &[Table],
        "unchecked",
        &["true", "false"],
        &[("no idea", SWITCH)],
    ),
];

/// A statement of another kind, and its error's SQLSTATE, message and HINT; no SQLSTATE where it is accepted. `{server}`
/// and the like stand for the list of options there.
const STATEMENTS: &[(&str, &str, &str, &str)] = &[
    // Names that are not there, with the nearest one that is.
    (
        "CREATE SERVER s FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (page_sise '5')",
        "HV00D",
        "invalid option \"page_sise\" for a server",
        "Perhaps you meant \"page_size\". Valid options are: {server}.",
    ),
    (
        "CREATE SERVER s FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_ulr 'https://x.example/')",
        "HV00D",
        "invalid option \"api_ulr\" for a server",
        "Perhaps you meant \"api_url\". Valid options are: {server}.",
    ),
    (
        "CREATE SERVER s FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (color 'red')",
        "HV00D",
        "invalid option \"color\" for a server",
        "Valid options are: {server}.",
    ),
    (
        "CREATE SERVER s FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (\"API_URL\" 'https://x.example/')",
        "HV00D",
        "invalid option \"API_URL\" for a server",
        "Valid options are: {server}.",
    ),
    (
        "CREATE USER MAPPING FOR PUBLIC SERVER pluralsight OPTIONS (api_tokne 'a')",
        "HV00D",
        "invalid option \"api_tokne\" for a user mapping",
        "Perhaps you meant \"api_token\". Valid options are: {user mapping}.",
    ),
    (
        "CREATE FOREIGN TABLE t (user_id text) SERVER pluralsight OPTIONS (quary 'users')",
        "HV00D",
        "invalid option \"quary\" for a foreign table",
        "Perhaps you meant \"query\". Valid options are: {foreign table}.",
    ),
    (
        "CREATE FOREIGN TABLE t (user_id text OPTIONS (feild 'x')) SERVER pluralsight OPTIONS (query 'users')",
        "HV00D",
        "invalid option \"feild\" for a column",
        "Perhaps you meant \"field\". Valid options are: {column}.",
    ),
    (
        "ALTER FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (ADD color 'red')",
        "HV00D",
        "invalid option \"color\" for a foreign-data wrapper",
        "A foreign-data wrapper has no options here.",
    ),
    (
        "ALTER FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (ADD api_url 'https://x.example/')",
        "HV00D",
        "invalid option \"api_url\" for a foreign-data wrapper",
        "It belongs to a server.",
    ),
    // Options that no object can be with, or without.
    (
        "CREATE FOREIGN TABLE t (user_id text) SERVER pluralsight",
        "HV00J",
        "option \"query\" is missing: which GraphQL query does the table read?",
        "CALL pluralsight_fdw.set_up('pluralsight'); makes the tables with all their options. By hand, add for example OPTIONS (query 'users').",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users OPTIONS (DROP query)",
        "HV00J",
        "option \"query\" is missing: which GraphQL query does the table read?",
        "CALL pluralsight_fdw.set_up('pluralsight'); makes the tables with all their options. By hand, add for example OPTIONS (query 'users').",
    ),
    (
        "CREATE FOREIGN TABLE t (user_id text OPTIONS (only_where 'x', only_where_not 'y')) SERVER pluralsight OPTIONS (query 'users')",
        "HV00D",
        "options \"only_where\" and \"only_where_not\" exclude one another",
        "",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN email OPTIONS (ADD only_where 'x', ADD only_where_not 'y')",
        "HV00D",
        "options \"only_where\" and \"only_where_not\" exclude one another",
        "",
    ),
    (
        "CREATE FOREIGN TABLE t (user_id text) SERVER pluralsight OPTIONS (query 'users', query 'users')",
        "42710",
        "option \"query\" provided more than once",
        "",
    ),
    // Two tokens at one level; one at each is the rule.
    (
        "CREATE USER MAPPING FOR PUBLIC SERVER pluralsight OPTIONS (api_token 'a', api_token_file '/x')",
        "HV00D",
        "a user mapping can name one API token, not 2",
        "Given are api_token and api_token_file; keep one of them.",
    ),
    (
        "CREATE SERVER s FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_token_file '/x', api_token_name 'b')",
        "HV00D",
        "a server can name one API token, not 2",
        "Given are api_token_file and api_token_name; keep one of them.",
    ),
    (
        "CREATE USER MAPPING FOR PUBLIC SERVER pluralsight OPTIONS (api_token_name 'a', api_token_id '0b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a11', api_token 'b')",
        "HV00D",
        "a user mapping can name one API token, not 3",
        "Given are api_token, api_token_id and api_token_name; keep one of them.",
    ),
    (
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (ADD api_token_name 'x')",
        "HV00D",
        "a user mapping can name one API token, not 2",
        "Given are api_token and api_token_name; keep one of them.",
    ),
    (
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token, ADD api_token_name 'x')",
        "",
        "",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (ADD api_token_name 'x')",
        "",
        "",
        "",
    ),
    // ALTER.
    (
        "ALTER SERVER pluralsight OPTIONS (ADD page_size '50', ADD max_attempts '5')",
        "",
        "",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (page_size '50')",
        "",
        "",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (ADD page_size '0')",
        "HV024",
        "invalid value for option \"page_size\": must be a whole number from 1 to 10000",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (SET page_size '50')",
        "42704",
        "option \"page_size\" not found",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (DROP page_size)",
        "42704",
        "option \"page_size\" not found",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (ADD api_url 'https://x.example/')",
        "42710",
        "option \"api_url\" provided more than once",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (SET api_url 'https://x.example/')",
        "",
        "",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (SET api_url 'http://x.example/')",
        "HV024",
        "invalid value for option \"api_url\": it must begin with https://; http:// is for this machine's own addresses alone, such as http://127.0.0.1:4000/graphql",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (DROP api_url)",
        "",
        "",
        "",
    ),
    (
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token 'other')",
        "",
        "",
        "",
    ),
    (
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token)",
        "",
        "",
        "",
    ),
    (
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token 'a b')",
        "HV024",
        "invalid value for option \"api_token\": it holds a space, a line break or another character that no API key has",
        "",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users OPTIONS (SET query 'teams')",
        "",
        "",
        "",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users OPTIONS (ADD row '5')",
        "HV00D",
        "invalid option \"row\" for a foreign table",
        "Perhaps you meant \"rows\". Valid options are: {foreign table}.",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN email OPTIONS (SET field 'a b')",
        "HV024",
        "invalid value for option \"field\": must be GraphQL names joined by dots, such as teams.edges.node.name, and nothing else",
        "",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN email OPTIONS (SET field 'mail')",
        "",
        "",
        "",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN email OPTIONS (DROP field)",
        "",
        "",
        "",
    ),
    // IMPORT FOREIGN SCHEMA has one option of its own.
    (
        "IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO public OPTIONS (discover 'all')",
        "",
        "",
        "",
    ),
    (
        "IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO public OPTIONS (discover 'some')",
        "HV024",
        "invalid value for option \"discover\": must be declared, all or off",
        "",
    ),
    (
        "IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO public OPTIONS (discovr 'all')",
        "HV00D",
        "invalid option \"discovr\" for IMPORT FOREIGN SCHEMA",
        "The one option here is discover: declared, all or off.",
    ),
];

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
    let manual = include_str!("../../docs/options.md");
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
