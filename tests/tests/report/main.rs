//! The report on seats: each number is what the sandbox knows, and nobody's code runs as its reader.

mod strangers;
mod truth;

use std::collections::BTreeMap;

use behaviour::source::statements;
use behaviour::{Session, Stage, copies};
use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use pluralsight_sandbox::{Config, User};
use truth::{PRICE, Truth, products};

/// The columns of `report_reasons` and the like, by their first column.
type Rows = BTreeMap<String, Vec<String>>;

fn rows(session: &mut Session, query: &str) -> Rows {
    session
        .rows(query)
        .into_iter()
        .map(|row| {
            let mut row = row.into_iter().map(Option::unwrap_or_default);
            let key = row.next().unwrap_or_default();
            (key, row.collect())
        })
        .collect()
}

/// With commas, as the page has it.
fn number(value: usize) -> String {
    let digits = value.to_string();
    let groups: Vec<String> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    groups.join(",")
}

fn headline(page: &str) -> String {
    let heading = page
        .split("<h1>")
        .nth(1)
        .and_then(|rest| rest.split("</h1>").next())
        .expect("there is a heading");
    heading
        .replace("<b>", "")
        .replace("</b>", "")
        .replace("&#8364;", "€")
}

/// Fills in the tables of the user's.
fn fill_in(stage: &mut Stage) {
    stage.session.run(&format!(
        "INSERT INTO pluralsight_copy.prices (product_id, price, currency) SELECT product_id, {PRICE}, 'EUR' FROM pluralsight_copy.licenses"
    ));
    let people: Vec<(usize, User)> = stage
        .sandbox
        .organization()
        .users()
        .enumerate()
        .filter(|(place, user)| user.email.is_some() && place % 11 != 0)
        .collect();
    for chunk in people.chunks(5_000) {
        let values: Vec<String> = chunk
            .iter()
            .map(|(place, user)| {
                format!(
                    "(' {} ', 'Center {}{}', '{}.{}@meridian.example', {})",
                    user.email
                        .clone()
                        .unwrap_or_default()
                        .to_uppercase()
                        .replace('\'', "''"),
                    place % 3,
                    // As people type it.
                    if place % 2 == 0 { " " } else { "" },
                    if place % 4 == 0 { " Boss" } else { "boss" },
                    place % 5,
                    if place % 7 == 0 {
                        "current_date - 5"
                    } else {
                        "NULL"
                    }
                )
            })
            .collect();
        stage.session.run(&format!(
            "INSERT INTO pluralsight_copy.hr_staff VALUES {}",
            values.join(", ")
        ));
    }
}

/// What the views and the page say, twice the same truth: a seat may become idle between two looks.
fn compare(stage: &mut Stage, with_staff: bool) {
    for _ in 0..5 {
        let before = Truth::at(stage, Utc::now(), with_staff);
        let page = stage.session.value("SELECT pluralsight_fdw.report_html()");
        let reasons = rows(
            &mut stage.session,
            "SELECT reclaim_reason, seats, people, trunc(cost) FROM pluralsight_copy.report_reasons",
        );
        let products = rows(
            &mut stage.session,
            "SELECT product_id, purchased, seats, used, to_reclaim, remaining, trunc(to_reclaim_cost) FROM pluralsight_copy.report_products",
        );
        let centers = rows(
            &mut stage.session,
            "SELECT cost_center, seats, trunc(cost) FROM pluralsight_copy.report_cost_centers",
        );
        let people = &stage.session.rows(
            "SELECT count(*), count(DISTINCT user_id), COALESCE(sum(seats), 0) FROM pluralsight_copy.report_people",
        )[0];
        let managers = stage
            .session
            .value("SELECT COALESCE(sum(people), 0) FROM pluralsight_copy.report_managers");
        let bosses = stage
            .session
            .value("SELECT count(DISTINCT manager_email) = count(*) AND count(*) <= 5 FROM pluralsight_copy.report_managers WHERE manager_email IS NOT NULL");
        assert_eq!(bosses, "t", "a manager is one, however written");
        let after = Truth::at(stage, Utc::now(), with_staff);
        if before.reasons != after.reasons {
            continue;
        }
        let has_prices = stage
            .session
            .value("SELECT count(*) FROM pluralsight_copy.prices")
            != "0";
        let priced = |seats: usize| {
            if with_staff {
                (seats * PRICE).to_string()
            } else {
                String::new()
            }
        };
        assert_eq!(
            reasons,
            after
                .reasons
                .iter()
                .map(|(reason, (seats, people))| (
                    reason.clone(),
                    vec![seats.to_string(), people.to_string(), priced(*seats)]
                ))
                .collect::<Rows>()
        );
        assert_eq!(
            products,
            stage
                .sandbox
                .organization()
                .products()
                .iter()
                .map(|product| {
                    let (held, back) = after.products.get(&product.id).copied().unwrap_or_default();
                    let numbers = [
                        product.purchased.to_string(),
                        held.to_string(),
                        (held - back).to_string(),
                        back.to_string(),
                        product.remaining.to_string(),
                        if has_prices {
                            (back * PRICE).to_string()
                        } else {
                            String::new()
                        },
                    ];
                    (product.id.clone(), numbers.to_vec())
                })
                .collect::<Rows>()
        );
        assert_eq!(
            centers,
            after
                .centers
                .iter()
                .map(|(center, seats)| (center.clone(), vec![seats.to_string(), priced(*seats)]))
                .collect::<Rows>()
        );
        let (seats, back) = (after.seats, after.to_reclaim());
        // Nobody twice, nobody lost.
        assert_eq!(people[0], people[1]);
        assert_eq!(people[2], Some(back.to_string()));
        assert_eq!(people[0], Some(managers));
        let money = match back {
            0 => String::new(),
            _ if with_staff => format!(": €{} a year", number(back * PRICE)),
            _ => String::new(),
        };
        let sentence = match (seats, back) {
            (0, _) => "Nobody holds a seat".to_owned(),
            (1, 0) => "The one seat is in use".to_owned(),
            (_, 0) => format!("All {} seats are in use", number(seats)),
            (1, _) => "1 of 1 seat could come back".to_owned(),
            _ => format!(
                "{} of {} seats could come back",
                number(back),
                number(seats)
            ),
        };
        assert_eq!(headline(&page), format!("{sentence}{money}."));
        for (reason, (seats, _)) in &after.reasons {
            let row = page
                .split("<tr>")
                .find(|row| row.starts_with(&format!("<td>{reason}</td>")))
                .unwrap_or_else(|| panic!("no row says {reason}"));
            assert!(
                row.contains(&format!("<td class=\"n\">{}</td>", number(*seats))),
                "{row}"
            );
        }
        return;
    }
    panic!("the truth moves all the time");
}

