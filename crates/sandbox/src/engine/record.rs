//! What the fields of each kind of record hold, by their names in the schema file.

use chrono::{DateTime, Utc};

use crate::{
    cursor,
    organization::{Membership, Need, PermissionSet, Plan, PlanAdmin, Product, Team, User},
};

/// Anything that a selection can be applied to.
#[derive(Clone, Copy)]
pub(crate) enum Record<'a> {
    User(&'a User),
    Admin(&'a PlanAdmin),
    Team(&'a Team),
    Product(&'a Product),
    PermissionSet(&'a PermissionSet),
    Plan(&'a Plan, &'a [Product]),
    /// Those on the page, and whether more follow.
    Memberships(&'a [Membership], bool),
    /// Entries of a list inside a record that comes in pages, and whether more follow.
    Entries(&'a [Record<'a>], bool),
    /// One of them, and its place.
    Entry(&'a Record<'a>, usize),
    Membership(&'a Membership, usize),
    Page(&'a Page<'a>),
    Row(&'a Row<'a>),
    /// A product that somebody holds, by its id.
    Held(&'a str),
    /// An instant whose type has fields of its own.
    Moment(DateTime<Utc>),
    /// A record that is null.
    Nothing,
}

/// A record on a page, and the place behind it.
pub(crate) struct Row<'a> {
    pub(crate) node: Record<'a>,
    pub(crate) cursor: Mark,
}

/// The place behind a record: in the order of the list, or by how many records were given.
#[derive(Clone, Copy)]
pub(crate) enum Mark {
    Key(u64),
    Offset(&'static str, u64),
}

impl Mark {
    pub(crate) fn text(self) -> String {
        match self {
            Self::Key(order) => cursor::of_user(order),
            Self::Offset(list, number) => cursor::of_offset(list, number),
        }
    }
}

/// What a connection answers.
pub(crate) struct Page<'a> {
    pub(crate) rows: Vec<Row<'a>>,
    pub(crate) end: Option<String>,
    pub(crate) has_next: bool,
    pub(crate) total: Option<i64>,
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

/// Which part of a user a field of type `User` is read from.
pub(crate) fn need(field: &str) -> Need {
    match field {
        "email" | "additionalEmails" | "firstName" | "lastName" => Need::NAMES,
        "startedOn" | "createdOn" | "isOnAccount" | "removedOn" | "lastLogin" => Need::STANDING,
        "teams" | "team" | "teamNames" => Need::TEAMS,
        "productIds" | "products" => Need::PRODUCTS,
        "note" => Need::NOTE,
        "ssoIdentifiers" | "currentSsoIdentifier" | "ssoEnabled" | "mfaEnabled" => Need::SIGN_IN,
        _ => Need::IDS,
    }
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
            Self::User(user) => &user.ps_user_id,
            Self::Admin(admin) => &admin.ps_user_id,
            Self::Team(team) => &team.id,
            Self::Product(product) => &product.id,
            Self::PermissionSet(set) => &set.id,
            Self::Plan(plan, _) => &plan.plan_id,
            _ => "",
        }
    }

    /// `None` for a field that no such record has.
    pub(crate) fn field(self, name: &str) -> Option<Held<'a>> {
        match self {
            Self::User(user) => user_field(user, name),
            Self::Admin(admin) => admin_field(admin, name),
            Self::Team(team) => Some(match name {
                "id" => Held::Text(&team.id),
                "name" => Held::Text(&team.name),
                "description" => text(&team.description),
                "parentTeamId" => text(&team.parent_team_id),
                "planId" => text(&team.plan_id),
                _ => return None,
            }),
            Self::Product(product) => Some(match name {
                "id" => Held::Text(&product.id),
                "name" => Held::Text(&product.name),
                "purchasedLicenseCount" => Held::Number(product.purchased),
                "assignedLicenseCount" => Held::Number(product.assigned),
                "remainingLicenseCount" => Held::Number(product.remaining),
                _ => return None,
            }),
            Self::PermissionSet(set) => Some(match name {
                "id" => Held::Text(&set.id),
                "name" => Held::Text(&set.name),
                "isDefault" => Held::Truth(set.is_default),
                "planId" => Held::Text(&set.plan_id),
                _ => return None,
            }),
            Self::Plan(plan, products) => Some(match name {
                "planId" => Held::Text(&plan.plan_id),
                "name" => Held::Text(&plan.name),
                "products" => Held::Many(products.iter().map(Record::Product).collect()),
                "plan" => Held::One(self),
                _ => return None,
            }),
            Self::Memberships(teams, has_next) => memberships_field(teams, has_next, name),
            Self::Entries(entries, has_next) => Some(match name {
                "totalCount" => Held::Number(entries.len() as i64),
                "nodes" => Held::Many(entries.to_vec()),
                "edges" => {
                    let edges = entries.iter().enumerate();
                    Held::Many(edges.map(|(place, one)| Self::Entry(one, place)).collect())
                }
                "pageInfo" => Held::One(self),
                "endCursor" => Held::Null,
                "hasNextPage" => Held::Truth(has_next),
                _ => return None,
            }),
            Self::Entry(entry, place) => Some(match name {
                "cursor" => Held::Made(cursor::of_offset("entries", place as u64 + 1)),
                "node" => Held::One(*entry),
                _ => return None,
            }),
            Self::Membership(membership, place) => Some(match name {
                "isDirect" => Held::Truth(membership.is_direct),
                "cursor" => Held::Made(cursor::of_offset("memberships", place as u64 + 1)),
                "node" => Held::One(Record::Team(&membership.team)),
                _ => return None,
            }),
            Self::Page(page) => Some(match name {
                "totalCount" => page.total.map_or(Held::Null, Held::Number),
                "nodes" => Held::Many(page.rows.iter().map(|row| row.node).collect()),
                "edges" => Held::Many(page.rows.iter().map(Record::Row).collect()),
                "pageInfo" => Held::One(self),
                "endCursor" => page.end.as_deref().map_or(Held::Null, Held::Text),
                "hasNextPage" => Held::Truth(page.has_next),
                _ => return None,
            }),
            Self::Row(row) => Some(match name {
                "cursor" => Held::Made(row.cursor.text()),
                "node" => Held::One(row.node),
                _ => return None,
            }),
            Self::Held(id) => match name {
                "id" => Some(Held::Text(id)),
                _ => None,
            },
            Self::Moment(at) => match name {
                "iso" => Some(Held::Instant(at)),
                _ => None,
            },
            Self::Nothing => None,
        }
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
            Some(membership) => Held::One(Record::Team(&membership.team)),
            None => Held::Null,
        },
        "teams" => Held::One(Record::Memberships(&user.teams, false)),
        "user" => Held::One(Record::User(user)),
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

fn memberships_field<'a>(teams: &'a [Membership], has_next: bool, name: &str) -> Option<Held<'a>> {
    Some(match name {
        "totalCount" => Held::Number(teams.len() as i64),
        "nodes" => Held::Many(teams.iter().map(|one| Record::Team(&one.team)).collect()),
        "edges" => {
            let edges = teams.iter().enumerate();
            Held::Many(
                edges
                    .map(|(place, one)| Record::Membership(one, place))
                    .collect(),
            )
        }
        "pageInfo" => Held::One(Record::Memberships(teams, has_next)),
        "endCursor" => Held::Null,
        "hasNextPage" => Held::Truth(has_next),
        _ => return None,
    })
}
