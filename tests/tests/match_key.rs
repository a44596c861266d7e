//! The form in which addresses compare, whatever the database's locale and encoding.

use behaviour::{Session, Stage, cluster, fresh_database};
use pluralsight_sandbox::Config;

/// A session in a database of that locale or encoding, with the extension.
fn database(options: &str) -> Session {
    let name = fresh_database();
    let mut session = Session::connect(cluster::shared().dbname("postgres"));
    session.run(&format!("DROP DATABASE {name}"));
    session.run(&format!(
        "CREATE DATABASE {name} TEMPLATE template0 {options}"
    ));
    let mut session = Session::connect(cluster::shared().dbname(&name));
    session.run("CREATE EXTENSION pluralsight_fdw");
    session
}

#[test]
fn the_locale_of_the_database_changes_nothing() {
    let mut databases = vec!["", "LOCALE 'C'"];
    if cluster::has_icu() && cluster::major() >= 15 {
        databases.push("LOCALE_PROVIDER icu ICU_LOCALE 'tr' LOCALE 'C.UTF-8'");
    }
    for options in databases {
        let mut session = database(options);
        for (written, key) in [
            ("JÖRG.IRIS@Example.COM", "jörg.iris@example.com"),
            (
                "\u{a0}Jo\u{308}rg.Iris@example.com\r\n",
                "jörg.iris@example.com",
            ),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("\u{200b}\u{feff}A\u{ad}B", "ab"),
        ] {
            assert_eq!(
                session.value(&format!("SELECT pluralsight_fdw.match_key('{written}')")),
                key,
                "{options}: {written:?}"
            );
        }
        assert_eq!(
            session.value("SELECT count(*) FROM (VALUES (NULL), (''), (E' \\t\\u00a0')) AS nothing (text) WHERE pluralsight_fdw.match_key(text) IS NOT NULL"),
            "0"
        );
    }
}

#[test]
fn other_encodings_have_keys_of_their_own() {
    let mut session = database("ENCODING 'LATIN1' LOCALE 'C'");
    for (written, key) in [
        ("JÖRG@x", "jörg@x"),
        (" Straße\u{a0}", "strasse"),
        // What the micro sign folds to is not in LATIN1; two spellings still have one key.
        ("5 µM", "5 \\u03bcm"),
    ] {
        assert_eq!(
            session.value(&format!("SELECT pluralsight_fdw.match_key('{written}')")),
            key,
            "{written:?}"
        );
    }
    let mut session = database("ENCODING 'EUC_JP' LOCALE 'C'");
    assert_eq!(
        session.value("SELECT pluralsight_fdw.match_key('ＡＢＣ 日本\u{3000}')"),
        "ａｂｃ 日本"
    );
    let mut session = database("ENCODING 'SQL_ASCII' LOCALE 'C'");
    assert_eq!(
        session.value("SELECT pluralsight_fdw.match_key('JÖRG ')"),
        "jörg"
    );
    assert_eq!(
        session.value(
            "SELECT encode(pluralsight_fdw.match_key(convert_from('\\x20d641'::bytea, 'SQL_ASCII'))::bytea, 'hex')"
        ),
        "d661"
    );
}

#[test]
fn it_can_be_indexed_and_used_by_everybody_and_in_parallel() {
    let mut stage = Stage::bare(Config::default());
    let role = format!("anybody_{}", stage.database());
    stage.session.run(&format!("CREATE ROLE {role} LOGIN"));
    assert_eq!(
        stage
            .session_of(&role)
            .value("SELECT pluralsight_fdw.match_key('A@B')"),
        "a@b"
    );
    stage.session.run(
        "CREATE TABLE staff (email text);
         INSERT INTO staff SELECT 'P' || n || '@X.com' FROM generate_series(1, 20000) AS n;
         CREATE INDEX ON staff (pluralsight_fdw.match_key(email));
         ANALYZE staff",
    );
    assert!(
        stage
            .session
            .plan("SELECT * FROM staff WHERE pluralsight_fdw.match_key(email) = pluralsight_fdw.match_key(' p77@x.COM')")
            .contains("Index")
    );
    assert_eq!(
        stage.session.rows(
            "SELECT provolatile, proparallel, proisstrict FROM pg_proc WHERE proname = 'match_key'"
        ),
        [["i", "s", "t"].map(|text| Some(text.to_owned()))]
    );
}
