//! Which keys have come already, in little memory.

use crate::fingerprint::Fingerprints;

/// Slots of the first table.
const LEAST_SLOTS: usize = 64;
/// Slots that are allocated together. Pieces of one size find their place again in a heap that other things have been
/// put into meanwhile; one large table would lie beside its predecessor's remains.
const PIECE: usize = 8_192;
/// What a table may be filled to, in sixteenths, before a larger one takes its place.
const FULL: usize = 15;
/// Keys that a total is believed about; a wrong one must not take memory that no key will need.
const MOST_EXPECTED: u64 = 4_000_000;

/// A set of keys, each kept as a 64-bit fingerprint under a random key (SipHash): one table, which takes 8.5 MB for
/// 1,000,000 keys if it is told to [`Seen::expect`] them.
///
/// Two of 1,000,000 different keys share a fingerprint with a probability of 1 in 37 million. The row would be left
/// out, and the count of rows against `totalCount` would then find it missing.
pub(crate) struct Seen {
    fingerprints: Fingerprints,
    /// Open addressing with linear probing; 0 is an empty slot.
    slots: Slots,
    keys: usize,
}

impl Seen {
    pub fn new(fingerprints: Fingerprints) -> Seen {
        Seen {
            fingerprints,
            slots: Slots::new(0),
            keys: 0,
        }
    }

    /// Makes room for that many keys in all, if there is not enough.
    pub fn expect(&mut self, keys: u64) {
        let keys = usize::try_from(keys.min(MOST_EXPECTED)).unwrap_or(0);
        let slots = keys / FULL * 16 + 17;
        if slots > self.slots.number && keys > LEAST_SLOTS {
            self.move_to(slots);
        }
    }

    /// Adds a text; false if it was there.
    pub fn insert_text(&mut self, text: &str) -> bool {
        self.insert(self.fingerprints.of_text(text))
    }

    /// Adds a key by its fingerprint; false if it was there.
    pub fn insert(&mut self, fingerprint: u64) -> bool {
        if self.keys >= self.slots.number / 16 * FULL {
            self.move_to((self.slots.number / 4 * 5).max(LEAST_SLOTS));
        }
        let fingerprint = fingerprint.max(1);
        let is_new = self.slots.put(fingerprint);
        self.keys += usize::from(is_new);
        is_new
    }

    fn move_to(&mut self, slots: usize) {
        let old = std::mem::replace(&mut self.slots, Slots::new(slots));
        for fingerprint in old
            .pieces
            .into_iter()
            .flatten()
            .filter(|&fingerprint| fingerprint != 0)
        {
            self.slots.put(fingerprint);
        }
    }

    /// Memory held, in bytes.
    #[cfg(test)]
    fn memory(&self) -> usize {
        self.slots
            .pieces
            .iter()
            .map(|piece| piece.capacity() * size_of::<u64>())
            .sum()
    }
}

/// A table in pieces.
struct Slots {
    pieces: Vec<Vec<u64>>,
    number: usize,
}

impl Slots {
    fn new(number: usize) -> Slots {
        let pieces = (0..number)
            .step_by(PIECE)
            .map(|start| vec![0; PIECE.min(number - start)])
            .collect();
        Slots { pieces, number }
    }

    /// Puts a fingerprint into the first empty slot from its own on; false if it is there already. A table is never full.
    fn put(&mut self, fingerprint: u64) -> bool {
        // The upper half of the product spreads fingerprints evenly over any number of slots.
        let start = ((u128::from(fingerprint) * self.number as u128) >> 64) as usize;
        for position in (start..self.number).chain(0..start) {
            let Some(slot) = self
                .pieces
                .get_mut(position / PIECE)
                .and_then(|piece| piece.get_mut(position % PIECE))
            else {
                break;
            };
            if *slot == fingerprint {
                return false;
            }
            if *slot == 0 {
                *slot = fingerprint;
                return true;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Seen {
        Seen::new(Fingerprints::random())
    }

    fn insert(seen: &mut Seen, key: u64) -> bool {
        let fingerprint = seen.fingerprints.of_text(&key.to_string());
        seen.insert(fingerprint)
    }

    #[test]
    fn a_key_is_new_once() {
        let mut seen = empty();
        for key in 0..100 {
            assert!(insert(&mut seen, key), "{key}");
            assert!(!insert(&mut seen, key), "{key}");
        }
        assert!(seen.insert_text("a") && seen.insert_text("") && !seen.insert_text("a"));
    }

    #[test]
    fn a_million_keys_take_at_most_9_mb_where_they_are_expected() {
        let mut seen = empty();
        seen.expect(1_000_000);
        for key in 0..1_000_000u64 {
            assert!(insert(&mut seen, key));
        }
        assert!(seen.memory() <= 9_000_000, "{}", seen.memory());
        for key in (0..1_000_000u64).step_by(9_973) {
            assert!(!insert(&mut seen, key));
        }
    }

    #[test]
    fn keys_that_nobody_expected_are_kept_as_well() {
        let mut seen = empty();
        seen.expect(10);
        for key in 0..50_000u64 {
            assert!(insert(&mut seen, key));
        }
        for key in 0..50_000u64 {
            assert!(!insert(&mut seen, key), "{key}");
        }
        // A total that is told too late, or too small, takes nothing away.
        seen.expect(100_000);
        seen.expect(3);
        assert!(!insert(&mut seen, 49_999));
        assert!(insert(&mut seen, 50_000));
    }

    #[test]
    fn a_total_out_of_all_reason_takes_no_memory_out_of_all_reason() {
        let mut seen = empty();
        seen.expect(u64::MAX);
        assert!(seen.memory() < 64 << 20, "{}", seen.memory());
    }

    #[test]
    fn an_empty_set_takes_next_to_nothing() {
        assert_eq!(empty().memory(), 0);
    }
}
