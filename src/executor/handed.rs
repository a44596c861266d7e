//! Which records were handed out already, where several requests may bring the same one.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use pluralsight_api::FieldPath;
use serde_json::Value as Json;

/// The records that the requests of one reading have brought.
pub struct Handed {
    hasher: RandomState,
    key: Option<FieldPath>,
    keys: HashSet<u64>,
    /// Of records without a key: how often each came, in any one request at most, and in this one.
    most: HashMap<u64, u32>,
    now: HashMap<u64, u32>,
}

impl Handed {
    pub fn new(key: Option<FieldPath>) -> Handed {
        Handed {
            hasher: RandomState::new(),
            key,
            keys: HashSet::new(),
            most: HashMap::new(),
            now: HashMap::new(),
        }
    }

    /// Another request begins.
    pub fn begin(&mut self) {
        self.now.clear();
    }

    /// Whether the record is to be handed out. `is_last`: no further request will bring it again.
    pub fn is_new(&mut self, record: &Json, is_last: bool) -> bool {
        let key = self.key.as_ref().and_then(|path| {
            path.segments()
                .iter()
                .try_fold(record, |value, name| value.get(name))
                .filter(|value| !value.is_null())
        });
        if let Some(key) = key {
            let key = self.hasher.hash_one(key.to_string());
            return if is_last {
                !self.keys.contains(&key)
            } else {
                self.keys.insert(key)
            };
        }
        let record = self.hasher.hash_one(record.to_string());
        let now = self.now.entry(record).or_insert(0);
        *now += 1;
        let most = self.most.entry(record).or_insert(0);
        let is_new = *now > *most;
        *most = (*most).max(*now);
        is_new
    }
}
