//! What the documentation says can be typed, can be typed.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use behaviour::{Stage, cluster};
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
fn the_examples_of_views_and_of_the_report_run() {
    for page in ["docs/views.md", "docs/report.md"] {
        let mut stage = Stage::new(Config {
            users: 200,
            ..Config::default()
        });
        stage.session.run("CALL pluralsight_fdw.create_copies()");
        for block in blocks(page) {
            stage.session.run(&block);
        }
        assert_eq!(stage.session.notices(), Vec::<String>::new());
    }
}

#[test]
fn the_five_minutes_are_enough() {
    let mut stage = Stage::new(Config {
        users: 200,
        ..Config::default()
    });
    for block in blocks("docs/start.md") {
        stage.session.run(&block);
    }
    let kept = stage
        .session
        .value("SELECT count(*) FROM pluralsight_copy.users");
    assert_eq!(kept, "200");
}

#[test]
fn the_pages_for_one_task_run() {
    let mut stage = Stage::new(Config {
        users: 200,
        ..Config::default()
    });
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    for (page, least) in [("docs/analyst.md", 5), ("docs/operations.md", 2)] {
        let blocks = blocks(page);
        assert!(blocks.len() >= least, "{page}: {}", blocks.len());
        for block in blocks {
            stage.session.run(&block);
        }
    }
    assert_eq!(stage.session.notices(), Vec::<String>::new());
}

/// The pages of a folder.
fn pages(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect()
}

/// A page without its blocks of code.
fn prose(page: &Path) -> String {
    let text = std::fs::read_to_string(page).expect("the page is there");
    text.split("```").step_by(2).collect()
}

/// What the links of a page lead to, except to other hosts.
fn links(page: &Path) -> Vec<String> {
    prose(page)
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.contains("://"))
        .map(str::to_owned)
        .collect()
}

/// The names by which a page's headings are linked to.
fn anchors(page: &Path) -> BTreeSet<String> {
    prose(page)
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|heading| {
            heading
                .trim_start_matches('#')
                .trim()
                .to_lowercase()
                .replace(' ', "-")
                .chars()
                .filter(|c| c.is_alphanumeric() || "-_".contains(*c))
                .collect()
        })
        .collect()
}

#[test]
fn the_book_has_every_page_once_and_every_link_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = root.join("docs");
    let summary = docs.join("SUMMARY.md");
    let mut listed = links(&summary);
    listed.sort();
    let mut there: Vec<String> = pages(&docs)
        .iter()
        .filter(|page| **page != summary)
        .filter_map(|page| Some(page.file_name()?.to_str()?.to_owned()))
        .collect();
    there.sort();
    assert_eq!(listed, there, "docs/SUMMARY.md");

    let mut followed = 0;
    for page in pages(&docs)
        .into_iter()
        .chain(pages(&root))
        .chain(pages(&root.join("sql")))
    {
        let folder = page.parent().expect("a folder");
        for link in links(&page) {
            let (target, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if target.is_empty() {
                page.clone()
            } else {
                folder.join(target)
            };
            assert!(target.exists(), "{}: {link}", page.display());
            assert!(
                anchor.is_empty() || anchors(&target).contains(anchor),
                "{}: {link}",
                page.display()
            );
            followed += 1;
        }
    }
    assert!(followed > 50, "{followed}");
}

/// A page in parts: text, and blocks of SQL with the output below them, if the page prints one.
fn examples(text: &str) -> Vec<(String, String, Option<String>)> {
    let mut examples = Vec::new();
    for part in text.split("```sql\n").skip(1) {
        let (statements, rest) = part.split_once("```").expect("a block ends");
        let output = rest
            .trim_start()
            .strip_prefix("```text\n")
            .filter(|_| rest.starts_with("\n\n```text\n"))
            .and_then(|rest| rest.split_once("```"))
            .map(|(output, _)| output.to_owned());
        let old = format!("```sql\n{statements}```");
        examples.push((old, statements.to_owned(), output));
    }
    examples
}

/// What psql prints for these statements. Blanks at the end of a line are not there to be seen.
fn printed(stage: &Stage, statements: &str) -> String {
    let mut psql = cluster::program("psql");
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"])
        .arg(cluster::socket_directory())
        .args([
            "-d",
            stage.database(),
            "-c",
            "SET client_min_messages = warning",
        ]);
    // Each by itself, as somebody types it.
    psql.args(["-f", "-"]).stdin(Stdio::piped());
    let mut child = psql
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql runs");
    child
        .stdin
        .take()
        .expect("it reads")
        .write_all(statements.as_bytes())
        .expect("it reads all of it");
    let output = child.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{statements}\n{errors}"
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect::<String>()
        .trim_end()
        .to_owned()
        + "\n"
}

#[test]
fn the_worked_example_prints_what_it_says() {
    let mut stage = Stage::new(Config {
        users: 400,
        now: chrono::Utc::now(),
        ..Config::default()
    });
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    let page = "docs/hr.md";
    let path = format!("{}/../{page}", env!("CARGO_MANIFEST_DIR"));
    let mut text = std::fs::read_to_string(&path).expect("the page is there");
    let mut compared = 0;
    for (block, statements, expected) in examples(&text) {
        let output = printed(&stage, &statements);
        let Some(expected) = expected else {
            continue;
        };
        compared += 1;
        if std::env::var_os("UPDATE").is_some() {
            text = text.replace(
                &format!("{block}\n\n```text\n{expected}```"),
                &format!("{block}\n\n```text\n{output}```"),
            );
        } else {
            assert_eq!(output, expected, "{statements}");
        }
    }
    assert!(compared >= 7, "{compared}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).expect("the page can be written");
    }
    // What it says is so. Nobody is charged twice, and no seat is lost.
    let mut equal = |one: &str, other: &str| {
        assert_eq!(
            stage.session.value(one),
            stage.session.value(other),
            "{one}"
        );
    };
    equal(
        "SELECT sum(seats) FROM pluralsight_copy.report_cost_centers",
        "SELECT sum(cardinality(product_ids)) FROM pluralsight_copy.users",
    );
    equal(
        "SELECT count(DISTINCT user_id) FROM pluralsight_copy.seat_costs WHERE left_on <= current_date",
        "SELECT count(*) FROM pluralsight_copy.accounts AS a JOIN hr.people AS p ON lower(p.email) = lower(a.email) WHERE a.billable AND p.left_on IS NOT NULL",
    );
    // Written once more, in another spelling, a joiner is still one person.
    let joiners = examples(&text)
        .into_iter()
        .map(|(_, statements, _)| statements)
        .find(|statements| statements.contains("NOT EXISTS"))
        .expect("there is an example of joiners");
    let count = |session: &mut behaviour::Session| -> i64 {
        session
            .rows(&joiners)
            .iter()
            .filter_map(|row| row[1].as_deref()?.parse::<i64>().ok())
            .sum()
    };
    let without_seat: i64 = stage
        .session
        .value("SELECT count(*) FROM pluralsight_copy.users AS u JOIN hr.people AS s ON lower(s.email) = lower(u.email) WHERE s.left_on IS NULL AND COALESCE(cardinality(u.product_ids), 0) = 0")
        .parse()
        .expect("a number");
    assert_eq!(count(&mut stage.session), without_seat + 2);
    stage
        .session
        .run("INSERT INTO pluralsight_copy.hr_staff VALUES (E'NEW.TWO@Example.com\\r\\n', 'Sales', NULL)");
    assert_eq!(count(&mut stage.session), without_seat + 2);
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
