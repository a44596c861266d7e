use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn organization(users: u64, seed: u64, ids: Ids) -> Organization {
    Organization::new(&Origin {
        users,
        seed,
        now: DateTime::from_timestamp(1_793_491_200, 0).expect("in range"),
        teams: None,
        ids,
    })
}

#[test]
fn keys_are_unique_however_they_are_spelled() {
    for ids in [Ids::Uuid, Ids::Capitals, Ids::Bare, Ids::Number, Ids::Text] {
        // Past the number of names, so that addresses with numbers occur.
        let organization = organization(9000, 3, ids);
        let users: Vec<User> = organization.users().collect();
        let keys: BTreeSet<&str> = users.iter().map(|user| user.ps_user_id.as_str()).collect();
        let handles: BTreeSet<&str> = users.iter().map(|user| user.id.as_str()).collect();
        let emails = users.iter().filter_map(|user| user.email.as_ref());
        let addresses: Vec<String> = emails.map(|email| email.to_lowercase()).collect();
        let distinct: BTreeSet<&String> = addresses.iter().collect();
        assert_eq!((keys.len(), handles.len()), (9000, 9000), "{ids:?}");
        assert_eq!(distinct.len(), addresses.len());
        // Admins are with and without a license.
        let admins = organization.admins();
        let (with, without): (Vec<_>, Vec<_>) = admins
            .iter()
            .partition(|admin| keys.contains(admin.ps_user_id.as_str()));
        assert!(with.len() > 5 && without.len() > 5);
        let is_known = |email: &Option<String>| {
            distinct.contains(&email.as_ref().expect("always known").to_lowercase())
        };
        assert!(without.iter().all(|admin| !is_known(&admin.email)));
    }
}

#[test]
fn every_kind_of_person_is_there() {
    let organization = organization(2345, 7, Ids::Uuid);
    let there_is = |is_it: &dyn Fn(&User) -> bool| organization.users().any(|user| is_it(&user));
    let holds = |user: &User| user.product_ids.as_ref().map_or(0, Vec::len);
    let note = |user: &User| user.note.clone().unwrap_or_default();
    assert!(there_is(&|user| user.last_login.is_none()));
    assert!(there_is(&|user| user.teams.is_empty() && user.is_on_account));
    assert!(there_is(&|user| user.direct_team_ids().len() == 5));
    assert!(there_is(&|user| !user.inherited_team_ids().is_empty()));
    assert!(there_is(&|user| user.is_on_account && holds(user) == 0));
    assert!(there_is(&|user| !user.is_on_account && holds(user) > 0));
    assert!(there_is(&|user| holds(user) > 1));
    assert!(there_is(&|user| user.product_ids.is_none()));
    assert!(there_is(&|user| user.email.is_none()));
    assert!(there_is(&|user| user.note.as_deref() == Some("")));
    assert!(there_is(&|user| note(user).contains(['\n', '"', '\\'])));
    assert!(there_is(
        &|user| user.sso_enabled == Some(true) && user.current_sso_identifier.is_none()
    ));
    assert!(there_is(&|user| user.mfa_enabled.is_none()));
}

#[test]
fn dates_are_in_their_order_and_ancestors_come_with_a_team() {
    let organization = organization(3000, 5, Ids::Uuid);
    let now = organization.now();
    for user in organization.users() {
        let created = user.created_on.expect("always known");
        let end = user.removed_on.unwrap_or(now);
        assert_eq!(user.removed_on.is_some(), !user.is_on_account);
        assert!(created <= end && end <= now);
        let started = user.started_on.unwrap_or(created);
        assert!(created <= started && started <= end);
        let is_between = |login| started <= login && login <= end;
        assert!(user.last_login.is_none_or(is_between));
        let teams = user.teams.iter().map(|one| one.team.id.as_str());
        let mine: BTreeSet<&str> = teams.collect();
        assert_eq!(mine.len(), user.teams.len());
        for membership in &user.teams {
            let parent = membership.team.parent_team_id.as_deref();
            assert!(parent.is_none_or(|parent| mine.contains(parent)));
        }
    }
    let teams = organization.teams();
    let names: BTreeSet<String> = teams.iter().map(|team| team.name.to_lowercase()).collect();
    assert_eq!(names.len(), teams.len());
}

#[test]
fn seats_are_those_that_users_hold() {
    let organization = organization(2345, 7, Ids::Uuid);
    let check = || {
        let mut held: BTreeMap<String, i64> = BTreeMap::new();
        for id in organization
            .users()
            .flat_map(|user| user.product_ids.unwrap_or_default())
        {
            *held.entry(id).or_default() += 1;
        }
        for product in organization.products() {
            assert_eq!(
                product.assigned,
                held.get(&product.id).copied().unwrap_or_default()
            );
            assert_eq!(product.remaining, product.purchased - product.assigned);
        }
    };
    check();
    let before = organization.products();
    assert!(before.iter().any(|product| product.remaining == 0));
    organization.add_users(30, Place::Start);
    let holder = organization.users().find(|user| user.product_ids.is_some());
    organization.deactivate_user(&holder.expect("somebody").ps_user_id, organization.now());
    check();
    assert!(organization.set_purchased("flow", 7));
    assert!(!organization.set_purchased("nothing", 7));
    assert_eq!(organization.products()[4].purchased, 7);
}

#[test]
fn what_happens_to_people_is_seen_and_can_be_undone() {
    let organization = organization(10, 7, Ids::Uuid);
    let first: Vec<User> = organization.users().collect();
    organization.add_users(2, Place::Start);
    organization.add_users(1, Place::End);
    assert!(organization.forget_user(&first[0].ps_user_id));
    assert!(!organization.forget_user(&first[0].ps_user_id));
    let removed = organization.now();
    assert!(organization.deactivate_user(&first[5].ps_user_id, removed));
    assert!(organization.edit_user(&first[9].ps_user_id, |user| user.note = None));
    let now: Vec<User> = organization.users().collect();
    assert_eq!(now.len(), 12);
    assert_eq!(now[2..6], first[1..5]);
    assert_eq!(now[6].removed_on, Some(removed));
    let keys: BTreeSet<&String> = now.iter().map(|user| &user.ps_user_id).collect();
    assert_eq!(keys.len(), 12);
    organization.edit_admins(Vec::clear);
    assert!(organization.admins().is_empty());
    organization.restore();
    assert!(organization.users().eq(first) && !organization.admins().is_empty());
}
