//! Every HINT that holds a statement: the statement runs as it stands, and mends what the error is about.
//!
//! Each error is provoked in a database with views, copies and grants. What was followed is written down, and in the end
//! compared with the source: a HINT with a statement that nobody here has followed fails the test.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use behaviour::cluster::Cluster;
use behaviour::source::{advice, statements};
use behaviour::{Refusal, Session, Stage, cluster, copies, vault};
use pluralsight_sandbox::{Action, Cap, Config, End, Rule, Sandbox, When, variant};

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
    fn mend_by(&mut self, other: &mut Session, session: &mut Session, sql: &str, fill: &[&str]) {
        let error = session.error(sql);
        let hint = error
            .hint
            .clone()
            .unwrap_or_else(|| panic!("{sql}: {error:?}"));
        self.follow(other, &hint, fill);
        session.run(sql);
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
    let cases: [fn(&mut Followed); 13] = [
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

fn missing_tokens(followed: &mut Followed) {
    let mut stage = stage(Config::default());
    let token = stage.sandbox.token();
    let fill = [token.as_str()];
    let session = &mut stage.session;
    session.run("DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight");
    followed.mend(session, COUNT, &fill);
    session
        .run("ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token ' ')");
    followed.mend(session, COUNT, &fill);
    session.run("ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token)");
    followed.mend(session, COUNT, &fill);
    let empty = cluster::home().join(format!("{}-empty", stage.database()));
    let session = &mut stage.session;
    session.run(&format!(
        "COPY (SELECT) TO PROGRAM 'umask 077; cat > {}';
         ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token, ADD api_token_file '{}')",
        empty.display(),
        empty.display()
    ));
    followed.mend(session, COUNT, &fill);
    // In a view it is its owner who needs the token, and somebody else who reads the HINT.
    let (owner, reader) = (odd_role(&mut stage), stage.role("reader"));
    stage.session.run(&format!(
        "CREATE VIEW public.shown AS SELECT user_id FROM pluralsight.users; ALTER VIEW public.shown OWNER TO \"{owner}\";
         GRANT SELECT ON public.shown TO \"{reader}\""
    ));
    let mut session = stage.session_of(&reader);
    followed.mend_by(
        &mut stage.session,
        &mut session,
        "SELECT count(*) FROM public.shown",
        &fill,
    );
}

fn sealed_tokens(followed: &mut Followed) {
    let mut stage = stage(Config::default());
    let token = stage.sandbox.token();
    let fill = [token.as_str(), ANSWER];
    let key = cluster::home().join(format!("{}-key", stage.database()));
    let session = &mut stage.session;
    session.run(&format!(
        "LOAD 'pluralsight_fdw'; SET pluralsight_fdw.key_file = '{}'; SELECT pluralsight_fdw.create_key_file()",
        key.display()
    ));
    let of_all = session.value(&format!(
        "SELECT pluralsight_fdw.seal('{token}', 'pluralsight', 'public')"
    ));
    let of_one = session.value(&format!("SELECT pluralsight_fdw.seal('{token}')"));
    session.run(&format!(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token, ADD api_token_sealed '{of_all}')"
    ));
    followed.mend(session, COUNT, &fill);
    session.run("DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight");
    session.run(&format!(
        "CREATE USER MAPPING FOR PUBLIC SERVER pluralsight OPTIONS (api_token_sealed '{of_one}')"
    ));
    followed.mend(session, COUNT, &fill);
    session.run("DROP USER MAPPING FOR PUBLIC SERVER pluralsight");
    session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (ADD api_token_sealed '{of_one}')"
    ));
    followed.mend(session, COUNT, &fill);
    // Another key, as on another host.
    session.run(&format!(
        "SET pluralsight_fdw.key_file = '{}.new'",
        key.display()
    ));
    let error = session.error(COUNT);
    followed.follow(session, &error.hint.expect("a hint"), &[]);
    followed.mend(session, COUNT, &fill);
    // One that is none any more; who has no copy of it makes a new one.
    let new = format!("{}.new", key.display());
    session.run(&format!("COPY (SELECT 'no key') TO PROGRAM 'cat > {new}'"));
    let error = session.error(COUNT);
    std::fs::remove_file(&new).expect("it is ours");
    followed.follow(session, &error.hint.expect("a hint"), &[]);
    followed.mend(session, COUNT, &fill);
}

