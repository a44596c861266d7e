//! Values arrive as they were sent, whatever form they have, or not at all.

use behaviour::copies::set_up;
use behaviour::{Session, Stage, cluster, fresh_database};
use pluralsight_sandbox::{Config, Dates, Numbers};
use serde_json::{Value, json};

/// Three people; `/data/users/nodes/*` and each of the names are as given.
fn stage_with(values: &[(&str, Value)]) -> Stage {
    let stage = Stage::new(Config {
        users: 3,
        ..Config::default()
    });
    patch(&stage, values);
    stage
}

fn patch(stage: &Stage, values: &[(&str, Value)]) {
    stage.sandbox.faults().clear();
    for (name, value) in values {
        let rule = format!("users=set=/data/users/nodes/*/{name}:{value}");
        stage.sandbox.faults().script(&rule).expect(&rule);
    }
}

const TYPES: [(&str, &str); 4] = [
    ("at", "timestamptz"),
    ("at_ms", "timestamptz(0)"),
    ("plain", "timestamp"),
    ("day", "date"),
];

fn add_columns(stage: &mut Stage, more: &str) {
    for (name, of_type) in TYPES {
        stage.session.run(&format!(
            "ALTER FOREIGN TABLE pluralsight.users ADD COLUMN {name} {of_type} OPTIONS (field 'note'{more})"
        ));
    }
}

#[test]
fn an_instant_is_the_same_in_every_form_and_in_every_type() {
    let mut stage = stage_with(&[]);
    add_columns(&mut stage, "");
    for zone in ["UTC", "Asia/Kolkata", "America/St_Johns"] {
        for style in ["ISO, MDY", "SQL, DMY", "German"] {
            stage.session.run(&format!(
                "SET TimeZone = '{zone}'; SET DateStyle = '{style}'"
            ));
            for (text, expected, day) in [
                (
                    "2021-02-03T09:30:00.000Z",
                    "2021-02-03 09:30:00",
                    "2021-02-03",
                ),
                ("2021-02-03T09:30:00Z", "2021-02-03 09:30:00", "2021-02-03"),
                (
                    "2021-02-03T11:30:00.000+0200",
                    "2021-02-03 09:30:00",
                    "2021-02-03",
                ),
                (
                    "2021-02-03T11:30:00.000+02:00",
                    "2021-02-03 09:30:00",
                    "2021-02-03",
                ),
                (
                    "2021-02-03T09:30:00.000+00",
                    "2021-02-03 09:30:00",
                    "2021-02-03",
                ),
                (
                    "2021-02-03T23:30:00-02",
                    "2021-02-04 01:30:00",
                    "2021-02-04",
                ),
                (
                    "2021-02-03T09:30:00.000",
                    "2021-02-03 09:30:00",
                    "2021-02-03",
                ),
                ("2021-02-03 09:30:00", "2021-02-03 09:30:00", "2021-02-03"),
                (
                    "2021-02-03 09:30:00 +0000",
                    "2021-02-03 09:30:00",
                    "2021-02-03",
                ),
                ("2021-02-03T09:30Z", "2021-02-03 09:30:00", "2021-02-03"),
                ("2021-02-03T09:30", "2021-02-03 09:30:00", "2021-02-03"),
                ("20210203T093000Z", "2021-02-03 09:30:00", "2021-02-03"),
                ("2021-02-03", "2021-02-03 00:00:00", "2021-02-03"),
                ("2021-02-03Z", "2021-02-03 00:00:00", "2021-02-03"),
                ("1969-12-31T23:59:59Z", "1969-12-31 23:59:59", "1969-12-31"),
                ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00", "0001-01-01"),
                ("9999-12-31T23:59:59Z", "9999-12-31 23:59:59", "9999-12-31"),
            ] {
                patch(&stage, &[("note", json!(text))]);
                let row = stage.session.rows(
                    "SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), to_char(at_ms AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
                            to_char(plain, 'YYYY-MM-DD HH24:MI:SS'), to_char(day, 'YYYY-MM-DD') FROM pluralsight.users LIMIT 1",
                );
                let found: Vec<&str> = row[0]
                    .iter()
                    .map(|value| value.as_deref().unwrap())
                    .collect();
                assert_eq!(
                    found,
                    [expected, expected, expected, day],
                    "{text} in {zone}"
                );
            }
        }
    }
}

