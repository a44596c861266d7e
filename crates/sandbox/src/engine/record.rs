//! What the fields of each kind of record hold, by their names in the schema file.

use chrono::{DateTime, Utc};

use crate::{
    cursor,
    organization::{Entry, Membership, PermissionSet, Plan, PlanAdmin, Product, Team, User},
};

/// Anything that a selection can be applied to.
#[derive(Clone, Copy)]
pub(crate) enum Record<'a> {
    User(&'a Entry),
    Admin(&'a PlanAdmin),
    Team(&'a Team),
    /// A team, and whether somebody was put in it.
    Membership(&'a Membership),
    Product(&'a Product),
    PermissionSet(&'a PermissionSet),
    Plan(&'a Plan, &'a [Product]),
    /// A product that somebody holds, by its id.
    Held(&'a str),
    Page(&'a Page<'a>),
    /// The record of this place on a page.
    Edge(&'a Page<'a>, usize),
    /// An instant whose type has fields of its own.
    Moment(DateTime<Utc>),
    /// A record that is null.
    Nothing,
}

/// What a connection answers.
pub(crate) struct Page<'a> {
    /// The name of the list, which stands in its cursors.
    pub(crate) list: &'a str,
    /// The cursor that was given.
    pub(crate) after: Option<String>,
    /// How many records of the list are on pages before.
    pub(crate) begin: usize,
    /// Whether the cursors of users hold their place in the order of the list, rather than a number.
    pub(crate) is_keyed: bool,
    pub(crate) rows: Vec<Record<'a>>,
    pub(crate) end: Option<String>,
    pub(crate) has_next: bool,
    pub(crate) total: Option<i64>,
}

impl<'a> Page<'a> {
    /// The first page of a list inside a record.
    pub(crate) fn inside(rows: Vec<Record<'a>>, has_next: bool) -> Self {
        Self {
            list: "entries",
            after: None,
            begin: 0,
            is_keyed: false,
            total: Some(rows.len() as i64),
            rows,
            end: None,
            has_next,
        }
    }

    /// The cursor behind the record of this place.
    pub(crate) fn cursor(&self, place: usize) -> String {
        match self.rows[place] {
            Record::User(entry) if self.is_keyed => cursor::of_user(entry.order),
            _ => cursor::of_offset(self.list, (self.begin + place + 1) as u64),
        }
    }
}

/// What a field holds.
pub(crate) enum Held<'a> {
    Null,
    Text(&'a str),
    Made(String),
    Number(i64),
    Truth(bool),
    Instant(DateTime<Utc>),
    Texts(Vec<&'a str>),
    One(Record<'a>),
    Many(Vec<Record<'a>>),
}

fn text(text: &Option<String>) -> Held<'_> {
    text.as_deref().map_or(Held::Null, Held::Text)
}

fn texts(texts: &Option<Vec<String>>) -> Held<'_> {
    let texts = texts.as_ref();
    texts.map_or(Held::Null, |texts| {
        Held::Texts(texts.iter().map(String::as_str).collect())
    })
}

fn instant<'a>(at: Option<DateTime<Utc>>) -> Held<'a> {
    at.map_or(Held::Null, Held::Instant)
}

fn truth<'a>(truth: Option<bool>) -> Held<'a> {
    truth.map_or(Held::Null, Held::Truth)
}

impl<'a> Record<'a> {
    /// The identifier, for values that are made up.
    pub(crate) fn key(self) -> &'a str {
        match self {
            Self::User(entry) => &entry.user.ps_user_id,
            Self::Admin(admin) => &admin.ps_user_id,
            Self::Team(team) => &team.id,
            Self::Membership(membership) => &membership.team.id,
            Self::Product(product) => &product.id,
            Self::PermissionSet(set) => &set.id,
            Self::Plan(plan, _) => &plan.plan_id,
            _ => "",
        }
    }

    /// `None` for a field that no such record has.
    pub(crate) fn field(self, name: &str) -> Option<Held<'a>> {
        Some(match self {
            Self::User(entry) => match name {
                "user" => Held::One(self),
                _ => return user_field(&entry.user, name),
            },
            Self::Admin(admin) => return admin_field(admin, name),
            Self::Team(team) => return team_field(team, name),
            Self::Membership(membership) => return team_field(&membership.team, name),
            Self::Product(product) => match name {
                "id" => Held::Text(&product.id),
                "name" => Held::Text(&product.name),
                "purchasedLicenseCount" => Held::Number(product.purchased),
                "assignedLicenseCount" => Held::Number(product.assigned),
                "remainingLicenseCount" => Held::Number(product.remaining),
                _ => return None,
            },
            Self::PermissionSet(set) => match name {
                "id" => Held::Text(&set.id),
                "name" => Held::Text(&set.name),
                "isDefault" => Held::Truth(set.is_default),
                "planId" => Held::Text(&set.plan_id),
                _ => return None,
            },
            Self::Plan(plan, products) => match name {
                "planId" => Held::Text(&plan.plan_id),
                "name" => Held::Text(&plan.name),
                "products" => Held::Many(products.iter().map(Record::Product).collect()),
                "plan" => Held::One(self),
                _ => return None,
            },
            Self::Page(page) => match name {
                "totalCount" => page.total.map_or(Held::Null, Held::Number),
                "nodes" => Held::Many(page.rows.clone()),
                "edges" => {
                    let places = 0..page.rows.len();
                    Held::Many(places.map(|place| Self::Edge(page, place)).collect())
                }
                "pageInfo" => Held::One(self),
                "endCursor" => page.end.as_deref().map_or(Held::Null, Held::Text),
                "hasNextPage" => Held::Truth(page.has_next),
                _ => return None,
            },
            Self::Edge(page, place) => match (name, page.rows[place]) {
                ("cursor", _) => Held::Made(page.cursor(place)),
                ("node", record) => Held::One(record),
                ("isDirect", Self::Membership(membership)) => Held::Truth(membership.is_direct),
                _ => return None,
            },
            Self::Held(id) if name == "id" => Held::Text(id),
            Self::Moment(at) if name == "iso" => Held::Instant(at),
            Self::Held(_) | Self::Moment(_) | Self::Nothing => return None,
        })
    }
}

fn user_field<'a>(user: &'a User, name: &str) -> Option<Held<'a>> {
    Some(match name {
        "psUserId" if user.ps_user_id.is_empty() => Held::Null,
        "psUserId" => Held::Text(&user.ps_user_id),
        "id" => Held::Text(&user.id),
        "email" => text(&user.email),
        "additionalEmails" => texts(&user.additional_emails),
        "firstName" => text(&user.first_name),
        "lastName" => text(&user.last_name),
        "startedOn" => instant(user.started_on),
        "createdOn" => instant(user.created_on),
        "removedOn" => instant(user.removed_on),
        "lastLogin" => instant(user.last_login),
        "note" => text(&user.note),
        "isOnAccount" => Held::Truth(user.is_on_account),
        "ssoIdentifiers" => texts(&user.sso_identifiers),
        "currentSsoIdentifier" => text(&user.current_sso_identifier),
        "ssoEnabled" => truth(user.sso_enabled),
        "mfaEnabled" => truth(user.mfa_enabled),
        "planId" => text(&user.plan_id),
        "planUserId" => text(&user.plan_user_id),
        "productIds" => texts(&user.product_ids),
        "products" => {
            let held = user.product_ids.iter().flatten();
            Held::Many(held.map(|id| Record::Held(id)).collect())
        }
        "teamNames" => {
            let direct = user.teams.iter().filter(|membership| membership.is_direct);
            Held::Texts(direct.map(|direct| direct.team.name.as_str()).collect())
        }
        "team" => match user.teams.first() {
            Some(membership) => Held::One(Record::Membership(membership)),
            None => Held::Null,
        },
        "teams" => Held::Many(user.teams.iter().map(Record::Membership).collect()),
        _ => return None,
    })
}

fn admin_field<'a>(admin: &'a PlanAdmin, name: &str) -> Option<Held<'a>> {
    Some(match name {
        "psUserId" => Held::Text(&admin.ps_user_id),
        "email" => text(&admin.email),
        "firstName" => text(&admin.first_name),
        "lastName" => text(&admin.last_name),
        "planId" => text(&admin.plan_id),
        "planUserId" => text(&admin.plan_user_id),
        "currentSsoIdentifier" => text(&admin.current_sso_identifier),
        "createdOn" => instant(admin.created_on),
        "note" => text(&admin.note),
        _ => return None,
    })
}

fn team_field<'a>(team: &'a Team, name: &str) -> Option<Held<'a>> {
    Some(match name {
        "id" => Held::Text(&team.id),
        "name" => Held::Text(&team.name),
        "description" => text(&team.description),
        "parentTeamId" => text(&team.parent_team_id),
        "planId" => text(&team.plan_id),
        _ => return None,
    })
}
