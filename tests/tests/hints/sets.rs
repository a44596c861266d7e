//! HINTs about sets of copies: what they copy, and what of them was changed or lost.

use super::*;

/// A set knows what it copies, whatever its schema and others are called.
pub fn sets(followed: &mut Followed) {
    let mut stage = stage(Config::default());
    let stage = &mut stage;
    changed_views(stage, followed);
    sources(stage, followed);
    freshness(stage, followed);
    partial_sets(stage, followed);
}

fn changed_views(stage: &mut Stage, followed: &mut Followed) {
    let reader = stage.role("page_reader");
    let session = &mut stage.session;
    session.run(&format!(
        "CALL pluralsight_fdw.set_up('pluralsight', 'other');
         CALL pluralsight_fdw.create_copies('other', 'Kept');
         CALL pluralsight_fdw.grant_reading('Kept', '{reader}')"
    ));
    let refresh = "CALL pluralsight_fdw.refresh('Kept')";
    let page = "SELECT length(pluralsight_fdw.report_html('Kept')) > 1000";
    // What the page, check() and a refresh need, one column after the other; each is of a view that a call can renew.
    for (view, column) in [
        ("report_summary", "seats"),
        ("report_products", "used"),
        ("license_forecast", "runs_out_on"),
        ("data_freshness", "as_of"),
        ("licenses", "remaining"),
    ] {
        let change =
            format!("ALTER VIEW \"Kept\".{view} RENAME COLUMN {column} TO \"{column}, mine\"");
        session.run(&change);
        // Dependent views go on by the column's number, so the page does not miss what only they ask for.
        if view == "licenses" {
            let error = followed.mend(session, refresh, &[]);
            assert_eq!(error.code, "42703");
            assert_eq!(
                session.value("SELECT hint FROM \"Kept\".refresh_log WHERE outcome = 'failed' ORDER BY id DESC LIMIT 1"),
                error.hint.expect("a hint")
            );
        } else {
            followed.mend(session, page, &[]);
        }
        session.run(&change);
        session.hints();
        session.run("CALL pluralsight_fdw.create_copies(copies => 'Kept', fill => false)");
        let mut hints = session.hints();
        hints.dedup();
        let [hint] = &hints[..] else {
            panic!("{view}: {hints:?}")
        };
        followed.follow(session, hint, &[]);
        session.run(refresh);
        session.run(page);
    }
    // What history is drawn from goes on being drawn from, as far as it is there.
    session.run("ALTER VIEW \"Kept\".accounts RENAME COLUMN is_admin TO admin");
    session.hints();
    session.run(refresh);
    followed.follow_only(session);
    session.run(refresh);
    assert_eq!(session.hints(), Vec::<String>::new());
    session.run("ALTER TABLE \"Kept\".account_history RENAME COLUMN mfa_enabled TO mfa");
    session.run(refresh);
    followed.follow_only(session);
    session.run(refresh);
    assert_eq!(session.hints(), Vec::<String>::new());
    session.run("ALTER VIEW \"Kept\".data_freshness RENAME COLUMN age TO years");
    let (status, hint) = checked(session, "copies Kept");
    assert_eq!(status, "failed");
    followed.follow(session, &hint.expect("a hint"), &[]);
    assert_eq!(checked(session, "copies Kept").0, "ok");
    // Another source than the set's: the HINT does what was asked for.
    session.run("ALTER VIEW \"Kept\".licenses RENAME COLUMN remaining TO rest");
    let hint = hint_of(
        session,
        "CALL pluralsight_fdw.create_copies('pluralsight', 'Kept', fill => false, replace_views => true)",
    );
    followed.follow(session, &hint, &[]);
    session.run(refresh);
    // Who may only read is told whom to ask.
    session.run("ALTER VIEW \"Kept\".report_summary RENAME COLUMN seats TO chairs");
    let mut theirs = stage.session_of(&reader);
    let error = followed.mend_by(&mut stage.session, &mut theirs, page, &[]);
    assert!(error.hint.expect("a hint").starts_with("Role \""));
    assert_eq!(
        stage
            .session
            .value("SELECT source_schema FROM \"Kept\".settings"),
        "other"
    );
    stage
        .session
        .run("CALL pluralsight_fdw.drop_copies('Kept'); DROP SCHEMA other CASCADE");
}

