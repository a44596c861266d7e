//! The people of an organization: each is a function of the seed and of their number.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

use crate::switches::Ids;

use super::{
    dice::{Aspect, Dice},
    model::{Membership, User},
    names::{Names, Person},
    notes, seats,
    spelling::spelled,
    teams::Teams,
};

/// Numbers people from 0 and knows everything about each.
pub(super) struct People {
    pub(super) seed: u64,
    pub(super) now: DateTime<Utc>,
    pub(super) plan_id: String,
    pub(super) names: Names,
    pub(super) teams: Teams,
    pub(super) ids: Ids,
}

/// Every so many people, one has a second account under the same name.
const SECOND_ACCOUNT_EVERY: u64 = 97;

impl People {
    /// The identifier of a number, also beyond the last user.
    pub(super) fn ps_user_id(&self, index: u64) -> String {
        spelled(self.ids, self.seed, Aspect::Identifier, index)
    }

    pub(super) fn plan_user_id(&self, index: u64) -> String {
        spelled(self.ids, self.seed, Aspect::PlanUser, index)
    }

    /// The user of this number.
    pub(super) fn user(&self, index: u64) -> User {
        let mut user = User {
            ps_user_id: self.ps_user_id(index),
            id: spelled(self.ids, self.seed, Aspect::Handle, index),
            plan_user_id: Some(self.plan_user_id(index)),
            plan_id: Some(self.plan_id.clone()),
            note: notes::note(self.seed, index),
            ..User::default()
        };
        self.fill_standing(index, &mut user);
        user.teams = self.memberships(index, user.is_on_account);
        user.product_ids = seats::product_ids(self.seed, index, user.is_on_account);
        let second = index % SECOND_ACCOUNT_EVERY == SECOND_ACCOUNT_EVERY - 1;
        let (person, namesakes) = self.names.person(index - u64::from(second));
        let end = if second { ".ext" } else { "" };
        let address = format!("{}{end}@{}", person.mailbox(namesakes), person.domain);
        self.fill_names(index, person, &address, &mut user);
        self.fill_sign_in(index, person, address, &mut user);
        shrink(&mut user);
        user
    }

    /// `address` is the one in lower case.
    fn fill_names(&self, index: u64, person: &Person, address: &str, user: &mut User) {
        let mut dice = Dice::new(self.seed, Aspect::Person, index);
        user.additional_emails = match dice.below(100) {
            0..60 => Some(Vec::new()),
            60..85 => None,
            85..95 => Some(vec![format!(
                "{}@mail.example",
                address.replace('@', "_at_")
            )]),
            _ => Some(vec![
                format!("Old.{address}"),
                format!("{index}+{}@mail.example", person.given.latin),
            ]),
        };
        let erased = dice.chance(25) && !user.is_on_account;
        user.email = (!erased).then(|| in_some_case(&mut dice, address));
        user.first_name = (!dice.chance(5)).then(|| person.given.shown.to_owned());
        user.last_name = match dice.below(1000) {
            0..5 => None,
            5..8 => Some(String::new()),
            _ => Some(person.family.shown.to_owned()),
        };
    }

    fn fill_sign_in(&self, index: u64, person: &Person, address: String, user: &mut User) {
        let mut dice = Dice::new(self.seed, Aspect::Person, index ^ (1 << 63));
        user.mfa_enabled = match dice.below(100) {
            0..60 => Some(true),
            60..96 => Some(false),
            _ => None,
        };
        let identifier = match dice.below(3) {
            0 => address,
            1 => format!("MERIDIAN\\{}{}", person.given.latin, index + 1),
            _ => format!("{:08}", index + 10_000),
        };
        let former = dice
            .chance(150)
            .then(|| format!("{}@old-idp.example", index + 1));
        (user.sso_enabled, user.current_sso_identifier) = match dice.below(100) {
            0..55 => (Some(true), Some(identifier)),
            // A change of plan empties the identifier (page "schema/user/planAdmins").
            55..60 => (Some(true), None),
            60..98 => (Some(false), None),
            _ => (None, None),
        };
        let known: Vec<String> = former
            .into_iter()
            .chain(user.current_sso_identifier.clone())
            .collect();
        user.sso_identifiers = (!known.is_empty()).then_some(known);
    }

