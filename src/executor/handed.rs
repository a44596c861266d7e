//! Which records were handed out already, where several requests may bring the same one.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use pluralsight_api::Row;

/// The records that the requests of one reading have brought.
#[derive(Default)]
pub struct Handed {
    hasher: RandomState,
    /// The fingerprints of their keys.
    keys: HashSet<u64>,
    /// Of records without a key: how often each came, in any one request at most, and in this one.
    most: HashMap<u64, u32>,
    now: HashMap<u64, u32>,
}

impl Handed {
    /// Another request begins.
    pub fn begin(&mut self) {
        self.now.clear();
    }

    /// Whether the record is to be handed out. `is_last`: no further request will bring it again.
    pub fn is_new(&mut self, key: Option<u64>, record: Row<'_>, is_last: bool) -> bool {
        if let Some(key) = key {
            return if is_last {
                !self.keys.contains(&key)
            } else {
                self.keys.insert(key)
            };
        }
        let record = self.hasher.hash_one(record.bytes());
        let now = self.now.entry(record).or_insert(0);
        *now += 1;
        let most = self.most.entry(record).or_insert(0);
        let is_new = *now > *most;
        *most = (*most).max(*now);
        is_new
    }
}
