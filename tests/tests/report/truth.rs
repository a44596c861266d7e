//! What the sandbox knows of its people, seats and money.

use super::*;

pub fn products(user: &User) -> &[String] {
    user.product_ids.as_deref().unwrap_or_default()
}

pub fn idle_days(user: &User, now: DateTime<Utc>) -> Option<i64> {
    let since = user.last_login.max(user.started_on).or(user.created_on)?;
    Some((now - since).num_days())
}

/// What the sandbox knows at a moment. Everybody has a row in hr_staff; every seventh left, every eleventh is not in it.
pub struct Truth {
    pub seats: usize,
    pub reasons: BTreeMap<String, (usize, usize)>,
    /// Per product: held, and could come back.
    pub products: BTreeMap<String, (usize, usize)>,
    pub centers: BTreeMap<String, usize>,
}

pub const PRICE: usize = 399;

impl Truth {
    pub fn at(stage: &Stage, now: DateTime<Utc>, with_staff: bool) -> Truth {
        let mut truth = Truth {
            seats: 0,
            reasons: BTreeMap::new(),
            products: BTreeMap::new(),
            centers: BTreeMap::new(),
        };
        // Nobody ever signed in is not the same as that nobody's sign-in is known.
        let signs_in = stage
            .sandbox
            .organization()
            .users()
            .any(|user| user.last_login.is_some());
        for (place, user) in stage.sandbox.organization().users().enumerate() {
            let idle = idle_days(&user, now).filter(|_| signs_in);
            let is_staff = user.email.is_some() && place % 11 != 0;
            let reason = if with_staff && is_staff && place % 7 == 0 {
                Some("left the company")
            } else if with_staff && !is_staff {
                Some("not in hr_staff")
            } else if idle >= Some(90) && user.last_login.is_none() {
                Some("never signed in")
            } else if idle >= Some(180) {
                Some("idle 180 days or more")
            } else if idle >= Some(90) {
                Some("idle 90 to 179 days")
            } else {
                None
            };
            let held = products(&user).len();
            if held == 0 {
                continue;
            }
            truth.seats += held;
            if let Some(reason) = reason {
                let (seats, people) = truth.reasons.entry(reason.to_owned()).or_default();
                *seats += held;
                *people += 1;
            }
            for product in products(&user) {
                let (held, reclaimed) = truth.products.entry(product.clone()).or_default();
                *held += 1;
                *reclaimed += usize::from(reason.is_some());
            }
            let center = if with_staff && is_staff {
                format!("Center {}", place % 3)
            } else {
                String::new()
            };
            *truth.centers.entry(center).or_default() += held;
        }
        truth
    }

    pub fn to_reclaim(&self) -> usize {
        self.reasons.values().map(|(seats, _)| seats).sum()
    }
}
