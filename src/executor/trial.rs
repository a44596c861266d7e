//! What a filtered answer shows of the filter.
//!
//! A record that has one of the values asked for, and none of the others, shows that the filter finds, that the values of a
//! list are alternatives, and that the list was read as far as that value. A value for which no record came, further into
//! the list than that, is not proved to be absent.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::json::{same, text_of};
use super::trust::Standing;
use crate::spec::ConditionKind;

/// One filtered answer, as far as it has come.
pub struct Trial {
    kind: ConditionKind,
    /// What a filter of one value was asked for.
    value: Json,
    /// The list that was sent.
    sent: Vec<String>,
    /// The keys of the list. Spellings that differ in case only are one key.
    keys: Vec<Key>,
    by_fold: HashMap<String, usize>,
    /// Records that have what was asked for.
    pub met: u64,
    /// Records that have nothing of it.
    foreign: usize,
}

struct Key {
    fold: String,
    places: Vec<usize>,
    /// The key as a record has it that has no other of the list.
    found: Option<String>,
}

impl Trial {
    pub fn of_list(kind: ConditionKind, sent: Vec<String>) -> Trial {
        let mut trial = Trial::of_value(kind, Json::Null);
        for (place, key) in sent.iter().enumerate() {
            let fold = key.to_lowercase();
            let number = *trial.by_fold.entry(fold.clone()).or_insert_with(|| {
                trial.keys.push(Key {
                    fold,
                    places: Vec::new(),
                    found: None,
                });
                trial.keys.len() - 1
            });
            if let Some(key) = trial.keys.get_mut(number) {
                key.places.push(place);
            }
        }
        trial.sent = sent;
        trial
    }

    pub fn of_value(kind: ConditionKind, value: Json) -> Trial {
        Trial {
            kind,
            value,
            sent: Vec::new(),
            keys: Vec::new(),
            by_fold: HashMap::new(),
            met: 0,
            foreign: 0,
        }
    }

    /// Looks at a record: its values at the filter's field. Of a record whose list was cut, not all are there.
    pub fn see(&mut self, values: &[&Json], is_cut: bool) {
        match self.kind {
            ConditionKind::Keys | ConditionKind::Overlap | ConditionKind::HasAll => {
                self.see_keys(values, is_cut);
            }
            ConditionKind::Scalar => {
                let met = values.iter().any(|value| same(value, &self.value));
                self.met += u64::from(met);
                // The API may take a missing value for false.
                let is_null = values.iter().all(|value| value.is_null());
                self.foreign += usize::from(!met && !is_null);
            }
            ConditionKind::Pattern => {
                let wanted = text_of(&self.value).to_lowercase();
                let met = values
                    .iter()
                    .any(|value| text_of(value).to_lowercase().contains(&wanted));
                self.met += u64::from(met);
                self.foreign += usize::from(!met);
            }
        }
    }

    fn see_keys(&mut self, values: &[&Json], is_cut: bool) {
        let texts: Vec<String> = values
            .iter()
            .filter(|value| !value.is_null())
            .map(|value| text_of(value))
            .collect();
        let folds: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
        let mut met: Vec<(usize, &String)> = folds
            .iter()
            .zip(&texts)
            .filter_map(|(fold, text)| Some((*self.by_fold.get(fold)?, text)))
            .collect();
        met.sort_unstable();
        met.dedup_by_key(|(key, _)| *key);
        self.met += u64::from(!met.is_empty());
        if let [(only, text)] = met[..]
            && let Some(key) = self.keys.get_mut(only)
        {
            key.found = Some(text.clone());
        }
        // An API that looks for a part or for the beginning of a value brings more than was asked for, and is none the
        // worse for that.
        let resembles = || {
            folds
                .iter()
                .any(|fold| self.keys.iter().any(|key| fold.contains(&key.fold)))
        };
        if met.is_empty() && !is_cut && !resembles() {
            self.foreign += 1;
        }
    }

    /// Whether the filter does not act: records came that have nothing of what was asked for, more than could have it in
    /// some other field, such as a second address.
    pub fn is_ignored(&self) -> bool {
        match self.kind {
            ConditionKind::Keys => self.foreign > self.keys.len(),
            _ => self.foreign > 0,
        }
    }

    /// Adds what the whole answer shows to what is known.
    pub fn teach(&self, standing: &mut Standing) {
        let found = || self.keys.iter().filter(|key| key.found.is_some());
        standing.finds |= match self.kind {
            ConditionKind::Scalar | ConditionKind::Pattern => self.met > 0,
            _ => found().next().is_some(),
        };
        standing.any_of |= self.keys.len() > 1 && found().next().is_some();
        // Which spelling of a key was found is not known, so the first counts.
        let read = found().filter_map(|key| key.places.first().map(|place| place + 1));
        standing.reads = standing.reads.max(read.max().unwrap_or(0));
        if let Some(found) = self.found() {
            standing.known = Some(found);
        }
    }

    /// The keys for which nothing came, and that are not known to have been looked for.
    pub fn unproved(&self, standing: &Standing) -> Vec<String> {
        self.keys
            .iter()
            .filter(|key| {
                key.found.is_none()
                    && !key
                        .places
                        .iter()
                        .all(|&place| standing.proves(place, self.sent.len()))
            })
            .flat_map(|key| key.places.iter())
            .filter_map(|&place| self.sent.get(place).cloned())
            .collect()
    }

    /// The last key that was found, as the record has it.
    pub fn found(&self) -> Option<String> {
        self.keys.iter().rev().find_map(|key| key.found.clone())
    }

    /// What was sent.
    pub fn sent(&self) -> &[String] {
        &self.sent
    }
}