/// The setting is the whole server's.
fn key_files(followed: &mut Followed) {
    let cluster = Cluster::fresh("hints", "");
    let mut session = Session::connect(&cluster.config());
    session.run(
        "CREATE EXTENSION pluralsight_fdw; CREATE SERVER pluralsight FOREIGN DATA WRAPPER pluralsight_fdw;
         CREATE ROLE plain LOGIN",
    );
    let seal = "SELECT pluralsight_fdw.seal('abc')";
    let hint = Session::connect(cluster.config().user("plain"))
        .error(seal)
        .hint;
    assert_eq!(
        hint.as_deref(),
        Some("A superuser has to set pluralsight_fdw.key_file."),
        "who cannot do it is told who can"
    );
    followed.mend(&mut session, seal, &[]);
    let file = session.value("SHOW pluralsight_fdw.key_file");
    let mode = std::fs::metadata(&file)
        .expect("the key is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        !Path::new(&file).starts_with(session.value("SHOW data_directory")),
        "{file}: a base backup would hold it"
    );
    std::fs::remove_file(&file).expect("it is ours");
}

fn secrets(followed: &mut Followed) {
    let mut stage = stage(Config::default());
    vault::offer();
    let session = &mut stage.session;
    session.run("ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token, ADD api_token_name 'pluralsight')");
    let error = session.error(COUNT);
    followed.follow(session, &error.hint.expect("a hint"), &[]);
    let error = session.error(COUNT);
    followed.follow(session, &error.hint.expect("a hint"), &[]);
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
        stage.sandbox.faults().add(Rule::new(
            "users",
            When::Always,
            Action::ForgetUsers {
                count: 5,
                end: End::First,
            },
        ));
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

fn views(followed: &mut Followed) {
    let mut stage = stage(Config::default());
    let role = stage.role("other");
    let session = &mut stage.session;
    // A view of another role, a table, a sequence in the place of one of ours.
    for in_the_way in [
        format!(
            "CREATE VIEW pluralsight.idle_licenses AS SELECT 1 AS x; ALTER VIEW pluralsight.idle_licenses OWNER TO {role}"
        ),
        "CREATE TABLE pluralsight.idle_licenses (x int)".to_owned(),
        "CREATE MATERIALIZED VIEW pluralsight.idle_licenses AS SELECT 1 AS x".to_owned(),
        "CREATE SEQUENCE pluralsight.idle_licenses".to_owned(),
    ] {
        session.run("DROP VIEW IF EXISTS pluralsight.idle_licenses CASCADE");
        session.run(&in_the_way);
        followed.mend(session, "CALL pluralsight_fdw.set_up('pluralsight')", &[]);
        session.run("DO $$ DECLARE o record; BEGIN FOR o IN SELECT relname, relkind FROM pg_class WHERE relname LIKE 'idle\\_licenses\\_old%' LOOP
             EXECUTE format('DROP %s pluralsight.%I', CASE o.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, o.relname); END LOOP; END $$");
    }
    // A function of somebody's that comes nearer than PostgreSQL's own.
    session.run(
        "CREATE FUNCTION pluralsight.concat_ws(text, text, text) RETURNS text LANGUAGE sql AS 'SELECT $2';
         DROP VIEW pluralsight.accounts CASCADE",
    );
    followed.mend(session, "CALL pluralsight_fdw.set_up('pluralsight')", &[]);
    // What was changed by hand is kept, and said so.
    session.run("ALTER VIEW pluralsight.memberships RENAME COLUMN is_direct TO direct");
    session.hints();
    session.run("CALL pluralsight_fdw.set_up('pluralsight')");
    let hints = session.hints();
    let [hint] = &hints[..] else {
        panic!("{hints:?}")
    };
    followed.follow(session, hint, &[]);
    session.run("SELECT is_direct FROM pluralsight.memberships");
    // So is what cannot be made over it, and over a table that users fill in; over live tables and over copies.
    for (schema, again) in [
        ("pluralsight", "CALL pluralsight_fdw.set_up('pluralsight')"),
        (
            "pluralsight_copy",
            "CALL pluralsight_fdw.create_copies(fill => false)",
        ),
    ] {
        for change in [
            "ALTER VIEW licenses RENAME COLUMN purchased TO bought",
            "ALTER TABLE prices RENAME COLUMN price TO per_seat",
            "ALTER TABLE hr_staff RENAME COLUMN left_on TO gone",
        ] {
            session.run(&format!(
                "SET search_path = {schema}; {change}; RESET search_path"
            ));
            session.hints();
            session.run(again);
            let hints = session.hints();
            assert!(!hints.is_empty(), "{change}");
            for hint in hints.iter().collect::<std::collections::BTreeSet<_>>() {
                followed.follow(session, hint, &[]);
            }
            session.hints();
            session.run(again);
            assert_eq!(session.hints(), Vec::<String>::new(), "{change}");
        }
    }
}

fn stored_copies(followed: &mut Followed) {
    const REFRESH: &str = "CALL pluralsight_fdw.refresh()";
    let mut stage = stage(Config::default());
    let role = stage.role("other");
    let session = &mut stage.session;
    session.run("CALL pluralsight_fdw.set_up('pluralsight', 'another')");
    let hint = hint_of(
        session,
        "CALL pluralsight_fdw.create_copies('another', 'pluralsight_copy')",
    );
    followed.follow(session, &hint, &[]);
    session.run("CREATE SCHEMA third; CREATE TABLE third.users (x int)");
    followed.mend(
        session,
        "CALL pluralsight_fdw.create_copies('pluralsight', 'third')",
        &[],
    );
    followed.mend(
        session,
        "CALL pluralsight_fdw.create_copies('nowhere')",
        &[],
    );
    followed.mend(session, "CALL pluralsight_fdw.refresh('nothing here')", &[]);
    session.run("DELETE FROM pluralsight_copy.settings");
    followed.mend(session, REFRESH, &[]);
    // Tables that are not what they were made as.
    for damage in [
        "DROP TABLE pluralsight_copy.teams CASCADE".to_owned(),
        format!("ALTER TABLE pluralsight_copy.users OWNER TO {role}"),
        "CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER \"spoils it\" BEFORE INSERT ON pluralsight_copy.users FOR EACH ROW EXECUTE FUNCTION public.spoil()".to_owned(),
        "CREATE RULE \"spoils it\" AS ON INSERT TO pluralsight_copy.users DO INSTEAD NOTHING".to_owned(),
    ] {
        session.run(&damage);
        followed.mend(session, REFRESH, &[]);
    }
    // A column of a type of somebody's, which the foreign table does not even have: one HINT after the other.
    session.run(
        "CREATE DOMAIN public.anything AS text; ALTER TABLE pluralsight_copy.users ADD COLUMN \"my own\" public.anything",
    );
    followed.follow_all(session, REFRESH, 2);
    session.run("ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN \"my own\" TYPE integer");
    followed.mend(session, REFRESH, &[]);
    // Two thirds of the people are gone, and they really are.
    let people: Vec<String> = stage
        .sandbox
        .organization()
        .users()
        .map(|user| user.ps_user_id)
        .collect();
    for person in &people[50..] {
        stage.sandbox.organization().forget_user(person);
    }
    let session = &mut stage.session;
    followed.mend(session, REFRESH, &[]);
    // Others have a hand in what is read and written.
    for meddled in [
        format!("GRANT CREATE ON SCHEMA pluralsight_copy TO {role}"),
        "GRANT CREATE ON SCHEMA pluralsight_copy TO PUBLIC".to_owned(),
        format!(
            "CREATE TABLE pluralsight_copy.theirs (x int); ALTER TABLE pluralsight_copy.theirs OWNER TO {role}"
        ),
        format!("ALTER FOREIGN TABLE pluralsight.teams OWNER TO {role}"),
        format!("ALTER SCHEMA pluralsight OWNER TO {role}"),
    ] {
        session.run(&meddled);
        followed.mend(session, REFRESH, &[]);
    }
    // A table of the user's own that is called like something of a set.
    session.run(
        "CREATE SCHEMA taken; IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO taken;
         ALTER FOREIGN TABLE taken.teams RENAME TO accounts",
    );
    let hint = hint_of(
        session,
        "CALL pluralsight_fdw.create_copies('taken', tables => '{plan,accounts}')",
    );
    followed.follow(session, &hint, &[]);
    session.run("CALL pluralsight_fdw.create_copies('taken', tables => '{plan,accounts_live}')");
    // What check() says of copies, and what the report needs.
    let product = stage.sandbox.organization().products()[0].id.clone();
    assert!(stage.sandbox.organization().set_purchased(&product, 1));
    let reader = stage.role("reader");
    let session = &mut stage.session;
    session.run("CALL pluralsight_fdw.refresh(force => true)");
    let (status, hint) = checked(session, "forecast pluralsight_copy");
    assert_eq!(status, "warning");
    followed.follow(session, &hint.expect("a hint"), &[]);
    stage
        .sandbox
        .faults()
        .script("users=reset")
        .expect("a fault");
    let session = &mut stage.session;
    session.error(REFRESH);
    let (status, hint) = checked(session, "copies pluralsight_copy");
    assert_eq!(status, "warning");
    followed.follow(session, &hint.expect("a hint"), &[]);
    stage.sandbox.faults().clear();
    let mut session = stage.session_of(&reader);
    followed.mend_by(
        &mut stage.session,
        &mut session,
        "SELECT pluralsight_fdw.report_html('pluralsight_copy')",
        &[],
    );
    schedules(followed);
}

fn schedules(followed: &mut Followed) {
    let install = "CREATE EXTENSION pg_cron;";
    let elsewhere = "SELECT cron.schedule_in_database(";
    if !cluster::has_extension("pg_cron") {
        followed.0.extend(
            [
                install,
                &format!("{elsewhere}, , , );"),
                "SELECT pluralsight_fdw.schedule_refresh(copies => );",
            ]
            .map(str::to_owned),
        );
        return;
    }
    let cluster = Cluster::fresh(
        "hints-cron",
        "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\ncron.use_background_workers = on",
    );
    let sandbox = Sandbox::start(Config {
        users: 150,
        ..Config::default()
    })
    .expect("the sandbox starts");
    let mut session = Session::connect(&cluster.config());
    copies::set_up(&mut session, &sandbox);
    session.run("CALL pluralsight_fdw.create_copies()");
    let error = followed.mend(
        &mut session,
        "SELECT pluralsight_fdw.schedule_refresh('*/30 * * * *')",
        &[],
    );
    assert_eq!(error.hint.as_deref(), Some(install));
    session.run("SELECT cron.alter_job(jobid, active => false) FROM cron.job");
    let (status, hint) = checked(&mut session, "schedule pluralsight_copy");
    assert_eq!(status, "warning");
    followed.follow(&mut session, &hint.expect("a hint"), &[]);
    assert_eq!(checked(&mut session, "schedule pluralsight_copy").0, "ok");
    // In another database than that of pg_cron, the statement is one for there.
    session.run("CREATE DATABASE second");
    let mut second = Session::connect(cluster.config().dbname("second"));
    copies::set_up(&mut second, &sandbox);
    second.run("CALL pluralsight_fdw.create_copies()");
    let hint = hint_of(
        &mut second,
        "SELECT pluralsight_fdw.schedule_refresh('*/30 * * * *')",
    );
    assert!(hint.starts_with(elsewhere), "{hint}");
    followed.follow(&mut session, &hint, &[]);
    assert_eq!(
        session.value("SELECT count(*) FROM cron.job WHERE database = 'second'"),
        "1"
    );
}

fn checks(followed: &mut Followed) {
    let mut stage = stage(Config {
        page_cap: Cap(Some(100)),
        ..Config::default()
    });
    let session = &mut stage.session;
    for _ in 0..2 {
        let (status, hint) = checked(session, "page size");
        assert_eq!(status, "warning");
        followed.follow(session, &hint.expect("a hint"), &[]);
        assert_eq!(checked(session, "page size").0, "ok");
        session.run("ALTER SERVER pluralsight OPTIONS (SET page_size '120')");
    }
    // Tables that were made unchecked, of a server whose name has to be quoted and is longer than a line.
    let name = "the server's name is so long that it does not fit on a line";
    session.run(&format!("ALTER SERVER pluralsight RENAME TO \"{name}\""));
    session.run("ALTER FOREIGN TABLE pluralsight.teams OPTIONS (ADD unchecked 'true')");
    let rows = session.rows(&format!(
        "SELECT hint FROM pluralsight_fdw.check('{}') WHERE checked = 'pluralsight.teams'",
        name.replace('\'', "''")
    ));
    followed.follow(session, rows[0][0].as_deref().expect("a hint"), &[]);
    session.run(&format!("ALTER SERVER \"{name}\" RENAME TO pluralsight"));
    session.run("ALTER FOREIGN TABLE pluralsight.teams OPTIONS (ADD unchecked 'true')");
    let (status, hint) = checked(session, "pluralsight.teams");
    assert_eq!(status, "warning");
    followed.follow(session, &hint.expect("a hint"), &[]);
    assert_eq!(checked(session, "pluralsight.teams").0, "ok");
    // What the API has said.
    stage
        .sandbox
        .faults()
        .script(r#"users=warnings=["it is late"]"#)
        .expect("a fault");
    stage.session.run(COUNT);
    stage.sandbox.faults().clear();
    let session = &mut stage.session;
    let (status, hint) = checked(session, "deprecations");
    assert_eq!(status, "warning");
    followed.follow(session, &hint.expect("a hint"), &[]);
    // An older version of the extension.
    let folder =
        session.value("SELECT setting || '/extension/' FROM pg_config WHERE name = 'SHAREDIR'");
    let version =
        session.value("SELECT extversion FROM pg_extension WHERE extname = 'pluralsight_fdw'");
    let script = format!("{folder}pluralsight_fdw--0.0.9--{version}.sql");
    std::fs::write(&script, "").expect("the folder is ours");
    session.run("UPDATE pg_extension SET extversion = '0.0.9' WHERE extname = 'pluralsight_fdw'");
    let (status, hint) = checked(session, "extension");
    assert_eq!(status, "warning");
    followed.follow(session, &hint.expect("a hint"), &[]);
    assert_eq!(checked(session, "extension").0, "ok");
    std::fs::remove_file(&script).expect("the folder is ours");
    // A server without tables.
    session.run("DROP SCHEMA pluralsight CASCADE");
    let (status, hint) = checked(session, "tables");
    assert_eq!(status, "warning");
    followed.follow(session, &hint.expect("a hint"), &[]);
    session.run(COUNT);
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