/// A set goes on with what it copied. Where that cannot be told any longer, nothing is taken in its place.
fn sources(stage: &mut Stage, followed: &mut Followed) {
    let session = &mut stage.session;
    let source_of = |session: &mut Session, set: &str| {
        session.value(&format!("SELECT source_schema FROM {set}.settings"))
    };
    session.run(
        "CALL pluralsight_fdw.set_up('pluralsight', 'b');
         CALL pluralsight_fdw.create_copies('b', 'reports');
         DROP SCHEMA b CASCADE",
    );
    let renew = "CALL pluralsight_fdw.create_copies(copies => 'reports', fill => false)";
    let error = followed.mend(session, renew, &[]);
    assert_eq!(error.message, "schema \"b\" does not exist");
    assert_eq!(source_of(session, "reports"), "b");
    // The settings are lost, and there are several schemas that it can have been.
    session.run("DELETE FROM reports.settings");
    for statement in ["CALL pluralsight_fdw.refresh('reports')", renew] {
        let hint = hint_of(session, statement);
        assert_eq!(hint, "CALL pluralsight_fdw.create_copies('…', 'reports');");
    }
    followed.mend(session, renew, &["b"]);
    assert_eq!(source_of(session, "reports"), "b");
    // A set is of the server that it reads, whatever has the old name of its source.
    session.run(&format!(
        "DO $$ BEGIN EXECUTE (
             SELECT format('CREATE SERVER second FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (%s)', string_agg(format('%I %L', option_name, option_value), ', '))
             FROM pg_options_to_table((SELECT srvoptions FROM pg_foreign_server WHERE srvname = 'pluralsight'))
         ); END $$;
         CREATE USER MAPPING FOR CURRENT_USER SERVER second OPTIONS (api_token '{}');
         ALTER SCHEMA b RENAME TO bb;
         CALL pluralsight_fdw.set_up('second', 'b')",
        stage.sandbox.token()
    ));
    let of_server = |session: &mut Session, server: &str| {
        session.value(&format!(
            "SELECT count(*) FROM pluralsight_fdw.check('{server}') WHERE checked = 'copies reports'"
        ))
    };
    assert_eq!(of_server(session, "pluralsight"), "1");
    assert_eq!(of_server(session, "second"), "0");
    session.run("DROP SERVER second CASCADE; DROP SCHEMA b CASCADE; ALTER SCHEMA bb RENAME TO b");
    // A name that another schema has by now means that one.
    session.run("ALTER SCHEMA b RENAME TO c; CALL pluralsight_fdw.set_up('pluralsight', 'b')");
    let hint = hint_of(
        session,
        "CALL pluralsight_fdw.create_copies('b', 'reports', fill => false)",
    );
    followed.follow(session, &hint, &[]);
    assert_eq!(source_of(session, "reports"), "c");
    // Foreign tables are no place for copies.
    for call in [
        "create_copies(copies => 'b')",
        "create_copies('pluralsight', 'b')",
        "create_copies('b', 'b')",
    ] {
        let error = session.error(&format!("CALL pluralsight_fdw.{call}"));
        assert_eq!((error.code.as_str(), error.hint), ("22023", None), "{call}");
        assert_eq!(
            error.message,
            "the copies cannot be in schema \"b\" itself, where the foreign tables are"
        );
    }
    let error = session.error("CALL pluralsight_fdw.create_copies(copies => '')");
    assert_eq!(error.code, "22023");
    // What fails while history is written, and why.
    session.run("ALTER TABLE reports.license_history RENAME COLUMN purchased TO bought");
    assert_eq!(
        session
            .error("CALL pluralsight_fdw.refresh('reports')")
            .hint,
        None
    );
    session.run("ALTER TABLE reports.license_history RENAME COLUMN bought TO purchased");
    session.run(
        "DO $$ BEGIN EXECUTE format('CREATE OR REPLACE VIEW reports.accounts AS SELECT * FROM (%s) AS account WHERE 1 / (length(account.user_id) - length(account.user_id)) > 0',
         rtrim(pg_get_viewdef('reports.accounts'::regclass), ';')); END $$",
    );
    let error = followed.mend(session, "CALL pluralsight_fdw.refresh('reports')", &[]);
    assert_eq!(error.code, "22012");
    session.run("CALL pluralsight_fdw.drop_copies('reports'); DROP SCHEMA b, c CASCADE");
}

