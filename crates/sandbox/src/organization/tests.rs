mod changes;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::switches::{EmailMatch, TeamMatch};

fn organization(users: u64, seed: u64) -> Organization {
    let now = DateTime::from_timestamp(1_793_491_200, 0).expect("in range");
    Organization::new(&Origin {
        users,
        seed,
        now,
        teams: None,
        admins: None,
        ids: Ids::Uuid,
    })
}

fn by(query: impl FnOnce(&mut UserQuery)) -> UserQuery {
    let mut filter = UserQuery::default();
    query(&mut filter);
    filter
}

fn found(organization: &Organization, query: &UserQuery) -> Vec<User> {
    let snapshot = organization.snapshot();
    let found = snapshot.found(query);
    (0..found.len())
        .map(|place| found.user(place, Need::ALL))
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_people() {
    let (one, two, other) = (
        organization(50, 7),
        organization(50, 7),
        organization(50, 8),
    );
    assert!(one.users().eq(two.users()));
    assert!(
        one.users()
            .zip(other.users())
            .all(|(one, other)| one.ps_user_id != other.ps_user_id)
    );
}

#[test]
fn a_larger_organization_begins_with_the_same_people() {
    let names = |users| {
        organization(users, 7)
            .users()
            .take(20)
            .map(|user| user.email)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(20), names(5000));
}

#[test]
fn keys_are_unique_however_they_are_spelled() {
    for ids in [Ids::Uuid, Ids::Capitals, Ids::Bare, Ids::Number, Ids::Text] {
        // Past the number of names, so that addresses with numbers occur.
        let organization = Organization::new(&Origin {
            users: 9000,
            seed: 3,
            now: DateTime::from_timestamp(1_793_491_200, 0).expect("in range"),
            teams: None,
            admins: None,
            ids,
        });
        let users: Vec<User> = organization.users().collect();
        let keys: BTreeSet<&str> = users.iter().map(|user| user.ps_user_id.as_str()).collect();
        let handles: BTreeSet<&str> = users.iter().map(|user| user.id.as_str()).collect();
        let addresses: Vec<String> = users
            .iter()
            .filter_map(|user| user.email.as_ref().map(|email| email.to_lowercase()))
            .collect();
        let distinct: BTreeSet<&String> = addresses.iter().collect();
        assert_eq!((keys.len(), handles.len()), (9000, 9000), "{ids:?}");
        assert_eq!(distinct.len(), addresses.len());
        let strangers = organization.admins();
        assert!(
            strangers
                .iter()
                .any(|admin| !keys.contains(admin.ps_user_id.as_str()))
        );
    }
}

#[test]
fn every_kind_of_person_is_there() {
    let organization = organization(2345, 7);
    let users: Vec<User> = organization.users().collect();
    let count = |what: fn(&User) -> bool| users.iter().filter(|user| what(user)).count();
    type Is = fn(&User) -> bool;
    let kinds: Vec<(&str, Is, usize)> = vec![
        ("removed", |user| !user.is_on_account, 100),
        ("never logged in", |user| user.last_login.is_none(), 100),
        (
            "on no team",
            |user| user.teams.is_empty() && user.is_on_account,
            100,
        ),
        (
            "on five teams",
            |user| user.direct_team_ids().len() == 5,
            10,
        ),
        (
            "with inherited teams",
            |user| user.teams.iter().any(|membership| !membership.is_direct),
            200,
        ),
        (
            "active without a product",
            |user| user.is_on_account && user.product_ids.as_ref().is_none_or(Vec::is_empty),
            50,
        ),
        (
            "with several products",
            |user| user.product_ids.as_ref().is_some_and(|ids| ids.len() > 1),
            100,
        ),
        ("products null", |user| user.product_ids.is_none(), 10),
        (
            "removed with a product",
            |user| {
                !user.is_on_account && user.product_ids.as_ref().is_some_and(|ids| !ids.is_empty())
            },
            1,
        ),
        (
            "address in mixed case",
            |user| {
                user.email
                    .as_ref()
                    .is_some_and(|email| *email != email.to_lowercase())
            },
            400,
        ),
        ("without an address", |user| user.email.is_none(), 1),
        ("note null", |user| user.note.is_none(), 100),
        ("note empty", |user| user.note.as_deref() == Some(""), 50),
        (
            "note with an HR key",
            |user| {
                user.note
                    .as_ref()
                    .is_some_and(|note| note.starts_with("HR-"))
            },
            300,
        ),
        (
            "note with a newline",
            |user| user.note.as_ref().is_some_and(|note| note.contains('\n')),
            1,
        ),
        (
            "note with a quote",
            |user| user.note.as_ref().is_some_and(|note| note.contains('"')),
            1,
        ),
        (
            "note with a backslash",
            |user| user.note.as_ref().is_some_and(|note| note.contains('\\')),
            1,
        ),
        (
            "note with an emoji",
            |user| user.note.as_ref().is_some_and(|note| note.contains('🌱')),
            1,
        ),
        ("SSO on", |user| user.sso_enabled == Some(true), 500),
        ("SSO off", |user| user.sso_enabled == Some(false), 300),
        (
            "SSO on without an identifier",
            |user| user.sso_enabled == Some(true) && user.current_sso_identifier.is_none(),
            20,
        ),
        ("MFA on", |user| user.mfa_enabled == Some(true), 500),
        ("MFA unknown", |user| user.mfa_enabled.is_none(), 10),
        ("no start", |user| user.started_on.is_none(), 1),
        ("no first name", |user| user.first_name.is_none(), 1),
        ("no last name", |user| user.last_name.is_none(), 1),
        (
            "several addresses",
            |user| {
                user.additional_emails
                    .as_ref()
                    .is_some_and(|emails| emails.len() > 1)
            },
            20,
        ),
    ];
    for (kind, is_it, at_least) in kinds {
        assert!(count(is_it) >= at_least, "{kind}: {}", count(is_it));
    }
}

#[test]
fn dates_are_in_their_order() {
    let organization = organization(3000, 5);
    for user in organization.users() {
        let created = user.created_on.expect("always known");
        let end = user.removed_on.unwrap_or(organization.now());
        assert_eq!(user.removed_on.is_some(), !user.is_on_account);
        assert!(created <= end && end <= organization.now());
        let started = user.started_on.unwrap_or(created);
        assert!(created <= started && started <= end);
        assert!(
            user.last_login
                .is_none_or(|login| started <= login && login <= end)
        );
    }
}

#[test]
fn a_team_comes_once_and_its_ancestors_come_with_it() {
    let organization = organization(2000, 7);
    let list = organization.teams();
    let teams: BTreeMap<&str, &Team> = list
        .iter()
        .map(|team| (team.id.as_str(), &**team))
        .collect();
    for user in organization.users() {
        let mine: BTreeSet<&str> = user
            .teams
            .iter()
            .map(|membership| membership.team.id.as_str())
            .collect();
        assert_eq!(mine.len(), user.teams.len());
        assert!(
            user.teams
                .is_sorted_by_key(|membership| !membership.is_direct)
        );
        for membership in &user.teams {
            let parent = membership.team.parent_team_id.as_deref();
            assert!(parent.is_none_or(|parent| mine.contains(parent)));
            assert_eq!(teams[membership.team.id.as_str()], &*membership.team);
        }
        for membership in user.teams.iter().filter(|membership| !membership.is_direct) {
            assert!(
                user.teams
                    .iter()
                    .any(|below| below.team.parent_team_id.as_ref() == Some(&membership.team.id))
            );
        }
    }
}

#[test]
fn somebody_is_in_a_team_and_in_one_above_it() {
    let twice = organization(2000, 7).users().any(|user| {
        let direct: Vec<&Membership> = user
            .teams
            .iter()
            .filter(|membership| membership.is_direct)
            .collect();
        direct.iter().any(|one| {
            direct
                .iter()
                .any(|two| one.team.parent_team_id.as_ref() == Some(&two.team.id))
        })
    });
    assert!(twice);
}

#[test]
fn seats_are_those_that_users_hold() {
    let organization = organization(2345, 7);
    let held = |organization: &Organization| {
        let mut held: BTreeMap<String, i64> = BTreeMap::new();
        organization
            .users()
            .flat_map(|user| user.product_ids.unwrap_or_default())
            .for_each(|id| *held.entry(id).or_default() += 1);
        held
    };
    let check = |organization: &Organization| {
        let held = held(organization);
        for product in organization.products() {
            assert_eq!(
                product.assigned,
                held.get(&product.id).copied().unwrap_or_default()
            );
            assert_eq!(product.remaining, product.purchased - product.assigned);
        }
    };
    check(&organization);
    assert!(
        organization
            .products()
            .iter()
            .any(|product| product.remaining == 0 && product.assigned > 0)
    );
    assert!(
        organization
            .products()
            .iter()
            .any(|product| product.assigned == 0 && product.purchased > 0)
    );
    let before = organization.products();
    organization.add_users(30, Place::Start);
    let holder = organization
        .users()
        .find(|user| user.product_ids.as_ref().is_some_and(|ids| ids.len() > 1))
        .expect("somebody");
    assert!(organization.deactivate_user(&holder.ps_user_id, organization.now()));
    check(&organization);
    let bought = |products: &[Product]| {
        products
            .iter()
            .map(|product| product.purchased)
            .collect::<Vec<_>>()
    };
    assert_eq!(bought(&before), bought(&organization.products()));
    assert!(organization.set_purchased("flow", 7));
    assert!(!organization.set_purchased("nothing", 7));
    assert_eq!(
        organization
            .products()
            .last()
            .map(|product| (product.purchased, product.remaining)),
        Some((7, 7))
    );
}

#[test]
fn admins_are_with_and_without_a_license() {
    let organization = organization(2345, 7);
    let admins = organization.admins();
    let ids: BTreeSet<&str> = admins
        .iter()
        .map(|admin| admin.ps_user_id.as_str())
        .collect();
    assert_eq!(ids.len(), admins.len());
    let (with, without): (Vec<&PlanAdmin>, Vec<&PlanAdmin>) = admins
        .iter()
        .partition(|admin| organization.find(&admin.ps_user_id).is_some());
    assert!(with.len() >= 5 && without.len() >= 5);
    for admin in with {
        let user = organization.find(&admin.ps_user_id).expect("just found");
        assert_eq!(
            (&user.email, &user.plan_user_id, &user.created_on),
            (&admin.email, &admin.plan_user_id, &admin.created_on)
        );
    }
    let emails: BTreeSet<String> = organization
        .users()
        .filter_map(|user| user.email)
        .map(|email| email.to_lowercase())
        .collect();
    assert!(without.iter().all(|admin| {
        !emails.contains(&admin.email.as_ref().expect("always known").to_lowercase())
    }));
}

#[test]
fn the_smallest_organizations_hold_together() {
    for users in 0..4 {
        let organization = organization(users, 7);
        assert_eq!(
            (organization.len(), organization.users().count() as u64),
            (users, users)
        );
        assert_eq!(organization.admins().len(), 3);
        assert_eq!(organization.products().len(), 5);
        assert!(organization.get(users).is_none());
    }
    let now = DateTime::from_timestamp(0, 0).expect("in range");
    let bare = Organization::new(&Origin {
        users: 10,
        seed: 1,
        now,
        teams: Some(0),
        admins: Some(0),
        ids: Ids::Uuid,
    });
    assert!(
        bare.teams().is_empty()
            && bare.admins().is_empty()
            && bare.users().all(|user| user.teams.is_empty())
    );
}
