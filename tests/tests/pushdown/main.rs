//! What is left to the API, and the requests that it saves. Requests are counted, exactly.

mod keys;

use behaviour::Stage;
use pluralsight_sandbox::{Config, EmailMatch, Filters};

fn stage(users: u64) -> Stage {
    Stage::new(Config {
        users,
        ..Config::default()
    })
}

fn quoted(values: impl Iterator<Item = String>) -> String {
    values
        .map(|value| format!("'{}'", value.replace('\'', "''")))
        .collect::<Vec<_>>()
        .join(", ")
}

fn ids(stage: &Stage, range: std::ops::Range<u64>) -> Vec<String> {
    range
        .map(|index| stage.sandbox.organization().user(index).ps_user_id)
        .collect()
}

fn emails(stage: &Stage, count: usize) -> Vec<String> {
    let organization = stage.sandbox.organization();
    (0..organization.len())
        .filter_map(|index| organization.user(index).email)
        .take(count)
        .collect()
}

#[test]
fn no_record_comes_twice_however_the_api_compares() {
    let mut stage = Stage::new(Config {
        users: 30_000,
        filters: Filters {
            emails: EmailMatch::AnyCase,
            ..Filters::default()
        },
        ..Config::default()
    });
    let addresses = emails(&stage, 400);
    // Both spellings of each address, so that one record answers to two lists.
    let all = quoted(
        addresses
            .iter()
            .flat_map(|email| [email.clone(), email.to_lowercase()]),
    );
    let rows = stage.session.rows(&format!(
        "SELECT user_id FROM pluralsight.users WHERE email IN ({all})"
    ));
    assert_eq!(rows.len(), 400);
}

#[test]
fn counting_takes_one_request_where_the_api_counts_as_postgresql_does() {
    let mut stage = stage(2_345);
    let active = (0..2_345)
        .filter(|&index| stage.sandbox.organization().user(index).is_on_account)
        .count();
    for (query, expected, requests) in [
        ("SELECT count(*) FROM pluralsight.users", 2_345, 1),
        ("SELECT count(1) FROM pluralsight.users", 2_345, 1),
        (
            "SELECT count(*) FROM pluralsight.users WHERE is_on_account",
            active,
            1,
        ),
        (
            "SELECT count(*) FROM pluralsight.users WHERE is_on_account IS TRUE",
            active,
            1,
        ),
        (
            "SELECT count(*) FROM pluralsight.users WHERE lower(email) IS NOT NULL OR true",
            2_345,
            1,
        ),
        // What PostgreSQL has to look at is read.
        (
            "SELECT count(*) FROM pluralsight.users WHERE NOT is_on_account",
            2_345 - active,
            2,
        ),
        ("SELECT count(user_id) FROM pluralsight.users", 2_345, 4),
        (
            "SELECT count(*) FROM pluralsight.users WHERE length(plan_id) >= 0 OR plan_id IS NULL",
            2_345,
            4,
        ),
    ] {
        stage.sandbox.reset();
        assert_eq!(stage.session.value(query), expected.to_string(), "{query}");
        let made = stage.sandbox.requests().len();
        if requests == 2 {
            assert!(made <= 2, "{query}: {made} requests");
        } else {
            assert_eq!(made, requests, "{query}");
        }
    }
    assert_eq!(
        stage
            .session
            .rows("SELECT count(*), count(*) * 2, 'x' FROM pluralsight.users"),
        [[
            Some("2345".to_owned()),
            Some("4690".to_owned()),
            Some("x".to_owned())
        ]]
    );
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight.users WHERE current_user = 'nobody'"),
        "0"
    );
    assert_eq!(
        stage
            .session
            .rows("SELECT count(*) FROM pluralsight.users GROUP BY ROLLUP (is_on_account)")
            .len(),
        3
    );
    assert!(
        stage
            .session
            .rows("SELECT count(*) FROM pluralsight.users HAVING count(*) > 5000")
            .is_empty()
    );
}

