//! Keys, and what asking for them costs.

use super::*;

#[test]
fn a_key_takes_one_request() {
    let mut stage = stage(2_345);
    let (id, email) = (
        ids(&stage, 7..8).remove(0),
        emails(&stage, 5).remove(4).replace('\'', "''"),
    );
    for query in [
        format!("SELECT note FROM pluralsight.users WHERE user_id = '{id}'"),
        format!(
            "SELECT note FROM pluralsight.users WHERE '{id}' = user_id AND length(note) > 0 OR false"
        ),
        format!("SELECT note FROM pluralsight.users WHERE email = '{email}'"),
        format!(
            "SELECT note FROM pluralsight.users WHERE email = '{email}' OR email = 'nobody@nowhere'"
        ),
        format!("SELECT note FROM pluralsight.users WHERE email = (SELECT '{email}'::text)"),
        format!("SELECT * FROM pluralsight.accounts WHERE user_id = '{id}' AND NOT is_admin"),
    ] {
        let requests = stage.requests(&query);
        let users = stage.sandbox.count("users");
        assert_eq!(users, 1, "{query}: {requests} requests");
    }
    assert_eq!(
        stage
            .session
            .rows(&format!(
                "SELECT FROM pluralsight.users WHERE email = '{email}'"
            ))
            .len(),
        1
    );
}

#[test]
fn a_list_of_250_keys_takes_one_request_and_a_longer_one_as_many_as_it_fills() {
    let mut stage = stage(30_000);
    for (count, requests) in [(250, 1), (251, 2), (600, 3)] {
        let keys = quoted(ids(&stage, 0..count).into_iter());
        assert_eq!(
            stage.requests(&format!(
                "SELECT email FROM pluralsight.users WHERE user_id IN ({keys})"
            )),
            requests,
            "{count} keys"
        );
        assert_eq!(
            stage
                .session
                .rows(&format!(
                    "SELECT email FROM pluralsight.users WHERE user_id IN ({keys})"
                ))
                .len() as u64,
            count
        );
        assert_eq!(
            stage.session.value(&format!(
                "SELECT count(*) FROM pluralsight.users WHERE user_id IN ({keys})"
            )),
            count.to_string()
        );
    }
}

#[test]
fn keys_of_a_jsonb_are_a_list_of_keys() {
    let mut stage = stage(30_000);
    let known = ids(&stage, 3..6);
    let (first, second) = (&known[0], &known[1]);
    let email = emails(&stage, 3)
        .remove(2)
        .replace('"', "\\\"")
        .replace('\'', "''");
    let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    stage.session.value(&format!(
        "SELECT email FROM pluralsight.users WHERE user_id = '{first}'"
    ));
    for (json, column, rows, requests) in [
        (
            format!("{{\"{first}\": 1, \"{second}\": {deep}, \"{first}\": null}}"),
            "user_id",
            2,
            1,
        ),
        (
            format!(
                "[\"{first}\", 5, null, true, [\"{}\"], {deep}, \"{second}\"]",
                known[2]
            ),
            "user_id",
            2,
            1,
        ),
        (format!("\"{first}\""), "user_id", 1, 1),
        (format!("[\"{email}\"]"), "email", 1, 1),
        (deep.clone(), "user_id", 0, 0),
        ("{}".to_owned(), "user_id", 0, 0),
        ("5".to_owned(), "user_id", 0, 0),
        ("null".to_owned(), "user_id", 0, 0),
        ("false".to_owned(), "email", 0, 0),
    ] {
        let query =
            format!("SELECT user_id FROM pluralsight.users WHERE '{json}'::jsonb ? {column}");
        let shown = format!("{:.60} ? {column}", json);
        assert_eq!(stage.requests(&query), requests, "{shown}");
        assert_eq!(stage.session.rows(&query).len(), rows, "{shown}");
        let count = query.replace("SELECT user_id", "SELECT count(*)");
        assert_eq!(stage.session.value(&count), rows.to_string(), "{shown}");
    }
    for none in ["NULL::jsonb", "(SELECT NULL::jsonb)"] {
        let query = format!("SELECT user_id FROM pluralsight.users WHERE {none} ? user_id");
        assert_eq!(stage.requests(&query), 0, "{none}");
    }
    let others = format!(
        "SELECT count(*) FROM pluralsight.users WHERE NOT ('[\"{first}\"]'::jsonb ? user_id)"
    );
    assert_eq!(stage.session.value(&others), "29999");
    let lateral = format!(
        "SELECT count(*) FROM (VALUES ('[\"{first}\"]'::jsonb), ('{{\"{second}\": 2}}'), (NULL)) AS given (keys) JOIN pluralsight.users AS u ON given.keys ? u.user_id"
    );
    assert_eq!(stage.session.value(&lateral), "2");
}

#[test]
fn a_list_that_costs_more_than_the_table_reads_the_table() {
    let mut stage = stage(1_500);
    stage
        .session
        .value("SELECT count(*) FROM pluralsight.users");
    let keys = quoted(ids(&stage, 0..1_500).into_iter());
    let query = format!("SELECT email FROM pluralsight.users WHERE user_id IN ({keys})");
    assert_eq!(
        stage.requests(&query),
        3,
        "100 + 1,000 + 400, not six lists"
    );
    assert_eq!(stage.session.rows(&query).len(), 1_500);
}