#[test]
fn what_is_no_instant_or_cannot_be_stored_is_refused_with_column_and_value() {
    let mut stage = stage_with(&[]);
    add_columns(&mut stage, "");
    for (text, shown) in [
        (
            json!("-262143-01-01T00:00:00Z"),
            "\"-262143-01-01T00:00:00Z\"",
        ),
        (json!("-9999-01-01"), "\"-9999-01-01\""),
        (
            json!("+262142-12-31T00:00:00Z"),
            "\"+262142-12-31T00:00:00Z\"",
        ),
        (
            json!("300000-01-01T00:00:00Z"),
            "\"300000-01-01T00:00:00Z\"",
        ),
        (json!("2021-02-30"), "\"2021-02-30\""),
        (json!("2021-02-03T25:00:00Z"), "\"2021-02-03T25:00:00Z\""),
        (json!("now"), "\"now\""),
        (json!("infinity"), "\"infinity\""),
        (json!("yesterday"), "\"yesterday\""),
        (json!("03/02/2021"), "\"03/02/2021\""),
        (json!(""), "\"\""),
        (json!(true), "true"),
        (json!({"at": 1}), "{\"at\":1}"),
    ] {
        patch(&stage, &[("note", text)]);
        for (name, _) in TYPES {
            let refused = stage
                .session
                .error(&format!("SELECT {name} FROM pluralsight.users"));
            assert!(
                refused
                    .message
                    .contains(&format!("column \"{name}\": field note"))
                    && refused.message.contains(shown),
                "{refused:?}"
            );
        }
    }
}

#[test]
fn the_time_since_1970_is_read_in_the_unit_that_the_column_says() {
    for (unit, values) in [
        (
            "s",
            [
                json!(1_612_344_600),
                json!(1_612_344_600.0),
                json!("1612344600"),
                json!("2021-02-03T09:30:00Z"),
            ],
        ),
        (
            "ms",
            [
                json!(1_612_344_600_000_i64),
                json!(1_612_344_600_000.0),
                json!("1612344600000"),
                json!("2021-02-03T09:30:00Z"),
            ],
        ),
    ] {
        let mut stage = stage_with(&[]);
        add_columns(&mut stage, &format!(", epoch '{unit}'"));
        for value in values {
            patch(&stage, &[("note", value.clone())]);
            let row = stage
                .session
                .rows("SELECT at, at_ms, plain, day FROM pluralsight.users LIMIT 1");
            let found: Vec<&str> = row[0]
                .iter()
                .map(|value| value.as_deref().unwrap())
                .collect();
            assert_eq!(
                found,
                [
                    "2021-02-03 09:30:00+00",
                    "2021-02-03 09:30:00+00",
                    "2021-02-03 09:30:00",
                    "2021-02-03"
                ],
                "{value} in {unit}"
            );
        }
        for value in [json!(9e18), json!(-9e18), json!("soon")] {
            patch(&stage, &[("note", value)]);
            let refused = stage.session.error("SELECT at FROM pluralsight.users");
            assert!(refused.message.contains("column \"at\""), "{refused:?}");
        }
    }
}

#[test]
fn a_hint_names_the_unit_and_mends_the_column() {
    for dates in [Dates::Seconds, Dates::Milliseconds] {
        let mut stage = Stage::new(Config {
            users: 50,
            dates,
            ..Config::default()
        });
        let mut mended = 0;
        let rows = loop {
            match stage.session.try_rows("SELECT user_id, started_on, created_on, removed_on, last_login FROM pluralsight.users") {
                Ok(rows) => break rows,
                Err(refused) => {
                    mended += 1;
                    assert!(mended < 6, "{refused:?}");
                    let hint = refused.hint.expect("a hint");
                    stage.session.run(&hint[hint.find("ALTER").expect("a statement")..]);
                }
            }
        };
        let organization = stage.sandbox.organization();
        assert_eq!(rows.len(), 50);
        for row in rows {
            let user = organization
                .find(row[0].as_deref().unwrap())
                .expect("a user");
            let created = user.created_on.expect("everybody has one").timestamp();
            let shown = stage.session.value(&format!(
                "SELECT floor(extract(epoch FROM timestamptz '{}'))::bigint",
                row[2].as_deref().unwrap()
            ));
            assert_eq!(shown, created.to_string());
        }
    }
}

#[test]
fn a_number_is_as_whole_with_a_point_as_without() {
    let mut stage = Stage::new(Config {
        users: 120,
        numbers: Numbers::Decimal,
        ..Config::default()
    });
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight.users"),
        "120"
    );
    assert_eq!(
        stage.session.rows("SELECT * FROM pluralsight.users").len(),
        120
    );
    let organization = stage.sandbox.organization();
    let assigned: i64 = organization
        .products()
        .iter()
        .map(|product| product.assigned)
        .sum();
    assert_eq!(
        stage
            .session
            .value("SELECT assigned_licenses FROM pluralsight.plan"),
        assigned.to_string()
    );
}

