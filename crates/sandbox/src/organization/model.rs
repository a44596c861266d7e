//! The records of an organization, as the API means them. Public fields: tests compare with them.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};

/// A person who uses or ever used a license of the plan (type `User`, page "schema-docs/user").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// Today's identifier, a UUID in lower case.
    pub ps_user_id: String,
    /// The older identifier, also called user handle.
    pub id: String,
    /// Unique without regard to case; `None` for a few people whose address was erased.
    pub email: Option<String>,
    /// Further addresses.
    pub additional_emails: Option<Vec<String>>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// When this plan's license was given; `None` for a few who came with another plan.
    pub started_on: Option<DateTime<Utc>>,
    /// When the account was made.
    pub created_on: Option<DateTime<Utc>>,
    /// Free text of the plan's admins.
    pub note: Option<String>,
    /// Every team the person is in: those they were put in first, then the teams above those. Each team once.
    pub teams: Vec<Membership>,
    /// Whether the person holds a license of the plan now.
    pub is_on_account: bool,
    /// When taken off the plan; `None` while `is_on_account`.
    pub removed_on: Option<DateTime<Utc>>,
    /// Last sign-in; `None` for never.
    pub last_login: Option<DateTime<Utc>>,
    /// SSO identifiers, past and present.
    pub sso_identifiers: Option<Vec<String>>,
    /// The SSO identifier in force.
    pub current_sso_identifier: Option<String>,
    /// Signs in by SSO.
    pub sso_enabled: Option<bool>,
    /// The plan.
    pub plan_id: Option<String>,
    /// Has multi-factor sign-in on.
    pub mfa_enabled: Option<bool>,
    /// Products whose licenses the person holds ([`Product::id`]).
    pub product_ids: Option<Vec<String>>,
    /// The person on this plan, as one key.
    pub plan_user_id: Option<String>,
}

impl User {
    /// Names of the teams that the person was put in, in the order of [`User::teams`].
    pub fn direct_team_names(&self) -> Vec<String> {
        self.direct().map(|team| team.name.clone()).collect()
    }

    /// Ids of the teams that the person was put in, in the order of [`User::teams`].
    pub fn direct_team_ids(&self) -> Vec<String> {
        self.direct().map(|team| team.id.clone()).collect()
    }

    /// Names of the teams above those that the person was put in.
    pub fn inherited_team_names(&self) -> Vec<String> {
        self.inherited().map(|team| team.name.clone()).collect()
    }

    /// Ids of the teams above those that the person was put in.
    pub fn inherited_team_ids(&self) -> Vec<String> {
        self.inherited().map(|team| team.id.clone()).collect()
    }

    fn direct(&self) -> impl Iterator<Item = &Team> {
        self.teams
            .iter()
            .filter(|membership| membership.is_direct)
            .map(|membership| &*membership.team)
    }

    fn inherited(&self) -> impl Iterator<Item = &Team> {
        self.teams
            .iter()
            .filter(|membership| !membership.is_direct)
            .map(|membership| &*membership.team)
    }
}

/// A person's place in a team (type `TeamUserEdge`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The team.
    pub team: Arc<Team>,
    /// True when the person was put in this team, false when only in one below it.
    pub is_direct: bool,
}

/// A team (type `Team`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// A UUID.
    pub id: String,
    /// Unique in the organization.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// The team above; `None` at the top.
    pub parent_team_id: Option<String>,
    /// The plan.
    pub plan_id: Option<String>,
}

/// A person who may change the plan (type `PlanAdmin`, page "schema/user/planAdmins"). Need not hold a license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanAdmin {
    /// The same as [`User::ps_user_id`] for an admin who is among the users.
    pub ps_user_id: String,
    /// Main address.
    pub email: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// The plan.
    pub plan_id: Option<String>,
    /// The person on this plan, as one key.
    pub plan_user_id: Option<String>,
    /// The SSO identifier in force.
    pub current_sso_identifier: Option<String>,
    /// When the account was made.
    pub created_on: Option<DateTime<Utc>>,
    /// Free text of the plan's admins.
    pub note: Option<String>,
}

/// A product of the plan and its seats (type `Product`, page "schema-docs/product").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// A short key, as it stands in [`User::product_ids`].
    pub id: String,
    /// For people.
    pub name: String,
    /// Seats bought.
    pub purchased: i64,
    /// Seats held: users whose `product_ids` name this product.
    pub assigned: i64,
    /// `purchased - assigned`.
    pub remaining: i64,
}

/// The plan itself (answer of `planInfo`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// As in [`User::plan_id`].
    pub plan_id: String,
    /// For people.
    pub name: String,
}

/// What managers of a team may do (type `PlanPermissionSet`, page "schema-docs/planpermissionset").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionSet {
    /// A short key.
    pub id: String,
    /// For people.
    pub name: String,
    /// Whether every plan has it.
    pub is_default: bool,
    /// The plan.
    pub plan_id: String,
}

/// An instant as the API writes it: ISO 8601, milliseconds, `Z`.
pub(crate) fn instant_text(instant: &DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}
