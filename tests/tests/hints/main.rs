//! Every HINT that holds a statement: the statement runs as it stands, and mends what the error is about.
//!
//! Each error is provoked in a database with views, copies and grants. What was followed is written down, and in the end
//! compared with the source: a HINT with a statement that nobody here has followed fails the test.

mod sets;
mod stored;
mod tokens;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use behaviour::cluster::Cluster;
use behaviour::source::{advice, statements};
use behaviour::{Refusal, Session, Stage, cluster, copies, vault};
use pluralsight_sandbox::{Cap, Config, Sandbox, variant};
use sets::sets;
use stored::{checks, stored_copies, views};
use tokens::{key_files, missing_tokens, sealed_tokens, secrets};

const COUNT: &str = "SELECT count(*) FROM pluralsight.users";
const READ: &str = "SELECT count(user_id), count(note) FROM pluralsight.users";
/// In the place of a value that only a person can know.
const BLANK: &str = "…";
/// Filled in with what the statement before has answered.
const ANSWER: &str = "the answer";

/// The HINTs that were followed.
#[derive(Default)]
struct Followed(Vec<String>);

impl Followed {
    /// Runs every statement of the HINT, each alone, with the blanks filled in.
    fn follow(&mut self, session: &mut Session, hint: &str, fill: &[&str]) {
        let statements = statements(hint);
        assert!(!statements.is_empty(), "no statement: {hint}");
        let mut fill = fill.iter();
        let mut answer = String::new();
        for statement in statements {
            let mut statement = statement;
            while statement.contains(BLANK) {
                let value = match *fill
                    .next()
                    .unwrap_or_else(|| panic!("{hint}: one more blank"))
                {
                    ANSWER => answer.clone(),
                    value => value.to_owned(),
                };
                statement = statement.replacen(BLANK, &value, 1);
            }
            let rows = session
                .try_rows(&statement)
                .unwrap_or_else(|refusal| panic!("{hint}\n{statement}\n{refusal:?}"));
            answer = rows
                .into_iter()
                .next_back()
                .and_then(|row| row.into_iter().next().flatten())
                .unwrap_or_default();
        }
        assert!(fill.next().is_none(), "{hint}: fewer blanks");
        self.0.push(hint.to_owned());
    }

    /// Follows the HINT that has come with a notice or a warning, which must be the only one.
    fn follow_only(&mut self, session: &mut Session) {
        let hints = session.hints();
        let [hint] = &hints[..] else {
            panic!("{hints:?}")
        };
        self.follow(session, hint, &[]);
    }

    /// The statement fails; after its HINT was followed it works.
    fn mend(&mut self, session: &mut Session, sql: &str, fill: &[&str]) -> Refusal {
        let error = session.error(sql);
        let hint = error
            .hint
            .clone()
            .unwrap_or_else(|| panic!("{sql}: {error:?}"));
        self.follow(session, &hint, fill);
        session.run(sql);
        error
    }

    /// The same, until it works, in at most `most` rounds.
    fn follow_all(&mut self, session: &mut Session, sql: &str, most: usize) {
        for _ in 0..most {
            let Err(error) = session.try_rows(sql) else {
                return;
            };
            let hint = error
                .hint
                .clone()
                .unwrap_or_else(|| panic!("{sql}: {error:?}"));
            self.follow(session, &hint, &[]);
        }
        session.run(sql);
    }

    /// The same where somebody else has to follow it.
    fn mend_by(
        &mut self,
        other: &mut Session,
        session: &mut Session,
        sql: &str,
        fill: &[&str],
    ) -> Refusal {
        let error = session.error(sql);
        let hint = error
            .hint
            .clone()
            .unwrap_or_else(|| panic!("{sql}: {error:?}"));
        self.follow(other, &hint, fill);
        session.run(sql);
        error
    }
}

/// Status and hint of a row of check().
fn checked(session: &mut Session, checked: &str) -> (String, Option<String>) {
    let rows = session.rows(&format!(
        "SELECT status, hint FROM pluralsight_fdw.check() WHERE checked = '{checked}'"
    ));
    let row = rows.first().unwrap_or_else(|| panic!("{checked}"));
    (row[0].clone().unwrap_or_default(), row[1].clone())
}

fn hint_of(session: &mut Session, sql: &str) -> String {
    let error = session.error(sql);
    match error.hint {
        Some(hint) => hint,
        None => panic!("{sql}: {error:?}"),
    }
}