    fn fill_standing(&self, index: u64, user: &mut User) {
        let mut dice = Dice::new(self.seed, Aspect::Standing, index);
        user.is_on_account = dice.chance(880);
        const DAY: u64 = 86_400_000;
        let created_on = self.now - milliseconds(DAY + dice.below(3300 * DAY));
        // A fifth of the old accounts carry a bare date.
        let created_on = if dice.chance(200) {
            midnight(created_on)
        } else {
            created_on
        };
        let started_on = between(&mut dice, created_on, self.now);
        user.removed_on = (!user.is_on_account).then(|| between(&mut dice, started_on, self.now));
        let end = user.removed_on.unwrap_or(self.now);
        let last_login = match dice.below(100) {
            0..14 => None,
            14..60 => Some(end - milliseconds(dice.below(14 * DAY))),
            60..78 => Some(end - milliseconds(dice.below(60 * DAY))),
            78..90 => Some(end - milliseconds(dice.below(200 * DAY))),
            _ => Some(between(&mut dice, started_on, end)),
        };
        user.created_on = Some(created_on);
        user.started_on = (!dice.chance(5)).then_some(started_on);
        user.last_login = last_login.map(|instant| instant.max(started_on));
    }

    /// The teams a person is in, in the order of [`User::teams`].
    fn memberships(&self, index: u64, is_on_account: bool) -> Vec<Membership> {
        let count = self.teams.list.len() as u64;
        let mut dice = Dice::new(self.seed, Aspect::Teams, index);
        if count == 0 || (!is_on_account && dice.chance(950)) {
            return Vec::new();
        }
        let direct = match dice.below(100) {
            0..15 => 0,
            15..65 => 1,
            65..85 => 2,
            85..93 => 3,
            93..97 => 4,
            _ => 5,
        };
        let mut teams: Vec<u32> = Vec::new();
        for _ in 0..direct {
            let drawn = dice.below(count) as u32;
            // Now and then somebody sits both in a team and in one above it.
            let above = teams
                .first()
                .map_or(&[][..], |first| self.teams.above(*first));
            let team = if !above.is_empty() && dice.chance(200) {
                dice.pick(above)
            } else {
                drawn
            };
            if !teams.contains(&team) {
                teams.push(team);
            }
        }
        let direct = teams.len();
        for place in 0..direct {
            for above in self.teams.above(teams[place]) {
                if !teams.contains(above) {
                    teams.push(*above);
                }
            }
        }
        let places = teams.iter().enumerate();
        places
            .map(|(place, team)| Membership {
                team: Arc::clone(&self.teams.list[*team as usize]),
                is_direct: place < direct,
            })
            .collect()
    }
}

/// Gives back what texts and lists do not need: there may be a million people.
fn shrink(user: &mut User) {
    user.ps_user_id.shrink_to_fit();
    user.id.shrink_to_fit();
    let texts = [
        &mut user.plan_user_id,
        &mut user.email,
        &mut user.current_sso_identifier,
    ];
    texts.into_iter().flatten().for_each(String::shrink_to_fit);
    let lists = [
        &mut user.additional_emails,
        &mut user.sso_identifiers,
        &mut user.product_ids,
    ];
    lists.into_iter().flatten().for_each(Vec::shrink_to_fit);
}

fn in_some_case(dice: &mut Dice, address: &str) -> String {
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    match dice.below(100) {
        0..62 => address.to_owned(),
        62..84 => format!("{}@{domain}", capitalised(local)),
        84..90 => format!("{}@{domain}", local.to_ascii_uppercase()),
        90..95 => format!("{}@{}", capitalised(local), capitalised(domain)),
        _ => address.to_ascii_uppercase(),
    }
}

/// The first letter of each part between dots in upper case.
fn capitalised(text: &str) -> String {
    let mut start = true;
    text.chars()
        .map(|letter| {
            let shown = if start {
                letter.to_ascii_uppercase()
            } else {
                letter
            };
            start = letter == '.';
            shown
        })
        .collect()
}

fn milliseconds(count: u64) -> Duration {
    Duration::milliseconds(count as i64)
}

fn midnight(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant
        .date_naive()
        .and_time(chrono::NaiveTime::MIN)
        .and_utc()
}

fn between(dice: &mut Dice, from: DateTime<Utc>, to: DateTime<Utc>) -> DateTime<Utc> {
    let span = (to - from).num_milliseconds().max(0) as u64;
    from + milliseconds(dice.below(span + 1))
}
