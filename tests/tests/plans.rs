//! What a plan says: what is left to the API and what is not, word for word.

use behaviour::Stage;
use pluralsight_sandbox::Config;

fn stage() -> Stage {
    Stage::new(Config {
        users: 300,
        ..Config::default()
    })
}

fn is(plan: &str, expected: &str) {
    let expected: Vec<&str> = expected
        .trim_matches('\n')
        .lines()
        .map(|line| line.strip_prefix("        ").unwrap_or(line))
        .collect();
    assert_eq!(
        plan.lines().collect::<Vec<_>>(),
        expected,
        "the plan is\n{plan}"
    );
}

#[test]
fn plain_plans() {
    let mut stage = stage();
    let session = &mut stage.session;
    is(
        &session.plan("SELECT email FROM pluralsight.users WHERE email = 'ada@x.com'"),
        "
        Foreign Scan on users
          Filter: (email = 'ada@x.com'::text)
          Pluralsight Query: users
          Fields: email
          Remote Filter: emails in 'ada@x.com'::text
",
    );
    is(
        &session.plan("SELECT note FROM pluralsight.users WHERE email IN ('a', 'b') AND last_login < now() AND is_on_account"),
        "
        Foreign Scan on users
          Filter: (is_on_account AND (email = ANY ('{a,b}'::text[])) AND (last_login < now()))
          Pluralsight Query: users
          Fields: email, isOnAccount, lastLogin, note
          Remote Filter: emails in any of '{a,b}'::text[]
",
    );
    is(
        &session
            .plan("SELECT note FROM pluralsight.users WHERE lower(email) = 'a' OR note LIKE 'x%'"),
        "
        Foreign Scan on users
          Filter: ((lower(email) = 'a'::text) OR (note ~~ 'x%'::text))
          Pluralsight Query: users
          Fields: email, note
",
    );
    is(
        &session.plan("SELECT count(*) FROM pluralsight.users WHERE is_on_account"),
        "
        Foreign Scan
          Pluralsight Query: users
          Count: from totalCount
          Remote Filter: isOnAccount = true
",
    );
    is(
        &session.plan("SELECT count(*) FROM pluralsight.users WHERE email = 'a'"),
        "
        Aggregate
          ->  Foreign Scan on users
                Filter: (email = 'a'::text)
                Pluralsight Query: users
                Fields: email
                Remote Filter: emails in 'a'::text
",
    );
    is(
        &session.plan("SELECT email FROM pluralsight.users WHERE is_on_account LIMIT 7"),
        "
        Limit
          ->  Foreign Scan on users
                Filter: is_on_account
                Pluralsight Query: users
                Fields: email, isOnAccount
                Remote Filter: isOnAccount = true
                First Page: 7
",
    );
    is(
        &session.plan("SELECT email FROM pluralsight.users WHERE NOT is_on_account LIMIT 7"),
        "
        Limit
          ->  Foreign Scan on users
                Filter: (NOT is_on_account)
                Pluralsight Query: users
                Fields: email, isOnAccount
                Remote Filter: isOnAccount = false
",
    );
    is(
        &session.plan("SELECT name FROM pluralsight.teams WHERE name = 'Sales'"),
        "
        Foreign Scan on teams
          Filter: (name = 'Sales'::text)
          Pluralsight Query: teams
          Fields: name
          Remote Filter: name contains 'Sales'::text
",
    );
    is(
        &session.plan("SELECT team_names FROM pluralsight.users WHERE 't' = ANY (team_ids)"),
        "
        Foreign Scan on users
          Filter: ('t'::text = ANY (team_ids))
          Pluralsight Query: users
          Fields: teams.edges.node.name, teams.edges.isDirect, teams.edges.node.id
          Remote Filter: teamIds in 't'::text
",
    );
    is(
        &session.plan("SELECT name FROM pluralsight.plan"),
        "
        Foreign Scan on plan
          Pluralsight Query: planInfo
          Fields: name
",
    );
}

#[test]
fn plain_explain_needs_neither_token_nor_network() {
    let mut stage = stage();
    stage
        .session
        .run("ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token)");
    stage.sandbox.reset();
    stage
        .session
        .rows("EXPLAIN (VERBOSE) SELECT * FROM pluralsight.accounts WHERE email = 'x'");
    assert_eq!(stage.sandbox.requests().len(), 0);
    assert_eq!(
        stage
            .session
            .error("SELECT * FROM pluralsight.users")
            .message,
        "API token is missing"
    );
}

