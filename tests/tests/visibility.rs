//! What `EXPLAIN`, errors and warnings show of the rows below a view to those who may read the view alone.

use behaviour::{Refusal, Session, Stage};
use pluralsight_sandbox::Config;

const HR: &str = "SELECT department, is_on_account FROM staff";

/// An HR table with 12 addresses, and a view that shows departments to a reader and no addresses.
struct Office {
    stage: Stage,
    reader: String,
    addresses: Vec<String>,
    ids: Vec<String>,
}

fn office() -> Office {
    let mut stage = Stage::new(Config {
        users: 5_000,
        ..Config::default()
    });
    let reader = format!("reader_{}", stage.database());
    stage.session.run(&format!(
        "CREATE TABLE hr AS SELECT email, user_id, 'Department ' || row_number() OVER () AS department
             FROM pluralsight.users WHERE email ~ '^[a-z.]+@' LIMIT 12;
         ANALYZE hr;
         CREATE VIEW staff WITH (security_barrier) AS
             SELECT h.department, u.is_on_account FROM hr AS h JOIN pluralsight.users AS u ON u.email = h.email;
         CREATE ROLE {reader} LOGIN;
         GRANT SELECT ON staff TO {reader};
         GRANT USAGE ON SCHEMA pluralsight TO {reader}"
    ));
    let addresses = stage.session.column("SELECT email FROM hr ORDER BY 1");
    let ids = stage.session.column("SELECT user_id FROM hr ORDER BY 1");
    assert_eq!(addresses.len(), 12);
    Office {
        stage,
        reader,
        addresses,
        ids,
    }
}

impl Office {
    fn of_reader(&self) -> Session {
        self.stage.session_of(&self.reader)
    }

    /// How many of the hidden addresses and keys the text shows.
    fn told(&self, text: &str) -> usize {
        self.addresses
            .iter()
            .chain(&self.ids)
            .filter(|known| text.contains(known.as_str()))
            .count()
    }
}

fn explained(session: &mut Session, sql: &str) -> String {
    let mut text = String::new();
    for format in ["TEXT", "JSON"] {
        text += &session
            .column(&format!(
                "EXPLAIN (ANALYZE, VERBOSE, FORMAT {format}) {sql}"
            ))
            .join("\n");
    }
    text
}

