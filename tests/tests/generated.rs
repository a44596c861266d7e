//! Generated columns of foreign tables: computed from what the API sends, never asked of it.

use behaviour::Stage;
use pluralsight_sandbox::Config;

const DOMAIN: &str = "SELECT count(*) FROM pluralsight.users WHERE domain IS DISTINCT FROM split_part(email, '@', 2)";

/// A stage whose users have a column `domain`, generated in that way.
fn stage(how: &str) -> Stage {
    let mut stage = Stage::new(Config {
        users: 300,
        ..Config::default()
    });
    stage.session.run(&format!(
        "ALTER FOREIGN TABLE pluralsight.users
             ADD COLUMN domain text GENERATED ALWAYS AS (split_part(email, '@', 2)) {how}"
    ));
    stage
}

/// The ways that this PostgreSQL has.
fn ways() -> Vec<&'static str> {
    if behaviour::cluster::major() >= 18 {
        vec!["STORED", "VIRTUAL"]
    } else {
        vec!["STORED"]
    }
}

#[test]
fn a_generated_column_is_computed_and_never_asked_of_the_api() {
    for how in ways() {
        let mut stage = stage(how);
        let people = stage
            .session
            .value("SELECT count(email) FROM pluralsight.users");
        let session = &mut stage.session;
        assert_eq!(session.value(DOMAIN), "0", "{how}");
        for (sql, expected) in [
            // What it is computed from is read, though nothing else mentions it.
            ("SELECT count(domain) FROM pluralsight.users", people.as_str()),
            ("SELECT count(u) FILTER (WHERE (u).domain = split_part((u).email, '@', 2)) FROM pluralsight.users AS u", &people),
            ("SELECT count(*) FROM (SELECT DISTINCT domain FROM pluralsight.users WHERE domain IS NOT NULL) AS d
              WHERE NOT EXISTS (SELECT FROM pluralsight.users AS u WHERE split_part(u.email, '@', 2) = d.domain)", "0"),
            ("SELECT count(to_jsonb(u) ->> 'domain') FROM pluralsight.users AS u", &people),
        ] {
            assert_eq!(session.value(sql), expected, "{how}: {sql}");
        }
        let one =
            session.value("SELECT domain FROM pluralsight.users WHERE email IS NOT NULL LIMIT 1");
        let rows = session.rows(&format!(
            "SELECT domain, email FROM pluralsight.users WHERE domain = '{one}' FOR UPDATE"
        ));
        assert!(!rows.is_empty());
        for row in rows {
            assert_eq!(row[0].as_deref(), Some(one.as_str()));
        }
        session.run("ANALYZE pluralsight.users");
        if how == "STORED" {
            assert_ne!(
                session.value("SELECT n_distinct FROM pg_stats WHERE tablename = 'users' AND attname = 'domain'"),
                "0",
                "its statistics are those of its values"
            );
        }
        // As a source of changes to other tables.
        session.run(
            "CREATE TABLE local (email text PRIMARY KEY, domain text);
             INSERT INTO local (email) SELECT DISTINCT email FROM pluralsight.users WHERE email IS NOT NULL;
             UPDATE local AS l SET domain = u.domain FROM pluralsight.users AS u WHERE u.email = l.email",
        );
        assert_eq!(
            session.value(
                "SELECT count(*) FROM local WHERE domain IS DISTINCT FROM split_part(email, '@', 2)"
            ),
            "0"
        );
        if behaviour::cluster::major() >= 15 {
            session.run(
                "UPDATE local SET domain = NULL;
                 MERGE INTO local AS l USING (SELECT DISTINCT email, domain FROM pluralsight.users WHERE email IS NOT NULL) AS u
                     ON u.email = l.email WHEN MATCHED THEN UPDATE SET domain = u.domain",
            );
            assert_eq!(session.value("SELECT count(*) FROM local WHERE domain IS DISTINCT FROM split_part(email, '@', 2)"), "0");
        }
        for request in stage.sandbox.requests() {
            assert!(!request.document.contains("domain"), "{}", request.document);
        }
    }
}

#[test]
fn a_generated_column_checked_against_a_pushed_filter_is_computed_there_too() {
    for how in ways() {
        let mut stage = stage(how);
        let email = stage
            .session
            .value("SELECT email FROM pluralsight.users WHERE email ~ '^[a-z.]+@' LIMIT 1");
        stage
            .session
            .run("SET pluralsight_fdw.verify_pushdown = on");
        assert_eq!(
            stage.session.value(&format!(
                "SELECT domain FROM pluralsight.users WHERE email = '{email}' AND domain = split_part('{email}', '@', 2)"
            )),
            email.split('@').nth(1).expect("an address"),
            "{how}"
        );
    }
}

#[test]
fn a_stored_column_that_says_its_field_is_read_from_the_api() {
    let mut stage = Stage::new(Config {
        users: 50,
        ..Config::default()
    });
    stage.session.run(
        "ALTER FOREIGN TABLE pluralsight.users
             ADD COLUMN given text GENERATED ALWAYS AS ('nobody') STORED,
             ALTER COLUMN given OPTIONS (ADD field 'firstName')",
    );
    assert_eq!(
        stage.session.value(
            "SELECT count(*) FROM pluralsight.users WHERE given IS DISTINCT FROM first_name"
        ),
        "0"
    );
}

#[test]
fn dropped_and_generated_columns_keep_their_places() {
    let mut stage = Stage::new(Config {
        users: 50,
        ..Config::default()
    });
    stage.session.run(
        "CREATE FOREIGN TABLE few (gone text, email text, doubled text GENERATED ALWAYS AS (email || email) STORED,
             also_gone text GENERATED ALWAYS AS (gone) STORED, given text OPTIONS (field 'firstName'), last_name text)
             SERVER pluralsight OPTIONS (query 'users', key 'psUserId');
         ALTER FOREIGN TABLE few DROP COLUMN also_gone, DROP COLUMN gone, DROP COLUMN last_name",
    );
    assert_eq!(
        stage.session.value(
            "SELECT count(*) FROM few AS f WHERE doubled IS DISTINCT FROM email || email OR to_jsonb(f) ->> 'given' IS DISTINCT FROM given"
        ),
        "0"
    );
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM (SELECT * FROM few) AS f"),
        "50"
    );
    stage.session.run("ANALYZE few");
    for request in stage.sandbox.requests() {
        for field in ["gone", "alsoGone", "doubled"] {
            assert!(!request.document.contains(field), "{}", request.document);
        }
    }
}

#[test]
fn an_error_while_a_column_is_computed_ends_the_scan_in_order() {
    let mut stage = Stage::new(Config {
        users: 50,
        ..Config::default()
    });
    stage.session.run(
        "ALTER FOREIGN TABLE pluralsight.users
             ADD COLUMN nonsense integer GENERATED ALWAYS AS (1 / (length(email) - length(email))) STORED",
    );
    for _ in 0..3 {
        assert_eq!(
            stage
                .session
                .error("SELECT nonsense FROM pluralsight.users")
                .code,
            "22012"
        );
        assert_eq!(
            stage.session.error("ANALYZE pluralsight.users").code,
            "22012"
        );
        assert_ne!(
            stage
                .session
                .value("SELECT count(email) FROM pluralsight.users"),
            "0"
        );
    }
}
