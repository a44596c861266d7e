//! A column more is one line of the catalog and one of each view that shows it; what was made before gains it.
//!
//! The product before is today's without those lines: its views are made of today's files, less the line.

use std::path::{Path, PathBuf};

use behaviour::cluster::Cluster;
use behaviour::copies::{REFRESH, config, stage};
use behaviour::views::mark_as_made;
use behaviour::{Session, source};
use pluralsight_sandbox::Sandbox;

const COLUMN: &str = "mfa_enabled";
const SET_UP: &str = "CALL pluralsight_fdw.set_up('pluralsight')";
const CREATE_COPIES: &str = "CALL pluralsight_fdw.create_copies()";
/// The views that show the column, and those that stand on them, in the order in which they need one another.
const VIEWS: [&str; 5] = [
    "accounts",
    "accounts_anonymous",
    "idle_licenses",
    "seats",
    "admins_without_use",
];
/// Everything that has the column.
const PLACES: [&str; 7] = [
    "pluralsight.users",
    "pluralsight.accounts",
    "pluralsight.accounts_anonymous",
    "pluralsight_copy.users",
    "pluralsight_copy.accounts",
    "pluralsight_copy.accounts_anonymous",
    "pluralsight_copy.account_history",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The file of a view as it was before there was such a column.
fn before(view: &str) -> String {
    let path = root().join(format!("sql/views/{view}.sql"));
    let text = std::fs::read_to_string(path).expect("a view's file");
    let (lines, comments) = text.split_once("\n\nCOMMENT ON VIEW ").expect("comments");
    // Where a view has two halves, what the second one has in the column's place goes, too.
    let halves: Vec<&str> = lines.split("UNION ALL\n").collect();
    let place = |half: &str| items(half).position(is_of_column);
    let Some(number) = place(halves[0]) else {
        return text;
    };
    let halves: Vec<String> = halves
        .iter()
        .map(|half| {
            let gone = items(half).nth(number).expect("as many columns");
            half.replacen(&format!("{gone}\n"), "", 1)
        })
        .collect();
    format!(
        "{}\n\nCOMMENT ON VIEW {comments}",
        halves.join("UNION ALL\n")
    )
}

/// The lines that begin an item of the list that is selected.
fn items(half: &str) -> impl Iterator<Item = &str> {
    half.lines().filter(|line| {
        line.strip_prefix("    ").is_some_and(|item| {
            item.starts_with(|c: char| c.is_ascii_alphabetic() || c == '\'' || c == '(')
                && !item.starts_with("END ")
                && !item.starts_with("FROM ")
                && !item.starts_with("WHERE ")
        })
    })
}

fn is_of_column(line: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|word| word == COLUMN)
}

#[test]
fn a_column_is_one_line_of_the_catalog_and_one_of_each_view_that_shows_it() {
    let mut found: Vec<String> = source::product(&root())
        .into_iter()
        .flat_map(|(file, code)| {
            let name = file
                .strip_prefix(root())
                .expect("a file of the product")
                .display()
                .to_string();
            code.lines()
                .filter(|line| is_of_column(line))
                .map(|line| format!("{name}: {}", line.trim()))
                .collect::<Vec<_>>()
        })
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            r#"crates/pluralsight-catalog/src/tables/users.rs: mfa_enabled: Boolean = "mfaEnabled" or "isMfaEnabled" "Has multi-factor authentication on.";"#,
            "sql/views/accounts.sql: u.mfa_enabled,",
            "sql/views/accounts_anonymous.sql: a.mfa_enabled,",
        ]
    );
    let less = before("accounts");
    assert!(!less.lines().any(is_of_column), "{less}");
}

/// Makes of today's tables, views, copies and history those of the product before.
fn take_away(session: &mut Session) {
    for schema in ["pluralsight", "pluralsight_copy"] {
        session.run(&format!(
            "SET search_path = {schema}, pg_temp; DROP VIEW accounts CASCADE"
        ));
        session.run(&if schema == "pluralsight" {
            format!("ALTER FOREIGN TABLE users DROP COLUMN {COLUMN}")
        } else {
            format!("ALTER TABLE users DROP COLUMN {COLUMN}; ALTER TABLE account_history DROP COLUMN {COLUMN}")
        });
        for view in VIEWS {
            session.run(&before(view));
            session.run(&mark_as_made(view));
        }
    }
    session.run("RESET search_path");
    assert_eq!(places(session), Vec::<String>::new());
}

/// Where the column is, with its comment.
fn places(session: &mut Session) -> Vec<String> {
    let mut places = session.column(&format!(
        "SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
         WHERE attname = '{COLUMN}' AND relkind IN ('r', 'f', 'v') AND col_description(attrelid, attnum) = 'Has multi-factor authentication on.'"
    ));
    places.sort();
    places
}

