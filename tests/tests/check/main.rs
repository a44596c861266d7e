//! `pluralsight_fdw.check(server)`: what it finds, and what it says to do.

mod copies;

use std::net::TcpListener;

use behaviour::Stage;
use pluralsight_sandbox::{Cap, Config};

fn stage() -> Stage {
    Stage::new(Config {
        users: 300,
        ..Config::default()
    })
}

/// The rows as `checked status: found`, and the hints.
fn findings(stage: &mut Stage) -> (Vec<String>, Vec<(String, String)>) {
    let rows = stage.session.rows("SELECT * FROM pluralsight_fdw.check()");
    let mut hints = Vec::new();
    let lines = rows
        .into_iter()
        .map(|row| {
            let [checked, status, found, hint] = <[_; 4]>::try_from(row).expect("four columns");
            let (checked, status) = (checked.expect("a name"), status.expect("a status"));
            assert_eq!(
                status == "ok" || status == "skipped",
                hint.is_none(),
                "{checked}: a HINT, where there is need"
            );
            // A terminal of 100 columns shows a row whole, unless a word of it is longer than that.
            for (text, most) in [(&found, 27), (&hint, 37)] {
                for line in text.iter().flat_map(|text| text.lines()) {
                    assert!(
                        line.chars().count() <= most || !line.contains(' '),
                        "{line}"
                    );
                }
            }
            if let Some(hint) = hint {
                hints.push((checked.clone(), hint.replace('\n', " ")));
            }
            let found = found.expect("what was found").replace('\n', " ");
            match checked.as_str() {
                // Not the same on every run.
                "latency" if status != "skipped" => format!("{checked} {status}"),
                _ => format!("{checked} {status}: {found}"),
            }
        })
        .collect();
    (lines, hints)
}

const CRON: &str = "pg_cron warning: not installed in this database";
const VERSION: &str = concat!(
    "extension ok: version ",
    env!("CARGO_PKG_VERSION"),
    " is up to date"
);
const QUIET: &str = "deprecations ok: the API has announced none in this session";

const NO_COPIES: &str = "copies ok: none that this role may read";

const CURE_OF_CRON: &str =
    "Only needed for refreshes on a schedule; any other scheduler that runs psql will do.";

/// What is found of a healthy server, up to and without that line; and what stands below the API's part always.
fn healthy_until(stage: &Stage, end: &str) -> Vec<String> {
    let lines = [
        "options ok: the server's one option is valid".to_owned(),
        "token ok: found: user mapping, api_token".to_owned(),
        "DNS ok: no name to look up: 127.0.0.1 is an address".to_owned(),
        "TLS ok: not in use: the address is this machine's own".to_owned(),
        format!("reach ok: {} answers", stage.sandbox.address()),
        "token accepted ok: the API knows the token".to_owned(),
        "entitlement ok: the token may read users; there are 300".to_owned(),
        "page size ok: not reached: a page of 1000 records holds all 300 users".to_owned(),
        "clock ok: this machine's clock and the API's agree".to_owned(),
        "latency ok".to_owned(),
        "pluralsight.admins ok: 9 columns, no filters".to_owned(),
        "pluralsight.permission_sets ok: 4 columns, no filters".to_owned(),
        "pluralsight.plan ok: 10 columns, no filters".to_owned(),
        "pluralsight.teams ok: 5 columns, filters name, ids".to_owned(),
        "pluralsight.users ok: 22 columns, filters emails, psUserIds, ids, isOnAccount, teamIds"
            .to_owned(),
    ];
    lines
        .into_iter()
        .take_while(|line| end.is_empty() || !line.starts_with(end))
        .collect()
}

/// What rests on a check that failed is skipped, and named.
fn ending_with(mut lines: Vec<String>, failed: &[&str]) -> Vec<String> {
    lines.extend(failed.iter().map(|line| (*line).to_owned()));
    if let Some((name, _)) = failed.last().and_then(|line| line.split_once(" failed: ")) {
        let names = [
            "options",
            "token",
            "DNS",
            "TLS",
            "reach",
            "token accepted",
            "entitlement",
            "page size",
            "clock",
            "latency",
            "tables",
        ];
        let after = names.iter().skip_while(|known| **known != name).skip(1);
        lines.extend(after.map(|known| format!("{known} skipped: not tried: {name} failed")));
    }
    lines.extend([NO_COPIES, QUIET, CRON, VERSION].map(str::to_owned));
    lines
}

fn hints(hints: &[(&str, &str)]) -> Vec<(String, String)> {
    hints
        .iter()
        .chain(&[("pg_cron", CURE_OF_CRON)])
        .map(|(checked, hint)| ((*checked).to_owned(), (*hint).to_owned()))
        .collect()
}