#[test]
fn every_number_is_what_the_sandbox_knows() {
    for users in [0, 1, 2_000, 50_000] {
        let mut stage = Stage::new(Config {
            users,
            now: Utc::now(),
            ..Config::default()
        });
        // Each view is read once or twice: to compile its plan takes longer.
        stage.session.run("SET jit = off");
        stage.session.run("CALL pluralsight_fdw.create_copies()");
        compare(&mut stage, false);
        fill_in(&mut stage);
        compare(&mut stage, users > 0);
    }
}

#[test]
fn the_months_before_the_first_refresh_are_derived() {
    let now = Utc::now();
    let mut stage = Stage::new(Config {
        users: 2_000,
        now,
        ..Config::default()
    });
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    let users: Vec<User> = stage.sandbox.organization().users().collect();
    let first = NaiveDate::from_ymd_opt(now.year(), now.month(), 1).expect("a day");
    for ago in 1..=12 {
        let month = first - Months::new(ago);
        let end = (month + Months::new(1))
            .and_hms_opt(0, 0, 0)
            .expect("midnight")
            .and_utc();
        let began = |user: &&User| {
            user.started_on
                .or(user.created_on)
                .is_some_and(|began| began < end)
        };
        let stayed = users
            .iter()
            .filter(began)
            .filter(|user| !products(user).is_empty())
            .count();
        let left = users
            .iter()
            .filter(began)
            .filter(|user| {
                products(user).is_empty() && user.removed_on.is_some_and(|left| left >= end)
            })
            .count();
        assert!(stayed > 0 && left > 0);
        for product in stage.sandbox.organization().products() {
            let held = users
                .iter()
                .filter(began)
                .filter(|user| products(user).contains(&product.id))
                .count();
            let expected = (held as f64 * (stayed + left) as f64 / stayed as f64).round();
            for schema in ["pluralsight", "pluralsight_copy"] {
                assert_eq!(
                    stage.session.rows(&format!(
                        "SELECT seats, source, purchased FROM {schema}.seats_by_month WHERE month = '{month}' AND product_id = '{}'",
                        product.id
                    )),
                    [[Some(expected.to_string()), Some("derived".to_owned()), None]],
                    "{month} {}", product.id
                );
            }
        }
    }
    // This month is what the plan says.
    for product in stage.sandbox.organization().products() {
        assert_eq!(
            stage.session.rows(&format!(
                "SELECT month, seats, source, purchased, as_of = (now() AT TIME ZONE 'UTC')::date FROM pluralsight_copy.seats_by_month WHERE product_id = '{}' ORDER BY month DESC LIMIT 1",
                product.id
            )),
            [[
                Some(first.to_string()),
                Some(product.assigned.to_string()),
                Some("recorded".to_owned()),
                Some(product.purchased.to_string()),
                Some("t".to_owned())
            ]]
        );
    }
}

