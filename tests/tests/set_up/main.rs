//! `CALL pluralsight_fdw.set_up(…)`: one call makes the tables and views, and renews them.

mod api;
mod others;

use behaviour::{Session, Stage};
use pluralsight_sandbox::{Config, Introspection, variant};

const SET_UP: &str = "CALL pluralsight_fdw.set_up('pluralsight')";

fn stage(config: Config) -> Stage {
    let mut stage = Stage::bare(Config {
        users: 50,
        ..config
    });
    stage.session.run("DROP SCHEMA pluralsight");
    stage.session.notices();
    stage
}

fn set_up_says(stage: &mut Stage, words: &str) {
    stage.session.run(SET_UP);
    let notices = stage.session.notices();
    assert!(
        notices.iter().any(|notice| notice.contains(words)),
        "{words}: {notices:?}"
    );
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn column_options(session: &mut Session, table: &str, column: &str) -> String {
    session.value(&format!(
        "SELECT array_to_string(ARRAY(SELECT unnest(attfdwoptions) ORDER BY 1), ', ') FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname = '{column}'"
    ))
}

fn table_option(session: &mut Session, table: &str, option: &str) -> String {
    session.value(&format!(
        "SELECT COALESCE((SELECT option_value FROM pg_foreign_table, pg_options_to_table(ftoptions) WHERE ftrelid = '{table}'::regclass AND option_name = '{option}'), '')"
    ))
}

fn columns(session: &mut Session, table: &str) -> Vec<String> {
    session.column(&format!("SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"))
}

#[test]
fn one_call_makes_schema_tables_views_and_comments() {
    let mut stage = stage(Config::default());
    stage.sandbox.reset();
    stage.session.run(SET_UP);
    let requests = stage.sandbox.requests().len();
    assert!(requests <= 6, "the schema, and each table once: {requests}");
    let notices = stage.session.notices();
    for words in [
        "schema \"pluralsight\" was made",
        "\"pluralsight\".\"users\" was made; it has 50 rows",
    ] {
        assert!(
            notices.iter().any(|notice| notice.contains(words)),
            "{words}: {notices:?}"
        );
    }
    assert_ne!(
        stage
            .session
            .rows("SELECT * FROM pluralsight.accounts")
            .len(),
        0
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "rows"),
        "50"
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "unchecked"),
        ""
    );
    assert_eq!(
        stage.session.value("SELECT count(*) FROM pg_attribute WHERE attrelid IN (SELECT ftrelid FROM pg_foreign_table) AND attnum > 0 AND col_description(attrelid, attnum) IS NULL"),
        "0",
        "every column has its comment"
    );
    assert_eq!(
        stage
            .session
            .value("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'pluralsight.users'::regclass AND attname = 'user_id'"),
        "text"
    );
}

#[test]
fn called_again_it_changes_nothing() {
    let mut stage = stage(Config::default());
    stage.session.run(SET_UP);
    stage.session.notices();
    let picture = "SELECT md5(string_agg(c::text, ',' ORDER BY c.oid)) FROM (SELECT oid, relname, relowner, relacl FROM pg_class WHERE relnamespace = 'pluralsight'::regnamespace) AS c";
    let before = stage.session.value(picture);
    stage.session.run(SET_UP);
    let notices = stage.session.notices();
    assert!(
        !notices
            .iter()
            .any(|notice| notice.contains("changed") || notice.contains("was made")),
        "{notices:?}"
    );
    assert_eq!(stage.session.value(picture), before);
}

#[test]
fn without_a_working_token_nothing_is_made() {
    let mut stage = stage(Config::default());
    stage.session.run(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token 'wrong')",
    );
    assert_eq!(stage.session.error(SET_UP).code, "28000");
    assert_eq!(
        stage
            .session
            .error(
                "CREATE SCHEMA x; IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO x"
            )
            .code,
        "28000"
    );
    stage
        .session
        .run("DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight");
    let error = stage.session.error(SET_UP);
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("HV00J", "API token is missing")
    );
    stage
        .session
        .run("CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token 'x')");
    stage.session.run("ALTER SERVER pluralsight OPTIONS (SET api_url 'http://127.0.0.1:1/', ADD max_attempts '1')");
    assert_eq!(stage.session.error(SET_UP).code, "HV00N");
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pg_namespace WHERE nspname IN ('pluralsight', 'x')"),
        "0"
    );
    assert_eq!(
        stage.session.value("SELECT count(*) FROM pg_foreign_table"),
        "0"
    );
}

#[test]
fn what_the_user_added_or_set_is_kept() {
    let mut stage = stage(Config {
        extra: texts(&["User.favoriteColor: String", "User.nick: String"]),
        ..Config::default()
    });
    stage.session.run(SET_UP);
    let role = stage.role("reader");
    stage.session.run(
        "ALTER FOREIGN TABLE pluralsight.users ADD COLUMN color text OPTIONS (field 'favoriteColor');
         ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN note OPTIONS (SET field 'nick');
         ALTER FOREIGN TABLE pluralsight.users OPTIONS (ADD page_size '7', ADD on_incomplete 'warning');
         COMMENT ON COLUMN pluralsight.users.email IS 'mine';
         CREATE VIEW pluralsight.mine AS SELECT email FROM pluralsight.users",
    );
    let grants = "SELECT relacl FROM pg_class WHERE oid = 'pluralsight.users'::regclass";
    let before = stage.session.value(grants);
    assert!(before.contains(&role));
    stage.session.run(SET_UP);
    assert_eq!(
        column_options(&mut stage.session, "pluralsight.users", "note"),
        "field=nick"
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "page_size"),
        "7"
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "on_incomplete"),
        "warning"
    );
    assert!(columns(&mut stage.session, "pluralsight.users").contains(&"color".to_owned()));
    assert_eq!(
        stage.session.value("SELECT col_description('pluralsight.users'::regclass, attnum) FROM pg_attribute WHERE attrelid = 'pluralsight.users'::regclass AND attname = 'email'"),
        "mine"
    );
    assert_eq!(stage.session.value(grants), before);
    assert_eq!(
        stage.session.rows("SELECT * FROM pluralsight.mine").len(),
        50
    );
    // A field of the user's that the API does not have gives way to the declared one.
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN note OPTIONS (SET field 'gone')");
    stage.session.run(SET_UP);
    assert_eq!(
        column_options(&mut stage.session, "pluralsight.users", "note"),
        "field=note"
    );
    // A column that was dropped comes back.
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.teams DROP COLUMN description CASCADE");
    stage.session.run(SET_UP);
    assert!(columns(&mut stage.session, "pluralsight.teams").contains(&"description".to_owned()));
}