#[test]
fn a_domain_is_its_base_type_with_its_constraints() {
    let mut stage = stage_with(&[("note", json!("abc")), ("productIds", json!(["p1", "p2"]))]);
    stage.session.run(
        "CREATE DOMAIN pluralsight.short AS text NOT NULL CHECK (length(VALUE) < 5);
         CREATE DOMAIN pluralsight.shorter AS pluralsight.short CHECK (VALUE <> 'xyz');
         CREATE DOMAIN pluralsight.some AS text[] CHECK (cardinality(VALUE) < 3);
         CREATE DOMAIN pluralsight.instant AS timestamptz(0);
         CREATE DOMAIN pluralsight.object AS jsonb CHECK (jsonb_typeof(VALUE) = 'array');
         ALTER FOREIGN TABLE pluralsight.users
             ADD COLUMN d_note pluralsight.shorter OPTIONS (field 'note'),
             ADD COLUMN d_list pluralsight.some OPTIONS (field 'productIds'),
             ADD COLUMN d_elements pluralsight.short[] OPTIONS (field 'productIds'),
             ADD COLUMN d_object pluralsight.object OPTIONS (field 'productIds'),
             ADD COLUMN d_at pluralsight.instant OPTIONS (field 'createdOn')",
    );
    let row = stage.session.rows("SELECT d_note, d_list, d_elements, d_object, d_at = created_on::timestamptz(0) FROM pluralsight.users LIMIT 1");
    let found: Vec<&str> = row[0]
        .iter()
        .map(|value| value.as_deref().unwrap())
        .collect();
    assert_eq!(
        found,
        ["abc", "{p1,p2}", "{p1,p2}", "[\"p1\", \"p2\"]", "t"]
    );
    for (column, field, value) in [
        ("d_note", "note", json!("abcdef")),
        ("d_note", "note", json!("xyz")),
        ("d_note", "note", json!(null)),
        ("d_list", "productIds", json!(["a", "b", "c"])),
        ("d_elements", "productIds", json!(["a", "too long"])),
        ("d_elements", "productIds", json!(["a", null])),
        ("d_object", "productIds", json!({"a": 1})),
    ] {
        patch(&stage, &[(field, value.clone())]);
        let refused = stage
            .session
            .error(&format!("SELECT {column} FROM pluralsight.users"));
        assert!(
            refused.message.contains(&format!("column \"{column}\"")),
            "{value}: {refused:?}"
        );
    }
}

/// A database of that encoding, with everything in it.
fn in_encoding(encoding: &str, sandbox: &pluralsight_sandbox::Sandbox) -> Session {
    let name = fresh_database();
    let mut admin = Session::connect(cluster::shared().dbname("postgres"));
    admin.run(&format!("DROP DATABASE {name}"));
    admin.run(&format!(
        "CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
    ));
    let mut session = Session::connect(cluster::shared().dbname(&name));
    set_up(&mut session, sandbox);
    session
}

#[test]
fn databases_of_other_encodings_have_the_same_data_and_readable_messages() {
    for (encoding, name, foreign) in [
        ("LATIN1", "Jörg Müller", "日本"),
        ("EUC_JP", "日本太郎", "🙂"),
        ("SQL_ASCII", "Jörg 日本", ""),
    ] {
        let stage = stage_with(&[]);
        let mut session = in_encoding(encoding, &stage.sandbox);
        session.notices();
        patch(
            &stage,
            &[
                ("note", json!(name)),
                ("email", json!("someone@example.org")),
            ],
        );
        assert_eq!(
            session.column("SELECT DISTINCT note FROM pluralsight.users"),
            [name],
            "{encoding}"
        );
        assert_eq!(
            session.value(&format!(
                "SELECT count(*) FROM pluralsight.users WHERE note = '{name}'"
            )),
            "3"
        );
        let plan = session
            .column(&format!("EXPLAIN (ANALYZE, VERBOSE) SELECT note FROM pluralsight.users WHERE email = '{name}'"))
            .join("\n");
        assert!(
            plan.contains(&format!("emails in '{name}'::text")),
            "{encoding}: {plan}"
        );
        assert!(
            plan.contains(&format!("{{\"emails\":[\"{name}\"")),
            "{encoding}: {plan}"
        );
        // An error is ASCII where the encoding might not have its characters.
        session.run(
            "ALTER FOREIGN TABLE pluralsight.users ADD COLUMN n integer OPTIONS (field 'note')",
        );
        let refused = session.error("SELECT n FROM pluralsight.users");
        assert!(
            refused
                .message
                .contains("column \"n\": field note holds the text"),
            "{refused:?}"
        );
        assert!(!refused.message.contains('\u{fffd}'), "{refused:?}");
        session.rows("SELECT * FROM pluralsight_fdw.check()");
        if !foreign.is_empty() {
            patch(&stage, &[("note", json!(foreign))]);
            let refused = session.error("SELECT note FROM pluralsight.users");
            assert!(
                refused
                    .message
                    .contains("column \"note\": field note does not fit"),
                "{encoding}: {refused:?}"
            );
        }
        stage.sandbox.faults().clear();
        let warnings = json!([format!("{name} … expires")]);
        let rule = format!("users=warnings={warnings}");
        stage.sandbox.faults().script(&rule).expect(&rule);
        session.notices();
        session.rows("SELECT user_id FROM pluralsight.users");
        let said = session.notices();
        assert!(
            said.len() == 1 && said[0].contains("expires"),
            "{encoding}: {said:?}"
        );
        session.rows("SELECT * FROM pluralsight_fdw.api_announcements");
    }
}
