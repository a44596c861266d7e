//! A believable organization, generated from a seed, and what happens to it while the server runs.
//!
//! The n-th person is a function of the seed and n, computed when asked for: only teams, admins, the order of people and
//! changes are kept.

mod dice;
mod model;
mod names;
mod notes;
mod people;
mod query;
mod seats;
mod snapshot;
mod spelling;
mod staff;
mod teams;

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use chrono::{DateTime, Utc};

use crate::switches::Ids;

pub use model::{Membership, PermissionSet, Plan, PlanAdmin, Product, Team, User, instant_text};
pub(crate) use people::Need;
pub use snapshot::Place;
pub(crate) use snapshot::{Snapshot, UserQuery};

use people::People;
use snapshot::{Base, Entry, GAP};
use teams::Teams;

/// The truth that the server serves. Reading it never costs a request.
pub struct Organization {
    state: RwLock<Snapshot>,
}

/// What an organization is generated from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) users: u64,
    pub(crate) seed: u64,
    pub(crate) now: DateTime<Utc>,
    pub(crate) teams: Option<u32>,
    pub(crate) admins: Option<u32>,
    pub(crate) ids: Ids,
}

impl Organization {
    pub(crate) fn new(origin: &Origin) -> Self {
        let plan = Plan {
            plan_id: format!("meridian-{:04x}", dice::mix(origin.seed) & 0xffff),
            name: "Meridian “Skills” Enterprise".to_owned(),
        };
        // Enough teams to matter at any size, and few enough to keep in memory.
        let teams = origin
            .teams
            .unwrap_or((12 + origin.users / 40).min(1200) as u32);
        let admins = origin
            .admins
            .unwrap_or((3 + origin.users / 100).min(1200) as u32);
        let people = People::new(
            origin.seed,
            origin.users,
            origin.now,
            plan.plan_id.clone(),
            Teams::new(origin.seed, teams, &plan.plan_id, origin.ids),
            origin.ids,
        );
        let admins = Arc::new(staff::admins(&people, origin.seed, admins));
        let base = Arc::new(Base {
            people,
            plan,
            admins: Arc::clone(&admins),
            purchased: OnceLock::new(),
        });
        let state = Snapshot {
            list: Arc::new(as_generated(origin.users)),
            base,
            admins,
            purchased: HashMap::new(),
            joined: 0,
            caches: Arc::default(),
            assigned: Arc::default(),
        };
        Self {
            state: RwLock::new(state),
        }
    }

    /// How many users the API lists now, removed ones included.
    pub fn len(&self) -> u64 {
        self.snapshot().list.len() as u64
    }

    /// Whether the API lists nobody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The n-th user in the API's order, from 0.
    ///
    /// # Panics
    /// When there are not that many.
    pub fn user(&self, n: u64) -> User {
        self.get(n).unwrap_or_else(|| {
            panic!(
                "the organization has {} users, there is no number {n}",
                self.len()
            )
        })
    }

    /// The n-th user in the API's order, from 0; `None` when there are not that many.
    pub fn get(&self, n: u64) -> Option<User> {
        let snapshot = self.snapshot();
        let entry = snapshot.list.get(usize::try_from(n).ok()?)?;
        Some(snapshot.user(entry, Need::ALL))
    }

    /// All users in the API's order, made one by one; later changes are not seen.
    pub fn users(&self) -> impl Iterator<Item = User> {
        let snapshot = self.snapshot();
        let places = 0..snapshot.list.len();
        places.map(move |place| snapshot.user(&snapshot.list[place], Need::ALL))
    }

    /// The user with this `psUserId`.
    pub fn find(&self, ps_user_id: &str) -> Option<User> {
        let snapshot = self.snapshot();
        let place = snapshot.find(ps_user_id)?;
        Some(snapshot.user(&snapshot.list[place], Need::ALL))
    }

    /// How many users hold a license of the plan now.
    pub fn active(&self) -> u64 {
        self.users().filter(|user| user.is_on_account).count() as u64
    }

