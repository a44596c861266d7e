//! How each field of the schema is read from a record.

use crate::organisation::{Membership, Need, Plan, PlanAdmin, Product, Team, User};

use super::{
    json::Json,
    page::{Page, Row},
};

/// Anything that a selection can be applied to.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    User(&'a User),
    Admin(&'a PlanAdmin),
    Team(&'a Team),
    Product(&'a Product),
    Plan(&'a PlanView),
    Memberships(&'a User),
    Membership(&'a Membership, usize),
    Page(&'a Page<'a>),
    Edge(&'a Row<'a>),
    /// A record that is null.
    Nothing,
}

/// The plan with its products, as one record.
pub(crate) struct PlanView {
    pub(crate) plan: Plan,
    pub(crate) products: Vec<Product>,
}

pub(crate) type Leaf = for<'a> fn(Source<'a>, &mut Json);
pub(crate) type One = for<'a> fn(Source<'a>) -> Option<Source<'a>>;
pub(crate) type Many = for<'a, 'b> fn(Source<'a>, &'b mut dyn FnMut(Source<'a>));

/// How a field is read.
#[derive(Clone, Copy)]
pub(crate) enum Read {
    Leaf(Leaf),
    One(One),
    Many(Many),
}

/// A leaf of one kind of record; of any other it is null, which the schema's own types rule out.
macro_rules! leaf {
    ($kind:ident, |$record:ident, $json:ident| $write:expr) => {
        Read::Leaf(|source, $json| match source {
            Source::$kind($record) => $write,
            _ => $json.null(),
        })
    };
}

/// The reader of a field, by the names in the schema file; `None` for a field that no record has.
pub(crate) fn reader(ty: &str, field: &str) -> Option<Read> {
    match ty {
        "User" => user(field),
        "TeamUserConnection" => memberships(field),
        "TeamUserEdge" => membership(field),
        "PlanAdmin" => admin(field),
        "PlanInfo" => plan(field),
        "Product" => product(field),
        "Team" => team(field),
        "PageInfo" => page_info(field),
        _ if ty.ends_with("Connection") => connection(field),
        _ if ty.ends_with("Edge") => edge(field),
        _ => None,
    }
}

/// Which part of a user a field of type `User` is read from.
pub(crate) fn need(field: &str) -> Need {
    match field {
        "psUserId" | "id" | "planUserId" | "planId" => Need::IDS,
        "email" | "additionalEmails" | "firstName" | "lastName" => Need::NAMES,
        "startedOn" | "createdOn" | "isOnAccount" | "removedOn" | "lastLogin" => Need::STANDING,
        "teams" | "team" | "teamNames" => Need::TEAMS,
        "productIds" => Need::PRODUCTS,
        "note" => Need::NOTE,
        "ssoIdentifiers" | "currentSsoIdentifier" | "ssoEnabled" | "mfaEnabled" => Need::SIGN_IN,
        // Made up from the identifier.
        _ => Need::IDS,
    }
}

fn optional(json: &mut Json, text: &Option<String>) {
    json.maybe(text.as_deref(), Json::text);
}

fn list(json: &mut Json, texts: &Option<Vec<String>>) {
    json.maybe(texts.as_ref(), |json, texts| {
        json.texts(texts.iter().map(String::as_str))
    });
}

fn user(field: &str) -> Option<Read> {
    Some(match field {
        "psUserId" => leaf!(User, |user, json| json.text(&user.ps_user_id)),
        "id" => leaf!(User, |user, json| json.text(&user.id)),
        "email" => leaf!(User, |user, json| optional(json, &user.email)),
        "additionalEmails" => leaf!(User, |user, json| list(json, &user.additional_emails)),
        "firstName" => leaf!(User, |user, json| optional(json, &user.first_name)),
        "lastName" => leaf!(User, |user, json| optional(json, &user.last_name)),
        "startedOn" => leaf!(User, |user, json| json
            .maybe(user.started_on.as_ref(), |json, at| json.instant(*at))),
        "createdOn" => leaf!(User, |user, json| json
            .maybe(user.created_on.as_ref(), |json, at| json.instant(*at))),
        "removedOn" => leaf!(User, |user, json| json
            .maybe(user.removed_on.as_ref(), |json, at| json.instant(*at))),
        "lastLogin" => leaf!(User, |user, json| json
            .maybe(user.last_login.as_ref(), |json, at| json.instant(*at))),
        "note" => leaf!(User, |user, json| optional(json, &user.note)),
        "isOnAccount" => leaf!(User, |user, json| json.truth(user.is_on_account)),
        "ssoIdentifiers" => leaf!(User, |user, json| list(json, &user.sso_identifiers)),
        "currentSsoIdentifier" => leaf!(User, |user, json| optional(
            json,
            &user.current_sso_identifier
        )),
        "ssoEnabled" => leaf!(User, |user, json| json
            .maybe(user.sso_enabled.as_ref(), |json, on| json.truth(*on))),
        "mfaEnabled" => leaf!(User, |user, json| json
            .maybe(user.mfa_enabled.as_ref(), |json, on| json.truth(*on))),
        "planId" => leaf!(User, |user, json| optional(json, &user.plan_id)),
        "planUserId" => leaf!(User, |user, json| optional(json, &user.plan_user_id)),
        "productIds" => leaf!(User, |user, json| list(json, &user.product_ids)),
        "teamNames" => leaf!(User, |user, json| {
            let direct = user.teams.iter().filter(|membership| membership.is_direct);
            json.texts(direct.map(|membership| membership.team.name.as_str()));
        }),
        "team" => Read::One(|source| match source {
            Source::User(user) => user
                .teams
                .first()
                .map(|membership| Source::Team(&membership.team)),
            _ => None,
        }),
        "teams" => Read::One(|source| match source {
            Source::User(user) => Some(Source::Memberships(user)),
            _ => None,
        }),
        _ => return None,
    })
}

fn memberships(field: &str) -> Option<Read> {
    Some(match field {
        "totalCount" => leaf!(Memberships, |user, json| json
            .number(user.teams.len() as i64)),
        "nodes" => Read::Many(|source, each| {
            if let Source::Memberships(user) = source {
                user.teams
                    .iter()
                    .for_each(|membership| each(Source::Team(&membership.team)));
            }
        }),
        "edges" => Read::Many(|source, each| {
            if let Source::Memberships(user) = source {
                user.teams
                    .iter()
                    .enumerate()
                    .for_each(|(place, membership)| each(Source::Membership(membership, place)));
            }
        }),
        "pageInfo" => Read::One(|source| Some(source)),
        _ => return None,
    })
}

fn membership(field: &str) -> Option<Read> {
    Some(match field {
        "isDirect" => Read::Leaf(|source, json| match source {
            Source::Membership(membership, _) => json.truth(membership.is_direct),
            _ => json.null(),
        }),
        "cursor" => Read::Leaf(|source, json| match source {
            Source::Membership(_, place) => {
                json.text(&crate::cursor::of_offset("memberships", place as u64 + 1))
            }
            _ => json.null(),
        }),
        "node" => Read::One(|source| match source {
            Source::Membership(membership, _) => Some(Source::Team(&membership.team)),
            _ => None,
        }),
        _ => return None,
    })
}

fn team(field: &str) -> Option<Read> {
    Some(match field {
        "id" => leaf!(Team, |team, json| json.text(&team.id)),
        "name" => leaf!(Team, |team, json| json.text(&team.name)),
        "description" => leaf!(Team, |team, json| optional(json, &team.description)),
        "parentTeamId" => leaf!(Team, |team, json| optional(json, &team.parent_team_id)),
        "planId" => leaf!(Team, |team, json| optional(json, &team.plan_id)),
        _ => return None,
    })
}

fn admin(field: &str) -> Option<Read> {
    Some(match field {
        "psUserId" => leaf!(Admin, |admin, json| json.text(&admin.ps_user_id)),
        "email" => leaf!(Admin, |admin, json| optional(json, &admin.email)),
        "firstName" => leaf!(Admin, |admin, json| optional(json, &admin.first_name)),
        "lastName" => leaf!(Admin, |admin, json| optional(json, &admin.last_name)),
        "planId" => leaf!(Admin, |admin, json| optional(json, &admin.plan_id)),
        "planUserId" => leaf!(Admin, |admin, json| optional(json, &admin.plan_user_id)),
        "currentSsoIdentifier" => leaf!(Admin, |admin, json| optional(
            json,
            &admin.current_sso_identifier
        )),
        "createdOn" => leaf!(Admin, |admin, json| json
            .maybe(admin.created_on.as_ref(), |json, at| json.instant(*at))),
        "note" => leaf!(Admin, |admin, json| optional(json, &admin.note)),
        _ => return None,
    })
}

fn plan(field: &str) -> Option<Read> {
    Some(match field {
        "planId" => leaf!(Plan, |view, json| json.text(&view.plan.plan_id)),
        "name" => leaf!(Plan, |view, json| json.text(&view.plan.name)),
        "products" => Read::Many(|source, each| {
            if let Source::Plan(view) = source {
                view.products
                    .iter()
                    .for_each(|product| each(Source::Product(product)));
            }
        }),
        _ => return None,
    })
}

fn product(field: &str) -> Option<Read> {
    Some(match field {
        "id" => leaf!(Product, |product, json| json.text(&product.id)),
        "name" => leaf!(Product, |product, json| json.text(&product.name)),
        "purchasedLicenseCount" => leaf!(Product, |product, json| json.number(product.purchased)),
        "assignedLicenseCount" => leaf!(Product, |product, json| json.number(product.assigned)),
        "remainingLicenseCount" => leaf!(Product, |product, json| json.number(product.remaining)),
        _ => return None,
    })
}

fn connection(field: &str) -> Option<Read> {
    Some(match field {
        "totalCount" => leaf!(Page, |page, json| json.number(page.total())),
        "nodes" => Read::Many(|source, each| {
            if let Source::Page(page) = source {
                page.rows.iter().for_each(|row| each(row.node));
            }
        }),
        "edges" => Read::Many(|source, each| {
            if let Source::Page(page) = source {
                page.rows.iter().for_each(|row| each(Source::Edge(row)));
            }
        }),
        "pageInfo" => Read::One(|source| Some(source)),
        _ => return None,
    })
}

fn edge(field: &str) -> Option<Read> {
    Some(match field {
        "cursor" => leaf!(Edge, |row, json| json.text(&row.cursor.text())),
        "node" => Read::One(|source| match source {
            Source::Edge(row) => Some(row.node),
            _ => None,
        }),
        _ => return None,
    })
}

/// A user's teams always come on one page; their `pageInfo` says so.
fn page_info(field: &str) -> Option<Read> {
    Some(match field {
        "endCursor" => Read::Leaf(|source, json| match source {
            Source::Page(page) => json.maybe(page.end.as_deref(), Json::text),
            Source::Memberships(user) if !user.teams.is_empty() => {
                json.text(&crate::cursor::of_offset(
                    "memberships",
                    user.teams.len() as u64,
                ));
            }
            _ => json.null(),
        }),
        "hasNextPage" => Read::Leaf(|source, json| match source {
            Source::Page(page) => json.truth(page.has_next),
            _ => json.truth(false),
        }),
        _ => return None,
    })
}
