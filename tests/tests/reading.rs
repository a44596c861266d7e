//! What is read through SQL is what the organization holds, and it takes the requests that it should.

use behaviour::Stage;
use chrono::{DateTime, Utc};
use pluralsight_sandbox::{Config, PlanAdmin, Product, User};
use serde_json::{Value, json};

fn users(count: u64) -> Stage {
    Stage::new(Config {
        users: count,
        ..Config::default()
    })
}

/// A row as jsonb, with its timestamps as instants.
fn comparable(mut row: Value) -> Value {
    for name in ["removed_on", "last_login", "started_on", "created_on"] {
        if let Some(text) = row.get(name).and_then(Value::as_str) {
            let instant: DateTime<Utc> = text.parse().expect("PostgreSQL writes ISO 8601");
            row[name] = json!(instant.timestamp_millis());
        }
    }
    row
}

fn millis(instant: Option<DateTime<Utc>>) -> Value {
    json!(instant.map(|instant| instant.timestamp_millis()))
}

fn expected_user(user: &User) -> Value {
    json!({
        "user_id": user.ps_user_id, "email": user.email, "additional_emails": user.additional_emails.clone().unwrap_or_default(), "first_name": user.first_name, "last_name": user.last_name,
        "is_on_account": user.is_on_account, "removed_on": millis(user.removed_on), "last_login": millis(user.last_login), "started_on": millis(user.started_on),
        "created_on": millis(user.created_on), "note": user.note, "team_names": user.direct_team_names(), "team_ids": user.direct_team_ids(),
        "inherited_team_names": user.inherited_team_names(), "inherited_team_ids": user.inherited_team_ids(), "product_ids": user.product_ids.clone().unwrap_or_default(),
        "sso_enabled": user.sso_enabled, "sso_identifier": user.current_sso_identifier, "mfa_enabled": user.mfa_enabled, "plan_id": user.plan_id,
        "plan_user_id": user.plan_user_id, "legacy_id": user.id,
    })
}

fn expected_admin(admin: &PlanAdmin) -> Value {
    json!({
        "user_id": admin.ps_user_id, "email": admin.email, "first_name": admin.first_name, "last_name": admin.last_name, "created_on": millis(admin.created_on),
        "note": admin.note, "sso_identifier": admin.current_sso_identifier, "plan_id": admin.plan_id, "plan_user_id": admin.plan_user_id,
    })
}

fn rows(stage: &mut Stage, table: &str) -> Vec<Value> {
    let rows = stage
        .session
        .rows(&format!("SELECT to_jsonb(t) FROM {table} t"));
    rows.into_iter()
        .map(|row| {
            comparable(
                serde_json::from_str(row[0].as_deref().expect("a row")).expect("jsonb is JSON"),
            )
        })
        .collect()
}

fn sorted(mut rows: Vec<Value>, key: &str) -> Vec<Value> {
    rows.sort_by_key(|row| row[key].to_string());
    rows
}

#[test]
fn users_equal_the_generators_field_by_field() {
    let mut stage = users(2_345);
    stage.sandbox.reset();
    let read = sorted(rows(&mut stage, "pluralsight.users"), "user_id");
    assert_eq!(stage.sandbox.count("users"), 4, "100 + 1,000 + 1,000 + 245");
    let organization = stage.sandbox.organization();
    let expected = sorted(
        (0..organization.len())
            .map(|index| expected_user(&organization.user(index)))
            .collect(),
        "user_id",
    );
    assert_eq!(read.len(), expected.len());
    for (read, expected) in read.iter().zip(&expected) {
        assert_eq!(read, expected);
    }
    // The data is worth the comparison: it has what breaks a careless reader.
    assert!(expected.iter().any(|user| {
        user["first_name"]
            .as_str()
            .is_some_and(|name| !name.is_ascii())
    }));
    assert!(expected.iter().any(|user| user["last_login"].is_null()));
    assert!(expected.iter().any(|user| {
        user["team_names"]
            .as_array()
            .is_some_and(|teams| teams.len() == 5)
    }));
    assert!(expected.iter().any(|user| user["team_names"] == json!([])));
    assert!(expected.iter().any(|user| !user["removed_on"].is_null()));
}

