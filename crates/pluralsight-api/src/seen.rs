//! Which records have been handed out.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Sets that a fingerprint may belong to; each stays small enough to insert into by moving its tail.
const SHARDS: usize = 1_024;
/// Room that a full shard grows by, in eighths of what it holds.
const GROWTH: usize = 4;

/// A set of keys, as 64-bit fingerprints under random hash keys: about 10 bytes a key. Two different keys of a million
/// share a fingerprint with a probability of 3 in 10^8, and the count of records would tell.
pub(crate) struct Seen {
    hasher: RandomState,
    shards: Vec<Vec<u64>>,
}

impl Seen {
    pub fn new() -> Seen {
        Seen { hasher: RandomState::new(), shards: vec![Vec::new(); SHARDS] }
    }

    /// True if the key is new.
    pub fn insert(&mut self, key: &str) -> bool {
        let fingerprint = self.hasher.hash_one(key);
        let index = (fingerprint % SHARDS as u64) as usize;
        let Some(shard) = self.shards.get_mut(index) else { return true };
        match shard.binary_search(&fingerprint) {
            Ok(_) => false,
            Err(position) => {
                if shard.len() == shard.capacity() {
                    shard.reserve_exact(shard.len() * GROWTH / 32 + 8);
                }
                shard.insert(position, fingerprint);
                true
            }
        }
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.capacity() * 8 + size_of::<Vec<u64>>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_new_once() {
        let mut seen = Seen::new();
        assert!(seen.insert("a"));
        assert!(seen.insert("b"));
        assert!(!seen.insert("a"));
    }

    #[test]
    fn a_million_keys_take_ten_megabytes_at_most() {
        let mut seen = Seen::new();
        for number in 0..1_000_000 {
            assert!(seen.insert(&number.to_string()));
        }
        assert!(seen.bytes() <= 10_000_000, "{}", seen.bytes());
    }
}
