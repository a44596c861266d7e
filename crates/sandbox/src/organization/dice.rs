//! Chance without memory: every number is a function of the seed, what it is for, and whose it is.

/// What a throw is for. Each aspect of a record has its own stream, so that one aspect can be computed without the others.
#[derive(Debug, Clone, Copy)]
pub(super) enum Aspect {
    Handle = 1,
    PlanUser,
    Identifier,
    Person,
    Standing,
    Teams,
    Products,
    Note,
    Team,
    Seats,
    Admin,
    Names,
    TeamId,
}

/// The finalizer of splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
pub(super) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A repeatable stream of numbers for one aspect of one record.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64, aspect: Aspect, index: u64) -> Self {
        Self(mix(mix(seed ^ ((aspect as u64) << 56)) ^ index))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// True in `thousandths` of 1,000 throws.
    pub(super) fn chance(&mut self, thousandths: u64) -> bool {
        self.below(1000) < thousandths
    }

    /// One of `choices`, which is a table of this crate and never empty.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}
