//! Faults on demand: which requests are answered wrongly, late, or not at all.
//!
//! A [`Rule`] names an operation, says when it applies, and lists actions. Several rules may apply to one request; their
//! actions are then taken together, in the order of the rules.

mod grammar;
pub(crate) mod rule;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use grammar::{GRAMMAR, GrammarError};
pub use rule::{Action, Cut, End, Hook, Rule, When};

/// The rules in force. Cheap to clone: all clones are the same rules.
#[derive(Clone, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Active>>>,
}

struct Active {
    id: u64,
    rule: Rule,
    seen: u64,
    applied: u64,
}

impl Faults {
    /// Adds a rule; it counts requests from now on. The number that is answered names it.
    pub fn add(&self, rule: Rule) -> u64 {
        let mut rules = self.lock();
        let id = rules.last().map_or(1, |last| last.id + 1);
        rules.push(Active {
            id,
            rule,
            seen: 0,
            applied: 0,
        });
        id
    }

    /// Adds a rule in the words of the command line.
    pub fn script(&self, text: &str) -> Result<u64, GrammarError> {
        Ok(self.add(text.parse()?))
    }

    /// Takes a rule away.
    pub fn remove(&self, id: u64) {
        self.lock().retain(|active| active.id != id);
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How often a rule was applied; 0 for one that was taken away.
    pub fn applied(&self, id: u64) -> u64 {
        self.lock()
            .iter()
            .find(|active| active.id == id)
            .map_or(0, |active| active.applied)
    }

    /// What is to be done to a request that has come in. Counts it.
    pub(crate) fn take(&self, fields: &[String], operation_name: Option<&str>) -> Vec<Action> {
        let mut actions = Vec::new();
        for active in self.lock().iter_mut() {
            let concerns = active.rule.operation.as_deref().is_none_or(|wanted| {
                fields.iter().any(|field| field == wanted) || operation_name == Some(wanted)
            });
            if !concerns {
                continue;
            }
            active.seen += 1;
            if active.rule.when.applies(active.seen) {
                active.applied += 1;
                actions.extend(active.rule.actions.iter().cloned());
            }
        }
        actions
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Active>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
