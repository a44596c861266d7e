//! How identifiers are written.

use crate::switches::Ids;

use super::dice::{self, Aspect, Dice};

/// The identifier of a number.
pub(super) fn spelled(ids: Ids, seed: u64, aspect: Aspect, index: u64) -> String {
    if ids == Ids::Number {
        // An odd factor hits each number below a power of two once; those who are no users come from far away.
        let number = (index % (1 << 28)) | (u64::from(index >> 48 != 0) << 28);
        let scattered = number.wrapping_mul(0x9e37_79b1) ^ (dice::mix(aspect as u64 ^ seed) >> 36);
        return (scattered & ((1 << 29) - 1)).to_string();
    }
    let mut dice = Dice::new(seed, aspect, index);
    let (high, low) = (dice.next(), dice.next());
    let uuid = format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 48) & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    );
    match ids {
        Ids::Capitals => uuid.to_uppercase(),
        Ids::Bare => uuid.replace('-', ""),
        Ids::Text => format!("ps\\{index}/“{:x}”", low & 0xffff),
        _ => uuid,
    }
}