#[test]
fn a_limit_stops_asking() {
    let mut stage = stage(5_000);
    for (query, sizes) in [
        ("SELECT email FROM pluralsight.users LIMIT 5", vec![5]),
        (
            "SELECT email FROM pluralsight.users LIMIT 5 OFFSET 20",
            vec![25],
        ),
        (
            "SELECT email FROM pluralsight.users WHERE is_on_account LIMIT 5",
            vec![5],
        ),
        // PostgreSQL may discard rows here, so a page is a page.
        (
            "SELECT email FROM pluralsight.users WHERE length(email) > 3 LIMIT 5",
            vec![100],
        ),
        (
            "SELECT DISTINCT is_on_account FROM pluralsight.users LIMIT 1",
            vec![100],
        ),
        (
            "SELECT email FROM pluralsight.users LIMIT 1500",
            vec![1_000, 1_000],
        ),
    ] {
        stage.sandbox.reset();
        stage.session.rows(query);
        let asked: Vec<u64> = stage
            .sandbox
            .requests()
            .iter()
            .filter_map(|request| request.variables["first"].as_u64())
            .collect();
        if query.contains("DISTINCT") {
            assert!(!asked.is_empty());
        } else {
            assert_eq!(asked, sizes, "{query}");
        }
    }
    assert_eq!(
        stage
            .session
            .rows("SELECT email FROM pluralsight.users LIMIT 1500")
            .len(),
        1_500
    );
}

#[test]
fn a_contradiction_takes_no_request() {
    let mut stage = stage(500);
    for condition in [
        "email = 'a' AND email = 'b'",
        "email = NULL",
        "email = ANY ('{}')",
        "email IN (SELECT 'x' WHERE false)",
        "user_id = ANY (ARRAY[NULL]::text[])",
        "is_on_account AND NOT is_on_account",
        "email = (SELECT NULL::text)",
        "email = ANY (ARRAY(SELECT 'x' WHERE false)) AND email IN ('x', 'y')",
        "email IN ('a', 'b') AND email IN ('c', 'd')",
    ] {
        assert_eq!(
            stage.requests(&format!(
                "SELECT email FROM pluralsight.users WHERE {condition}"
            )),
            0,
            "{condition}"
        );
    }
}

#[test]
fn a_self_join_reads_once() {
    let mut stage = stage(2_345);
    for query in [
        "SELECT count(*) FROM pluralsight.users a JOIN pluralsight.users b USING (user_id)",
        "SELECT count(*) FROM pluralsight.users a JOIN pluralsight.users b ON a.user_id = b.user_id AND b.note IS NOT NULL WHERE a.email IS NOT NULL",
        "SELECT (SELECT count(email) FROM pluralsight.users), (SELECT max(created_on) FROM pluralsight.users)",
        "SELECT email FROM pluralsight.users UNION SELECT note FROM pluralsight.users",
        "SELECT count(*), count(is_admin) FROM pluralsight.accounts",
    ] {
        stage.requests(query);
        assert_eq!(stage.sandbox.count("users"), 4, "{query}");
    }
}

#[test]
fn twelve_leavers_cost_requests_by_the_twelve_and_a_whole_company_one_reading() {
    let mut stage = stage(50_000);
    let session = &mut stage.session;
    session.run("CREATE TABLE leavers (email text, user_id text)");
    session.run("CREATE TABLE employees (email text, user_id text)");
    session.run("INSERT INTO employees SELECT email, user_id FROM pluralsight.users LIMIT 40000");
    session.run("INSERT INTO leavers SELECT * FROM employees WHERE email IS NOT NULL LIMIT 12");
    session.run("ANALYZE leavers, employees");
    for key in ["email", "user_id"] {
        let few = format!("SELECT count(*) FROM leavers l JOIN pluralsight.users u USING ({key})");
        assert_eq!(stage.requests(&few), 12, "{few}");
        assert_eq!(stage.session.value(&few), "12");
        let many =
            format!("SELECT count(*) FROM employees e JOIN pluralsight.users u USING ({key})");
        assert_eq!(
            stage.requests(&many),
            51,
            "{many}: 100 and 50 times up to 1,000"
        );
    }
    // The same key is asked for once a statement.
    stage
        .session
        .run("INSERT INTO leavers SELECT * FROM leavers");
    stage
        .session
        .run("INSERT INTO leavers SELECT * FROM leavers");
    let again = "SELECT count(*) FROM leavers l, LATERAL (SELECT * FROM pluralsight.users u WHERE u.email = l.email LIMIT 1) x";
    assert_eq!(stage.requests(again), 12);
}