#[test]
fn admins_teams_and_plan_equal_the_generators() {
    let mut stage = users(500);
    let organization = stage.sandbox.organization();
    let admins = sorted(
        organization.admins().iter().map(expected_admin).collect(),
        "user_id",
    );
    let teams: Vec<Value> = organization
        .teams()
        .iter()
        .map(|team| json!({ "team_id": team.id, "name": team.name, "description": team.description, "parent_team_id": team.parent_team_id, "plan_id": team.plan_id }))
        .collect();
    let products = organization.products();
    assert_eq!(
        sorted(rows(&mut stage, "pluralsight.admins"), "user_id"),
        admins
    );
    assert_eq!(
        sorted(rows(&mut stage, "pluralsight.teams"), "team_id"),
        sorted(teams, "team_id")
    );
    let plan = rows(&mut stage, "pluralsight.plan").remove(0);
    let each = |value: fn(&Product) -> Value| products.iter().map(value).collect::<Value>();
    assert_eq!(plan["product_ids"], each(|product| json!(product.id)));
    assert_eq!(plan["product_names"], each(|product| json!(product.name)));
    assert_eq!(
        plan["product_purchased"],
        each(|product| json!(product.purchased))
    );
    assert_eq!(
        plan["assigned_licenses"],
        json!(products.iter().map(|product| product.assigned).sum::<i64>())
    );
    assert_eq!(
        plan["remaining_licenses"],
        json!(
            products
                .iter()
                .map(|product| product.remaining)
                .sum::<i64>()
        )
    );
}

#[test]
fn any_number_of_users_is_exactly_right() {
    for (count, requests) in [(0, 1), (1, 1), (100, 1), (101, 2), (1_100, 2), (1_101, 3)] {
        let mut stage = users(count);
        stage.sandbox.reset();
        let read = stage.session.rows("SELECT user_id FROM pluralsight.users");
        let expected: std::collections::BTreeSet<String> = (0..count)
            .map(|index| stage.sandbox.organization().user(index).ps_user_id)
            .collect();
        let found: std::collections::BTreeSet<String> =
            read.iter().filter_map(|row| row[0].clone()).collect();
        assert_eq!(read.len() as u64, count);
        assert_eq!(found, expected, "{count} users");
        assert_eq!(
            stage.sandbox.count("users"),
            requests,
            "requests for {count} users"
        );
        assert_eq!(
            stage
                .session
                .value("SELECT count(*) FROM pluralsight.users"),
            count.to_string()
        );
    }
}

#[test]
fn a_look_takes_one_request() {
    let mut stage = users(2_345);
    for (query, operation) in [
        ("SELECT * FROM pluralsight.users LIMIT 10", "users"),
        ("SELECT * FROM pluralsight.plan", "planInfo"),
        ("SELECT count(*) FROM pluralsight.users", "users"),
    ] {
        stage.sandbox.reset();
        stage.session.rows(query);
        assert_eq!(stage.sandbox.count(operation), 1, "{query}");
        assert_eq!(stage.sandbox.requests().len(), 1, "{query}");
    }
}

#[test]
fn only_the_fields_that_the_query_needs_are_asked_for() {
    let mut stage = users(10);
    for (query, selection) in [
        // The key recognizes a record that moved between two pages.
        (
            "SELECT email FROM pluralsight.users",
            "nodes { email psUserId }",
        ),
        ("SELECT 1 FROM pluralsight.users", "nodes { psUserId }"),
        (
            "SELECT email FROM pluralsight.users WHERE note = 'x'",
            "nodes { email note psUserId }",
        ),
        (
            "SELECT team_names FROM pluralsight.users",
            "nodes { psUserId teams { edges { isDirect node { name } } pageInfo { hasNextPage } } }",
        ),
        ("SELECT name FROM pluralsight.plan", "planInfo { name }"),
    ] {
        stage.sandbox.reset();
        stage.session.rows(query);
        let requests = stage.sandbox.requests();
        let document = requests[0]
            .document
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(document.contains(selection), "{query}: {document}");
    }
}