#[test]
fn a_healthy_server_is_healthy() {
    let mut stage = stage();
    let expected = ending_with(healthy_until(&stage, ""), &[]);
    assert_eq!(findings(&mut stage), (expected, hints(&[])));
    assert_eq!(stage.sandbox.total(), 8, "one per table, and a handful");
    // The server goes by its name, and needs USAGE alone.
    let role = stage.role("plain");
    let mut plain = stage.session_of(&role);
    assert_eq!(
        plain.column(
            "SELECT found FROM pluralsight_fdw.check('pluralsight') WHERE status = 'failed'"
        ),
        ["API token is missing"]
    );
    let error = stage
        .session
        .error("SELECT * FROM pluralsight_fdw.check('absent')");
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("42704", "server \"absent\" does not exist")
    );
}

#[test]
fn the_first_thing_that_fails_is_named_with_its_cure() {
    let mut stage = stage();
    let host = stage.sandbox.address().to_string();
    for (fault, at, found, hint) in [
        (
            "users=401",
            "token accepted",
            format!(
                "users: the API refused the token: status 401 (HTTP 401), reading users from {host}"
            ),
            "Check the token, or have a plan admin make a new key under Manage Keys in Pluralsight's developer portal; a key that was not used for 90 days after it expired is deleted.",
        ),
        (
            "users=403",
            "entitlement",
            format!(
                "users: the API denied access: status 403 (HTTP 403), reading users from {host}"
            ),
            "The plan or the key lacks access: the API needs a Professional or Enterprise plan, and a key made by one of its admins.",
        ),
        (
            "users=errors='no access'",
            "entitlement",
            "users: the API answered with an error: no access, reading users (1 attempt)"
                .to_owned(),
            "The API itself reports this; if it stays, it is a matter for Pluralsight's support.",
        ),
        (
            "users=404",
            "reach",
            format!("users: no GraphQL API was found at {host}: HTTP 404, reading users"),
            "Check api_url; Pluralsight documents https://paas-api.pluralsight.com/graphql.",
        ),
        (
            "users=redirect=http://x.example/",
            "reach",
            format!(
                "users: {host} answered with a redirect (HTTP 307) to http://x.example, reading users; redirects are not followed"
            ),
            "Set api_url to the address that answers itself.",
        ),
        (
            "users=429,retry-after=100000",
            "reach",
            format!(
                "users: {host}'s rate limit was reached, reading users; it asks to wait 27 h 46 min (1 attempt)"
            ),
            "Try again in 27 h 46 min, or raise max_backoff if a query may wait that long; fewer and larger pages (page_size) cost fewer requests.",
        ),
    ] {
        stage.sandbox.faults().script(fault).expect(fault);
        let expected = ending_with(
            healthy_until(&stage, at),
            &[&format!("{at} failed: {found}")],
        );
        assert_eq!(
            findings(&mut stage),
            (expected, hints(&[(at, hint)])),
            "{fault}"
        );
        stage.sandbox.faults().clear();
    }
}

#[test]
fn a_wrong_token_and_a_missing_one_are_told_apart() {
    let mut stage = stage();
    stage.sandbox.revoke_token();
    let (lines, _) = findings(&mut stage);
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("token accepted failed: users: the API refused the token")),
        "{lines:?}"
    );
    stage.sandbox.reset();
    stage
        .session
        .run("DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight");
    let expected = ending_with(
        healthy_until(&stage, "token"),
        &["token failed: API token is missing"],
    );
    let hint = "Give the current role a token for this server: CREATE USER MAPPING FOR CURRENT_USER SERVER \"pluralsight\" OPTIONS (api_token '…');";
    assert_eq!(findings(&mut stage), (expected, hints(&[("token", hint)])));
    assert_eq!(stage.sandbox.total(), 0);
}

#[test]
fn it_says_where_the_token_was_found_and_never_the_token() {
    let mut stage = stage();
    for (sql, expected) in [
        ("SELECT 1", "token ok: found: user mapping, api_token"),
        (
            "DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight; CREATE USER MAPPING FOR PUBLIC SERVER pluralsight OPTIONS (api_token 'sandbox-token')",
            "token ok: found: user mapping for PUBLIC, api_token",
        ),
        (
            "DROP USER MAPPING FOR PUBLIC SERVER pluralsight; ALTER SERVER pluralsight OPTIONS (ADD api_token 'sandbox-token')",
            "token warning: found: server, api_token",
        ),
    ] {
        stage.session.run(sql);
        let (lines, hints) = findings(&mut stage);
        assert_eq!(lines[1], expected);
        assert!(!format!("{lines:?}{hints:?}").contains("sandbox-token"));
    }
}