    /// The admins in the API's order.
    pub fn admins(&self) -> Vec<PlanAdmin> {
        self.snapshot().admins().to_vec()
    }

    /// The teams in the API's order; a parent stands before its children.
    pub fn teams(&self) -> Vec<Arc<Team>> {
        self.snapshot().teams().to_vec()
    }

    /// The products in the API's order, with seats as they are now.
    pub fn products(&self) -> Vec<Product> {
        self.snapshot().products()
    }

    /// What managers may do, in the API's order.
    pub fn permission_sets(&self) -> Vec<PermissionSet> {
        self.snapshot().permission_sets()
    }

    /// The plan.
    pub fn plan(&self) -> Plan {
        self.snapshot().base.plan.clone()
    }

    /// The instant that "now" means in this organization: nothing in it is later.
    pub fn now(&self) -> DateTime<Utc> {
        self.snapshot().base.people.now()
    }

    /// So many new people join, generated like the others. Answers who they are.
    pub fn add_users(&self, count: u64, place: Place) -> Vec<User> {
        self.change(|state| {
            let base = Arc::clone(&state.base);
            (0..count)
                .map(|_| {
                    let number = base.people.len() + state.joined;
                    let mut user = base.people.user(number, Need::ALL);
                    user.is_on_account = true;
                    user.removed_on = None;
                    state.add(user.clone(), place);
                    user
                })
                .collect()
        })
    }

    /// The API forgets this person altogether. False when it did not know them.
    pub fn forget_user(&self, ps_user_id: &str) -> bool {
        self.change(|state| {
            let found = state.find(ps_user_id);
            found
                .inspect(|place| {
                    Arc::make_mut(&mut state.list).remove(*place);
                })
                .is_some()
        })
    }

    /// This person is taken off the plan: stays in the list, without license, products and teams. False when unknown.
    pub fn deactivate_user(&self, ps_user_id: &str, removed_on: DateTime<Utc>) -> bool {
        self.edit_user(ps_user_id, |user| {
            user.is_on_account = false;
            user.removed_on = Some(removed_on);
            user.product_ids = Some(Vec::new());
            user.teams.clear();
        })
    }

    /// Anything else that can happen to a person. False when unknown.
    pub fn edit_user(&self, ps_user_id: &str, edit: impl FnOnce(&mut User)) -> bool {
        self.change(|state| {
            let Some(place) = state.find(ps_user_id) else {
                return false;
            };
            let mut user = state.user(&state.list[place], Need::ALL);
            edit(&mut user);
            Arc::make_mut(&mut state.list)[place].changed = Some(Arc::new(user));
            true
        })
    }

    /// Changes who is admin.
    pub fn edit_admins(&self, edit: impl FnOnce(&mut Vec<PlanAdmin>)) {
        self.change(|state| edit(Arc::make_mut(&mut state.admins)));
    }

    /// Buys or gives back seats. False when there is no such product.
    pub fn set_purchased(&self, product_id: &str, seats: i64) -> bool {
        let known = seats::place(product_id).is_some();
        if known {
            self.change(|state| state.purchased.insert(product_id.to_owned(), seats));
        }
        known
    }

    /// Undoes every change: the organization is as it was generated.
    pub fn restore(&self) {
        self.change(|state| {
            state.list = Arc::new(as_generated(state.base.people.len()));
            state.joined = 0;
            state.purchased.clear();
            state.admins = Arc::clone(&state.base.admins);
        });
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Snapshot) -> T) -> T {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let answer = change(&mut state);
        // Whoever still reads the old state keeps what was found in it; the new state looks afresh.
        state.caches = Arc::default();
        state.assigned = Arc::default();
        answer
    }
}

/// A number that looks random and is always the same for the same number.
pub(crate) fn scattered(number: u64) -> u64 {
    dice::mix(number)
}

fn as_generated(users: u64) -> Vec<Entry> {
    let entry = |index| Entry {
        order: (index + 1) * GAP,
        index,
        changed: None,
    };
    (0..users).map(entry).collect()
}

#[cfg(test)]
mod tests;
