//! The organization at one instant, and which of its people a filter means.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use crate::switches::{EmailMatch, TeamMatch};

use super::{
    model::{PermissionSet, Plan, PlanAdmin, Product, Team, User},
    permissions,
    seats::{self, Seats},
};

/// Somebody in the list of users.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The place in the list. It never changes, whatever happens around it: cursors are made of it.
    pub(crate) order: u64,
    pub(crate) user: Arc<User>,
}

/// So many people can be put in before a generated one.
pub(super) const GAP: u64 = 1 << 20;

/// The organization at one instant: a request sees one.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) users: Arc<Vec<Entry>>,
    pub(crate) admins: Arc<Vec<PlanAdmin>>,
    pub(crate) teams: Arc<Vec<Arc<Team>>>,
    pub(crate) plan: Arc<Plan>,
    pub(super) purchased: Seats,
    /// How many people ever joined, so that each gets a number of their own.
    pub(super) joined: u64,
    pub(super) found: Arc<Found>,
}

/// What was looked up once, until somebody changes.
#[derive(Default)]
pub(super) struct Found {
    /// Places in the list by `psUserId`, by `id`, and by address in lower case.
    keys: OnceLock<HashMap<String, Vec<usize>>>,
    assigned: OnceLock<Seats>,
    /// The last filter that everybody was looked at for: its next page is asked for next.
    last: Mutex<Option<(UserQuery, Arc<Vec<usize>>)>>,
}

/// Where somebody who joins appears in the list of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// Before everybody who was generated.
    Start,
    /// After everybody.
    #[default]
    End,
}

impl Snapshot {
    /// `after` is the place that the list may not fall behind: that of the last who was generated.
    pub(super) fn add(&mut self, user: User, place: Place, after: u64) {
        let (at, least) = match place {
            Place::Start => (self.users.partition_point(|entry| entry.order < GAP), 0),
            Place::End => (self.users.len(), after),
        };
        let last = at.checked_sub(1).map_or(0, |last| self.users[last].order);
        let entry = Entry {
            order: last.max(least) + 1,
            user: Arc::new(user),
        };
        Arc::make_mut(&mut self.users).insert(at, entry);
        self.joined += 1;
    }

    pub(super) fn find(&self, ps_user_id: &str) -> Option<usize> {
        let mut users = self.users.iter();
        users.position(|entry| entry.user.ps_user_id == ps_user_id)
    }

    pub(crate) fn permission_sets(&self) -> Vec<PermissionSet> {
        permissions::sets(&self.plan.plan_id)
    }

    pub(crate) fn products(&self) -> Vec<Product> {
        let assigned = self.found.assigned.get_or_init(|| {
            let users = self.users.iter();
            seats::assigned(users.map(|entry| entry.user.as_ref()))
        });
        seats::products(&self.purchased, assigned)
    }

    /// The places of the people who meet the conditions, in order; `None` is everybody.
    pub(crate) fn places(&self, query: UserQuery) -> Option<Arc<Vec<usize>>> {
        if query.is_empty() {
            return None;
        }
        let meets = |place: &usize| query.allows(&self.users[*place].user);
        if let Some(candidates) = self.candidates(&query) {
            return Some(Arc::new(candidates.into_iter().filter(meets).collect()));
        }
        let mut last = self
            .found
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((known, places)) if *known == query => Some(Arc::clone(places)),
            _ => {
                let places = Arc::new((0..self.users.len()).filter(meets).collect());
                *last = Some((query, Arc::clone(&places)));
                Some(places)
            }
        }
    }

    /// Those among whom everybody is whom the keys of a filter can mean; `None` where no key narrows them down.
    fn candidates(&self, query: &UserQuery) -> Option<Vec<usize>> {
        let by_address = matches!(query.email_match, EmailMatch::Exact | EmailMatch::AnyCase);
        let emails = query.emails.as_ref().filter(|_| by_address);
        let emails = emails.map(|emails| emails.iter().map(|email| email.to_lowercase()).collect());
        let ids = query.ps_user_ids.as_ref().or(query.ids.as_ref());
        let values: Vec<String> = ids.cloned().or(emails).filter(|_| !query.any_of)?;
        let known = self.found.keys.get_or_init(|| {
            let mut known: HashMap<String, Vec<usize>> = HashMap::new();
            for (place, entry) in self.users.iter().enumerate() {
                let user = &entry.user;
                let email = user.email.as_ref().map(|email| email.to_lowercase());
                let keys = [user.ps_user_id.clone(), user.id.clone()];
                for key in keys.into_iter().chain(email) {
                    known.entry(key).or_default().push(place);
                }
            }
            known
        });
        let found = values.iter().filter_map(|value| known.get(value));
        let mut places: Vec<usize> = found.flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        Some(places)
    }
}

/// The conditions on users. `None` is no condition, an empty list is a condition nobody meets.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct UserQuery {
    pub(crate) emails: Option<Vec<String>>,
    pub(crate) ids: Option<Vec<String>>,
    pub(crate) ps_user_ids: Option<Vec<String>>,
    pub(crate) team_ids: Option<Vec<String>>,
    pub(crate) is_on_account: Option<bool>,
    /// One condition that holds is enough.
    pub(crate) any_of: bool,
    pub(crate) email_match: EmailMatch,
    pub(crate) team_match: TeamMatch,
}

impl UserQuery {
    fn is_empty(&self) -> bool {
        let lists = [&self.emails, &self.ids, &self.ps_user_ids, &self.team_ids];
        self.is_on_account.is_none() && lists.iter().all(|list| list.is_none())
    }

    fn allows(&self, user: &User) -> bool {
        let one_of = |list: &Option<Vec<String>>, value: &str| {
            let list = list.as_ref();
            list.map(|list| list.iter().any(|wanted| wanted == value))
        };
        let given = [
            one_of(&self.ids, &user.id),
            one_of(&self.ps_user_ids, &user.ps_user_id),
            self.is_on_account
                .map(|wanted| wanted == user.is_on_account),
            self.team_ids
                .as_ref()
                .map(|wanted| self.in_teams(user, wanted)),
            self.emails.as_ref().map(|wanted| {
                let email = user.email.as_ref();
                email.is_some_and(|email| self.has_address(email, wanted))
            }),
        ];
        let mut given = given.into_iter().flatten();
        match self.any_of {
            true => given.any(|holds| holds),
            false => given.all(|holds| holds),
        }
    }

    fn has_address(&self, email: &str, wanted: &[String]) -> bool {
        if self.email_match == EmailMatch::Exact {
            return wanted.iter().any(|wanted| wanted == email);
        }
        let email = email.to_lowercase();
        wanted
            .iter()
            .map(|wanted| wanted.to_lowercase())
            .any(|wanted| match self.email_match {
                EmailMatch::Prefix => email.starts_with(&wanted),
                EmailMatch::Part => email.contains(&wanted),
                _ => email == wanted,
            })
    }

    fn in_teams(&self, user: &User, wanted: &[String]) -> bool {
        let mine = |wanted: &String| {
            user.teams.iter().any(|membership| {
                membership.team.id == *wanted
                    && (membership.is_direct || self.team_match != TeamMatch::Direct)
            })
        };
        match self.team_match {
            TeamMatch::All => wanted.iter().all(mine),
            _ => wanted.iter().any(mine),
        }
    }
}