/// Views, copies and grants, as an installation has them.
fn stage(config: Config) -> Stage {
    let mut stage = Stage::new(Config {
        users: 150,
        ..config
    });
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    stage.session.run(
        "GRANT USAGE ON SCHEMA pluralsight, pluralsight_copy TO pluralsight_reader;
         GRANT SELECT ON ALL TABLES IN SCHEMA pluralsight, pluralsight_copy TO pluralsight_reader;
         CREATE VIEW pluralsight.mine AS SELECT u.*, a.billable FROM pluralsight.users AS u JOIN pluralsight.accounts AS a USING (user_id)",
    );
    stage.session.notices();
    stage
}

/// A role whose name has to be quoted.
fn odd_role(stage: &mut Stage) -> String {
    let role = stage.role("owner");
    let odd = format!("the Owner's {role}");
    stage
        .session
        .run(&format!("ALTER ROLE {role} RENAME TO \"{odd}\""));
    odd
}

#[test]
fn every_statement_in_a_hint_runs_and_mends() {
    let cases: [fn(&mut Followed); 14] = [
        missing_tokens,
        sealed_tokens,
        key_files,
        secrets,
        rights,
        set_up,
        fields_and_filters,
        moving_data,
        checks,
        grants,
        views,
        stored_copies,
        sets,
        schemas,
    ];
    let mut followed = Followed::default();
    // All of them, whatever comes of one.
    let failed = cases
        .into_iter()
        .filter(|case| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(&mut followed))).is_err()
        })
        .count();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let all = advice(&root);
    assert!(all.len() > 10, "{all:?}");
    let missed: Vec<String> = all
        .iter()
        .filter(|advice| !followed.0.iter().any(|hint| advice.made(hint)))
        .map(|advice| format!("{}: {}", advice.file.display(), advice.text))
        .collect();
    assert!(
        missed.is_empty(),
        "nobody has followed\n{}",
        missed.join("\n")
    );
    assert_eq!(failed, 0, "see above");
}

fn rights(followed: &mut Followed) {
    let mut stage = stage(Config::default());
    let role = odd_role(&mut stage);
    stage.session.run(&format!("ALTER SERVER pluralsight OWNER TO \"{role}\"; GRANT USAGE ON FOREIGN DATA WRAPPER pluralsight_fdw TO \"{role}\""));
    let mut session = stage.session_of(&role);
    followed.mend_by(
        &mut stage.session,
        &mut session,
        "ALTER SERVER pluralsight OPTIONS (ADD page_size '50')",
        &[],
    );
}

fn set_up(followed: &mut Followed) {
    let mut bare = Stage::bare(Config {
        users: 150,
        ..Config::default()
    });
    let session = &mut bare.session;
    for sql in [
        "CALL pluralsight_fdw.set_up(NULL)",
        "CALL pluralsight_fdw.set_up('pluralsight', 'pluralsight_fdw')",
        "IMPORT FOREIGN SCHEMA plural FROM SERVER pluralsight INTO public",
        "CREATE FOREIGN TABLE public.t (user_id text) SERVER pluralsight",
    ] {
        session.run("DROP SCHEMA IF EXISTS pluralsight CASCADE");
        let hint = hint_of(session, sql);
        followed.follow(session, &hint, &[]);
        assert_eq!(session.value(COUNT), "150", "{sql}");
    }
    // Somebody else's schema, a table of another kind, another server's table.
    let role = bare.role("other");
    let session = &mut bare.session;
    session.run(&format!("CREATE SCHEMA theirs AUTHORIZATION {role}; CREATE SCHEMA taken; CREATE TABLE taken.users (x int)"));
    let mut others = bare.session_of(&role);
    let session = &mut bare.session;
    let hint = hint_of(
        session,
        "CALL pluralsight_fdw.set_up('pluralsight', 'taken')",
    );
    followed.follow(session, &hint, &[]);
    let database = session.value("SELECT current_database()");
    session.run(&format!("GRANT CREATE ON DATABASE {database} TO {role}"));
    let token = bare.sandbox.token();
    others.run(&format!(
        "CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token '{token}')"
    ));
    let hint = hint_of(
        &mut others,
        "CALL pluralsight_fdw.set_up('pluralsight', 'pluralsight')",
    );
    followed.follow(&mut others, &hint, &[]);
}

