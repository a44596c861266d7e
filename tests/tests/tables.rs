//! Tables as people make and change them, and queries as people write them.

use behaviour::Stage;
use pluralsight_sandbox::Config;

fn stage() -> Stage {
    Stage::new(Config {
        users: 150,
        ..Config::default()
    })
}

#[test]
fn an_ordinary_query_says_nothing_beside_its_answer() {
    let mut stage = stage();
    for query in [
        "SELECT * FROM pluralsight.users",
        "SELECT * FROM pluralsight.users WHERE lower(email) = 'x' AND last_login > now() - interval '90 days'",
        "SELECT count(*) FROM pluralsight.users WHERE email = ANY (ARRAY(SELECT email FROM pluralsight.admins))",
        "SELECT * FROM pluralsight.accounts WHERE billable",
        "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM pluralsight.licenses",
    ] {
        stage.session.rows(query);
        assert_eq!(stage.session.notices(), Vec::<String>::new(), "{query}");
    }
}

#[test]
fn whole_rows_and_tableoid_have_their_values() {
    let mut stage = stage();
    let email = "SELECT email FROM pluralsight.users ORDER BY user_id LIMIT 1";
    let expected = stage.session.value(email);
    assert_eq!(
        stage
            .session
            .value("SELECT (u).email FROM pluralsight.users u ORDER BY user_id LIMIT 1"),
        expected
    );
    assert_eq!(
        stage.session.value(
            "SELECT row_to_json(u) ->> 'email' FROM pluralsight.users u ORDER BY u.user_id LIMIT 1"
        ),
        expected
    );
    assert_eq!(
        stage
            .session
            .value("SELECT DISTINCT tableoid::regclass FROM pluralsight.users"),
        "pluralsight.users"
    );
    assert!(
        stage
            .session
            .value("SELECT u FROM pluralsight.users u ORDER BY u.user_id LIMIT 1")
            .contains(&expected)
    );
}

#[test]
fn columns_may_be_dropped_reordered_renamed_and_left_out() {
    let mut stage = stage();
    let expected = stage
        .session
        .column("SELECT email FROM pluralsight.users ORDER BY user_id");
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.users DROP COLUMN additional_emails CASCADE");
    assert_eq!(
        stage
            .session
            .column("SELECT email FROM pluralsight.users ORDER BY user_id"),
        expected
    );
    assert_eq!(
        stage
            .session
            .rows("SELECT u FROM pluralsight.users u")
            .len(),
        150
    );
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.users RENAME COLUMN email TO address");
    assert_eq!(
        stage
            .session
            .column("SELECT address FROM pluralsight.users ORDER BY user_id"),
        expected
    );
    stage.session.run("CREATE FOREIGN TABLE small (created_on date, address varchar(400) OPTIONS (field 'email'), user_id text OPTIONS (field 'psUserId')) SERVER pluralsight OPTIONS (query 'users')");
    assert_eq!(
        stage
            .session
            .column("SELECT address FROM small ORDER BY user_id"),
        expected
    );
    assert_eq!(stage.session.value("SELECT count(*) FROM small s JOIN pluralsight.users u ON s.user_id = u.user_id::text AND s.created_on = (u.created_on AT TIME ZONE 'UTC')::date"), stage.session.value("SELECT count(created_on) FROM small"));
}

#[test]
fn a_column_that_the_api_does_not_have_is_a_clear_error() {
    let mut stage = stage();
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.users ADD COLUMN shoe_size integer");
    let error = stage
        .session
        .error("SELECT shoe_size FROM pluralsight.users");
    assert!(
        error.message.contains("\"shoe_size\"") && error.message.contains("shoeSize"),
        "{error:?}"
    );
    assert!(error.hint.is_some_and(|hint| {
        hint.contains("ALTER COLUMN \"shoe_size\" OPTIONS (ADD absent 'true');")
    }));
    assert_eq!(
        stage
            .session
            .rows("SELECT email FROM pluralsight.users")
            .len(),
        150
    );
}

#[test]
fn a_value_that_does_not_fit_names_column_field_and_value() {
    let mut stage = stage();
    for (definition, words) in [
        ("email integer", "a whole number was expected"),
        ("email uuid", "does not fit"),
        ("email timestamptz", "an instant"),
        ("created_on boolean", "a Boolean was expected"),
        ("email date", "an instant"),
        (
            "team_names text OPTIONS (field 'teams.edges.node.name')",
            "values where the column takes one",
        ),
    ] {
        stage.session.run(&format!("DROP FOREIGN TABLE IF EXISTS wrong; CREATE FOREIGN TABLE wrong ({definition}) SERVER pluralsight OPTIONS (query 'users', key 'psUserId')"));
        let error = stage.session.error("SELECT * FROM wrong");
        assert_eq!(error.code, "HV004", "{definition}: {error:?}");
        assert!(
            error.message.contains("column \"")
                && error.message.contains("field ")
                && error.message.contains(words),
            "{definition}: {error:?}"
        );
    }
}

