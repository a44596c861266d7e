//! The views, over live tables and over stored copies, compared with the generator's people.

mod forecast;

use std::collections::BTreeMap;

use behaviour::Stage;
use chrono::{DateTime, Utc};
use pluralsight_sandbox::{Config, User};

fn stage() -> Stage {
    let mut stage = Stage::new(Config {
        users: 600,
        ..Config::default()
    });
    stage.session.run("CALL pluralsight_fdw.create_copies()");
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
fn live_and_stored_views_are_the_same() {
    let mut stage = stage();
    for schema in ["pluralsight", "pluralsight_copy"] {
        stage.session.run(&format!(
            "INSERT INTO {schema}.prices (product_id, price, currency) VALUES ('any', 100, 'EUR')"
        ));
    }
    let views = stage.session.column(
        "SELECT relname FROM pg_class WHERE relnamespace = 'pluralsight'::regnamespace AND relkind = 'v' ORDER BY 1",
    );
    assert!(views.len() >= 11, "{views:?}");
    for view in views {
        // A secret of its own belongs to each, and days_idle may tick over between the two.
        let row = "to_jsonb(v) - 'days_idle' - 'person_id'";
        assert_eq!(
            stage.session.value(&format!(
                "SELECT count(*) FROM (
                    (SELECT {row} FROM pluralsight.{view} v EXCEPT ALL SELECT {row} FROM pluralsight_copy.{view} v)
                    UNION ALL
                    (SELECT {row} FROM pluralsight_copy.{view} v EXCEPT ALL SELECT {row} FROM pluralsight.{view} v)
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

/// Whole days for which the person's license was not used, as the sandbox knows it.
fn days_idle(user: &User) -> Option<i64> {
    days_since(user.last_login.max(user.started_on).or(user.created_on))
}

#[test]
fn who_was_licensed_lately_is_not_idle_and_who_never_signed_in_is() {
    let mut stage = stage();
    for limit in [0, 90, 180, 400] {
        // Whoever is near the limit could cross it while the test runs.
        let expected: BTreeMap<String, bool> = stage
            .sandbox
            .organization()
            .users()
            .filter(holds_a_product)
            .filter(|user| days_idle(user).is_some_and(|days| days > limit))
            .map(|user| (user.ps_user_id.clone(), user.last_login.is_none()))
            .collect();
        let found: BTreeMap<String, bool> = stage
            .session
            .rows(&format!(
                "SELECT user_id, never_signed_in FROM pluralsight_copy.idle_licenses WHERE days_idle > {limit}"
            ))
            .into_iter()
            .map(|row| (row[0].clone().expect("a key"), row[1].as_deref() == Some("t")))
            .collect();
        assert_eq!(found, expected, "{limit} days");
        assert!(!expected.is_empty(), "nobody is idle for {limit} days");
    }
    // There are people who signed in long ago, left, and were licensed again since.
    let licensed_again = stage
        .sandbox
        .organization()
        .users()
        .filter(holds_a_product)
        .filter(|user| days_since(user.last_login) > Some(180) || user.last_login.is_none())
        .filter(|user| days_since(user.started_on) < Some(180) && user.started_on.is_some())
        .count();
    assert!(licensed_again > 0);
}

#[test]
fn a_seat_is_a_product_of_a_person_and_has_the_price_of_today() {
    let mut stage = stage();
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for user in stage.sandbox.organization().users() {
        for product in user.product_ids.unwrap_or_default() {
            *expected.entry(product).or_default() += 1;
        }
    }
    let products = stage.sandbox.organization().products();
    for schema in ["pluralsight", "pluralsight_copy"] {
        let found: BTreeMap<String, i64> = stage
            .session
            .rows(&format!(
                "SELECT product_id, count(*) FROM {schema}.seats GROUP BY product_id"
            ))
            .into_iter()
            .map(|row| (row[0].clone().expect("an id"), number(&row[1])))
            .collect();
        assert_eq!(found, expected, "{schema}");
        assert_eq!(
            stage.session.value(&format!(
                "SELECT count(*) FROM {schema}.seats WHERE price IS NOT NULL OR currency IS NOT NULL"
            )),
            "0"
        );
        let id = &products[0].id;
        stage.session.run(&format!(
            "INSERT INTO {schema}.prices VALUES ('{id}', 300, 'EUR'); INSERT INTO {schema}.prices VALUES ('{id}', 399, 'EUR', current_date - 1), ('{id}', 1000, 'EUR', current_date + 1)"
        ));
        assert_eq!(
            stage.session.rows(&format!(
                "SELECT product_id, sum(price), min(currency) FROM {schema}.seats WHERE price IS NOT NULL GROUP BY product_id"
            )),
            [[
                Some(id.clone()),
                Some(format!("{}.00", expected[id] * 399)),
                Some("EUR".to_owned())
            ]]
        );
        assert_eq!(
            stage.session.column(&format!(
                "SELECT purchased_cost FROM {schema}.licenses WHERE purchased_cost IS NOT NULL"
            )),
            [format!("{}.00", products[0].purchased * 399)]
        );
        assert_eq!(
            stage.session.rows(&format!(
                "SELECT DISTINCT product_name FROM {schema}.seats WHERE product_id = '{id}'"
            )),
            [[Some(products[0].name.clone())]]
        );
        for (row, code) in [
            ("('x', -1, 'EUR')", "23514"),
            ("('x', 1, 'Euro')", "23514"),
            ("('x', 1, NULL)", "23502"),
        ] {
            assert_eq!(
                stage
                    .session
                    .error(&format!("INSERT INTO {schema}.prices VALUES {row}"))
                    .code,
                code
            );
        }
    }
}

/// Direct teams of the people who hold a license.
fn direct_members(stage: &Stage) -> BTreeMap<String, BTreeMap<String, i64>> {
    let mut members: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for user in stage
        .sandbox
        .organization()
        .users()
        .filter(|user| user.is_on_account)
    {
        let seats = user.product_ids.as_ref().map_or(0, Vec::len);
        for team in user.direct_team_ids() {
            members
                .entry(team)
                .or_default()
                .insert(user.ps_user_id.clone(), i64::try_from(seats).expect("few"));
        }
    }
    members
}

#[test]
fn teams_are_told_apart_by_id() {
    let mut stage = stage();
    // Two teams of one name: C11 of what users have met.
    let teams: Vec<(String, String)> = stage
        .sandbox
        .organization()
        .users()
        .filter(|user| user.is_on_account)
        .flat_map(|user| {
            user.direct_team_ids()
                .into_iter()
                .zip(user.direct_team_names())
        })
        .collect();
    let expected: BTreeMap<String, (i64, i64)> = direct_members(&stage)
        .into_iter()
        .map(|(team, people)| {
            let billable = people.values().filter(|&&seats| seats > 0).count();
            (
                team,
                (
                    i64::try_from(people.len()).expect("few"),
                    i64::try_from(billable).expect("few"),
                ),
            )
        })
        .collect();
    assert!(expected.len() > 5 && !teams.is_empty());
    stage
        .session
        .run("UPDATE pluralsight_copy.users SET team_names = array_fill('Namesake'::text, ARRAY[cardinality(team_ids)]) WHERE team_ids <> '{}'");
    let found: BTreeMap<String, (i64, i64)> = stage
        .session
        .rows("SELECT team_id, members, billable FROM pluralsight_copy.team_utilization WHERE team_id IS NOT NULL")
        .into_iter()
        .map(|row| {
            (
                row[0].clone().expect("an id"),
                (number(&row[1]), number(&row[2])),
            )
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(
        stage
            .session
            .column("SELECT DISTINCT team_name FROM pluralsight_copy.team_utilization WHERE team_id IS NOT NULL"),
        ["Namesake"]
    );
    let memberships: i64 = stage
        .sandbox
        .organization()
        .users()
        .map(|user| i64::try_from(user.teams.len()).expect("few"))
        .sum();
    for schema in ["pluralsight", "pluralsight_copy"] {
        assert_eq!(
            stage.session.value(&format!(
                "SELECT count(DISTINCT (user_id, team_id)) FROM {schema}.memberships"
            )),
            memberships.to_string()
        );
    }
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight.memberships WHERE is_direct AND is_active"),
        teams.len().to_string()
    );
}

#[test]
fn people_and_seats_are_rolled_up_the_tree_and_circles_do_no_harm() {
    let mut stage = stage();
    let direct = direct_members(&stage);
    let parents: BTreeMap<String, Option<String>> = stage
        .sandbox
        .organization()
        .teams()
        .iter()
        .map(|team| (team.id.clone(), team.parent_team_id.clone()))
        .collect();
    let mut below: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    let mut depths: BTreeMap<String, i64> = BTreeMap::new();
    for team in parents.keys() {
        let (mut ancestor, mut depth) = (Some(team.clone()), 0);
        while let Some(here) = ancestor {
            depth += 1;
            below
                .entry(here.clone())
                .or_default()
                .extend(direct.get(team).cloned().unwrap_or_default());
            ancestor = parents[&here].clone();
        }
        depths.insert(team.clone(), depth);
    }
    let rows = stage
        .session
        .rows("SELECT team_id, depth, members, seats, direct_members FROM pluralsight.team_tree");
    assert_eq!(rows.len(), parents.len());
    assert!(depths.values().any(|&depth| depth > 2));
    for row in rows {
        let team = row[0].clone().expect("an id");
        assert_eq!(
            (
                number(&row[1]),
                number(&row[2]),
                number(&row[3]),
                number(&row[4])
            ),
            (
                depths[&team],
                i64::try_from(below[&team].len()).expect("few"),
                below[&team].values().sum::<i64>(),
                direct
                    .get(&team)
                    .map_or(0, |people| i64::try_from(people.len()).expect("few"))
            ),
            "{team}"
        );
    }
    // All teams in one circle, and one that is its own parent.
    stage.session.run(
        "WITH numbered AS (SELECT team_id, COALESCE(lead(team_id) OVER (ORDER BY team_id), min(team_id) OVER ()) AS next_id FROM pluralsight_copy.teams)
         UPDATE pluralsight_copy.teams AS t SET parent_team_id = n.next_id FROM numbered AS n WHERE n.team_id = t.team_id;
         INSERT INTO pluralsight_copy.teams (team_id, name, parent_team_id) VALUES ('self', 'Itself', 'self'), ('orphan', NULL, 'gone')",
    );
    let everybody: BTreeMap<&String, &i64> = direct.values().flatten().collect();
    assert_eq!(
        stage.session.rows("SELECT DISTINCT depth, members, seats FROM pluralsight_copy.team_tree WHERE parent_team_id NOT IN ('self', 'gone')"),
        [[
            Some(parents.len().to_string()),
            Some(everybody.len().to_string()),
            Some(everybody.values().copied().sum::<i64>().to_string())
        ]]
    );
    assert_eq!(
        stage
            .session
            .column("SELECT path || ' ' || depth || ' ' || members FROM pluralsight_copy.team_tree WHERE team_id IN ('self', 'orphan') ORDER BY team_id"),
        ["? 1 0", "Itself 1 0"]
    );
}

#[test]
fn admins_who_do_not_use_what_they_have_are_listed_with_the_reason() {
    let mut stage = stage();
    let organization = stage.sandbox.organization();
    let mut expected: BTreeMap<String, &str> = BTreeMap::new();
    for admin in organization.admins() {
        let user = organization.find(&admin.ps_user_id);
        let reason = match &user {
            Some(user) if user.is_on_account => match days_since(user.last_login) {
                None => "never signed in",
                Some(days) if days >= 90 => "idle",
                Some(_) => continue,
            },
            _ => "no license",
        };
        expected.insert(admin.ps_user_id.clone(), reason);
    }
    assert!(expected.values().any(|&reason| reason == "no license"));
    for schema in ["pluralsight", "pluralsight_copy"] {
        let found: BTreeMap<String, String> = stage
            .session
            .rows(&format!(
                "SELECT user_id, reason FROM {schema}.admins_without_use"
            ))
            .into_iter()
            .map(|row| {
                (
                    row[0].clone().expect("an id"),
                    row[1].clone().expect("a reason"),
                )
            })
            .collect();
        assert_eq!(
            found,
            expected
                .iter()
                .map(|(id, reason)| (id.clone(), (*reason).to_owned()))
                .collect()
        );
    }
}

#[test]
fn people_who_may_be_one_are_found_by_address_identifier_and_name() {
    let mut stage = stage();
    let organization = stage.sandbox.organization();
    let ids: Vec<String> = organization.users().map(|user| user.ps_user_id).collect();
    let address = "Twice.Seen@meridian.example";
    organization.edit_user(&ids[10], |user| user.email = Some(address.to_owned()));
    organization.edit_user(&ids[20], |user| {
        user.additional_emails = Some(vec![format!("\u{a0}{}\r\n", address.to_uppercase())]);
    });
    for id in &ids[30..33] {
        organization.edit_user(id, |user| {
            user.current_sso_identifier = Some("sso-shared".to_owned());
        });
    }
    for id in &ids[40..42] {
        organization.edit_user(id, |user| {
            user.first_name = Some("Zebedee".to_owned());
            user.last_name = Some("Unheard-Of".to_owned());
        });
    }
    let mut shared = |kind: &str, key: &str| {
        stage.session.column(&format!(
            "SELECT unnest(user_ids) FROM pluralsight.duplicate_people WHERE kind = '{kind}' AND key = '{key}' ORDER BY 1"
        ))
    };
    let sorted = |chosen: &[&String]| {
        let mut chosen: Vec<String> = chosen.iter().map(|id| (*id).clone()).collect();
        chosen.sort();
        chosen
    };
    assert_eq!(
        shared("email", "twice.seen@meridian.example"),
        sorted(&[&ids[10], &ids[20]])
    );
    assert_eq!(
        shared("sso_identifier", "sso-shared"),
        sorted(&[&ids[30], &ids[31], &ids[32]])
    );
    assert_eq!(
        shared("name", "zebedee unheard-of"),
        sorted(&[&ids[40], &ids[41]])
    );
}