#[test]
fn explain_shows_values_only_to_those_who_may_read_every_table() {
    let mut office = office();
    let owner = explained(&mut office.stage.session, HR);
    assert!(owner.contains("Remote Filter: emails in"), "{owner}");
    assert_eq!(office.told(&owner), 12, "{owner}");

    let mut session = office.of_reader();
    let shown = explained(&mut session, HR);
    assert_eq!(office.told(&shown), 0, "{shown}");
    assert!(
        shown.contains(r#"{"filter":{"emails":"1 value"}}"#),
        "{shown}"
    );
    assert!(shown.contains("Requests: "), "{shown}");
    // Rights on one of the two tables do not show what the other one holds.
    let reader = office.reader.clone();
    for (grant, revoke, told) in [
        (
            format!("GRANT SELECT ON pluralsight.users TO {reader}"),
            format!("REVOKE SELECT ON pluralsight.users FROM {reader}"),
            0,
        ),
        (
            format!("GRANT SELECT ON hr TO {reader}"),
            format!("REVOKE SELECT ON hr FROM {reader}"),
            0,
        ),
        (
            format!(
                "GRANT SELECT (department) ON hr TO {reader}; GRANT SELECT ON pluralsight.users TO {reader}"
            ),
            format!("REVOKE SELECT (department) ON hr FROM {reader}"),
            0,
        ),
        (
            format!("GRANT SELECT ON hr TO {reader}; ALTER TABLE hr ENABLE ROW LEVEL SECURITY"),
            "ALTER TABLE hr DISABLE ROW LEVEL SECURITY".to_owned(),
            0,
        ),
        (String::new(), String::new(), 12),
    ] {
        office.stage.session.run(&grant);
        let shown = explained(&mut session, HR);
        assert_eq!(office.told(&shown), told, "{grant}: {shown}");
        office.stage.session.run(&revoke);
    }
}

#[test]
fn explain_counts_the_values_of_a_reader_of_the_views() {
    let mut office = office();
    office.stage.session.run(&format!(
        "GRANT SELECT ON pluralsight.accounts TO {}",
        office.reader
    ));
    let list = office.ids.join("','");
    let sql = format!("SELECT is_active FROM pluralsight.accounts WHERE user_id IN ('{list}')");
    let mut session = office.of_reader();
    let analyzed: Vec<String> = session
        .column(&format!("EXPLAIN (ANALYZE, VERBOSE) {sql}"))
        .into_iter()
        .filter(|line| line.contains("Variables: "))
        .collect();
    assert!(
        analyzed
            .iter()
            .any(|line| line.contains(r#""12 values"}}"#)),
        "{analyzed:?}"
    );
    assert_eq!(office.told(&analyzed.join("\n")), 0, "{analyzed:?}");
    let analyzed = explained(&mut office.stage.session, &sql);
    assert!(!analyzed.contains("values\""), "{analyzed}");
}

/// The error that the reader gets, and the one of the owner, who may know.
fn both(office: &mut Office, fault: &str, sql: &str) -> (Refusal, Refusal) {
    let mut errors = Vec::new();
    let mut session = office.of_reader();
    for session in [&mut session, &mut office.stage.session] {
        office
            .stage
            .sandbox
            .faults()
            .script(fault)
            .unwrap_or_else(|error| panic!("{fault}: {error}"));
        errors.push(session.error(sql));
        office.stage.sandbox.faults().clear();
    }
    let owner = errors.pop().expect("two");
    (errors.pop().expect("two"), owner)
}

#[test]
fn an_error_shows_values_only_to_those_who_may_read_every_table() {
    let mut office = office();
    office.stage.session.run(&format!(
        "GRANT SELECT ON pluralsight.accounts_anonymous TO {};
         ALTER SERVER pluralsight OPTIONS (ADD max_attempts '1')",
        office.reader
    ));
    let anonymous = "SELECT last_sign_in_month FROM pluralsight.accounts_anonymous";
    // A value that does not fit, and a record that is no record.
    for (fault, told, hidden) in [
        (
            r#"users=set=/data/users/nodes/3/lastLogin:"ada@example.org""#,
            r#"users: column "last_login": field lastLogin holds the text "ada@example.org" where an instant that PostgreSQL can store, such as 2021-02-01T00:00:00.000Z, was expected (page 1)"#,
            r#"users: column "last_login": field lastLogin holds the text where an instant that PostgreSQL can store, such as 2021-02-01T00:00:00.000Z, was expected (page 1)"#,
        ),
        (
            r#"users=set=/data/users/nodes/3:"ada@example.org""#,
            r#"nodes[3] is the text "ada@example.org", not an object"#,
            "nodes[3] is not an object",
        ),
    ] {
        let (reader, owner) = both(&mut office, fault, anonymous);
        assert!(owner.message.contains(told), "{owner:?}");
        assert!(reader.message.contains(hidden), "{reader:?}");
        assert!(!format!("{reader:?}").contains("ada@"), "{reader:?}");
        assert_eq!(reader.code, owner.code);
    }
    // A reply that broke off has people in it.
    let (reader, owner) = both(
        &mut office,
        r#"users=body='{"data":{"users":{"nodes":[{"email":"ada@example.org"}'"#,
        anonymous,
    );
    assert!(
        owner
            .detail
            .as_ref()
            .is_some_and(|detail| detail.contains("ada@example.org")),
        "{owner:?}"
    );
    assert!(!format!("{reader:?}").contains("ada@"), "{reader:?}");
    // An API that repeats what it was asked for.
    let address = office.addresses[0].clone();
    let fault = format!("users=errors='no user {address} here'");
    let one = format!("DELETE FROM hr WHERE email <> '{address}'; ANALYZE hr");
    office.stage.session.run(&one);
    let (reader, owner) = both(&mut office, &fault, HR);
    assert!(owner.message.contains(&address), "{owner:?}");
    assert!(
        reader.message.contains("no user … here") && office.told(&format!("{reader:?}")) == 0,
        "{reader:?}"
    );
}

#[test]
fn verify_pushdown_names_records_only_to_those_who_may_read_every_table() {
    // An API that leaves out a record which it was asked for, beside one that it finds.
    let mut stage = Stage::new(Config {
        users: 300,
        ..Config::default()
    });
    let reader = format!("reader_{}", stage.database());
    stage.session.run(&format!(
        "CREATE VIEW chosen WITH (security_barrier = false) AS SELECT is_on_account, user_id FROM pluralsight.users;
         CREATE ROLE {reader} LOGIN; GRANT SELECT ON chosen TO {reader}"
    ));
    let ids = stage
        .session
        .column("SELECT user_id FROM pluralsight.users");
    let first = ids.first().expect("the API's first user").clone();
    let behind = ids
        .iter()
        .find(|id| **id > first)
        .expect("one that is asked for behind the first");
    let sql = format!(
        "SET pluralsight_fdw.verify_pushdown = on;
         SELECT is_on_account FROM chosen WHERE user_id IN ('{first}', '{behind}')"
    );
    let fault = "users@1=unset=/data/users/nodes/0,total=1";
    stage.sandbox.faults().script(fault).expect("a valid rule");
    let mut afresh = stage.another_session();
    let owner = afresh.error(&sql);
    stage.sandbox.faults().script(fault).expect("a valid rule");
    let mut session = stage.session_of(&reader);
    let error = session.error(&sql);
    let told = |error: &Refusal| {
        let text = format!("{error:?}");
        ids.iter().filter(|id| text.contains(id.as_str())).count()
    };
    assert!(told(&owner) > 0, "{owner:?}");
    assert_eq!(told(&error), 0, "{error:?}");
    assert!(
        error
            .message
            .contains("the API's filter changes the answer")
            && error.detail.is_none(),
        "{error:?}"
    );
    assert_eq!((error.code, error.hint), (owner.code, owner.hint));
}

#[test]
fn a_condition_that_must_wait_for_row_security_is_not_asked_of_the_api() {
    let mut stage = Stage::new(Config {
        users: 300,
        ..Config::default()
    });
    let reader = stage.role("reader");
    let team = stage
        .session
        .value("SELECT team_ids[1] FROM pluralsight.users WHERE cardinality(team_ids) > 0 LIMIT 1");
    // Row-level security of a parent counts for the foreign tables below it.
    stage.session.run(&format!(
        "CREATE TABLE people (email text, team_ids text[], is_on_account boolean);
         CREATE FOREIGN TABLE remote_people () INHERITS (people) SERVER pluralsight
             OPTIONS (query 'users', key 'psUserId', filters 'emails, teamIds, isOnAccount');
         ALTER TABLE people ENABLE ROW LEVEL SECURITY;
         CREATE POLICY licensed ON people USING (is_on_account);
         GRANT SELECT ON people TO {reader};
         CREATE USER MAPPING FOR {reader} SERVER pluralsight OPTIONS (api_token '{}')",
        stage.sandbox.token()
    ));
    let mut session = stage.session_of(&reader);
    let overlap = format!("SELECT email FROM people WHERE team_ids && ARRAY['{team}']");
    // `&&` may say something of what it compares in an error; `=` of texts cannot.
    assert!(
        !session.plan(&overlap).contains("teamIds"),
        "{}",
        session.plan(&overlap)
    );
    assert!(
        session
            .plan(&overlap)
            .contains("Remote Filter: isOnAccount = true")
    );
    let plan = session.plan("SELECT email FROM people WHERE email = 'a'");
    assert!(plan.contains("Remote Filter: emails in 'a'"), "{plan}");
    assert_eq!(
        session.column(&overlap).len(),
        stage
            .session
            .column(&format!("{overlap} AND is_on_account"))
            .len()
    );
    // Without such a policy in the way it is asked.
    assert!(
        stage
            .session
            .plan(&overlap)
            .contains("Remote Filter: teamIds")
    );
}
