//! Faults on demand: which requests are answered wrongly, late, or not at all.
//!
//! A [`Rule`] names an operation, says when it applies, and lists actions. Several rules may apply to one request; their
//! actions are then taken together, in the order of the rules.

mod grammar;
mod rule;
mod script;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::organization::Organization;

pub use grammar::GRAMMAR;
pub use rule::{GrammarError, Rule};
pub(crate) use script::{Cut, Script};

/// The rules in force. Cheap to clone: all clones are the same rules.
#[derive(Clone, Default)]
pub struct Faults {
    /// Each with the number of requests that it has seen.
    rules: Arc<Mutex<Vec<(Rule, u64)>>>,
}

impl Faults {
    /// Adds a rule; it counts requests from now on.
    pub(crate) fn add(&self, rule: Rule) {
        self.lock().push((rule, 0));
    }

    /// Adds a rule in the words of the command line.
    pub fn script(&self, text: &str) -> Result<(), GrammarError> {
        self.add(text.parse()?);
        Ok(())
    }

    /// Runs this before the requests that `target` names are answered, as in `users@2`.
    pub fn run(
        &self,
        target: &str,
        hook: impl Fn(&Organization) + Send + Sync + 'static,
    ) -> Result<(), GrammarError> {
        let action =
            Arc::new(move |_: &mut Script, organization: &Organization| hook(organization));
        self.add(Rule::new(target, target, vec![action])?);
        Ok(())
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The rules that apply to a request with these root fields. Counts it.
    pub(crate) fn take(&self, fields: &[String]) -> Vec<Rule> {
        let mut applied = Vec::new();
        for (rule, seen) in self.lock().iter_mut() {
            if rule.concerns(fields) {
                *seen += 1;
                if rule.applies(*seen) {
                    applied.push(rule.clone());
                }
            }
        }
        applied
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Rule, u64)>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
