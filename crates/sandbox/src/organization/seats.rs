//! Products of the plan, who holds them, and how many seats were bought.

use super::{
    dice::{Aspect, Dice},
    model::{Product, User},
};

/// Keys and names of the products, in the order in which the API lists them.
const PRODUCTS: &[(&str, &str)] = &[
    ("skills-enterprise", "Skills Enterprise"),
    ("cloud-plus", "Cloud+ (A Cloud Guru)"),
    ("security-plus", "Security+ “Élite”"),
    ("ai-plus", "AI+"),
    ("flow", "Flow"),
];

/// Nobody holds the last product: bought, never given out.
const HELD: usize = 4;

/// The number of products.
pub(super) const COUNT: usize = PRODUCTS.len();

/// The products a person holds, as bits; some active people hold none, most removed people hold none.
pub(super) fn product_bits(seed: u64, index: u64, is_on_account: bool) -> u32 {
    let mut dice = Dice::new(seed, Aspect::Products, index);
    if !is_on_account {
        return u32::from(dice.chance(30));
    }
    let mut bits: u32 = match dice.below(100) {
        0..10 => return 0,
        10..92 => 1,
        _ => 0,
    };
    for product in 1..HELD {
        if dice.chance([0, 140, 60, 220][product]) {
            bits |= 1 << product;
        }
    }
    bits
}

/// [`product_bits`] as the API lists them. Nobody's list is `null` for a quarter of those who hold nothing.
pub(super) fn product_ids(seed: u64, index: u64, is_on_account: bool) -> Option<Vec<String>> {
    let bits = product_bits(seed, index, is_on_account);
    if bits == 0 && Dice::new(seed, Aspect::Seats, index).chance(250) {
        return None;
    }
    let held = PRODUCTS
        .iter()
        .enumerate()
        .filter(|(product, _)| bits & (1 << product) != 0);
    Some(held.map(|(_, (id, _))| (*id).to_owned()).collect())
}

/// The place of a product in the plan.
pub(super) fn place(id: &str) -> Option<usize> {
    PRODUCTS.iter().position(|(known, _)| *known == id)
}

/// How many seats of each product the plan bought, given how many were held when the organization began: plenty, just
/// enough, one to spare, twice as many, and a product that nobody uses.
pub(super) fn purchased(assigned: &[i64; COUNT]) -> [i64; COUNT] {
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
pub(super) fn products(purchased: &[i64; COUNT], assigned: &[i64; COUNT]) -> Vec<Product> {
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

/// How many hold each product, from [`product_bits`] of each person.
pub(super) fn tally(held: impl Iterator<Item = u32>) -> [i64; COUNT] {
    let mut assigned = [0; COUNT];
    for bits in held {
        for (product, count) in assigned.iter_mut().enumerate() {
            *count += i64::from((bits >> product) & 1);
        }
    }
    assigned
}

/// [`product_bits`] of somebody who is not as generated.
pub(super) fn bits_of(user: &User) -> u32 {
    let held = user.product_ids.iter().flatten();
    let places = held.filter_map(|id| place(id));
    places.fold(0, |bits, product| bits | (1 << product))
}
