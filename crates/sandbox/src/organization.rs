//! A believable organization, generated from a seed, and what happens to it while the server runs.

mod dice;
mod model;
mod names;
mod notes;
mod people;
mod permissions;
mod seats;
mod snapshot;
mod spelling;
mod staff;
mod teams;

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use crate::switches::Ids;

pub(crate) use model::instant_text;
pub use model::{Membership, PermissionSet, Plan, PlanAdmin, Product, Team, User};
pub use snapshot::Place;
pub(crate) use snapshot::{Entry, Snapshot, UserQuery};

use names::Names;
use people::People;
use snapshot::GAP;
use teams::Teams;

/// The truth that the server serves. Reading it never costs a request.
pub struct Organization {
    people: People,
    generated: Snapshot,
    state: RwLock<Snapshot>,
}

/// What an organization is generated from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) users: u64,
    pub(crate) seed: u64,
    pub(crate) now: DateTime<Utc>,
    pub(crate) teams: Option<u32>,
    pub(crate) ids: Ids,
}

impl Organization {
    pub(crate) fn new(origin: &Origin) -> Self {
        let plan = Plan {
            plan_id: format!("meridian-{:04x}", dice::mix(origin.seed) & 0xffff),
            name: "Meridian “Skills” Enterprise".to_owned(),
        };
        // Enough teams and admins to matter at any size.
        let teams = (12 + origin.users / 40).min(1200) as u32;
        let teams = origin.teams.unwrap_or(teams);
        let admins = (3 + origin.users / 100).min(1200) as usize;
        let people = People {
            seed: origin.seed,
            now: origin.now,
            plan_id: plan.plan_id.clone(),
            names: Names::new(origin.seed),
            teams: Teams::new(origin.seed, teams, &plan.plan_id, origin.ids),
            ids: origin.ids,
        };
        let entry = |index| Entry {
            order: (index + 1) * GAP,
            user: Arc::new(people.user(index)),
        };
        let users: Vec<Entry> = (0..origin.users).map(entry).collect();
        let held = seats::assigned(users.iter().map(|entry| entry.user.as_ref()));
        let generated = Snapshot {
            admins: Arc::new(staff::admins(&people, &users, admins)),
            users: Arc::new(users),
            teams: Arc::new(people.teams.list.clone()),
            plan: Arc::new(plan),
            purchased: seats::purchased(&held),
            joined: 0,
            found: Arc::default(),
        };
        Self {
            people,
            state: RwLock::new(generated.clone()),
            generated,
        }
    }

    /// How many users the API lists now, removed ones included.
    pub fn len(&self) -> u64 {
        self.snapshot().users.len() as u64
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
        User::clone(&self.snapshot().users[n as usize].user)
    }

    /// All users in the API's order; later changes are not seen.
    pub fn users(&self) -> impl DoubleEndedIterator<Item = User> {
        let users = self.snapshot().users;
        (0..users.len()).map(move |place| User::clone(&users[place].user))
    }

    /// The user with this `psUserId`.
    pub fn find(&self, ps_user_id: &str) -> Option<User> {
        let snapshot = self.snapshot();
        let place = snapshot.find(ps_user_id)?;
        Some(User::clone(&snapshot.users[place].user))
    }

    /// The admins in the API's order.
    pub fn admins(&self) -> Vec<PlanAdmin> {
        self.snapshot().admins.to_vec()
    }

    /// The teams in the API's order; a parent stands before its children.
    pub fn teams(&self) -> Vec<Arc<Team>> {
        self.snapshot().teams.to_vec()
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
        Plan::clone(&self.snapshot().plan)
    }

    /// The instant that "now" means in this organization: nothing in it is later.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.people.now
    }

    /// So many new people join, generated like the others.
    pub fn add_users(&self, count: u64, place: Place) {
        let generated = self.generated.users.len() as u64;
        self.change(|state| {
            for _ in 0..count {
                let mut user = self.people.user(generated + state.joined);
                user.is_on_account = true;
                user.removed_on = None;
                state.add(user, place, generated * GAP);
            }
        });
    }

    /// The API forgets this person altogether. False when it did not know them.
    pub fn forget_user(&self, ps_user_id: &str) -> bool {
        self.change(|state| match state.find(ps_user_id) {
            Some(place) => {
                Arc::make_mut(&mut state.users).remove(place);
                true
            }
            None => false,
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
            edit(Arc::make_mut(
                &mut Arc::make_mut(&mut state.users)[place].user,
            ));
            true
        })
    }

    /// Changes who is admin.
    pub fn edit_admins(&self, edit: impl FnOnce(&mut Vec<PlanAdmin>)) {
        self.change(|state| edit(Arc::make_mut(&mut state.admins)));
    }

    /// Buys or gives back seats. False when there is no such product.
    pub fn set_purchased(&self, product_id: &str, seats: i64) -> bool {
        let place = seats::place(product_id);
        if let Some(place) = place {
            self.change(|state| state.purchased[place] = seats);
        }
        place.is_some()
    }

    /// Undoes every change: the organization is as it was generated.
    pub fn restore(&self) {
        self.change(|state| *state = self.generated.clone());
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Snapshot) -> T) -> T {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let answer = change(&mut state);
        // Whoever still reads the old state keeps what was found in it; the new state looks afresh.
        state.found = Arc::default();
        answer
    }
}

/// A number that looks random and is always the same for the same number.
pub(crate) fn scattered(number: u64) -> u64 {
    dice::mix(number)
}

#[cfg(test)]
mod tests;
