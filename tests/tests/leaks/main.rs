//! A canary in the place of the token. It must be found where it was put, and nowhere else.
//!
//! All on a server of its own, which logs all it can (DEBUG5) and keeps statistics of statements.

mod trouble;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use behaviour::cluster::Cluster;
use behaviour::{Refusal, Session, cluster, vault};
use pluralsight_sandbox::{Config, Sandbox};
use trouble::make_trouble;

/// What nothing else here holds. The part that is looked for is the middle, so that a token that was cut short counts.
const CANARY: &str = "canary-7f3a9d51c8e2b604-yranac";
const TRACE: &str = "9d51c8e2";

/// docs/security.md, "Statements that hold the token".
const QUIETLY: &str = "SET LOCAL log_statement = 'none';
     SET LOCAL log_min_duration_statement = -1;
     SET LOCAL log_min_error_statement = 'panic';
     SET LOCAL pg_stat_statements.track_utility = off;
     SET LOCAL auto_explain.log_min_duration = -1;
     SET LOCAL pgaudit.log = 'none';";

/// Everything at hand that logs statements.
fn preloaded() -> Vec<&'static str> {
    let mut libraries = vec!["pg_stat_statements", "auto_explain"];
    if cluster::has_extension("pgaudit") {
        libraries.push("pgaudit");
    }
    libraries
}

struct Aviary {
    // Dropped in this order: sessions before their server.
    session: Session,
    sandbox: Sandbox,
    cluster: Cluster,
    database: &'static str,
}

impl Aviary {
    fn new(name: &'static str, settings: &str) -> Aviary {
        let cluster = Cluster::fresh(
            name,
            &format!(
                "shared_preload_libraries = '{}'\nlog_min_messages = debug5\n{settings}",
                preloaded().join(",")
            ),
        );
        let sandbox = Sandbox::start(Config {
            users: 250,
            token: CANARY.to_owned(),
            ..Config::default()
        })
        .expect("the sandbox starts");
        let mut session = Session::connect(&cluster.config());
        session.run("CREATE DATABASE aviary");
        let mut aviary = Aviary {
            session: Session::connect(cluster.config().dbname("aviary")),
            sandbox,
            cluster,
            database: "aviary",
        };
        let url = aviary.sandbox.url();
        aviary.session.run(&format!(
            "CREATE EXTENSION pluralsight_fdw; CREATE SCHEMA pluralsight; CREATE EXTENSION pg_stat_statements;
             CREATE SERVER pluralsight FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{url}', initial_backoff '1ms', max_attempts '2')"
        ));
        aviary
            .quietly(&format!(
                "CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token '{CANARY}')"
            ))
            .expect("a token to set up with");
        aviary.session.run(
            "CALL pluralsight_fdw.set_up('pluralsight');
             CALL pluralsight_fdw.create_copies(fill => false);
             DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight",
        );
        aviary
    }

    fn another_session(&self) -> Session {
        Session::connect(self.cluster.config().dbname(self.database))
    }

    /// Runs a statement that holds the canary, as the README says.
    fn quietly(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Refusal> {
        self.session.run(&format!("BEGIN; {QUIETLY}"));
        let outcome = self.session.try_rows(sql);
        self.session.run(if outcome.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        });
        self.session.notices();
        outcome
    }

