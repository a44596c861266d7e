//! What the documentation says can be typed, can be typed.

use behaviour::Stage;
use pluralsight_sandbox::Config;

/// The blocks of SQL of a page, except those marked as not to be run.
fn blocks(page: &str) -> Vec<String> {
    let path = format!("{}/../{page}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the page is there");
    text.split("```sql\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_examples_of_stored_copies_run() {
    let mut stage = Stage::new(Config {
        users: 200,
        ..Config::default()
    });
    let blocks = blocks("docs/copies.md");
    assert!(blocks.len() >= 7, "{}", blocks.len());
    for block in &blocks {
        // A call of refresh() has to stand alone, because several statements at once are a transaction.
        stage.session.run(block);
    }
    assert_eq!(stage.session.notices(), Vec::<String>::new());
}

#[test]
fn the_way_to_start_over_and_to_uninstall_can_be_gone() {
    let mut stage = Stage::new(Config {
        users: 100,
        ..Config::default()
    });
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    for block in blocks("docs/uninstalling.md") {
        stage.session.run(&block);
    }
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pg_namespace WHERE nspname ~ 'pluralsight'"),
        "0"
    );
}

#[test]
fn the_examples_of_views_run_and_say_what_they_promise() {
    let mut stage = Stage::new(Config {
        users: 200,
        ..Config::default()
    });
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    let blocks = blocks("docs/views.md");
    let block = |beginning: &str| {
        blocks
            .iter()
            .find(|block| block.contains(beginning))
            .unwrap_or_else(|| panic!("no block has {beginning}"))
    };
    for block in &blocks {
        stage.session.run(block);
    }
    let holders = "SELECT count(*) FROM pluralsight_copy.accounts WHERE billable AND email IS";
    let anonymous: usize = stage
        .session
        .value(&format!("{holders} NULL"))
        .parse()
        .expect("a number");
    let left: usize = stage
        .session
        .value("SELECT count(*) FROM pluralsight_copy.accounts AS a JOIN hr.people AS p ON lower(p.email) = lower(a.email) WHERE a.billable AND p.left_on IS NOT NULL")
        .parse()
        .expect("a number");
    assert!(left > 5);
    assert_eq!(
        stage
            .session
            .rows(block("accounts AS account\nWHERE account.billable"))
            .len(),
        left + anonymous,
        "leavers"
    );
    // Written once more, in another spelling, a joiner is still one person.
    stage
        .session
        .run("INSERT INTO hr.people VALUES (E'NEW.TWO@Example.com\\r\\n', 'Sales', NULL)");
    let joiners = stage
        .session
        .column(block("SELECT DISTINCT ON (pluralsight_fdw.match_key"));
    assert_eq!(
        joiners
            .iter()
            .filter(|email| email.to_lowercase().contains("new."))
            .count(),
        2,
        "{joiners:?}"
    );
    let without_seat: usize = stage
        .session
        .value("SELECT count(*) FROM pluralsight_copy.users AS u JOIN hr.staff AS s ON lower(s.email) = lower(u.email) WHERE u.product_ids = '{}'")
        .parse()
        .expect("a number");
    assert_eq!(joiners.len(), without_seat + 2);
    assert_eq!(
        stage.session.value("SELECT count(*) FROM hr.seats"),
        stage
            .session
            .value("SELECT sum(cardinality(product_ids)) FROM pluralsight_copy.users"),
        "no seat is charged twice, and none is lost"
    );
    assert_ne!(
        stage.session.value("SELECT sum(cost) FROM hr.seat_report"),
        ""
    );
    assert_eq!(stage.session.notices(), Vec::<String>::new());
}

#[test]
fn the_first_query_of_the_readme_has_those_who_never_signed_in() {
    let mut stage = Stage::new(Config {
        users: 700,
        ..Config::default()
    });
    let first = blocks("README.md").remove(0);
    let rows = stage.session.rows(&first);
    let never = rows.iter().filter(|row| row[1].is_none()).count();
    let organization = stage.sandbox.organization();
    let now = chrono::Utc::now();
    let long_ago = now - chrono::Duration::days(90);
    let expected: Vec<_> = organization
        .users()
        .filter(|user| user.product_ids.as_ref().is_some_and(|ids| !ids.is_empty()))
        .filter(|user| {
            organization
                .admins()
                .iter()
                .all(|admin| admin.ps_user_id != user.ps_user_id)
        })
        .filter(|user| {
            user.last_login
                .max(user.started_on)
                .or(user.created_on)
                .is_some_and(|since| since <= long_ago)
        })
        .collect();
    assert_eq!(rows.len(), expected.len());
    assert_eq!(
        never,
        expected
            .iter()
            .filter(|user| user.last_login.is_none())
            .count()
    );
    assert!(never > 0);
}

#[test]
fn the_examples_of_the_readme_run() {
    let mut stage = Stage::new(Config {
        users: 200,
        ..Config::default()
    });
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    stage.session.run(
        "CREATE SCHEMA hr; CREATE TABLE hr.staff (email text, cost_center text); INSERT INTO hr.staff SELECT upper(email), 'R&D' FROM pluralsight.users",
    );
    for block in blocks("README.md") {
        let grants = block.contains("grant_reading");
        // What a test cannot have: a token in a file, another database, roles of the whole cluster.
        let elsewhere = block.contains("schedule_refresh") || block.contains("seal(");
        if grants || (block.starts_with("SELECT") || block.starts_with("EXPLAIN")) && !elsewhere {
            let block = block.replace("GRANT pluralsight_reader TO jane;", "");
            stage.session.run(&block);
        }
    }
    let matched = blocks("README.md")
        .into_iter()
        .find(|block| block.contains("account_keys"))
        .map(|block| {
            stage
                .session
                .rows(&block)
                .into_iter()
                .filter(|row| row[2].is_some())
                .count()
        });
    assert_eq!(
        matched,
        Some(
            stage
                .sandbox
                .organization()
                .users()
                .filter(|user| user.email.is_some())
                .count()
        )
    );
}
