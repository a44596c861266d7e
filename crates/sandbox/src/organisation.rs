//! A believable organisation, generated from a seed, and what happens to it while the server runs.
//!
//! Nothing is stored but teams, admins and changes: the n-th person is a function of the seed and n, and the keys of a
//! person can be turned back into n. A million people cost no more memory than ten.

mod dice;
mod model;
mod names;
mod notes;
mod overlay;
mod people;
mod permute;
mod query;
mod seats;
mod staff;
mod teams;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
};

use chrono::{DateTime, Utc};

pub use model::{Membership, Plan, PlanAdmin, Product, Team, User, instant_text};
pub(crate) use overlay::Position;
pub(crate) use people::Need;
pub(crate) use query::{Start, UserQuery};

use overlay::Overlay;
use people::People;
use teams::Teams;

/// Where somebody who joins appears in the list of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// Before everybody.
    Start,
    /// Before the generated user of this number.
    Before(u64),
    /// After everybody.
    #[default]
    End,
}

/// The truth that the server serves. Reading it never costs a request.
pub struct Organisation {
    base: Arc<Base>,
    state: RwLock<State>,
}

/// What never changes.
struct Base {
    people: People,
    plan: Plan,
    admins: Arc<Vec<PlanAdmin>>,
    purchased: OnceLock<[i64; seats::COUNT]>,
}

/// What may.
#[derive(Clone)]
struct State {
    overlay: Arc<Overlay>,
    admins: Arc<Vec<PlanAdmin>>,
    purchased: HashMap<String, i64>,
    counts: Arc<Mutex<HashMap<UserQuery, u64>>>,
    assigned: Arc<OnceLock<[i64; seats::COUNT]>>,
}

/// The organisation at one instant: a request sees one.
#[derive(Clone)]
pub(crate) struct Snapshot {
    base: Arc<Base>,
    overlay: Arc<Overlay>,
    admins: Arc<Vec<PlanAdmin>>,
    purchased: HashMap<String, i64>,
    counts: Arc<Mutex<HashMap<UserQuery, u64>>>,
    assigned: Arc<OnceLock<[i64; seats::COUNT]>>,
}

/// What an organisation is generated from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) users: u64,
    pub(crate) seed: u64,
    pub(crate) now: DateTime<Utc>,
    pub(crate) teams: Option<u32>,
    pub(crate) admins: Option<u32>,
}

impl Organisation {
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
        let teams = Teams::new(origin.seed, teams, &plan.plan_id);
        let people = People::new(
            origin.seed,
            origin.users,
            origin.now,
            plan.plan_id.clone(),
            teams,
        );
        let admins = Arc::new(staff::admins(&people, origin.seed, admins));
        let base = Base {
            people,
            plan,
            admins: Arc::clone(&admins),
            purchased: OnceLock::new(),
        };
        let state = State {
            overlay: Arc::default(),
            admins,
            purchased: HashMap::new(),
            counts: Arc::default(),
            assigned: Arc::default(),
        };
        Self {
            base: Arc::new(base),
            state: RwLock::new(state),
        }
    }

    /// How many users the API lists now, removed ones included.
    pub fn len(&self) -> u64 {
        self.snapshot().len()
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
                "the organisation has {} users, there is no number {n}",
                self.len()
            )
        })
    }

    /// The n-th user in the API's order, from 0; `None` when there are not that many.
    pub fn get(&self, n: u64) -> Option<User> {
        let snapshot = self.snapshot();
        let start = Start::Skip(n);
        let stretch = snapshot.stretch(&UserQuery::default(), start, 1);
        stretch
            .positions
            .first()
            .map(|position| snapshot.user(*position, Need::ALL))
    }

    /// All users in the API's order, made one by one; later changes are not seen.
    pub fn users(&self) -> impl Iterator<Item = User> {
        let snapshot = self.snapshot();
        let mut last = None;
        std::iter::from_fn(move || {
            let position = snapshot.walk(last).next()?;
            last = Some(position);
            Some(snapshot.user(position, Need::ALL))
        })
    }

    /// The user with this `psUserId`.
    pub fn find(&self, ps_user_id: &str) -> Option<User> {
        let snapshot = self.snapshot();
        snapshot
            .find(ps_user_id)
            .map(|position| snapshot.user(position, Need::ALL))
    }

    /// How many users hold a licence of the plan now.
    pub fn active(&self) -> u64 {
        self.snapshot().count(&UserQuery {
            is_on_account: Some(true),
            ..UserQuery::default()
        })
    }

    /// The admins in the API's order.
    pub fn admins(&self) -> Vec<PlanAdmin> {
        self.snapshot().admins().to_vec()
    }

    /// The teams in the API's order; a parent stands before its children.
    pub fn teams(&self) -> &[Arc<Team>] {
        &self.base.people.teams().list
    }

    /// The products in the API's order, with seats as they are now.
    pub fn products(&self) -> Vec<Product> {
        self.snapshot().products()
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.base.plan
    }

    /// The instant that "now" means in this organisation: nothing in it is later.
    pub fn now(&self) -> DateTime<Utc> {
        self.base.people.now()
    }

    /// So many new people join, generated like the others. Answers who they are.
    pub fn add_users(&self, count: u64, place: Place) -> Vec<User> {
        self.change(|base, state| {
            let overlay = Arc::make_mut(&mut state.overlay);
            (0..count)
                .map(|_| {
                    let mut user = base
                        .people
                        .user(base.people.len() + overlay.joined(), Need::ALL);
                    user.is_on_account = true;
                    user.removed_on = None;
                    overlay.add(before(place, base.people.len()), user.clone());
                    user
                })
                .collect()
        })
    }

    /// This person joins. Identifiers are the caller's to keep unique.
    pub fn add_user(&self, user: User, place: Place) {
        self.change(|base, state| {
            Arc::make_mut(&mut state.overlay).add(before(place, base.people.len()), user)
        });
    }

    /// The API forgets this person altogether. False when it did not know them.
    pub fn forget_user(&self, ps_user_id: &str) -> bool {
        let found = self.snapshot().find(ps_user_id);
        self.change(|_, state| {
            found
                .inspect(|position| Arc::make_mut(&mut state.overlay).forget(*position))
                .is_some()
        })
    }

    /// This person is taken off the plan: stays in the list, without licence, products and teams. False when unknown.
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
        let snapshot = self.snapshot();
        let Some(position) = snapshot.find(ps_user_id) else {
            return false;
        };
        let mut user = snapshot.user(position, Need::ALL);
        edit(&mut user);
        self.change(|_, state| Arc::make_mut(&mut state.overlay).replace(position, user));
        true
    }

    /// Changes who is admin.
    pub fn edit_admins(&self, edit: impl FnOnce(&mut Vec<PlanAdmin>)) {
        self.change(|_, state| edit(Arc::make_mut(&mut state.admins)));
    }

    /// Buys or gives back seats. False when there is no such product.
    pub fn set_purchased(&self, product_id: &str, seats: i64) -> bool {
        let known = seats::place(product_id).is_some();
        if known {
            self.change(|_, state| state.purchased.insert(product_id.to_owned(), seats));
        }
        known
    }

    /// Undoes every change: the organisation is as it was generated.
    pub fn restore(&self) {
        self.change(|base, state| {
            state.overlay = Arc::default();
            state.purchased.clear();
            state.admins = Arc::clone(&base.admins);
        });
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let State {
            overlay,
            admins,
            purchased,
            counts,
            assigned,
        } = state.clone();
        Snapshot {
            base: Arc::clone(&self.base),
            overlay,
            admins,
            purchased,
            counts,
            assigned,
        }
    }

    fn change<T>(&self, change: impl FnOnce(&Base, &mut State) -> T) -> T {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let answer = change(&self.base, &mut state);
        // Whoever still reads the old state keeps its totals; the new state counts afresh.
        state.counts = Arc::default();
        state.assigned = Arc::default();
        answer
    }
}

