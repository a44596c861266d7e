//! Bijections: from a person's index to identifiers that look random, and back without a table.

use super::dice::{Aspect, Dice, mix};

/// UUIDs of version 4 that hide an index and can be turned back into it.
///
/// 64 of the 122 free bits are the index under a Feistel network, the other 58 are a check that makes a foreign UUID
/// practically certain to be recognised as such.
#[derive(Debug, Clone)]
pub(super) struct Uuids {
    keys: [u64; 6],
}

const CHECK_BITS: u32 = 58;

impl Uuids {
    pub(super) fn new(seed: u64, aspect: Aspect) -> Self {
        let mut keys = [0; 6];
        let mut dice = Dice::new(seed, aspect, u64::MAX);
        for key in &mut keys {
            *key = dice.next();
        }
        Self { keys }
    }

    fn round(&self, half: u64, key: usize) -> u64 {
        mix(half ^ self.keys[key]) & 0xffff_ffff
    }

    fn encrypt(&self, index: u64) -> u64 {
        let (mut left, mut right) = (index >> 32, index & 0xffff_ffff);
        for key in 0..4 {
            (left, right) = (right, left ^ self.round(right, key));
        }
        (left << 32) | right
    }

    fn decrypt(&self, secret: u64) -> u64 {
        let (mut left, mut right) = (secret >> 32, secret & 0xffff_ffff);
        for key in (0..4).rev() {
            (left, right) = (right ^ self.round(left, key), left);
        }
        (left << 32) | right
    }

    fn check(&self, index: u64) -> u64 {
        mix(mix(index ^ self.keys[4]) ^ self.keys[5]) >> (64 - CHECK_BITS)
    }

    /// The UUID of an index, in lower case with hyphens.
    pub(super) fn text(&self, index: u64) -> String {
        let free = (u128::from(self.encrypt(index)) << CHECK_BITS) | u128::from(self.check(index));
        let high = free >> 74;
        let middle = (free >> 62) & 0xfff;
        let low = free & ((1 << 62) - 1);
        hyphenated((high << 80) | (4 << 76) | (middle << 64) | (2 << 62) | low)
    }

    /// The index of a UUID that [`Uuids::text`] made, or `None` for any other text.
    pub(super) fn index(&self, text: &str) -> Option<u64> {
        let number = parse(text)?;
        if (number >> 76) & 0xf != 4 || (number >> 62) & 0x3 != 2 {
            return None;
        }
        let low = number & ((1 << 62) - 1);
        let middle = (number >> 64) & 0xfff;
        let free = ((number >> 80) << 74) | (middle << 62) | low;
        let index = self.decrypt((free >> CHECK_BITS) as u64);
        let check = (free & ((1 << CHECK_BITS) - 1)) as u64;
        (self.check(index) == check).then_some(index)
    }
}

fn hyphenated(number: u128) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for (place, byte) in number.to_be_bytes().into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0xf)]));
    }
    text
}

fn parse(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let mut number = 0;
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        number = (number << 4) | u128::from(digit);
    }
    Some(number)
}

/// A bijection of the numbers below `size`: multiply and add. Enough to scatter neighbours; nothing depends on more.
#[derive(Debug, Clone)]
pub(super) struct Shuffle {
    size: u64,
    factor: u64,
    inverse: u64,
    shift: u64,
}

impl Shuffle {
    /// `size` must not be 0.
    pub(super) fn new(seed: u64, aspect: Aspect, size: u64) -> Self {
        let start = mix(seed ^ ((aspect as u64) << 40));
        // A factor near the golden section of the size spreads neighbours evenly.
        let mut factor = (size * 618 / 1000 + start % (size / 16 + 1)).max(1);
        let inverse = loop {
            if let Some(inverse) = inverse(factor, size) {
                break inverse;
            }
            factor += 1;
        };
        Self {
            size,
            factor,
            inverse,
            shift: mix(start) % size,
        }
    }

    pub(super) fn forth(&self, index: u64) -> u64 {
        let product = u128::from(index) * u128::from(self.factor) + u128::from(self.shift);
        (product % u128::from(self.size)) as u64
    }

    pub(super) fn back(&self, image: u64) -> u64 {
        let shifted = (image + self.size - self.shift) % self.size;
        (u128::from(shifted) * u128::from(self.inverse) % u128::from(self.size)) as u64
    }
}

/// The inverse of `factor` modulo `size`, by Euclid's extended algorithm; `None` when they have a common divisor.
fn inverse(factor: u64, size: u64) -> Option<u64> {
    let modulus = i128::from(size);
    let (mut old, mut new) = (i128::from(factor % size), modulus);
    let (mut old_weight, mut new_weight) = (1_i128, 0_i128);
    while new != 0 {
        let quotient = old / new;
        (old, new) = (new, old - quotient * new);
        (old_weight, new_weight) = (new_weight, old_weight - quotient * new_weight);
    }
    (old == 1 || size == 1).then(|| old_weight.rem_euclid(modulus) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_uuid_turns_back_into_its_index() {
        let uuids = Uuids::new(7, Aspect::Identifier);
        for index in [0, 1, 2, 999_999, u64::from(u32::MAX), u64::MAX] {
            let text = uuids.text(index);
            assert_eq!(uuids.index(&text), Some(index), "{text}");
            assert_eq!(text.as_bytes()[14], b'4');
            assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        }
    }

    #[test]
    fn a_foreign_uuid_is_nobody() {
        let uuids = Uuids::new(7, Aspect::Identifier);
        let other = Uuids::new(7, Aspect::Handle);
        assert_eq!(uuids.index(&other.text(5)), None);
        assert_eq!(
            uuids.index(&uuids.text(5).to_uppercase().replace('A', "B")),
            None
        );
        for text in [
            "",
            "x",
            "not-a-uuid-not-a-uuid-not-a-uuid-not",
            "00000000-0000-4000-8000-00000000000é",
        ] {
            assert_eq!(uuids.index(text), None, "{text}");
        }
    }

    #[test]
    fn a_shuffle_hits_each_number_once_and_can_be_undone() {
        for size in [1, 2, 3, 10, 97, 1000, 12_345] {
            let shuffle = Shuffle::new(3, Aspect::Names, size);
            let images: BTreeSet<u64> = (0..size).map(|index| shuffle.forth(index)).collect();
            assert_eq!(images.len() as u64, size);
            assert!((0..size).all(|index| shuffle.back(shuffle.forth(index)) == index));
        }
    }
}