#[test]
fn what_was_recorded_counts_before_what_is_derived_and_unknown_is_not_zero() {
    let mut stage = copies::stage(300);
    let product = stage.sandbox.organization().products()[0].id.clone();
    stage.session.run(&format!(
        "INSERT INTO pluralsight_copy.license_history (day, product_id, purchased, assigned)
         SELECT (date_trunc('month', now()) - interval '5 months' + interval '9 days')::date, '{product}', 700, 650"
    ));
    let recorded = stage.session.rows(&format!(
        "SELECT seats, purchased, source, extract(day FROM as_of)::integer FROM pluralsight_copy.seats_by_month
         WHERE product_id = '{product}' AND month >= date_trunc('month', now()) - interval '5 months' AND month < date_trunc('month', now()) ORDER BY month"
    ));
    let row = [Some("650"), Some("700"), Some("recorded"), Some("10")]
        .map(|text| text.map(str::to_owned));
    assert_eq!(recorded.len(), 5);
    assert_eq!(recorded[0], row);
    // What was recorded in one month says nothing of the months after it, in which there was no refresh.
    for month in &recorded[1..] {
        assert_eq!(
            (month[1].as_deref(), month[2].as_deref()),
            (None, Some("derived")),
            "{recorded:?}"
        );
    }
    // The days on which licenses were given are not told: nothing can be derived, and that is not zero.
    stage.session.run(
        "ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN started_on OPTIONS (ADD absent 'true')",
    );
    assert_eq!(
        stage.session.rows(&format!(
            "SELECT DISTINCT seats, source, as_of FROM pluralsight.seats_by_month WHERE product_id = '{product}' AND month < date_trunc('month', now())"
        )),
        [[None, Some("unknown".to_owned()), None]]
    );
    assert_eq!(
        stage.session.value(&format!(
            "SELECT confidence FROM pluralsight.license_forecast WHERE product_id = '{product}'"
        )),
        "none"
    );
    let page = stage
        .session
        .value("SELECT pluralsight_fdw.report_html('pluralsight')");
    assert!(page.contains("too little is known for a forecast"));
}

#[test]
fn it_is_written_in_a_read_only_transaction_and_for_live_tables_too() {
    let mut stage = copies::stage(200);
    stage.session.run("BEGIN READ ONLY");
    let stored = stage
        .session
        .value("SELECT pluralsight_fdw.report_html(title => 'Über <b>')");
    stage.session.run("COMMIT");
    let live = stage
        .session
        .value("SELECT pluralsight_fdw.report_html('pluralsight')");
    assert_eq!(headline(&stored), headline(&live));
    assert!(stored.contains("&#220;ber &#60;b&#62;"));
    assert!(stored.is_ascii() && live.is_ascii());
}

#[test]
fn names_that_are_hostile_stay_text() {
    let mut stage = copies::stage(30);
    let plain = stage.session.value("SELECT pluralsight_fdw.report_html()");
    stage.session.run(
        "UPDATE pluralsight_copy.users SET first_name = '\"><script>alert(1)</script>', email = '''><img src=x>' || email;
         UPDATE pluralsight_copy.plan SET name = '</title><script>', product_names = ARRAY(SELECT '<svg onload=x>' || n FROM unnest(product_names) AS n)",
    );
    let hostile = stage.session.value("SELECT pluralsight_fdw.report_html()");
    assert!(hostile.contains("alert(1)"));
    assert_eq!(plain.matches('<').count(), hostile.matches('<').count());
}

#[test]
fn a_reader_sees_what_was_granted() {
    let mut stage = copies::stage(300);
    let jane = stage.role("jane");
    let mut session = stage.session_of(&jane);
    let error = session.error("SELECT pluralsight_fdw.report_html()");
    assert_eq!(error.code, "42501", "{error:?}");
    let hint = error.hint.expect("there is a hint");
    assert!(hint.starts_with("Role \""), "{hint}");
    stage.session.run(&statements(&hint).join(""));
    let anonymous = session.value("SELECT pluralsight_fdw.report_html()");
    assert!(anonymous.contains("Names are left out"));
    assert!(!anonymous.contains('@') || !anonymous.contains("meridian.example"));
    stage.session.run(&format!(
        "CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{jane}')"
    ));
    let whole = session.value("SELECT pluralsight_fdw.report_html()");
    assert!(whole.contains("Whom to ask"));
    assert_eq!(headline(&whole), headline(&anonymous));
}

#[test]
fn what_is_missing_is_made_by_the_hint() {
    let mut stage = copies::stage(50);
    for (schema, call) in [
        ("pluralsight", "report_html('pluralsight')"),
        ("pluralsight_copy", "report_html()"),
    ] {
        stage
            .session
            .run(&format!("DROP VIEW {schema}.report_reasons"));
        let error = stage
            .session
            .error(&format!("SELECT pluralsight_fdw.{call}"));
        assert_eq!(error.code, "42P01", "{error:?}");
        stage.session.run(&error.hint.expect("there is a hint"));
        stage.session.run(&format!("SELECT pluralsight_fdw.{call}"));
    }
    assert_eq!(
        stage
            .session
            .error("SELECT pluralsight_fdw.report_html('nowhere')")
            .code,
        "3F000"
    );
    assert_eq!(
        stage
            .session
            .error("SELECT pluralsight_fdw.report_html(NULL)")
            .code,
        "22004"
    );
}