/// A number that looks random and is always the same for the same number.
pub(crate) fn scattered(number: u64) -> u64 {
    dice::mix(number)
}

fn before(place: Place, len: u64) -> u64 {
    match place {
        Place::Start => 0,
        Place::Before(index) => index.min(len),
        Place::End => len,
    }
}

impl Snapshot {
    pub(crate) fn len(&self) -> u64 {
        self.overlay.count(self.generated())
    }

    pub(crate) fn user(&self, position: Position, need: Need) -> User {
        match self.overlay.changed(position) {
            Some(user) => User::clone(user),
            None => self.base.people.user(position.index, need),
        }
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

    pub(crate) fn products(&self) -> Vec<Product> {
        let mut products = seats::products(self.purchased_at_first(), self.assigned());
        for product in &mut products {
            if let Some(seats) = self.purchased.get(&product.id) {
                product.purchased = *seats;
                product.remaining = seats - product.assigned;
            }
        }
        products
    }

    fn generated(&self) -> u64 {
        self.base.people.len()
    }

    fn walk(&self, after: Option<Position>) -> overlay::Forward<'_> {
        self.overlay.after(after, self.generated())
    }

    fn find(&self, ps_user_id: &str) -> Option<Position> {
        let query = UserQuery {
            ps_user_ids: Some(vec![ps_user_id.to_owned()]),
            ..UserQuery::default()
        };
        self.stretch(&query, Start::After(None), 1)
            .positions
            .first()
            .copied()
    }

    fn purchased_at_first(&self) -> &[i64; seats::COUNT] {
        self.base.purchased.get_or_init(|| {
            let people = &self.base.people;
            let mut assigned = [0; seats::COUNT];
            for index in 0..people.len() {
                tally(&mut assigned, people.product_bits(index));
            }
            seats::purchased(&assigned)
        })
    }

    fn assigned(&self) -> &[i64; seats::COUNT] {
        self.assigned.get_or_init(|| {
            let mut assigned = [0; seats::COUNT];
            for position in self.walk(None) {
                let bits = match self.overlay.changed(position) {
                    Some(user) => bits_of(user),
                    None => self.base.people.product_bits(position.index),
                };
                tally(&mut assigned, bits);
            }
            assigned
        })
    }
}

fn tally(assigned: &mut [i64; seats::COUNT], bits: u32) {
    for (product, count) in assigned.iter_mut().enumerate() {
        *count += i64::from((bits >> product) & 1);
    }
}

fn bits_of(user: &User) -> u32 {
    let held = user
        .product_ids
        .iter()
        .flatten()
        .filter_map(|id| seats::place(id));
    held.fold(0, |bits, product| bits | (1 << product))
}

#[cfg(test)]
mod tests;