fn grants(followed: &mut Followed) {
    let mut bare = Stage::bare(Config {
        users: 150,
        ..Config::default()
    });
    let session = &mut bare.session;
    session.run("DROP SCHEMA pluralsight CASCADE");
    for sql in [
        "CALL pluralsight_fdw.grant_reading('pluralsight', 'pluralsight_reader')",
        "CALL pluralsight_fdw.revoke_reading('pluralsight', 'pluralsight_reader')",
    ] {
        followed.mend(session, sql, &[]);
        session.run("DROP SCHEMA pluralsight CASCADE");
    }
    session.run("CREATE SCHEMA pluralsight");
    followed.mend(
        session,
        "CALL pluralsight_fdw.grant_reading('pluralsight', 'pluralsight_reader')",
        &[],
    );
    let nobody = format!("no body {}", bare.database());
    let session = &mut bare.session;
    followed.mend(
        session,
        &format!("CALL pluralsight_fdw.grant_reading('pluralsight', '{nobody}')"),
        &[],
    );
    session.run(&format!(
        "CALL pluralsight_fdw.revoke_reading('pluralsight', '{nobody}'); DROP ROLE \"{nobody}\""
    ));
}

fn fields_and_filters(followed: &mut Followed) {
    // What the tables were made from is not what the API has.
    let mut stage = stage(Config::default());
    stage
        .sandbox
        .update(|config| {
            config.without = ["User.note", "UserFilter.emails"]
                .map(str::to_owned)
                .to_vec();
        })
        .expect("the API changes");
    let session = &mut stage.session;
    let error = followed.mend(session, READ, &[]);
    assert!(error.message.contains("note"), "{error:?}");
    for _ in 0..2 {
        // A second time, where the column has options already.
        session.run("SELECT count(*) FROM pluralsight.mine");
    }
    followed.mend(
        session,
        "SELECT count(*) FROM pluralsight.users WHERE email = 'a'",
        &[],
    );
    // The last filter of a table.
    session.run("ALTER FOREIGN TABLE pluralsight.users OPTIONS (SET filters 'emails')");
    followed.mend(
        session,
        "SELECT count(*) FROM pluralsight.users WHERE email = 'a'",
        &[],
    );
    // A field that this key may not read, in the API's own words.
    stage
        .sandbox
        .update(|config| config.beta = vec!["User.mfaEnabled".to_owned()])
        .expect("the API changes");
    let session = &mut stage.session;
    followed.mend(
        session,
        "SELECT count(mfa_enabled) FROM pluralsight.users",
        &[],
    );
    // An argument that no option is for.
    stage
        .sandbox
        .update(|config| {
            *config = variant("plan-argument")
                .expect("a variant")
                .apply(config.clone())
                .expect("its schema");
        })
        .expect("the API changes");
    let session = &mut stage.session;
    let error = followed.mend(session, "SELECT plan_id FROM pluralsight.plan", &[]);
    assert!(error.message.contains("planId"), "{error:?}");
    // A value that does not fit.
    stage
        .sandbox
        .faults()
        .script(r#"users=set=/data/users/nodes/3/lastLogin:"yesterday""#)
        .expect("a fault");
    let session = &mut stage.session;
    followed.mend(
        session,
        "SELECT count(last_login) FROM pluralsight.users",
        &[],
    );
    session.run("SELECT count(*) FROM pluralsight.accounts");
    stage.sandbox.faults().clear();
}

fn moving_data(followed: &mut Followed) {
    let mut stage = stage(Config::default());
    stage.session.run(
        "ALTER FOREIGN TABLE pluralsight.users OPTIONS (ADD on_drift 'error', ADD page_size '20')",
    );
    for _ in 0..2 {
        stage
            .sandbox
            .faults()
            .script("users=forget=5")
            .expect("a valid rule");
        let session = &mut stage.session;
        let error = session.error("SELECT count(user_id) FROM pluralsight.users");
        assert_eq!(error.code, "40001", "{error:?}");
        followed.follow(session, &error.hint.expect("a hint"), &[]);
        stage.sandbox.reset();
        stage.sandbox.faults().clear();
        stage
            .session
            .run("SELECT count(user_id) FROM pluralsight.users");
    }
}

fn schemas(followed: &mut Followed) {
    let database = behaviour::fresh_database();
    let mut session = Session::connect(cluster::shared().dbname(&database));
    session.run("CREATE SCHEMA pluralsight_fdw; CREATE TABLE pluralsight_fdw.something (x int); CREATE SCHEMA pluralsight_fdw_internal");
    let create = "CREATE EXTENSION pluralsight_fdw";
    let error = session.error(create);
    followed.follow(&mut session, &error.hint.expect("a hint"), &[]);
    followed.mend(&mut session, create, &[]);
    drop(session);
    Session::connect(&cluster::shared()).run(&format!("DROP DATABASE {database} WITH (FORCE)"));
}