    /// Relations of the whole database in which some row shows the canary to that session.
    fn found_in(session: &mut Session) -> BTreeSet<String> {
        // Spelt backwards, so that the search does not find itself. The one view that is left out has the types of array
        // elements, and takes seconds.
        let trace: String = TRACE.chars().rev().collect();
        let relations = session.column(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'v', 'm', 'f', 't') AND has_table_privilege(c.oid, 'SELECT')
               AND has_schema_privilege(n.oid, 'USAGE')
               AND n.nspname <> 'pg_toast' AND c.relname <> 'element_types' ORDER BY 1",
        );
        assert!(relations.len() > 100, "{relations:?}");
        relations
            .into_iter()
            .filter(|relation| {
                let sql = format!(
                    "SELECT count(*) FROM {relation} AS t WHERE position(reverse('{trace}') IN t::text) > 0"
                );
                match session.try_rows(&sql) {
                    Ok(rows) => rows[0][0].as_deref() != Some("0"),
                    // What cannot be read cannot leak; what it says must not either.
                    Err(refusal) => format!("{refusal:?}").contains(TRACE),
                }
            })
            .collect()
    }

    /// Everything that a statement says to the one who runs it.
    fn said(&mut self, sql: &str) -> String {
        let outcome = self.session.try_rows(sql);
        format!("{sql}\n{outcome:?}\n{:?}", self.session.notices())
    }

    fn assert_log_is_clean(&self) {
        let log = self.cluster.log();
        assert!(log.contains("DEBUG:  "), "the log is as talkative as meant");
        let traces: Vec<&str> = log.lines().filter(|line| line.contains(TRACE)).collect();
        assert!(traces.is_empty(), "{traces:#?}");
    }

    fn dump(&self) -> String {
        let mut command = self.cluster.program("pg_dump");
        command.arg(self.database);
        let output = command.output().expect("pg_dump runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

/// The statements that put the canary somewhere and take it away again, the relations that show it to its owner, and those
/// that show it to everybody.
type Place<'a> = ((String, String), &'a [&'a str], &'a [&'a str]);

#[test]
fn the_canary_is_found_only_where_it_was_put() {
    let mut aviary = Aviary::new("aviary", "log_statement = 'none'");
    let file = cluster::home().join("canary-file");
    std::fs::write(&file, CANARY).expect("the home is there");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("it is ours");
    // PostgreSQL's user owns it, as it owns that folder.
    let mut chown = std::process::Command::new("chown");
    chown.arg("--reference").arg(cluster::home()).arg(&file);
    cluster::run(chown);
    let key = cluster::home().join("canary-key");
    aviary.session.run(&format!(
        "LOAD 'pluralsight_fdw'; SET pluralsight_fdw.key_file = '{}'; SELECT pluralsight_fdw.create_key_file();
         CREATE ROLE neighbor LOGIN; GRANT USAGE ON FOREIGN SERVER pluralsight TO neighbor;
         GRANT USAGE ON SCHEMA pluralsight TO neighbor",
        key.display()
    ));
    let sealed = aviary
        .quietly(&format!("SELECT pluralsight_fdw.seal('{CANARY}')"))
        .expect("it seals")[0][0]
        .clone()
        .expect("a text");
    vault::install(&mut aviary.session);
    aviary.session.run(&format!(
        "INSERT INTO vault.stand_in (name, secret) SELECT 'pluralsight', pg_read_file('{}')",
        file.display()
    ));

    let mapping = |option: &str| {
        (
            format!("CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS ({option})"),
            "DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight".to_owned(),
        )
    };
    let in_the_mapping = [
        "information_schema._pg_user_mappings",
        "information_schema.user_mapping_options",
        "pg_user_mapping",
        "pg_user_mappings",
    ];
    let on_the_server = [
        "information_schema._pg_foreign_servers",
        "information_schema.foreign_server_options",
        "pg_foreign_server",
    ];
    let vault = ["vault.decrypted_secrets", "vault.stand_in"].map(str::to_owned);
    let places: [Place; 5] = [
        (
            mapping(&format!("api_token '{CANARY}'")),
            &in_the_mapping,
            &[],
        ),
        (
            (
                format!("ALTER SERVER pluralsight OPTIONS (ADD api_token '{CANARY}')"),
                "ALTER SERVER pluralsight OPTIONS (DROP api_token)".to_owned(),
            ),
            &on_the_server,
            &on_the_server,
        ),
        (mapping("api_token_name 'pluralsight'"), &[], &[]),
        (mapping(&format!("api_token_sealed '{sealed}'")), &[], &[]),
        (
            mapping(&format!("api_token_file '{}'", file.display())),
            &[],
            &[],
        ),
    ];
    for (round, ((put, take_away), shown, shown_to_others)) in places.into_iter().enumerate() {
        let place = put.replace(CANARY, "…");
        aviary
            .quietly(&put)
            .unwrap_or_else(|refusal| panic!("{place}: {refusal:?}"));
        assert_eq!(
            aviary
                .session
                .value("SELECT count(*) FROM pluralsight.users"),
            "250",
            "{place}: this is the token in use"
        );
        // What a reply holds is masked alike wherever the token came from, so it is tried in full once.
        make_trouble(&mut aviary, if round == 0 { 1 } else { 5 });

        let expected = |shown: &[&str]| -> BTreeSet<String> {
            shown
                .iter()
                .map(|relation| (*relation).to_owned())
                .collect()
        };
        let mut all = expected(shown);
        all.extend(vault.clone());
        assert_eq!(
            Aviary::found_in(&mut aviary.another_session()),
            all,
            "{place}"
        );
        let mut neighbor =
            Session::connect(aviary.cluster.config().dbname("aviary").user("neighbor"));
        let found = Aviary::found_in(&mut neighbor);
        assert!(
            found.is_subset(&expected(shown_to_others)),
            "{place}: a neighbor sees {found:?}"
        );
        assert_eq!(found.is_empty(), shown_to_others.is_empty(), "{place}");
        drop(neighbor);

        let dump = aviary.dump();
        assert_eq!(
            dump.matches(TRACE).count(),
            usize::from(!shown.is_empty()),
            "{place}: in a dump"
        );
        aviary.assert_log_is_clean();
        aviary.session.run(&take_away);
    }

    // A backend that crashes takes its statement to the log, but no token.
    aviary
        .quietly(&format!(
            "CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token '{CANARY}')"
        ))
        .expect("a mapping");
    aviary
        .sandbox
        .faults()
        .script("users=stall")
        .expect("a fault");
    aviary.sandbox.reset();
    let mut victim = aviary.another_session();
    let pid = victim.pid();
    let crash = std::thread::spawn(move || victim.error("SELECT email FROM pluralsight.users"));
    while aviary.sandbox.count("users") == 0 {
        std::thread::yield_now();
    }
    let mut kill = std::process::Command::new("kill");
    kill.args(["-SEGV", &pid.to_string()]);
    cluster::run(kill);
    crash.join().expect("it has its error");
    // The client hears of it before the log does.
    let told = "Failed process was running: SELECT email FROM pluralsight.users";
    let latest = Instant::now() + Duration::from_secs(60);
    while !aviary.cluster.log().contains(told) {
        assert!(Instant::now() < latest, "the crash is told");
        std::thread::sleep(Duration::from_millis(20));
    }
    aviary.assert_log_is_clean();
}

/// The README's first way: no statement ever holds the token.
#[test]
fn a_token_file_leaves_no_trace_however_much_is_logged() {
    let mut aviary = Aviary::new(
        "talkative",
        "log_statement = 'all'\nlog_min_duration_statement = 0\nlog_duration = on
         auto_explain.log_min_duration = 0\nauto_explain.log_verbose = on\nauto_explain.log_analyze = on
         auto_explain.log_nested_statements = on\npgaudit.log = 'all'\npgaudit.log_parameter = on",
    );
    let file = cluster::home().join("made-as-the-readme-says");
    let readme = include_str!("../../../README.md");
    let install = "install -m 600 -o postgres /dev/stdin ";
    assert!(readme.contains(&format!("sudo {install}")));
    // As whom PostgreSQL runs here, the owner is that one anyway.
    let install = match cluster::is_root() {
        true => install.replace("postgres", &cluster::user()),
        false => install.replace("-o postgres", ""),
    };
    let mut shell = std::process::Command::new("sh");
    shell.args([
        "-c",
        &format!("echo {CANARY} | {install} {}", file.display()),
    ]);
    cluster::run(shell);
    let (file, key) = (
        file.display().to_string(),
        cluster::home().join("talkative-key").display().to_string(),
    );
    let count = "SELECT count(*) FROM pluralsight.users";
    let session = &mut aviary.session;
    session.run(&format!(
        "CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token_file '{file}')"
    ));
    assert_eq!(session.value(count), "250");
    session.run(&format!(
        "SET pluralsight_fdw.key_file = '{key}'; SELECT pluralsight_fdw.create_key_file()"
    ));
    let sealed = session.value(&format!(
        "SELECT pluralsight_fdw.seal(pg_read_file('{file}'))"
    ));
    session.run(&format!(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token_file, ADD api_token_sealed '{sealed}')"
    ));
    assert_eq!(session.value(count), "250");
    aviary.assert_log_is_clean();
    let shown = Aviary::found_in(&mut aviary.another_session());
    assert_eq!(shown, BTreeSet::new());
    assert_eq!(aviary.dump().matches(TRACE).count(), 0);
    // A statement that holds it is another matter; otherwise that would be idle talk.
    aviary
        .session
        .run(&format!("SELECT pluralsight_fdw.seal('{CANARY}')"));
    let log = aviary.cluster.log();
    for logged_by in ["statement: SELECT", "Query Text: SELECT"] {
        assert!(
            log.lines()
                .any(|line| line.contains(logged_by) && line.contains(TRACE)),
            "{logged_by}"
        );
    }
    assert!(!preloaded().contains(&"pgaudit") || log.contains("AUDIT: SESSION"));
}

#[test]
fn drivers_that_prepare_show_the_token_to_a_log_of_debug2() {
    for (level, is_shown) in [("debug2", true), ("debug1", false)] {
        let name = if is_shown { "debug2" } else { "debug1" };
        let aviary = Aviary::new(name, &format!("log_min_messages = {level}"));
        let mut client = aviary
            .cluster
            .config()
            .dbname(aviary.database)
            .connect(postgres::NoTls)
            .expect("the cluster accepts connections");
        client
            .batch_execute(&format!("BEGIN; {QUIETLY}"))
            .expect("a superuser may");
        client
            .execute(
                &format!("CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token '{CANARY}')"),
                &[],
            )
            .expect("a mapping");
        client.batch_execute("COMMIT").expect("it is kept");
        assert_eq!(aviary.cluster.log().contains(TRACE), is_shown, "{level}");
    }
}

#[test]
fn the_readme_says_which_statements_show_the_token_and_how_to_avoid_it() {
    let mut aviary = Aviary::new(
        "loud",
        "log_statement = 'all'\nlog_min_duration_statement = 0\nauto_explain.log_min_duration = 0\npgaudit.log = 'all'",
    );
    let put = format!(
        "CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token '{CANARY}')"
    );
    aviary.quietly(&put).expect("a mapping");
    // A statement that fails, or that only looks, is as quiet.
    assert_eq!(
        aviary.quietly(&put).expect_err("there is one").code,
        "42710"
    );
    aviary
        .quietly(&format!("SELECT pluralsight_fdw.seal('{CANARY}')"))
        .expect_err("there is no key file");
    aviary.assert_log_is_clean();
    let session = &mut aviary.session;
    session.run("SELECT 1");
    let statistics =
        "SELECT count(*) FROM pg_stat_statements WHERE position(reverse('2e8c15d9') IN query) > 0";
    assert_eq!(session.value(statistics), "0");
    let activity =
        "SELECT count(*) FROM pg_stat_activity WHERE position(reverse('2e8c15d9') IN query) > 0";
    assert_eq!(aviary.another_session().value(activity), "0");

    // Without the precautions each of these has it; otherwise they would be idle talk.
    let session = &mut aviary.session;
    session.run("DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight");
    session.run(&put);
    assert_eq!(
        aviary.another_session().value(activity),
        "1",
        "until the session's next statement"
    );
    assert_eq!(aviary.session.value(statistics), "1");
    assert!(aviary.cluster.log().contains(TRACE));

    let page = include_str!("../../../docs/security.md");
    for line in QUIETLY.lines().map(str::trim) {
        assert!(page.contains(line), "docs/security.md lacks: {line}");
    }
    for word in [
        "pg_stat_activity",
        "log_min_messages",
        "pg_dump",
        "pgaudit",
        "auto_explain",
    ] {
        assert!(page.contains(word), "docs/security.md lacks: {word}");
    }
}
