//! The people of an organization, each computed from their number alone: nothing is stored.

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

/// Which parts of a user are wanted; what is not stays at its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need(u8);

impl Need {
    pub(crate) const NOTHING: Self = Self(0);
    pub(crate) const IDS: Self = Self(1);
    pub(crate) const NAMES: Self = Self(2);
    pub(crate) const STANDING: Self = Self(4);
    pub(crate) const TEAMS: Self = Self(8);
    pub(crate) const PRODUCTS: Self = Self(16);
    pub(crate) const NOTE: Self = Self(32);
    pub(crate) const SIGN_IN: Self = Self(64);
    pub(crate) const ALL: Self = Self(127);

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, part: Self) -> bool {
        self.0 & part.0 != 0
    }
}

/// Numbers people from 0 and knows everything about each.
pub(crate) struct People {
    seed: u64,
    len: u64,
    now: DateTime<Utc>,
    plan_id: String,
    names: Names,
    teams: Teams,
    ids: Ids,
}

/// Every so many people, one has a second account under the same name.
const SECOND_ACCOUNT_EVERY: u64 = 97;

struct Standing {
    created_on: DateTime<Utc>,
    started_on: Option<DateTime<Utc>>,
    is_on_account: bool,
    removed_on: Option<DateTime<Utc>>,
    last_login: Option<DateTime<Utc>>,
}

