//! Products of the plan, who holds them, and how many seats were bought.

use super::{
    dice::{Aspect, Dice},
    model::{Product, User},
};

/// Keys and names of the products, in the order in which the API lists them. Nobody holds the last one: bought, never
/// given out.
const PRODUCTS: [(&str, &str); 5] = [
    ("skills-enterprise", "Skills Enterprise"),
    ("cloud-plus", "Cloud+ (A Cloud Guru)"),
    ("security-plus", "Security+ “Élite”"),
    ("ai-plus", "AI+"),
    ("flow", "Flow"),
];

/// A number of seats for each of the products.
pub(super) type Seats = [i64; PRODUCTS.len()];

/// The products that a person holds: some active people hold none, most removed people hold none. Nobody's list is `null`
/// for a quarter of those who hold nothing.
pub(super) fn product_ids(seed: u64, index: u64, is_on_account: bool) -> Option<Vec<String>> {
    let holds = held(&mut Dice::new(seed, Aspect::Products, index), is_on_account);
    if !holds.contains(&true) && Dice::new(seed, Aspect::Seats, index).chance(250) {
        return None;
    }
    let products = PRODUCTS.iter().zip(holds);
    let held = products.filter(|(_, holds)| *holds);
    Some(held.map(|((id, _), _)| (*id).to_owned()).collect())
}

/// Which products a person holds.
fn held(dice: &mut Dice, is_on_account: bool) -> [bool; 4] {
    if !is_on_account {
        return [dice.chance(30), false, false, false];
    }
    let skills = match dice.below(100) {
        0..10 => return [false; 4],
        drawn => drawn < 92,
    };
    let [cloud, security, ai] = [140, 60, 220].map(|thousandths| dice.chance(thousandths));
    [skills, cloud, security, ai]
}

/// The place of a product in the plan.
pub(super) fn place(id: &str) -> Option<usize> {
    PRODUCTS.iter().position(|(known, _)| *known == id)
}

/// How many hold each product.
pub(super) fn assigned<'a>(users: impl Iterator<Item = &'a User>) -> Seats {
    let mut assigned = Seats::default();
    for id in users.flat_map(|user| user.product_ids.iter().flatten()) {
        if let Some(product) = place(id) {
            assigned[product] += 1;
        }
    }
    assigned
}

/// How many seats of each product the plan bought, given how many were held when the organization began: plenty, just
/// enough, one to spare, twice as many, and a product that nobody uses.
pub(super) fn purchased(assigned: &Seats) -> Seats {
    let [skills, cloud, security, ai, _] = *assigned;
    [
        (skills + skills / 10) / 50 * 50 + 50,
        cloud,
        security + 1,
        ai * 2,
        50,
    ]
}

/// The plan's products with their seats.
pub(super) fn products(purchased: &Seats, assigned: &Seats) -> Vec<Product> {
    PRODUCTS
        .iter()
        .zip(purchased.iter().zip(assigned))
        .map(|((id, name), (purchased, assigned))| Product {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            purchased: *purchased,
            assigned: *assigned,
            remaining: purchased - assigned,
        })
        .collect()
}
