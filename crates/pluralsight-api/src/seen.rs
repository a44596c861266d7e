//! Which keys have come already, in little memory.

use std::hash::{BuildHasher, RandomState};

use serde_json::Value;

/// Parts that the keys are spread over, a power of two: short parts make inserting cheap.
const SHARDS: usize = 1024;
/// A part grows by an eighth of its size, and by no less than this.
const LEAST_GROWTH: usize = 8;

/// A set of keys, each kept as a 64-bit fingerprint under a random key (SipHash): at most 10 MB for 1,000,000 keys.
///
/// Two of 1,000,000 different keys share a fingerprint with a probability of 1 in 37 million. The row would be left
/// out, and the count of rows against `totalCount` would then find it missing.
pub(crate) struct Seen {
    hasher: RandomState,
    shards: Vec<Vec<u64>>,
}

impl Seen {
    pub fn new() -> Seen {
        Seen {
            hasher: RandomState::new(),
            shards: Vec::new(),
        }
    }

    /// Adds the key; false if it was there.
    pub fn insert(&mut self, key: &Value) -> bool {
        let fingerprint = match key {
            Value::String(text) => self.hasher.hash_one((0u8, text)),
            other => self.hasher.hash_one((1u8, other.to_string())),
        };
        self.insert_fingerprint(fingerprint)
    }

    /// Adds a text; false if it was there.
    pub fn insert_text(&mut self, text: &str) -> bool {
        let fingerprint = self.hasher.hash_one((0u8, text));
        self.insert_fingerprint(fingerprint)
    }

    fn insert_fingerprint(&mut self, fingerprint: u64) -> bool {
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, Vec::new);
        }
        let index = (fingerprint >> (u64::BITS - SHARDS.ilog2())) as usize;
        let Some(shard) = self.shards.get_mut(index) else {
            return true;
        };
        match shard.binary_search(&fingerprint) {
            Ok(_) => false,
            Err(position) => {
                if shard.len() == shard.capacity() {
                    // Doubling would leave up to half of the memory unused.
                    shard.reserve_exact((shard.len() / 8).max(LEAST_GROWTH));
                }
                shard.insert(position, fingerprint);
                true
            }
        }
    }

    /// Memory held, in bytes.
    #[cfg(test)]
    fn memory(&self) -> usize {
        let shards: usize = self
            .shards
            .iter()
            .map(|shard| shard.capacity() * size_of::<u64>())
            .sum();
        shards + self.shards.capacity() * size_of::<Vec<u64>>()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_new_once_and_a_number_is_not_its_digits() {
        let mut seen = Seen::new();
        for key in [
            json!("1"),
            json!(1),
            json!(1.5),
            json!(""),
            json!("ä"),
            json!(-1),
            json!(true),
        ] {
            assert!(seen.insert(&key), "{key}");
            assert!(!seen.insert(&key), "{key}");
        }
    }

    #[test]
    fn a_million_keys_take_at_most_10_mb() {
        let mut seen = Seen::new();
        for key in 0..1_000_000u64 {
            assert!(seen.insert(&json!(key)));
        }
        assert!(seen.memory() <= 10_000_000, "{}", seen.memory());
        for key in (0..1_000_000u64).step_by(9_973) {
            assert!(!seen.insert(&json!(key)));
        }
    }

    #[test]
    fn an_empty_set_takes_next_to_nothing() {
        assert_eq!(Seen::new().memory(), 0);
    }
}
