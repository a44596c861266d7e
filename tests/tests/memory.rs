//! A backend's memory does not grow with what it reads, nor with what goes wrong.

use behaviour::Stage;
use behaviour::copies::wait_until;
use pluralsight_sandbox::Config;

const MEGABYTE: u64 = 1 << 20;

/// Reads so many users, and looks at how much the backend grew meanwhile.
fn a_scan_grows_the_backend_by_at_most(most: u64, users: u64, column: &str) {
    let mut stage = Stage::new(Config {
        users,
        ..Config::default()
    });
    // The first scan pays for what stays: the client, its buffers, the caches of PostgreSQL.
    stage
        .session
        .rows("SELECT * FROM pluralsight.teams, pluralsight.plan");
    stage
        .session
        .rows("SELECT * FROM pluralsight.users LIMIT 1");
    let before = stage.session.private_memory();
    println!(
        "before: {} kB, high water {} kB",
        before / 1_024,
        stage.session.memory_high_water() / 1_024
    );
    let count = stage.session.value(&format!(
        "SELECT count({column}) FROM pluralsight.users AS person"
    ));
    let high_water = stage.session.memory_high_water();
    assert_eq!(count, users.to_string());
    let grown = high_water.saturating_sub(before);
    println!(
        "after: {} kB, high water {} kB",
        stage.session.private_memory() / 1_024,
        high_water / 1_024
    );
    println!("grown by {} kB at most", grown / 1_024);
    assert!(grown <= most, "grown by {} kB", grown / 1_024);
}

#[test]
fn a_scan_of_a_million_users_grows_the_backend_by_16_mb_at_most() {
    a_scan_grows_the_backend_by_at_most(16 * MEGABYTE, 1_000_000, "user_id");
}

#[test]
fn a_scan_of_all_columns_leaves_room_in_16_mb_for_the_keys_of_a_million_users() {
    const KEYS: u64 = 8_600_000;
    // A whole row is all of its columns.
    a_scan_grows_the_backend_by_at_most(16 * MEGABYTE - KEYS, 30_000, "person");
}

#[test]
fn two_thousand_failed_and_canceled_scans_leave_nothing_behind() {
    let mut stage = Stage::new(Config {
        users: 600,
        ..Config::default()
    });
    stage
        .session
        .run("ALTER SERVER pluralsight OPTIONS (ADD max_attempts '1', ADD page_size '200')");
    let failing = |stage: &mut Stage, scans: usize| {
        for scan in 0..scans {
            match scan % 4 {
                // The API fails on the second page. A request of the scan before, which was canceled, may still come.
                0 => {
                    stage.sandbox.faults().clear();
                    stage.sandbox.reset();
                    stage
                        .sandbox
                        .faults()
                        .script("users@2-=503")
                        .expect("a rule");
                    stage
                        .session
                        .error("SELECT count(email) FROM pluralsight.users");
                }
                // Another node of the plan fails halfway.
                1 => {
                    stage.sandbox.faults().clear();
                    stage.session.error("SELECT sum(1 / (row - 300)) FROM (SELECT row_number() OVER () AS row, email FROM pluralsight.users) AS numbered");
                }
                // The value does not fit.
                2 => {
                    stage.session.error(
                        "SELECT email::integer FROM pluralsight.users WHERE email IS NOT NULL",
                    );
                }
                // The statement is canceled while it waits.
                _ => {
                    stage
                        .sandbox
                        .faults()
                        .script("users=delay=5s")
                        .expect("a rule");
                    // It holds for that statement alone: to take it back would have to be in time, too.
                    stage
                        .session
                        .run("BEGIN; SET LOCAL statement_timeout = '5ms'");
                    stage.session.error("SELECT email FROM pluralsight.users");
                    stage.session.run("ROLLBACK");
                    stage.sandbox.faults().clear();
                }
            }
        }
    };
    failing(&mut stage, 400);
    let plateau = stage.session.private_memory();
    let contexts = stage.session.memory_contexts();
    failing(&mut stage, 1_600);
    let after = stage.session.private_memory();
    println!(
        "plateau {} kB, after {} kB; contexts {contexts} then {}",
        plateau / 1_024,
        after / 1_024,
        stage.session.memory_contexts()
    );
    assert!(
        after <= plateau + MEGABYTE,
        "from {} kB to {} kB",
        plateau / 1_024,
        after / 1_024
    );
    assert!(stage.session.memory_contexts() <= contexts + 64 * 1_024);
    // Those of requests that were given up close on the thread of the network, at once, but not before the error is told.
    wait_until("one idle connection is held at most", || {
        stage.session.sockets_to(stage.sandbox.address()) <= 1
    });
    assert_eq!(
        stage.session.value(
            "SELECT count(email) + count(*) FILTER (WHERE email IS NULL) FROM pluralsight.users"
        ),
        "600"
    );
}