#[test]
fn writing_is_refused_by_postgresql_itself() {
    let mut stage = stage();
    for (statement, message) in [
        (
            "INSERT INTO pluralsight.users (email) VALUES ('x')",
            "cannot insert into foreign table \"users\"",
        ),
        (
            "UPDATE pluralsight.users SET note = 'x'",
            "cannot update foreign table \"users\"",
        ),
        (
            "DELETE FROM pluralsight.users",
            "cannot delete from foreign table \"users\"",
        ),
        (
            "TRUNCATE pluralsight.users",
            "cannot truncate foreign table \"users\"",
        ),
        (
            "COPY pluralsight.users (email) FROM PROGRAM 'true'",
            "cannot insert into foreign table \"users\"",
        ),
    ] {
        let error = stage.session.error(statement);
        assert_eq!(error.message, message);
    }
    assert_eq!(stage.session.value("SELECT is_insertable_into FROM information_schema.tables WHERE table_schema = 'pluralsight' AND table_name = 'users'"), "NO");
}

#[test]
fn options_are_checked_when_they_are_written() {
    let mut stage = stage();
    for (statement, code, words) in [
        (
            "CREATE SERVER x FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_ulr 'https://x')",
            "HV00D",
            "Perhaps you meant \"api_url\"",
        ),
        (
            "CREATE SERVER x FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (field 'x')",
            "HV00D",
            "belongs to a column",
        ),
        (
            "CREATE SERVER x FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url 'http://example.com')",
            "HV024",
            "https",
        ),
        (
            "CREATE SERVER x FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (page_size '0')",
            "HV024",
            "from 1 to 10000",
        ),
        (
            "CREATE SERVER x FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (max_attempts 'many')",
            "HV024",
            "whole number",
        ),
        (
            "CREATE SERVER x FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (request_timeout '30')",
            "HV024",
            "unit",
        ),
        (
            "CREATE SERVER x FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (connect_timeout '0s')",
            "HV024",
            "longer than 0",
        ),
        (
            "CREATE SERVER x FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_token 'a', api_token_name 'b')",
            "HV00D",
            "one API token",
        ),
        (
            "CREATE SERVER x FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_token_file 'relative')",
            "HV024",
            "absolute path",
        ),
        (
            "CREATE SERVER x FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_token_id 'x')",
            "HV024",
            "UUID",
        ),
        (
            "CREATE USER MAPPING FOR PUBLIC SERVER pluralsight OPTIONS (api_token 'a b')",
            "HV024",
            "no API key has",
        ),
        (
            "CREATE USER MAPPING FOR PUBLIC SERVER pluralsight OPTIONS (user 'x')",
            "HV00D",
            "Valid options are",
        ),
        (
            "CREATE FOREIGN TABLE x (a text) SERVER pluralsight",
            "HV00J",
            "\"query\" is missing",
        ),
        (
            "CREATE FOREIGN TABLE x (a text) SERVER pluralsight OPTIONS (query 'users { x }')",
            "HV024",
            "GraphQL name",
        ),
        (
            "CREATE FOREIGN TABLE x (a text) SERVER pluralsight OPTIONS (query 'users', filters 'email$')",
            "HV024",
            "is not known",
        ),
        (
            "CREATE FOREIGN TABLE x (a text) SERVER pluralsight OPTIONS (query 'users', shape 'round')",
            "HV024",
            "connection, object or list",
        ),
        (
            "CREATE FOREIGN TABLE x (a text OPTIONS (only_where 'a', only_where_not 'b')) SERVER pluralsight OPTIONS (query 'users')",
            "HV00D",
            "exclude",
        ),
        (
            "ALTER FOREIGN TABLE pluralsight.users OPTIONS (DROP query)",
            "HV00J",
            "\"query\" is missing",
        ),
    ] {
        let error = stage.session.error(statement);
        let told = format!(
            "{} {}",
            error.message,
            error.hint.clone().unwrap_or_default()
        );
        assert_eq!(error.code, code, "{statement}: {error:?}");
        assert!(told.contains(words), "{statement}: {error:?}");
    }
    stage.session.notices();
    stage
        .session
        .run("CREATE SERVER warned FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_token 'x')");
    assert!(
        stage
            .session
            .notices()
            .iter()
            .any(|notice| notice.starts_with("WARNING") && notice.contains("every role"))
    );
}

#[test]
fn analyze_leaves_real_statistics_and_samples_no_more_than_it_needs() {
    let mut stage = Stage::new(Config {
        users: 5_000,
        ..Config::default()
    });
    stage.session.run("SET default_statistics_target = 5");
    assert_eq!(
        stage.requests("ANALYZE pluralsight.users"),
        3,
        "1,500 rows are three pages"
    );
    assert_eq!(
        stage
            .session
            .value("SELECT reltuples::int FROM pg_class WHERE oid = 'pluralsight.users'::regclass"),
        "5000"
    );
    assert_eq!(stage.session.value("SELECT n_distinct::int FROM pg_stats WHERE schemaname = 'pluralsight' AND tablename = 'users' AND attname = 'user_id'"), "-1");
    let mut fresh = stage.another_session();
    let plan = fresh
        .column("EXPLAIN SELECT * FROM pluralsight.users")
        .join("\n");
    assert!(plan.contains("rows=5000"), "{plan}");
}