#[test]
fn explain_is_valid_in_every_format_and_says_what_was_asked() {
    let mut stage = stage();
    // The filter has found somebody in this session, so that a key which is missing needs no proof.
    let known = stage
        .session
        .value("SELECT min(email) FROM pluralsight.users WHERE email ~ '^[a-z.@]+$'");
    stage.session.rows(&format!(
        "SELECT email FROM pluralsight.users WHERE email IN ('A', 'Bb', '{known}', 'zzz')"
    ));
    let query = "SELECT email FROM pluralsight.users WHERE email IN ('a', 'B')";
    let json = stage
        .session
        .column(&format!("EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) {query}"))
        .join("\n");
    let parsed: serde_json::Value = serde_json::from_str(&json).expect("valid JSON");
    let plan = &parsed[0]["Plan"];
    assert_eq!(plan["Pluralsight Query"], "users");
    assert_eq!(plan["Requests"], 1);
    assert_eq!(plan["Pages"], 1);
    assert_eq!(plan["Retries"], 0);
    assert_eq!(plan["Complete"], "yes");
    assert_eq!(plan["Variables"], r#"{"filter":{"emails":["B","b","a"]}}"#);
    assert!(
        plan["Document"]
            .as_str()
            .is_some_and(|document| document.starts_with("query Users("))
    );
    assert!(
        plan["Bytes"].as_u64().is_some_and(|bytes| bytes > 0) && plan["Time Waiting"].is_number()
    );
    // A repeated label would be lost on the way into jsonb.
    let labels = json.matches("\"Pluralsight Query\"").count();
    assert_eq!(labels, 1);
    let xml = stage
        .session
        .column(&format!("EXPLAIN (ANALYZE, VERBOSE, FORMAT XML) {query}"))
        .join("\n");
    stage
        .session
        .rows(&format!("SELECT xmlparse(DOCUMENT {})", literal(&xml)));
    let yaml = stage
        .session
        .column(&format!("EXPLAIN (ANALYZE, VERBOSE, FORMAT YAML) {query}"))
        .join("\n");
    assert!(
        yaml.contains("Requests: 1") && yaml.contains("Complete: \"yes\""),
        "{yaml}"
    );
    let stopped = stage
        .session
        .column(
            "EXPLAIN (ANALYZE) SELECT email FROM pluralsight.users WHERE length(email) > 0 LIMIT 3",
        )
        .join("\n");
    assert!(stopped.contains("Complete: no, stopped early"), "{stopped}");
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[test]
fn the_token_is_in_no_plan() {
    let mut stage = stage();
    let plan = stage
        .session
        .column("EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM pluralsight.accounts")
        .join("\n");
    assert!(!plan.contains(&stage.sandbox.token()));
    assert!(
        stage
            .sandbox
            .requests()
            .iter()
            .all(|request| request.has_key)
    );
}

#[test]
fn joins_with_an_hr_table_are_sensible_at_any_size() {
    for (users, leavers, look_up) in [
        (100, 12, false),
        (10_000, 5, true),
        (100_000, 40, true),
        (100_000, 5_000, false),
    ] {
        let mut stage = Stage::new(Config {
            users,
            ..Config::default()
        });
        stage.session.run(&format!(
            "CREATE TABLE leavers AS SELECT n || '@example.org' AS email FROM generate_series(1, {leavers}) AS n; ANALYZE leavers; SELECT count(*) FROM pluralsight.users"
        ));
        let plan = stage
            .session
            .plan("SELECT u.user_id FROM leavers l JOIN pluralsight.users u USING (email)");
        assert_eq!(
            plan.contains("Remote Filter: emails in"),
            look_up,
            "{leavers} leavers, {users} users:\n{plan}"
        );
        let rows = stage
            .session
            .value("SELECT count(*) FROM leavers l JOIN pluralsight.users u USING (email)");
        assert_eq!(rows, "0");
    }
}

#[test]
fn a_look_at_the_accounts_of_a_large_organization_takes_three_requests() {
    let mut stage = Stage::new(Config {
        users: 50_000,
        ..Config::default()
    });
    for known in [true, false] {
        if !known {
            // What a table says of its size is only an estimate: the plan does not hang on it.
            stage.session.run(
                "DO $$ DECLARE t regclass; BEGIN
                     FOR t IN SELECT ftrelid FROM pg_foreign_table, pg_options_to_table(ftoptions) WHERE option_name = 'rows' LOOP
                         EXECUTE format('ALTER FOREIGN TABLE %s OPTIONS (DROP rows)', t);
                     END LOOP;
                 END $$",
            );
        }
        // All admins, in two pages, and the first page of users.
        for (sql, most) in [
            ("SELECT * FROM pluralsight.accounts LIMIT 5", 3),
            (
                "SELECT email, billable FROM pluralsight.accounts LIMIT 5",
                3,
            ),
            (
                "SELECT email FROM pluralsight.accounts WHERE NOT is_admin LIMIT 5",
                3,
            ),
            (
                "SELECT a.email, p.name FROM pluralsight.accounts AS a, pluralsight.plan AS p LIMIT 5",
                4,
            ),
        ] {
            let mut fresh = stage.another_session();
            stage.sandbox.reset();
            assert_eq!(fresh.rows(sql).len(), 5, "{sql}");
            let requests = stage.sandbox.requests().len();
            assert!(
                requests <= most,
                "{sql}: {requests} requests\n{}",
                stage.another_session().plan(sql)
            );
        }
    }
}
