//! Who may change the plan: some hold a license, some do not, some once did.

use super::{
    dice::{Aspect, Dice},
    model::PlanAdmin,
    people::People,
    snapshot::Entry,
};

/// Numbers of admins without a license begin far beyond any user, so that their identifiers belong to no user.
const BEYOND_USERS: u64 = 1 << 48;

/// The admins. Two of three are users, spread over the list; the others never held a license of the plan.
pub(super) fn admins(people: &People, users: &[Entry], count: usize) -> Vec<PlanAdmin> {
    let stride = (users.len() / count).max(1);
    (0..count)
        .map(|number| match users.get(number * stride + stride / 2) {
            Some(entry) if number % 3 != 1 => user(entry),
            _ => without_license(people, number as u64),
        })
        .collect()
}

fn user(entry: &Entry) -> PlanAdmin {
    let user = entry.user.as_ref().clone();
    PlanAdmin {
        ps_user_id: user.ps_user_id,
        email: user.email,
        first_name: user.first_name,
        last_name: user.last_name,
        plan_id: user.plan_id,
        plan_user_id: user.plan_user_id,
        current_sso_identifier: user.current_sso_identifier,
        created_on: user.created_on,
        note: user.note,
    }
}

fn without_license(people: &People, number: u64) -> PlanAdmin {
    let mut dice = Dice::new(people.seed, Aspect::Admin, number);
    let (person, namesakes) = people.names.person(number);
    // Two offices can share a Latin name; the office's own part of the domain keeps their admins apart.
    let office = person.domain.split('.').next().unwrap_or_default();
    let mailbox = person.mailbox(namesakes);
    let address = format!("{mailbox}@{office}.admin.meridian.example");
    PlanAdmin {
        ps_user_id: people.ps_user_id(BEYOND_USERS + number),
        email: Some(address),
        first_name: Some(person.given.shown.to_owned()),
        last_name: Some(person.family.shown.to_owned()),
        plan_id: Some(people.plan_id.clone()),
        plan_user_id: Some(people.plan_user_id(BEYOND_USERS + number)),
        current_sso_identifier: dice.chance(500).then(|| format!("MERIDIAN\\admin{number}")),
        created_on: Some(
            people.now - chrono::Duration::milliseconds(dice.below(2000 * 86_400_000) as i64),
        ),
        note: dice
            .chance(300)
            .then(|| "External: IT service partner".to_owned()),
    }
}
