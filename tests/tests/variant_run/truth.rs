//! What the tables must hold, from the sandbox's own record.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use pluralsight_sandbox::{PermissionSet, PlanAdmin, Sandbox, Team, User};
use serde_json::{Value, json};

/// A table's rows: columns by name.
pub type Rows = Vec<BTreeMap<String, Value>>;

/// Columns of each foreign table.
pub const COLUMNS: &[(&str, &[&str])] = &[
    (
        "users",
        &[
            "user_id",
            "email",
            "additional_emails",
            "first_name",
            "last_name",
            "is_on_account",
            "removed_on",
            "last_login",
            "started_on",
            "created_on",
            "note",
            "team_names",
            "team_ids",
            "inherited_team_names",
            "inherited_team_ids",
            "product_ids",
            "sso_enabled",
            "sso_identifier",
            "mfa_enabled",
            "plan_id",
        ],
    ),
    (
        "admins",
        &[
            "user_id",
            "email",
            "first_name",
            "last_name",
            "created_on",
            "note",
            "sso_identifier",
            "plan_id",
            "plan_user_id",
        ],
    ),
    (
        "teams",
        &[
            "team_id",
            "name",
            "description",
            "parent_team_id",
            "plan_id",
        ],
    ),
    (
        "permission_sets",
        &["permission_set_id", "name", "is_default", "plan_id"],
    ),
    (
        "plan",
        &[
            "plan_id",
            "name",
            "purchased_licenses",
            "assigned_licenses",
            "remaining_licenses",
            "product_ids",
            "product_names",
            "product_purchased",
            "product_assigned",
            "product_remaining",
        ],
    ),
];

/// The query of a table.
pub fn query(table: &str) -> &'static str {
    match table {
        "users" => "users",
        "admins" => "planAdmins",
        "teams" => "teams",
        "permission_sets" => "planPermissionSets",
        _ => "planInfo",
    }
}

/// What a table holds, were every field told.
pub fn rows(sandbox: &Sandbox, table: &str) -> Rows {
    let organization = sandbox.organization();
    match table {
        "users" => organization
            .users()
            .map(|user| of_user(sandbox, &user))
            .collect(),
        "admins" => organization
            .admins()
            .iter()
            .map(|admin| of_admin(sandbox, admin))
            .collect(),
        "teams" => organization
            .teams()
            .iter()
            .map(|team| of_team(team))
            .collect(),
        "permission_sets" => organization
            .permission_sets()
            .iter()
            .map(of_permission_set)
            .collect(),
        _ => vec![of_plan(sandbox)],
    }
}

fn named<const N: usize>(values: [(&str, Value); N]) -> BTreeMap<String, Value> {
    values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// As `to_jsonb` writes it, under a session of time zone UTC.
fn instant(sandbox: &Sandbox, at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, |at| {
        json!(sandbox.config().dates.kept(at).to_rfc3339())
    })
}

fn of_user(sandbox: &Sandbox, user: &User) -> BTreeMap<String, Value> {
    let id = Some(&user.ps_user_id).filter(|id| !id.is_empty());
    named([
        ("user_id", json!(id)),
        ("email", json!(user.email)),
        // A list that is null at the API is empty here: NULL means that nobody told.
        (
            "additional_emails",
            json!(user.additional_emails.clone().unwrap_or_default()),
        ),
        ("first_name", json!(user.first_name)),
        ("last_name", json!(user.last_name)),
        ("is_on_account", json!(user.is_on_account)),
        ("removed_on", instant(sandbox, user.removed_on)),
        ("last_login", instant(sandbox, user.last_login)),
        ("started_on", instant(sandbox, user.started_on)),
        ("created_on", instant(sandbox, user.created_on)),
        ("note", json!(user.note)),
        ("team_names", json!(user.direct_team_names())),
        ("team_ids", json!(user.direct_team_ids())),
        ("inherited_team_names", json!(user.inherited_team_names())),
        ("inherited_team_ids", json!(user.inherited_team_ids())),
        (
            "product_ids",
            json!(user.product_ids.clone().unwrap_or_default()),
        ),
        ("sso_enabled", json!(user.sso_enabled)),
        ("sso_identifier", json!(user.current_sso_identifier)),
        ("mfa_enabled", json!(user.mfa_enabled)),
        ("plan_id", json!(user.plan_id)),
    ])
}

fn of_admin(sandbox: &Sandbox, admin: &PlanAdmin) -> BTreeMap<String, Value> {
    named([
        ("user_id", json!(admin.ps_user_id)),
        ("email", json!(admin.email)),
        ("first_name", json!(admin.first_name)),
        ("last_name", json!(admin.last_name)),
        ("created_on", instant(sandbox, admin.created_on)),
        ("note", json!(admin.note)),
        ("sso_identifier", json!(admin.current_sso_identifier)),
        ("plan_id", json!(admin.plan_id)),
        ("plan_user_id", json!(admin.plan_user_id)),
    ])
}

fn of_permission_set(set: &PermissionSet) -> BTreeMap<String, Value> {
    named([
        ("permission_set_id", json!(set.id)),
        ("name", json!(set.name)),
        ("is_default", json!(set.is_default)),
        ("plan_id", json!(set.plan_id)),
    ])
}

fn of_team(team: &Team) -> BTreeMap<String, Value> {
    named([
        ("team_id", json!(team.id)),
        ("name", json!(team.name)),
        ("description", json!(team.description)),
        ("parent_team_id", json!(team.parent_team_id)),
        ("plan_id", json!(team.plan_id)),
    ])
}

fn of_plan(sandbox: &Sandbox) -> BTreeMap<String, Value> {
    let (plan, products) = (
        sandbox.organization().plan(),
        sandbox.organization().products(),
    );
    let numbers = |read: fn(&pluralsight_sandbox::Product) -> i64| -> Vec<i64> {
        products.iter().map(read).collect()
    };
    let (bought, held, left) = (
        numbers(|product| product.purchased),
        numbers(|product| product.assigned),
        numbers(|product| product.remaining),
    );
    named([
        ("plan_id", json!(plan.plan_id)),
        ("name", json!(plan.name)),
        ("purchased_licenses", json!(bought.iter().sum::<i64>())),
        ("assigned_licenses", json!(held.iter().sum::<i64>())),
        ("remaining_licenses", json!(left.iter().sum::<i64>())),
        (
            "product_ids",
            products.iter().map(|product| json!(product.id)).collect(),
        ),
        (
            "product_names",
            products.iter().map(|product| json!(product.name)).collect(),
        ),
        ("product_purchased", json!(bought)),
        ("product_assigned", json!(held)),
        ("product_remaining", json!(left)),
    ])
}
