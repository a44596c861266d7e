//! What is measured: for each case the extension's statement, and what stands beside it.

use pluralsight_sandbox::Sandbox;

use crate::ways::{Lab, Way};

/// The names of the ways, as the tables have them.
pub const RAW: &str = "raw loop";
pub const OURS: &str = "this extension";
pub const FRAMEWORK: &str = "the framework's callbacks";
pub const SCRIPT_1000: &str = "script, 1,000 a page";
pub const SCRIPT_100: &str = "script, 100 a page";

/// The names of the cases that the summary and the picture ask for.
pub const FIVE: &str = "users, 5 columns";
pub const ALL: &str = "users, all columns";
pub const ACCOUNTS: &str = "accounts, all columns";
pub const INTO_TABLE: &str = "users, all columns, into a table";
pub const LISTS: &str = "users, admins and teams in one statement";
pub const ORGANIZATIONS: &str = "three organizations in one statement";

pub struct Case {
    pub name: &'static str,
    /// Its first way is what the others are divided by.
    pub ways: Vec<(&'static str, Way)>,
    /// The statement whose documents the raw loop reads.
    pub read: String,
    /// What is done before each way.
    pub before: fn(&Lab, usize),
    /// Records read, where there are so many that the CPU of one can be told.
    pub records: Option<u64>,
}

/// In how many users of a thousand something changes between two refreshes.
const CHANGED: u64 = 2;

/// Changes that the next refresh finds.
fn change(lab: &Lab, round: usize) {
    let organization = lab.stage.sandbox.organization();
    for number in 0..lab.users * CHANGED / 1000 {
        let person = organization.user(number * 487 % lab.users).ps_user_id;
        organization.edit_user(&person, |user| {
            user.note = Some(format!(
                "{} in round {round}",
                user.note.as_deref().unwrap_or("changed").len()
            ));
        });
    }
}

fn unchanged(_: &Lab, _: usize) {}

/// Every column of a table or view is computed, and nothing is sent to the client.
pub fn all_columns(lab: &mut Lab, table: &str) -> String {
    let columns = lab.stage.session.column(&format!(
        "SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    ));
    let counts: Vec<String> = columns
        .iter()
        .map(|name| format!("count({name})"))
        .collect();
    format!("SELECT {} FROM {table}", counts.join(", "))
}

/// Local tables, copies, and the same foreign table on the framework's own callbacks from that library.
pub fn prepare(lab: &mut Lab, framework: Option<&str>) {
    let session = &mut lab.stage.session;
    session.run(
        "CREATE TABLE hr AS SELECT row_number() OVER (ORDER BY user_id) AS id, email FROM pluralsight.users WHERE email IS NOT NULL;
         CREATE TABLE leavers AS SELECT email FROM hr ORDER BY id LIMIT 12;
         CREATE TABLE employees AS
             SELECT email FROM hr WHERE id <= 40000
             UNION ALL
             SELECT format('nobody.%s@example.com', number) FROM generate_series(1, 40000 - (SELECT least(count(*), 40000) FROM hr)) AS number;
         ANALYZE hr, leavers, employees;
         CALL pluralsight_fdw.create_copies(tables => '{users}')",
    );
    if let Some(library) = framework {
        let document = lab
            .steps("SELECT * FROM pluralsight.users LIMIT 1")
            .remove(0)
            .document;
        let (url, token) = (lab.stage.sandbox.url(), lab.stage.sandbox.token());
        let session = &mut lab.stage.session;
        let columns = session.value(
            "SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
             FROM pg_attribute WHERE attrelid = 'pluralsight.users'::regclass AND attnum > 0",
        );
        session.run(&format!(
            "CREATE FUNCTION framework_handler() RETURNS fdw_handler LANGUAGE c STRICT AS '{library}', 'framework_fdw_handler_wrapper';
             CREATE FOREIGN DATA WRAPPER framework HANDLER framework_handler;
             CREATE SERVER framework FOREIGN DATA WRAPPER framework OPTIONS (api_url '{url}', api_token '{token}');
             CREATE FOREIGN TABLE framework_users ({columns}) SERVER framework OPTIONS (document $${document}$$)"
        ));
    }
}

pub fn cases(lab: &mut Lab, framework: bool, script: bool) -> Vec<Case> {
    let users = lab.users;
    let five = "SELECT count(user_id), count(email), count(first_name), count(last_name), count(last_login) FROM pluralsight.users".to_owned();
    let all = all_columns(lab, "pluralsight.users");
    let accounts = all_columns(lab, "pluralsight.accounts");
    let into = "BEGIN; CREATE TABLE taken AS SELECT * FROM pluralsight.users; ROLLBACK".to_owned();
    let email = lab
        .stage
        .session
        .value("SELECT email FROM hr WHERE id = (SELECT max(id) FROM hr)");
    let lists = "SELECT user_id FROM pluralsight.users UNION ALL SELECT name FROM pluralsight.teams UNION ALL SELECT email FROM pluralsight.admins";
    let beside_raw = |name, sql: &str, records| Case {
        name,
        ways: vec![(RAW, Way::Raw), (OURS, Way::Sql(sql.to_owned()))],
        read: sql.to_owned(),
        before: unchanged,
        records,
    };
    let mut whole = beside_raw(ALL, &all, Some(users));
    if framework {
        let sql = all.replace("pluralsight.users", "framework_users");
        whole.ways.push((FRAMEWORK, Way::Sql(sql)));
    }
    let mut taken = Case {
        ways: vec![(OURS, Way::Sql(into.clone()))],
        ..beside_raw(INTO_TABLE, &into, Some(users))
    };
    if script {
        taken.ways.push((SCRIPT_1000, Way::Script(1000)));
        taken.ways.push((SCRIPT_100, Way::Script(100)));
    }
    vec![
        beside_raw(FIVE, &five, Some(users)),
        whole,
        beside_raw(ACCOUNTS, &accounts, Some(users)),
        taken,
        beside_raw(
            "one user by e-mail address",
            &format!("SELECT * FROM pluralsight.users WHERE email = '{email}'"),
            None,
        ),
        beside_raw("count(*)", "SELECT count(*) FROM pluralsight.users", None),
        beside_raw("LIMIT 10", "SELECT * FROM pluralsight.users LIMIT 10", None),
        beside_raw(
            "join with 12 rows",
            "SELECT count(user_id), count(last_login) FROM leavers JOIN pluralsight.users USING (email)",
            None,
        ),
        beside_raw(
            "join with 40,000 rows",
            "SELECT count(user_id), count(last_login) FROM employees JOIN pluralsight.users USING (email)",
            Some(users),
        ),
        Case {
            before: change,
            ..beside_raw(
                "refresh(), 0.2 % changed",
                "CALL pluralsight_fdw.refresh()",
                Some(users),
            )
        },
        Case {
            ways: vec![
                (
                    "its longest list alone",
                    Way::Sql("SELECT count(user_id) FROM pluralsight.users".to_owned()),
                ),
                (
                    OURS,
                    Way::Sql(format!("SELECT count(*) FROM ({lists}) AS every")),
                ),
            ],
            ..beside_raw(LISTS, lists, None)
        },
    ]
}

/// Three servers, which stand for three organizations, under one UNION ALL.
pub fn organizations(lab: &mut Lab) -> Case {
    let (url, token) = (lab.stage.sandbox.url(), lab.stage.sandbox.token());
    let mut selects = Vec::new();
    for name in ["first", "second", "third"] {
        lab.stage.session.run(&format!(
            "CREATE SERVER {name}_server FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{url}');
             CREATE USER MAPPING FOR CURRENT_USER SERVER {name}_server OPTIONS (api_token '{token}');
             CALL pluralsight_fdw.set_up('{name}_server', '{name}')"
        ));
        selects.push(format!(
            "SELECT user_id, email, last_login FROM {name}.users"
        ));
    }
    let count = |from: &str| {
        format!("SELECT count(user_id), count(email), count(last_login) FROM ({from}) AS every")
    };
    let sql = count(&selects.join(" UNION ALL "));
    Case {
        name: ORGANIZATIONS,
        ways: vec![
            ("one of them", Way::Sql(count(&selects[0]))),
            (OURS, Way::Sql(sql.clone())),
        ],
        read: sql,
        before: unchanged,
        records: None,
    }
}

/// From now on the sandbox waits so long before it answers.
pub fn set_latency(sandbox: &Sandbox, milliseconds: u64) {
    sandbox
        .update(|config| config.latency = std::time::Duration::from_millis(milliseconds))
        .expect("a latency");
}