#[test]
fn a_host_that_is_not_there_is_told_from_one_that_does_not_answer() {
    let mut stage = stage();
    stage.session.run("ALTER SERVER pluralsight OPTIONS (ADD max_attempts '1', SET api_url 'https://nowhere.invalid/graphql')");
    let (lines, _) = findings(&mut stage);
    assert_eq!(
        lines[2..],
        ending_with(
            Vec::new(),
            &["DNS failed: users: could not connect to nowhere.invalid: no such host (1 attempt)"]
        )
    );

    let closed = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port that nobody listens on any more");
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url 'https://{closed}/graphql')"
    ));
    let (lines, hints) = findings(&mut stage);
    assert_eq!(
        lines[2],
        "DNS ok: no name to look up: 127.0.0.1 is an address"
    );
    assert_eq!(lines[3], "TLS skipped: not tried: no connection");
    assert!(
        lines[4].starts_with(&format!(
            "reach failed: users: could not connect to {closed}: "
        )),
        "{lines:?}"
    );
    assert_eq!(
        hints[0].1,
        "Check that this machine may reach that host (DNS, firewall, proxy)."
    );
}

#[test]
fn what_slows_queries_down_or_will_break_them_is_a_warning() {
    let mut stage = Stage::new(Config {
        users: 300,
        page_cap: Cap(Some(50)),
        ..Config::default()
    });
    for fault in [
        "*=header='Date:Mon, 01 Jan 2024 00:00:00 GMT'",
        "planInfo=errors='not for you'",
        // The third is the one that the latency is taken from.
        "users@3=delay=1100ms",
        "*=warnings=[\"users will go away on 1 May\"]",
    ] {
        stage.sandbox.faults().script(fault).expect(fault);
    }
    let rows = stage
        .session
        .rows("SELECT checked, found, hint FROM pluralsight_fdw.check() WHERE status = 'warning'");
    let text = |column: usize| -> Vec<String> {
        rows.iter()
            .map(|row| row[column].clone().unwrap_or_default().replace('\n', " "))
            .collect()
    };
    assert_eq!(
        text(0),
        ["page size", "clock", "latency", "deprecations", "pg_cron"]
    );
    assert_eq!(
        text(1)[0],
        "the API hands out 50 records a page where 1000 are asked for",
    );
    assert!(text(1)[1].ends_with(" s ahead of the API's"), "{rows:?}");
    assert!(text(2)[0].contains("ALTER SERVER \"pluralsight\" OPTIONS (ADD page_size '50');"));
    assert_eq!(
        text(2)[3],
        "SELECT * FROM pluralsight_fdw.api_announcements;"
    );
    // A table that cannot be read is the one that fails.
    let (lines, _) = findings(&mut stage);
    assert!(
        lines.contains(&"pluralsight.plan failed: plan: the API answered with an error: not for you, reading planInfo, page 1 (1 attempt)".to_owned()),
        "{lines:?}"
    );
    // What it heard is there for those who ask.
    assert!(
        stage
            .session
            .column("SELECT announcement FROM pluralsight_fdw.api_announcements")
            .contains(&"users will go away on 1 May".to_owned())
    );
}

#[test]
fn it_can_be_canceled_like_any_query() {
    let mut stage = stage();
    stage
        .sandbox
        .faults()
        .script("users=stall")
        .expect("a fault");
    let error = stage
        .session
        .error("SET statement_timeout = '300ms'; SELECT * FROM pluralsight_fdw.check()");
    assert_eq!(error.code, "57014");
}

#[test]
fn there_is_a_row_for_each_table_that_says_what_it_lacks() {
    let mut stage = Stage::bare(Config {
        users: 30,
        without: vec![
            "User.mfaEnabled".to_owned(),
            "UserFilter.emails".to_owned(),
            "Query.planAdmins".to_owned(),
        ],
        ..Config::default()
    });
    let row = |stage: &mut Stage, table: &str| {
        let (lines, hints) = findings(stage);
        let hint = hints.into_iter().find(|(name, _)| name == table);
        (
            lines
                .into_iter()
                .find(|line| line.starts_with(&format!("{table} ")))
                .unwrap_or_default(),
            hint.map(|(_, hint)| hint).unwrap_or_default(),
        )
    };
    assert_eq!(
        row(&mut stage, "tables"),
        (
            "tables warning: no foreign table reads from this server".to_owned(),
            "CALL pluralsight_fdw.set_up('pluralsight');".to_owned()
        )
    );
    stage.session.run("IMPORT FOREIGN SCHEMA pluralsight LIMIT TO (teams) FROM SERVER pluralsight INTO pluralsight OPTIONS (discover 'off')");
    let (found, hint) = row(&mut stage, "pluralsight.teams");
    assert_eq!(
        found,
        "pluralsight.teams warning: unchecked: made without asking the API what it has"
    );
    stage.session.run(&hint);
    assert_eq!(
        row(&mut stage, "pluralsight.teams").0,
        "pluralsight.teams ok: 5 columns, filters name, ids"
    );
    assert_eq!(
        row(&mut stage, "pluralsight.users").0,
        "pluralsight.users warning: 21 columns, filters psUserIds, ids, isOnAccount, teamIds; NULL, because the API lacks them: mfa_enabled"
    );
    let (found, _) = row(&mut stage, "pluralsight.admins");
    assert!(
        found.starts_with("pluralsight.admins warning: reads as empty")
            && found.contains("planAdmins"),
        "{found}"
    );
}
