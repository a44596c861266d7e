//! Which people a filter means.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};

use crate::switches::{EmailMatch, TeamMatch};

use super::{
    model::User,
    people::Need,
    snapshot::{Snapshot, UserQuery},
};

/// The people that a filter lets through, in order.
pub(crate) struct Found<'a> {
    snapshot: &'a Snapshot,
    /// Their places in the list; `None` is everybody.
    places: Option<Arc<Vec<u32>>>,
}

impl Found<'_> {
    pub(crate) fn len(&self) -> usize {
        let all = self.snapshot.list.len();
        self.places.as_ref().map_or(all, |places| places.len())
    }

    pub(crate) fn order(&self, place: usize) -> u64 {
        self.snapshot.list[self.place(place)].order
    }

    pub(crate) fn user(&self, place: usize, need: Need) -> User {
        let entry = &self.snapshot.list[self.place(place)];
        self.snapshot.user(entry, need)
    }

    fn place(&self, place: usize) -> usize {
        let places = self.places.as_ref();
        places.map_or(place, |places| places[place] as usize)
    }
}

impl UserQuery {
    fn conditions(&self) -> usize {
        let lists = [&self.emails, &self.ids, &self.ps_user_ids, &self.team_ids];
        lists.iter().filter(|list| list.is_some()).count()
            + usize::from(self.is_on_account.is_some())
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

    /// What must be known of a user to decide.
    fn need(&self) -> Need {
        let mut need = Need::IDS;
        for (wanted, part) in [
            (self.emails.is_some(), Need::NAMES),
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

/// The keys of [`Caches::keys`], in order.
const KEYS: [fn(&User) -> Option<String>; 3] = [
    |user| Some(user.ps_user_id.clone()),
    |user| Some(user.id.clone()),
    |user| user.email.as_ref().map(|email| email.to_lowercase()),
];

impl Snapshot {
    /// The people who meet the conditions.
    pub(crate) fn found(&self, query: &UserQuery) -> Found<'_> {
        let places = (query.conditions() > 0).then(|| self.places(query));
        Found {
            snapshot: self,
            places,
        }
    }

    fn places(&self, query: &UserQuery) -> Arc<Vec<u32>> {
        let need = query.need();
        let meets = |place: &u32| {
            let entry = &self.list[*place as usize];
            query.allows(&self.user(entry, need))
        };
        if let Some(candidates) = self.candidates(query) {
            return Arc::new(candidates.into_iter().filter(meets).collect());
        }
        let mut known = self
            .caches
            .found
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(query) {
            return Arc::clone(found);
        }
        let found = Arc::new(
            (0..self.list.len() as u32)
                .filter(meets)
                .collect::<Vec<_>>(),
        );
        // Such filters are few in practice; a client that sends thousands must not make the cache grow for ever.
        if known.len() >= 100 {
            known.clear();
        }
        known.insert(query.clone(), Arc::clone(&found));
        found
    }

    /// Those among whom everybody is whom the keys of a filter can mean; `None` where no key narrows them down.
    fn candidates(&self, query: &UserQuery) -> Option<Vec<u32>> {
        let by_address = matches!(query.email_match, EmailMatch::Exact | EmailMatch::AnyCase);
        let (key, values) = match query {
            _ if query.any_of => return None,
            UserQuery {
                ps_user_ids: Some(values),
                ..
            } => (0, values),
            UserQuery {
                ids: Some(values), ..
            } => (1, values),
            UserQuery {
                emails: Some(values),
                ..
            } if by_address => (2, values),
            _ => return None,
        };
        let known = self.caches.keys[key].get_or_init(|| {
            let mut known: HashMap<String, Vec<u32>> = HashMap::new();
            let need = if key == 2 { Need::NAMES } else { Need::IDS };
            for (place, entry) in self.list.iter().enumerate() {
                if let Some(value) = KEYS[key](&self.user(entry, need)) {
                    known.entry(value).or_default().push(place as u32);
                }
            }
            known
        });
        let mut places: Vec<u32> = values
            .iter()
            .filter_map(|value| match key {
                2 => known.get(&value.to_lowercase()),
                _ => known.get(value),
            })
            .flatten()
            .copied()
            .collect();
        places.sort_unstable();
        places.dedup();
        Some(places)
    }
}
