//! Filters, and people who come, go and change.

use super::*;

#[test]
fn a_filter_finds_whom_a_look_at_everybody_finds() {
    let organization = organization(600, 7);
    organization.add_users(5, Place::Before(100));
    organization.forget_user(&organization.user(50).ps_user_id);
    organization.edit_user(&organization.user(60).ps_user_id, |user| {
        user.email = Some("New@meridian.example".to_owned())
    });
    let users: Vec<User> = organization.users().collect();
    let sample: Vec<&User> = users.iter().step_by(37).chain(&users[99..104]).collect();
    let teams: Vec<String> = organization
        .teams()
        .iter()
        .take(2)
        .map(|team| team.id.clone())
        .collect();
    let queries = [
        by(|query| {
            query.emails = Some(
                sample
                    .iter()
                    .filter_map(|user| user.email.clone())
                    .chain(["New@meridian.example".to_owned()])
                    .collect(),
            )
        }),
        by(|query| {
            (query.emails, query.email_match) = (
                Some(
                    sample
                        .iter()
                        .filter_map(|user| user.email.clone())
                        .map(|email| email.to_uppercase())
                        .collect(),
                ),
                EmailMatch::AnyCase,
            )
        }),
        by(|query| {
            query.ps_user_ids = Some(sample.iter().map(|user| user.ps_user_id.clone()).collect())
        }),
        by(|query| query.ids = Some(sample.iter().map(|user| user.id.clone()).collect())),
        by(|query| query.is_on_account = Some(false)),
        by(|query| query.team_ids = Some(teams.clone())),
        by(|query| (query.team_ids, query.team_match) = (Some(teams.clone()), TeamMatch::Direct)),
        by(|query| (query.team_ids, query.is_on_account) = (Some(teams.clone()), Some(true))),
        by(|query| {
            (query.ids, query.is_on_account) = (
                Some(sample.iter().map(|user| user.id.clone()).collect()),
                Some(true),
            )
        }),
        by(|query| query.emails = Some(Vec::new())),
    ];
    for query in queries {
        let is_wanted = |user: &&User| {
            let has = |list: &Option<Vec<String>>, value: &str| {
                list.as_ref()
                    .is_none_or(|list| list.iter().any(|wanted| wanted == value))
            };
            let email = match (&query.emails, &user.email) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(wanted), Some(email)) if query.email_match == EmailMatch::AnyCase => wanted
                    .iter()
                    .any(|wanted| wanted.to_lowercase() == email.to_lowercase()),
                (Some(wanted), Some(email)) => wanted.contains(email),
            };
            email
                && has(&query.ids, &user.id)
                && has(&query.ps_user_ids, &user.ps_user_id)
                && query
                    .is_on_account
                    .is_none_or(|wanted| wanted == user.is_on_account)
                && query.team_ids.as_ref().is_none_or(|teams| {
                    user.teams.iter().any(|membership| {
                        (membership.is_direct || query.team_match != TeamMatch::Direct)
                            && teams.contains(&membership.team.id)
                    })
                })
        };
        let expected: Vec<&User> = users.iter().filter(is_wanted).collect();
        let got = found(&organization, &query);
        assert!(
            got.iter().eq(expected.iter().copied()),
            "{query:?}: {} of {}",
            got.len(),
            expected.len()
        );
    }
}

#[test]
fn what_happens_to_people_is_seen_and_can_be_undone() {
    let organization = organization(10, 7);
    let first: Vec<User> = organization.users().collect();
    let new = organization.add_users(2, Place::Before(3));
    organization.add_users(1, Place::Start);
    organization.add_users(1, Place::End);
    assert!(organization.forget_user(&first[0].ps_user_id));
    assert!(!organization.forget_user(&first[0].ps_user_id));
    assert!(organization.forget_user(&new[0].ps_user_id));
    assert!(organization.deactivate_user(&first[5].ps_user_id, organization.now()));
    assert!(
        organization.edit_user(&new[1].ps_user_id, |user| user.note =
            Some("changed".to_owned()))
    );
    assert_eq!(organization.len(), 12);
    let now: Vec<User> = organization.users().collect();
    assert_eq!(now.len(), 12);
    assert!((0..12).all(|n| organization.user(n) == now[n as usize]));
    assert_eq!(now[1..3], first[1..3]);
    assert_eq!(now[3].note.as_deref(), Some("changed"));
    assert_eq!(
        organization
            .find(&first[5].ps_user_id)
            .map(|user| (user.is_on_account, user.removed_on)),
        Some((false, Some(organization.now())))
    );
    assert!(
        now.iter()
            .map(|user| &user.ps_user_id)
            .collect::<BTreeSet<_>>()
            .len()
            == 12
    );
    organization.edit_admins(Vec::clear);
    assert!(organization.admins().is_empty());
    organization.restore();
    assert!(organization.users().eq(first) && !organization.admins().is_empty());
    assert_eq!(
        organization.active(),
        organization
            .users()
            .filter(|user| user.is_on_account)
            .count() as u64
    );
}