#[test]
fn prepared_statements_ask_for_the_value_of_each_execution() {
    let mut stage = stage(300);
    let people: Vec<(String, String)> = (0..300)
        .filter_map(|index| {
            let user = stage.sandbox.organization().user(index);
            Some((user.email?.replace('\'', "''"), user.ps_user_id))
        })
        .take(10)
        .collect();
    for mode in ["auto", "force_generic_plan", "force_custom_plan"] {
        stage.session.run(&format!("SET plan_cache_mode = {mode}; PREPARE one (text) AS SELECT user_id FROM pluralsight.users WHERE email = $1"));
        for (email, id) in &people {
            assert_eq!(
                stage.requests(&format!("EXECUTE one ('{email}')")),
                1,
                "{mode}: {:?}",
                stage.sandbox.requests()
            );
            assert_eq!(
                stage.session.value(&format!("EXECUTE one ('{email}')")),
                *id
            );
        }
        assert_eq!(stage.requests("EXECUTE one (NULL)"), 0);
        stage.session.run("DEALLOCATE one");
    }
}

#[test]
fn each_kind_of_pushdown_can_be_switched_off() {
    let mut stage = stage(2_345);
    let email = emails(&stage, 1).remove(0).replace('\'', "''");
    let filter = format!("SELECT user_id FROM pluralsight.users WHERE email = '{email}'");
    let count = "SELECT count(*) FROM pluralsight.users".to_owned();
    let limit = "SELECT email FROM pluralsight.users LIMIT 5".to_owned();
    for (switch, query, on, off) in [
        ("pushdown_filter", &filter, 1, 4),
        ("pushdown_count", &count, 1, 4),
        ("pushdown_limit", &limit, 1, 1),
    ] {
        let rows = stage.session.rows(query);
        assert_eq!(stage.requests(query), on, "{switch}");
        for (set, reset) in [
            (
                format!("SET pluralsight_fdw.{switch} = off"),
                format!("RESET pluralsight_fdw.{switch}"),
            ),
            (
                format!("ALTER SERVER pluralsight OPTIONS (ADD {switch} 'off')"),
                format!("ALTER SERVER pluralsight OPTIONS (DROP {switch})"),
            ),
            (
                format!("ALTER FOREIGN TABLE pluralsight.users OPTIONS (ADD {switch} 'off')"),
                format!("ALTER FOREIGN TABLE pluralsight.users OPTIONS (DROP {switch})"),
            ),
        ] {
            stage.session.run(&set);
            assert_eq!(stage.requests(query), off, "{set}");
            assert_eq!(stage.session.rows(query).len(), rows.len());
            stage.session.run(&reset);
        }
    }
}

#[test]
fn verify_pushdown_passes_on_an_honest_api_and_fails_on_another() {
    let mut honest = stage(300);
    honest
        .session
        .run("SET pluralsight_fdw.verify_pushdown = on");
    let email = emails(&honest, 1).remove(0).replace('\'', "''");
    assert_eq!(
        honest
            .session
            .rows(&format!(
                "SELECT * FROM pluralsight.users WHERE email = '{email}'"
            ))
            .len(),
        1
    );
    honest
        .session
        .value("SELECT count(*) FROM pluralsight.users WHERE is_on_account");
    // An API that leaves out a record which it was asked for, beside one that it finds: nobody can see that from the answer.
    let mut other = stage(300);
    let mut keys = ids(&other, 0..2);
    keys.sort();
    let left_out = keys.iter().position(|key| *key == ids(&other, 0..1)[0]);
    if left_out == Some(1) {
        keys = ids(&other, 1..3);
    }
    other
        .sandbox
        .faults()
        .script("users@1=unset=/data/users/nodes/0,total=1")
        .expect("a valid rule");
    other
        .session
        .run("SET pluralsight_fdw.verify_pushdown = on");
    let error = other.session.error(&format!(
        "SELECT * FROM pluralsight.users WHERE user_id IN ({})",
        quoted(keys.into_iter())
    ));
    assert!(
        error.message.contains("changes the answer")
            && error.message.contains("missing with the filter"),
        "{error:?}"
    );
}
