//! Which people a filter means, found without looking at everybody where a key is given.

use std::collections::BTreeSet;

use super::{Snapshot, model::User, overlay::Position, people::Need};

/// The conditions on users, all of which must hold. `None` is no condition, an empty list is a condition nobody meets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct UserQuery {
    pub(crate) emails: Option<Vec<String>>,
    pub(crate) ids: Option<Vec<String>>,
    pub(crate) ps_user_ids: Option<Vec<String>>,
    pub(crate) team_ids: Option<Vec<String>>,
    pub(crate) is_on_account: Option<bool>,
    /// Compare addresses without regard to case.
    pub(crate) any_case: bool,
    /// Memberships inherited from a team below do not count.
    pub(crate) direct_only: bool,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    After(Option<Position>),
    Skip(u64),
}

/// A stretch of the list of people.
pub(crate) struct Stretch {
    pub(crate) positions: Vec<Position>,
    pub(crate) has_next: bool,
}

impl UserQuery {
    fn has_keys(&self) -> bool {
        self.emails.is_some() || self.ids.is_some() || self.ps_user_ids.is_some()
    }

    fn is_everybody(&self) -> bool {
        !self.has_keys() && self.team_ids.is_none() && self.is_on_account.is_none()
    }

    fn allows_email(&self, email: Option<&str>) -> bool {
        let Some(wanted) = &self.emails else {
            return true;
        };
        let Some(email) = email else { return false };
        if self.any_case {
            let email = email.to_lowercase();
            wanted.iter().any(|wanted| wanted.to_lowercase() == email)
        } else {
            wanted.iter().any(|wanted| wanted == email)
        }
    }

    fn allows(&self, user: &User) -> bool {
        let one_of = |list: &Option<Vec<String>>, value: &str| {
            list.as_ref()
                .is_none_or(|list| list.iter().any(|wanted| wanted == value))
        };
        let in_team = |teams: &Vec<String>| {
            user.teams
                .iter()
                .filter(|membership| membership.is_direct || !self.direct_only)
                .any(|membership| teams.contains(&membership.team.id))
        };
        one_of(&self.ids, &user.id)
            && one_of(&self.ps_user_ids, &user.ps_user_id)
            && self
                .is_on_account
                .is_none_or(|wanted| wanted == user.is_on_account)
            && self.team_ids.as_ref().is_none_or(in_team)
            && self.allows_email(user.email.as_deref())
    }

    /// What must be known of a user to decide.
    fn need(&self) -> Need {
        let mut need = Need::NOTHING;
        for (wanted, part) in [
            (self.emails.is_some(), Need::NAMES),
            (self.ids.is_some() || self.ps_user_ids.is_some(), Need::IDS),
            (self.is_on_account.is_some(), Need::STANDING),
            (self.team_ids.is_some(), Need::TEAMS),
        ] {
            if wanted {
                need = need.and(part);
            }
        }
        need
    }
}

impl Snapshot {
    /// Up to `first` people who meet the conditions, from `start` on.
    pub(crate) fn stretch(&self, query: &UserQuery, start: Start, first: usize) -> Stretch {
        let mut rest: Box<dyn Iterator<Item = Position>> = match (self.keyed(query), start) {
            (Some(found), Start::After(after)) => Box::new(
                found
                    .into_iter()
                    .filter(move |position| after.is_none_or(|after| *position > after)),
            ),
            (Some(found), Start::Skip(count)) => Box::new(found.into_iter().skip(count as usize)),
            (None, Start::After(after)) => Box::new(
                self.walk(after)
                    .filter(|position| self.meets(*position, query)),
            ),
            (None, Start::Skip(count)) if query.is_everybody() && self.overlay.keeps_numbers() => {
                Box::new(self.walk(count.checked_sub(1).map(Position::generated)))
            }
            (None, Start::Skip(count)) => Box::new(
                self.walk(None)
                    .filter(|position| self.meets(*position, query))
                    .skip(count as usize),
            ),
        };
        let positions: Vec<Position> = rest.by_ref().take(first).collect();
        Stretch {
            positions,
            has_next: rest.next().is_some(),
        }
    }

    /// The place `back` matching people before this one, so that a page can begin with rows that were already given.
    pub(crate) fn rewound(&self, query: &UserQuery, start: Start, back: u64) -> Start {
        match start {
            Start::Skip(count) => Start::Skip(count.saturating_sub(back)),
            Start::After(None) => start,
            Start::After(Some(position)) => {
                let earlier = self.overlay.before(Some(position), self.generated());
                // The walk yields the places before `position`; the one `back` rows earlier is at that distance.
                let mut matching = earlier.filter(|position| self.meets(*position, query));
                Start::After(matching.nth(back.saturating_sub(1) as usize))
            }
        }
    }

    /// How many people meet the conditions. Counted once, then remembered until somebody changes.
    pub(crate) fn count(&self, query: &UserQuery) -> u64 {
        if query.is_everybody() {
            return self.len();
        }
        if let Some(found) = self.keyed(query) {
            return found.len() as u64;
        }
        let mut counts = self
            .counts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(count) = counts.get(query) {
            return *count;
        }
        let count = self
            .walk(None)
            .filter(|position| self.meets(*position, query))
            .count() as u64;
        // Filters are few in practice; a client that sends thousands must not make the cache grow for ever.
        if counts.len() >= 1000 {
            counts.clear();
        }
        counts.insert(query.clone(), count);
        count
    }

    /// The people found by their keys, in order; `None` when no key is given.
    fn keyed(&self, query: &UserQuery) -> Option<Vec<Position>> {
        let people = &self.base.people;
        let mut indexes = BTreeSet::new();
        if let Some(keys) = &query.ps_user_ids {
            indexes.extend(
                keys.iter()
                    .filter_map(|key| people.index_of_ps_user_id(key)),
            );
        } else if let Some(keys) = &query.ids {
            indexes.extend(keys.iter().filter_map(|key| people.index_of_id(key)));
        } else if let Some(keys) = &query.emails {
            indexes.extend(keys.iter().filter_map(|key| people.index_of_email(key)));
        } else {
            return None;
        }
        let mut candidates: BTreeSet<Position> =
            indexes.into_iter().map(Position::generated).collect();
        candidates.extend(self.overlay.all_changed().map(|(position, _)| position));
        candidates.retain(|position| {
            self.overlay.is_here(*position, self.generated()) && self.meets(*position, query)
        });
        Some(candidates.into_iter().collect())
    }

    fn meets(&self, position: Position, query: &UserQuery) -> bool {
        if query.is_everybody() {
            return true;
        }
        if let Some(user) = self.overlay.changed(position) {
            return query.allows(user);
        }
        let people = &self.base.people;
        if query
            .is_on_account
            .is_some_and(|wanted| wanted != people.is_on_account(position.index))
        {
            return false;
        }
        if let Some(wanted) = query.team_ids.as_ref().filter(|_| !query.has_keys()) {
            let teams = &people.teams().list;
            let mut mine = people
                .team_numbers(position.index)
                .into_iter()
                .filter(|(_, direct)| *direct || !query.direct_only);
            return mine.any(|(team, _)| {
                teams
                    .get(team as usize)
                    .is_some_and(|team| wanted.contains(&team.id))
            });
        }
        !query.has_keys() || query.allows(&people.user(position.index, query.need()))
    }
}