/// Copies whose age cannot be told are not fresh, and live tables have no age.
fn freshness(stage: &mut Stage, followed: &mut Followed) {
    let reader = stage.role("anonymous_reader");
    let session = &mut stage.session;
    session.run(&format!(
        "CALL pluralsight_fdw.create_copies();
         CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{reader}', anonymous => true);
         GRANT USAGE ON FOREIGN SERVER pluralsight TO {reader};
         DROP VIEW pluralsight_copy.data_freshness"
    ));
    let (status, hint) = checked(session, "copies pluralsight_copy");
    assert_eq!(status, "failed");
    let page = "SELECT length(pluralsight_fdw.report_html()) > 1000";
    // check() breaks its lines.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        words(&hint_of(session, page)),
        words(&hint.expect("a hint"))
    );
    followed.mend(session, page, &[]);
    assert_eq!(checked(session, "copies pluralsight_copy").0, "ok");
    // What a reader may not do is not asked of them.
    session.run(&format!(
        "CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{reader}', anonymous => true);
         UPDATE pluralsight_copy.refresh_log SET outcome = 'failed', error = 'x' WHERE id = (SELECT max(id) FROM pluralsight_copy.refresh_log)"
    ));
    let mut theirs = stage.session_of(&reader);
    let (status, hint) = checked(&mut theirs, "copies pluralsight_copy");
    assert_eq!(status, "warning");
    let hint = hint.expect("a hint");
    assert!(hint.starts_with("Role \""), "{hint}");
    followed.follow(&mut stage.session, &hint, &[]);
    // Tables of the user's own beside live ones are nobody's business.
    let session = &mut stage.session;
    session.run(
        "CREATE TABLE pluralsight.settings (x int);
         CREATE TABLE pluralsight.refresh_log (x int);
         CREATE TABLE pluralsight.data_freshness (x int)",
    );
    session.hints();
    session.run("CALL pluralsight_fdw.set_up('pluralsight')");
    assert_eq!(session.hints(), Vec::<String>::new());
    session.run("SELECT pluralsight_fdw.report_html('pluralsight')");
    session.run(&format!(
        "CALL pluralsight_fdw.grant_reading('pluralsight', '{reader}', anonymous => true)"
    ));
    assert_eq!(
        session.value(&format!(
            "SELECT has_table_privilege('{reader}', 'pluralsight.data_freshness', 'SELECT')"
        )),
        "f"
    );
    session.run(
        "DROP TABLE pluralsight.settings, pluralsight.refresh_log, pluralsight.data_freshness",
    );
}

/// Copies of some tables have some of the views.
fn partial_sets(stage: &mut Stage, followed: &mut Followed) {
    let session = &mut stage.session;
    session.run("CALL pluralsight_fdw.create_copies(copies => 'part', tables => '{users}')");
    session.run("ALTER VIEW part.memberships RENAME COLUMN is_direct TO direct");
    session.hints();
    session.run("CALL pluralsight_fdw.create_copies(copies => 'part', fill => false)");
    followed.follow_only(session);
    session.run("SELECT is_direct FROM part.memberships");
    followed.mend(
        session,
        "SELECT length(pluralsight_fdw.report_html('part')) > 1000",
        &[],
    );
    session.run("CALL pluralsight_fdw.drop_copies('part')");
}