#[test]
fn the_catalog_explains_every_column() {
    let mut stage = users(1);
    let silent = stage.session.rows(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relnamespace = 'pluralsight'::regnamespace AND c.relkind IN ('f', 'v') AND col_description(c.oid, a.attnum) IS NULL",
    );
    assert!(silent.is_empty(), "{silent:?}");
    assert_eq!(stage.session.value("SELECT count(*) FROM pg_class WHERE relkind = 'f' AND obj_description(oid, 'pg_class') IS NOT NULL"), "5");
}

#[test]
fn accounts_and_licenses_say_what_the_organization_is() {
    let mut stage = users(800);
    let organization = stage.sandbox.organization();
    let people: Vec<User> = (0..organization.len())
        .map(|index| organization.user(index))
        .collect();
    let admins = organization.admins();
    let is_admin = |user: &User| {
        admins
            .iter()
            .any(|admin| admin.ps_user_id == user.ps_user_id)
    };
    let outside = admins
        .iter()
        .filter(|admin| {
            people
                .iter()
                .all(|user| user.ps_user_id != admin.ps_user_id)
        })
        .count();
    let holds = |user: &User| {
        user.product_ids
            .as_ref()
            .is_some_and(|products| !products.is_empty())
    };
    assert!(outside > 0, "the organization has admins without a license");
    let mut value = |sql: &str| stage.session.value(sql);
    assert_eq!(
        value("SELECT count(*) FROM pluralsight.accounts"),
        (people.len() + outside).to_string()
    );
    assert_eq!(
        value("SELECT count(*) FROM pluralsight.accounts WHERE billable"),
        people.iter().filter(|user| holds(user)).count().to_string()
    );
    assert_eq!(
        value("SELECT count(*) FROM pluralsight.accounts WHERE is_admin"),
        admins.len().to_string()
    );
    assert_eq!(
        value("SELECT count(*) FROM pluralsight.accounts WHERE is_active"),
        people
            .iter()
            .filter(|user| user.is_on_account)
            .count()
            .to_string()
    );
    assert_eq!(
        value("SELECT count(*) FROM pluralsight.accounts WHERE status = 'active'"),
        people
            .iter()
            .filter(|user| user.is_on_account)
            .count()
            .to_string()
    );
    assert_eq!(
        value("SELECT count(*) FROM pluralsight.accounts WHERE status = 'removed'"),
        people
            .iter()
            .filter(|user| !user.is_on_account && !is_admin(user))
            .count()
            .to_string()
    );
    assert_eq!(
        value("SELECT count(*) FROM pluralsight.accounts WHERE last_sign_in_at IS NULL"),
        (people
            .iter()
            .filter(|user| user.last_login.is_none())
            .count()
            + outside)
            .to_string()
    );
    assert_eq!(
        value("SELECT count(*) FROM pluralsight.accounts WHERE deleted_at IS NOT NULL"),
        people
            .iter()
            .filter(|user| user.removed_on.is_some())
            .count()
            .to_string()
    );
    let products = organization.products();
    for product in &products {
        let row = format!(
            "SELECT purchased || ' ' || assigned || ' ' || remaining FROM pluralsight.licenses WHERE product_id = '{}'",
            product.id
        );
        assert_eq!(
            value(&row),
            format!(
                "{} {} {}",
                product.purchased, product.assigned, product.remaining
            )
        );
    }
    assert_eq!(
        value("SELECT DISTINCT plan_active_learners FROM pluralsight.licenses"),
        people
            .iter()
            .filter(|user| user.is_on_account)
            .count()
            .to_string()
    );
    let columns = value(
        "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'pluralsight.accounts'::regclass AND attnum > 0",
    );
    assert_eq!(
        columns,
        "user_id, email, full_name, status, is_active, billable, is_admin, deleted_at, last_sign_in_at, sso_enabled, mfa_enabled, team_names, product_ids, created_at, licensed_at, note, plan_id, email_key, team_ids, product_names"
    );
}
