//! The organization at one instant.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
};

use crate::switches::{EmailMatch, TeamMatch};

use super::{
    model::{PermissionSet, Plan, PlanAdmin, Product, Team, User},
    people::{Need, People},
    seats, staff,
};

/// What never changes.
pub(super) struct Base {
    pub(super) people: People,
    pub(super) plan: Plan,
    pub(super) admins: Arc<Vec<PlanAdmin>>,
    pub(super) purchased: OnceLock<[i64; seats::COUNT]>,
}

/// Somebody in the list of users.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The place in the list. It never changes, whatever happens around it: cursors are made of it.
    pub(super) order: u64,
    /// The number of the generated person.
    pub(super) index: u64,
    /// Who is not as generated.
    pub(super) changed: Option<Arc<User>>,
}

/// So many people can be put in before a generated one.
pub(super) const GAP: u64 = 1 << 20;

/// The organization at one instant: a request sees one.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(super) base: Arc<Base>,
    pub(super) list: Arc<Vec<Entry>>,
    pub(super) admins: Arc<Vec<PlanAdmin>>,
    pub(super) purchased: HashMap<String, i64>,
    /// How many people ever joined, so that each gets a number of their own.
    pub(super) joined: u64,
    pub(super) caches: Arc<Caches>,
    pub(super) assigned: Arc<OnceLock<[i64; seats::COUNT]>>,
}

impl Snapshot {
    pub(super) fn user(&self, entry: &Entry, need: Need) -> User {
        match &entry.changed {
            Some(user) => User::clone(user),
            None => self.base.people.user(entry.index, need),
        }
    }

    pub(super) fn add(&mut self, user: User, place: Place) {
        let len = self.base.people.len();
        let before = match place {
            Place::Start => 0,
            Place::Before(index) => index.min(len),
            Place::End => len,
        };
        // Behind those who were put in at the same place before.
        let end = (before + 1) * GAP;
        let at = self.list.partition_point(|entry| entry.order < end);
        let last = at.checked_sub(1).map_or(0, |last| self.list[last].order);
        let entry = Entry {
            order: last.max(before * GAP) + 1,
            index: len + self.joined,
            changed: Some(Arc::new(user)),
        };
        Arc::make_mut(&mut self.list).insert(at, entry);
        self.joined += 1;
    }

    pub(super) fn find(&self, ps_user_id: &str) -> Option<usize> {
        self.list
            .iter()
            .position(|entry| self.user(entry, Need::IDS).ps_user_id == ps_user_id)
    }

    pub(crate) fn admins(&self) -> &[PlanAdmin] {
        &self.admins
    }

    pub(crate) fn teams(&self) -> &[Arc<Team>] {
        &self.base.people.teams().list
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.base.plan
    }

    pub(crate) fn permission_sets(&self) -> Vec<PermissionSet> {
        staff::permission_sets(&self.base.plan.plan_id)
    }

    pub(crate) fn products(&self) -> Vec<Product> {
        let people = &self.base.people;
        let bought = self.base.purchased.get_or_init(|| {
            let bits = (0..people.len()).map(|index| people.product_bits(index));
            seats::purchased(&seats::tally(bits))
        });
        let assigned = self.assigned.get_or_init(|| {
            seats::tally(self.list.iter().map(|entry| match &entry.changed {
                Some(user) => seats::bits_of(user),
                None => people.product_bits(entry.index),
            }))
        });
        let mut products = seats::products(bought, assigned);
        for product in &mut products {
            if let Some(seats) = self.purchased.get(&product.id) {
                product.purchased = *seats;
                product.remaining = seats - product.assigned;
            }
        }
        products
    }
}

/// Where somebody who joins appears in the list of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// Before everybody who was generated.
    Start,
    /// Before the generated user of this number.
    Before(u64),
    /// After everybody.
    #[default]
    End,
}

/// The conditions on users. `None` is no condition, an empty list is a condition nobody meets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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

/// What was looked up once, until somebody changes.
#[derive(Default)]
pub(super) struct Caches {
    pub(super) keys: [OnceLock<HashMap<String, Vec<u32>>>; 3],
    pub(super) found: Mutex<HashMap<UserQuery, Arc<Vec<u32>>>>,
}