impl People {
    pub(super) fn new(
        seed: u64,
        len: u64,
        now: DateTime<Utc>,
        plan_id: String,
        teams: Teams,
        ids: Ids,
    ) -> Self {
        Self {
            seed,
            len,
            now,
            plan_id,
            names: Names::new(seed),
            teams,
            ids,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn plan_id(&self) -> &str {
        &self.plan_id
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.now
    }

    pub(super) fn teams(&self) -> &Teams {
        &self.teams
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// The identifier of a number, also beyond the last user.
    pub(super) fn ps_user_id(&self, index: u64) -> String {
        spelled(self.ids, self.seed, Aspect::Identifier, index)
    }

    pub(super) fn plan_user_id(&self, index: u64) -> String {
        spelled(self.ids, self.seed, Aspect::PlanUser, index)
    }

    /// The user of this number; numbers from `len` on give people who could join.
    pub(crate) fn user(&self, index: u64, need: Need) -> User {
        let mut user = nobody();
        if need.has(Need::IDS) {
            user.ps_user_id = self.ps_user_id(index);
            user.id = spelled(self.ids, self.seed, Aspect::Handle, index);
            user.plan_user_id = Some(self.plan_user_id(index));
            user.plan_id = Some(self.plan_id.clone());
        }
        if need.has(Need::NAMES) {
            self.fill_names(index, &mut user);
        }
        if need.has(Need::STANDING) {
            let standing = self.standing(index);
            user.created_on = Some(standing.created_on);
            user.started_on = standing.started_on;
            user.is_on_account = standing.is_on_account;
            user.removed_on = standing.removed_on;
            user.last_login = standing.last_login;
        }
        if need.has(Need::TEAMS) {
            user.teams = self.memberships(index);
        }
        if need.has(Need::PRODUCTS) {
            user.product_ids = seats::product_ids(self.seed, index, self.is_on_account(index));
        }
        if need.has(Need::NOTE) {
            user.note = notes::note(self.seed, index);
        }
        if need.has(Need::SIGN_IN) {
            self.fill_sign_in(index, &mut user);
        }
        user
    }

    pub(super) fn is_on_account(&self, index: u64) -> bool {
        Dice::new(self.seed, Aspect::Standing, index).chance(880)
    }

    /// The products held, as bits in the order of the plan's products.
    pub(super) fn product_bits(&self, index: u64) -> u32 {
        seats::product_bits(self.seed, index, self.is_on_account(index))
    }

    fn person(&self, index: u64) -> (Person<'_>, bool) {
        let second = index % SECOND_ACCOUNT_EVERY == SECOND_ACCOUNT_EVERY - 1;
        (self.names.person(index - u64::from(second)), second)
    }

    /// The address in lower case.
    fn address(&self, index: u64) -> String {
        let (person, second) = self.person(index);
        let number = match person.namesakes {
            0 => String::new(),
            namesakes => (namesakes + 1).to_string(),
        };
        let end = if second { ".ext" } else { "" };
        format!(
            "{}.{}{number}{end}@{}",
            person.given.latin, person.family.latin, person.domain
        )
    }

    fn fill_names(&self, index: u64, user: &mut User) {
        let (person, _) = self.person(index);
        let mut dice = Dice::new(self.seed, Aspect::Person, index);
        let address = self.address(index);
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
        let erased = dice.chance(25) && !self.is_on_account(index);
        user.email = (!erased).then(|| in_some_case(&mut dice, &address));
        user.first_name = (!dice.chance(5)).then(|| person.given.shown.to_owned());
        user.last_name = match dice.below(1000) {
            0..5 => None,
            5..8 => Some(String::new()),
            _ => Some(person.family.shown.to_owned()),
        };
    }

    fn fill_sign_in(&self, index: u64, user: &mut User) {
        let mut dice = Dice::new(self.seed, Aspect::Person, index ^ (1 << 63));
        let (person, _) = self.person(index);
        user.mfa_enabled = match dice.below(100) {
            0..60 => Some(true),
            60..96 => Some(false),
            _ => None,
        };
        let identifier = match dice.below(3) {
            0 => self.address(index),
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

    fn standing(&self, index: u64) -> Standing {
        let mut dice = Dice::new(self.seed, Aspect::Standing, index);
        let is_on_account = dice.chance(880);
        const DAY: u64 = 86_400_000;
        let created_on = self.earlier(DAY + dice.below(3300 * DAY));
        // A fifth of the old accounts carry a bare date.
        let created_on = if dice.chance(200) {
            midnight(created_on)
        } else {
            created_on
        };
        let started_on = between(&mut dice, created_on, self.now);
        let removed_on = (!is_on_account).then(|| between(&mut dice, started_on, self.now));
        let end = removed_on.unwrap_or(self.now);
        let last_login = match dice.below(100) {
            0..14 => None,
            14..60 => Some(end - milliseconds(dice.below(14 * DAY))),
            60..78 => Some(end - milliseconds(dice.below(60 * DAY))),
            78..90 => Some(end - milliseconds(dice.below(200 * DAY))),
            _ => Some(between(&mut dice, started_on, end)),
        };
        Standing {
            created_on,
            started_on: (!dice.chance(5)).then_some(started_on),
            is_on_account,
            removed_on,
            last_login: last_login.map(|instant| instant.max(started_on)),
        }
    }

    fn earlier(&self, by: u64) -> DateTime<Utc> {
        self.now - milliseconds(by)
    }

    /// Numbers of the teams a person is in, and whether directly, in the order of [`User::teams`].
    pub(super) fn team_numbers(&self, index: u64) -> Vec<(u32, bool)> {
        let count = self.teams.len() as u64;
        let mut dice = Dice::new(self.seed, Aspect::Teams, index);
        if count == 0 || (!self.is_on_account(index) && dice.chance(950)) {
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
        let mut teams: Vec<(u32, bool)> = Vec::new();
        for _ in 0..direct {
            let drawn = dice.below(count) as u32;
            // Now and then somebody sits both in a team and in one above it.
            let above = teams
                .first()
                .map_or(&[][..], |(first, _)| self.teams.above(*first));
            let team = if !above.is_empty() && dice.chance(200) {
                dice.pick(above)
            } else {
                drawn
            };
            if teams.iter().all(|(known, _)| *known != team) {
                teams.push((team, true));
            }
        }
        for place in 0..teams.len() {
            for above in self.teams.above(teams[place].0) {
                if teams.iter().all(|(known, _)| known != above) {
                    teams.push((*above, false));
                }
            }
        }
        teams
    }

    fn memberships(&self, index: u64) -> Vec<Membership> {
        self.team_numbers(index)
            .into_iter()
            .map(|(team, is_direct)| Membership {
                team: Arc::clone(&self.teams.list[team as usize]),
                is_direct,
            })
            .collect()
    }
}

fn nobody() -> User {
    User {
        ps_user_id: String::new(),
        id: String::new(),
        email: None,
        additional_emails: None,
        first_name: None,
        last_name: None,
        started_on: None,
        created_on: None,
        note: None,
        teams: Vec::new(),
        is_on_account: false,
        removed_on: None,
        last_login: None,
        sso_identifiers: None,
        current_sso_identifier: None,
        sso_enabled: None,
        plan_id: None,
        mfa_enabled: None,
        product_ids: None,
        plan_user_id: None,
    }
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
