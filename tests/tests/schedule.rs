//! Refreshes on a schedule, by a real pg_cron; and what is said where there is none.

use std::thread;
use std::time::{Duration, Instant};

use behaviour::cluster::{self, Cluster};
use behaviour::{Session, Stage};
use pluralsight_sandbox::{Config, Place, Sandbox};

/// pg_cron's grain is a minute, so two of them hold a whole one.
const LONG_ENOUGH: Duration = Duration::from_secs(150);

fn refreshes_every_minute(name: &str, settings: &str) {
    if !cluster::has_extension("pg_cron") {
        eprintln!("left out: this PostgreSQL has no pg_cron");
        return;
    }
    let sandbox = Sandbox::start(Config {
        users: 150,
        ..Config::default()
    })
    .expect("the sandbox starts");
    let server = Cluster::fresh(
        name,
        &format!(
            "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\n{settings}"
        ),
    );
    let mut session = Session::connect(&server.config());
    session.run(&format!(
        "CREATE EXTENSION pg_cron;
         CREATE EXTENSION pluralsight_fdw;
         CREATE SERVER pluralsight FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{}');
         CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token '{}');
         CALL pluralsight_fdw.set_up('pluralsight')",
        sandbox.url(),
        sandbox.token()
    ));
    session.run("CALL pluralsight_fdw.create_copies()");
    sandbox.organization().add_users(2, Place::End);
    let job = session.value("SELECT pluralsight_fdw.schedule_refresh('0 4 * * *')");
    // Called again it changes the schedule, and makes no second job.
    assert_eq!(
        session.value("SELECT pluralsight_fdw.schedule_refresh('* * * * *')"),
        job
    );
    assert_eq!(
        session.rows("SELECT schedule, command FROM cron.job"),
        [[
            Some("* * * * *".to_owned()),
            Some("CALL pluralsight_fdw.refresh('pluralsight_copy')".to_owned())
        ]]
    );
    let deadline = Instant::now() + LONG_ENOUGH;
    while session.value("SELECT count(*) FROM pluralsight_copy.refresh_log WHERE outcome = 'ok'")
        == "1"
    {
        assert!(
            Instant::now() < deadline,
            "no refresh came: {:?} {:?}\n{}",
            session.rows("SELECT status, return_message FROM cron.job_run_details"),
            session.rows("SELECT outcome, error FROM pluralsight_copy.refresh_log"),
            server.log()
        );
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(
        session.value("SELECT count(*) FROM pluralsight_copy.users"),
        "152"
    );
    assert_eq!(
        session.value("SELECT pluralsight_fdw.unschedule_refresh()"),
        "t"
    );
    assert_eq!(session.value("SELECT count(*) FROM cron.job"), "0");
    assert_eq!(
        session.value("SELECT pluralsight_fdw.unschedule_refresh()"),
        "f"
    );
}

#[test]
fn pg_cron_refreshes_through_a_connection_of_its_own() {
    // As Debian has it, save for the address: the servers of the tests listen on their socket alone.
    refreshes_every_minute(
        "cron",
        &format!("cron.host = '{}'", cluster::socket_directory().display()),
    );
}

#[test]
fn pg_cron_refreshes_in_a_background_worker() {
    refreshes_every_minute("cron-worker", "cron.use_background_workers = on");
}

#[test]
fn without_pg_cron_the_error_has_the_lines_for_the_hosts_own_scheduler() {
    let mut stage = Stage::new(Config {
        users: 5,
        ..Config::default()
    });
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    let database = stage.database().to_owned();
    for (schedule, crontab, calendar) in [
        ("*/30 * * * *", true, "OnCalendar=*-*-* *:0/30:00"),
        ("15 6 * * 1-5", true, "OnCalendar=Mon..Fri *-*-* 6:15:00"),
        ("0 2,14 1 */3 *", true, "OnCalendar=*-1/3-1 2,14:0:00"),
        ("0 4 * * 0", true, "OnCalendar=Sun *-*-* 4:0:00"),
        ("30 seconds", false, "OnUnitActiveSec=30s"),
    ] {
        let error = stage.session.error(&format!(
            "SELECT pluralsight_fdw.schedule_refresh('{schedule}')"
        ));
        assert_eq!(error.code, "0A000");
        assert_eq!(error.message, "pg_cron is not installed in this database");
        let detail = error.detail.expect("a detail");
        let call = format!(
            "psql -X -d '{database}' -c \"CALL pluralsight_fdw.refresh('pluralsight_copy')\""
        );
        assert_eq!(
            detail.contains(&format!("crontab: {schedule} {call}")),
            crontab,
            "{detail}"
        );
        assert!(detail.contains(&format!("ExecStart={call}")), "{detail}");
        assert!(detail.contains(calendar), "{schedule}: {detail}");
        assert!(detail.contains("shared_preload_libraries"), "{detail}");
    }
    // A name stays a name in a shell: here one that prints what psql would have been given.
    let name = r#"it's "100%" $(false) `false` \odd"#;
    let literal = name.replace('\'', "''");
    stage.session.run(&format!(
        "CALL pluralsight_fdw.create_copies(copies => '{literal}')"
    ));
    let error = stage.session.error(&format!(
        "SELECT pluralsight_fdw.schedule_refresh(copies => '{literal}')"
    ));
    let detail = error.detail.expect("a detail");
    let line = detail
        .lines()
        .find_map(|line| line.strip_prefix("crontab: */30 * * * * "))
        .expect("a line for crontab");
    // cron itself takes the backslash from a percent sign.
    let printed = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!(
            "psql() {{ printf '%s\\n' \"$@\"; }}\n{}",
            line.replace("\\%", "%")
        ))
        .output()
        .expect("a shell");
    assert_eq!(
        String::from_utf8_lossy(&printed.stdout),
        format!(
            "-X\n-d\n{database}\n-c\nCALL pluralsight_fdw.refresh({})\n",
            stage
                .session
                .value(&format!("SELECT quote_literal('{literal}')"))
        ),
        "{detail}"
    );
    assert_eq!(
        stage
            .session
            .error("SELECT pluralsight_fdw.schedule_refresh('hourly')")
            .code,
        "22023"
    );
    assert_eq!(
        stage
            .session
            .value("SELECT pluralsight_fdw.unschedule_refresh()"),
        "f"
    );
}
