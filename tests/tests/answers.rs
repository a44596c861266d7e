//! The ready answers, over live tables and over stored copies, compared with the generator's people.

use std::collections::BTreeMap;

use behaviour::Stage;
use chrono::{DateTime, Utc};
use pluralsight_sandbox::{Config, User};

fn stage() -> Stage {
    let mut stage = Stage::new(Config {
        users: 600,
        ..Config::default()
    });
    stage.session.run("SELECT pluralsight_fdw.create_copies()");
    stage
}

fn holds_a_product(user: &User) -> bool {
    user.product_ids.as_ref().is_some_and(|ids| !ids.is_empty())
}

fn days_since(moment: Option<DateTime<Utc>>) -> Option<i64> {
    Some((Utc::now() - moment?).num_days())
}

fn number(text: &Option<String>) -> i64 {
    text.as_deref()
        .and_then(|text| text.parse().ok())
        .expect("a number")
}

#[test]
fn live_and_stored_answers_are_the_same() {
    let mut stage = stage();
    for view in [
        "idle_licenses",
        "admins_without_use",
        "duplicate_people",
        "team_utilisation",
        "accounts",
        "licenses",
    ] {
        // days_idle may tick over between the two.
        assert_eq!(
            stage.session.value(&format!(
                "SELECT count(*) FROM (
                    (SELECT to_jsonb(v) - 'days_idle' FROM pluralsight.{view} v EXCEPT ALL SELECT to_jsonb(v) - 'days_idle' FROM pluralsight_copy.{view} v)
                    UNION ALL
                    (SELECT to_jsonb(v) - 'days_idle' FROM pluralsight_copy.{view} v EXCEPT ALL SELECT to_jsonb(v) - 'days_idle' FROM pluralsight.{view} v)
                 ) AS difference"
            )),
            "0",
            "{view}"
        );
        assert_ne!(
            stage
                .session
                .value(&format!("SELECT count(*) FROM pluralsight_copy.{view}")),
            "0",
            "{view}"
        );
    }
}

#[test]
fn idle_licenses_are_those_of_people_who_stay_away() {
    let mut stage = stage();
    // Whoever is near the limit could cross it while the test runs.
    let days = |user: &User| days_since(user.last_login.or(user.started_on).or(user.created_on));
    for limit in [0, 90, 400] {
        let expected: BTreeMap<String, bool> = stage
            .sandbox
            .organisation()
            .users()
            .filter(holds_a_product)
            .filter(|user| days(user).is_some_and(|days| days > limit))
            .map(|user| (user.ps_user_id.clone(), user.last_login.is_none()))
            .collect();
        let found: BTreeMap<String, bool> = stage
            .session
            .rows(&format!(
                "SELECT user_id, never_logged_in FROM pluralsight_copy.idle_licenses({limit}) WHERE days_idle > {limit}"
            ))
            .into_iter()
            .map(|row| (row[0].clone().expect("a key"), row[1].as_deref() == Some("t")))
            .collect();
        assert_eq!(found, expected, "{limit} days");
        assert!(!expected.is_empty(), "nobody is idle for {limit} days");
    }
}

#[test]
fn teams_and_admins_are_counted_as_they_are() {
    let mut stage = stage();
    let mut expected: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for user in stage
        .sandbox
        .organisation()
        .users()
        .filter(|user| user.is_on_account)
    {
        let mut teams = user.direct_team_names();
        if teams.is_empty() {
            teams.push(String::new());
        }
        for team in teams {
            let (members, billable) = expected.entry(team).or_default();
            *members += 1;
            *billable += i64::from(holds_a_product(&user));
        }
    }
    let found: BTreeMap<String, (i64, i64)> = stage
        .session
        .rows("SELECT team_name, members, billable FROM pluralsight_copy.team_utilisation")
        .into_iter()
        .map(|row| {
            (
                row[0].clone().unwrap_or_default(),
                (number(&row[1]), number(&row[2])),
            )
        })
        .collect();
    assert_eq!(found, expected);

    let organisation = stage.sandbox.organisation();
    let without_licence = organisation
        .admins()
        .iter()
        .filter(|admin| {
            organisation
                .find(&admin.ps_user_id)
                .is_none_or(|user| !user.is_on_account)
        })
        .count();
    assert_eq!(
        stage.session.value(
            "SELECT count(*) FROM pluralsight_copy.admins_without_use WHERE reason = 'no licence'"
        ),
        without_licence.to_string()
    );
    assert!(without_licence > 0);
}

#[test]
fn people_who_may_be_one_are_found_by_address_identifier_and_name() {
    let mut stage = stage();
    let organisation = stage.sandbox.organisation();
    let ids: Vec<String> = organisation.users().map(|user| user.ps_user_id).collect();
    let address = "Twice.Seen@meridian.example";
    organisation.edit_user(&ids[10], |user| user.email = Some(address.to_owned()));
    organisation.edit_user(&ids[20], |user| {
        user.additional_emails = Some(vec![address.to_uppercase()]);
    });
    for id in &ids[30..33] {
        organisation.edit_user(id, |user| {
            user.current_sso_identifier = Some("sso-shared".to_owned());
        });
    }
    for id in &ids[40..42] {
        organisation.edit_user(id, |user| {
            user.first_name = Some("Zebedee".to_owned());
            user.last_name = Some("Unheard-Of".to_owned());
        });
    }
    stage.session.run("CALL pluralsight_fdw.refresh()");
    let mut shared = |same: &str, value: &str| {
        stage.session.column(&format!(
            "SELECT unnest(user_ids) FROM pluralsight_copy.duplicate_people WHERE same = '{same}' AND value = '{value}' ORDER BY 1"
        ))
    };
    let sorted = |chosen: &[&String]| {
        let mut chosen: Vec<String> = chosen.iter().map(|id| (*id).clone()).collect();
        chosen.sort();
        chosen
    };
    assert_eq!(
        shared("e-mail", "twice.seen@meridian.example"),
        sorted(&[&ids[10], &ids[20]])
    );
    assert_eq!(
        shared("SSO identifier", "sso-shared"),
        sorted(&[&ids[30], &ids[31], &ids[32]])
    );
    assert_eq!(
        shared("name", "zebedee unheard-of"),
        sorted(&[&ids[40], &ids[41]])
    );
}