/// The product of today comes to what the one before has made.
fn gains(session: &mut Session, sandbox: &Sandbox) {
    let versions = "SELECT count(*) FROM pluralsight_copy.account_history";
    let events = "SELECT count(*) FROM pluralsight_copy.changes_between('-infinity', 'infinity')";
    // Until somebody calls set_up and create_copies, all goes on as before.
    session.run(REFRESH);
    let (before, happened) = (session.value(versions), session.value(events));
    let moment = session.value("SELECT quote_literal(clock_timestamp())");
    let known = format!(
        "SELECT string_agg(user_id || ' ' || valid_from, ', ' ORDER BY user_id, valid_from) FROM pluralsight_copy.account_history WHERE valid_from < {moment}"
    );
    let recorded = session.value(&known);
    session.run(SET_UP);
    session.run(CREATE_COPIES);
    let mut expected: Vec<String> = PLACES.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(places(session), expected);
    let same = "SELECT count(*) FROM pluralsight.users AS live JOIN pluralsight_copy.users AS kept USING (user_id)
                JOIN pluralsight_copy.accounts AS account USING (user_id) JOIN pluralsight_copy.account_history AS version USING (user_id)
                WHERE version.valid_to IS NULL AND (live.mfa_enabled, live.mfa_enabled, live.mfa_enabled) = (kept.mfa_enabled, account.mfa_enabled, version.mfa_enabled)";
    assert_eq!(
        session.value(same),
        session.value("SELECT count(*) FROM pluralsight.users WHERE mfa_enabled IS NOT NULL")
    );
    assert_ne!(session.value(same), "0");
    // What becomes known has not changed: there is a version more of each, and no event.
    assert_ne!(session.value(versions), before);
    assert_eq!(session.value(events), happened);
    assert_eq!(
        session.value(&known),
        recorded,
        "what was recorded before stays"
    );
    // From now on a change of it is recorded.
    let person = sandbox.organization().user(3).ps_user_id;
    let mut now = false;
    sandbox.organization().edit_user(&person, |user| {
        now = user.mfa_enabled != Some(true);
        user.mfa_enabled = Some(now);
    });
    session.run(REFRESH);
    let last = session.column(&format!(
        "SELECT mfa_enabled FROM pluralsight_copy.account_history WHERE user_id = '{person}' ORDER BY valid_from DESC LIMIT 2"
    ));
    let word = |value: bool| if value { "t" } else { "f" }.to_owned();
    assert_eq!(last, [word(now), word(!now)]);
    assert_eq!(
        session.value(&format!("SELECT mfa_enabled FROM pluralsight_copy.accounts_at('infinity') WHERE user_id = '{person}'")),
        word(now)
    );
    // And all is as it would be made today.
    session.run("SET client_min_messages = notice");
    session.notices();
    session.run(&format!("{SET_UP}; {CREATE_COPIES}"));
    assert_eq!(session.notices(), Vec::<String>::new());
}

#[test]
fn tables_views_copies_and_history_gain_a_column() {
    let mut stage = stage(60);
    let reader = stage.role("reader");
    take_away(&mut stage.session);
    stage.session.run(&format!(
        "CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{reader}');
         CREATE VIEW public.mine AS SELECT user_id, email FROM pluralsight_copy.memberships"
    ));
    gains(&mut stage.session, &stage.sandbox);
    assert_ne!(
        stage
            .session_of(&reader)
            .value("SELECT count(mfa_enabled) FROM pluralsight_copy.accounts"),
        "0",
        "grants are kept"
    );
    stage.session.run("SELECT * FROM public.mine");
}

#[test]
fn a_set_that_an_older_product_made_gains_a_column_and_its_history_goes_on() {
    let sandbox = Sandbox::start(config(60)).expect("the sandbox starts");
    let cluster = Cluster::fresh("older", "");
    // Made by pg_dump over the product before: tables, views, copies, and history of three refreshes. It is never made anew.
    let dump = std::fs::read(root().join("tests/fixtures/set-without-mfa_enabled.sql"))
        .expect("the fixture");
    cluster.restore(&dump);
    let mut session = Session::connect(&cluster.config());
    assert_eq!(places(&mut session), Vec::<String>::new());
    let left = "SELECT count(*) FROM pluralsight_copy.changes_between('-infinity', 'infinity') WHERE change = 'left'";
    assert_eq!(session.value(left), "1");
    session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url '{}');
         ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token '{}')",
        sandbox.url(),
        sandbox.token()
    ));
    // The one who left then.
    let gone = session.value("SELECT user_id FROM pluralsight_copy.changes_between('-infinity', 'infinity') WHERE change = 'left'");
    assert!(sandbox.organization().forget_user(&gone));
    gains(&mut session, &sandbox);
    assert_eq!(session.value(left), "1");
}