#[test]
fn leavers_and_joiners_are_told_by_whatever_the_hr_table_has() {
    let mut stage = stage();
    let people: Vec<User> = stage
        .sandbox
        .organisation()
        .users()
        .filter(|user| user.is_on_account && holds_a_product(user) && user.email.is_some())
        .collect();
    for (number, user) in people.iter().enumerate() {
        stage
            .sandbox
            .organisation()
            .edit_user(&user.ps_user_id, |user| {
                user.note = Some(format!("HR-{number}"));
                user.current_sso_identifier = Some(format!("sso{number}"));
            });
    }
    stage.session.run("CALL pluralsight_fdw.refresh()");
    stage
        .session
        .run("CREATE SCHEMA hr; CREATE TABLE hr.staff (email text, badge text, login text)");
    // Three have left; their colleagues are written in another case, and two have not been given a licence yet.
    for (number, user) in people.iter().enumerate().skip(3) {
        let email = user
            .email
            .as_deref()
            .unwrap_or_default()
            .replace('\'', "''");
        stage.session.run(&format!(
            "INSERT INTO hr.staff VALUES (upper('{email}'), 'hr-{number}', 'SSO{number} ')"
        ));
    }
    stage
        .session
        .run("INSERT INTO hr.staff VALUES ('first@new.example', 'hr-a', 'a'), ('second@new.example', 'hr-b', 'b'), (NULL, ' ', NULL)");
    let mut left: Vec<String> = people[..3]
        .iter()
        .map(|user| user.ps_user_id.clone())
        .collect();
    left.sort();
    let others = stage
        .sandbox
        .organisation()
        .users()
        .filter(holds_a_product)
        .count()
        - people.len();
    for (column, match_by) in [
        ("email", "email"),
        ("badge", "note"),
        ("login", "sso_identifier"),
    ] {
        for schema in ["pluralsight", "pluralsight_copy"] {
            let found = stage.session.column(&format!(
                "SELECT user_id FROM {schema}.leavers_with_license('hr.staff', '{column}', '{match_by}')"
            ));
            for person in &left {
                assert!(found.contains(person), "{schema}, {match_by}");
            }
            assert!(
                found.len() <= left.len() + others,
                "{schema}, {match_by}: {found:?}"
            );
            assert_eq!(
                stage
                    .session
                    .rows(&format!(
                        "SELECT user_id, status FROM {schema}.joiners_without_license('hr.staff', '{column}', '{match_by}')"
                    ))
                    .len(),
                2,
                "{schema}, {match_by}"
            );
        }
    }
    stage.session.run("TRUNCATE hr.staff");
    for (call, code) in [
        ("leavers_with_license('hr.staff', 'email')", "22000"),
        ("leavers_with_license('hr.staff', 'mail')", "42703"),
        (
            "leavers_with_license('hr.staff', 'email', 'shoe size')",
            "22023",
        ),
        ("leavers_with_license('hr.nobody', 'email')", "42P01"),
        (
            "joiners_without_license('hr.staff', 'email'' OR true --')",
            "42703",
        ),
    ] {
        assert_eq!(
            stage
                .session
                .error(&format!("SELECT * FROM pluralsight_copy.{call}"))
                .code,
            code,
            "{call}"
        );
    }
}

#[test]
fn licences_run_out_when_the_trend_says_so() {
    let mut stage = stage();
    let product = stage.sandbox.organisation().products()[0].clone();
    stage.session.run(&format!(
        "DELETE FROM pluralsight_copy.license_history;
         INSERT INTO pluralsight_copy.license_history (day, product_id, purchased, assigned, remaining)
         SELECT current_date - ago, '{0}', {1}, {2} - 3 * ago, {3} + 3 * ago FROM generate_series(0, 29) AS ago",
        product.id, product.purchased, product.assigned, product.remaining
    ));
    assert_eq!(
        stage.session.rows(&format!(
            "SELECT days_observed, assigned_a_day, runs_out_on - current_date FROM pluralsight_copy.license_forecast WHERE product_id = '{}'",
            product.id
        )),
        [[
            Some("30".to_owned()),
            Some("3.000".to_owned()),
            Some(((product.remaining as f64) / 3.0).ceil().to_string())
        ]]
    );
    // Live there is no history, and so no trend.
    assert_eq!(
        stage.session.value(&format!(
            "SELECT assigned_a_day IS NULL AND remaining = {} FROM pluralsight.license_forecast WHERE product_id = '{}'",
            product.remaining, product.id
        )),
        "t"
    );
}
