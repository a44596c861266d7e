//! What is asked, after a filtered answer, to prove that it holds every record wanted.
//!
//! Keys for which no record came are asked for again with a key at the end of the list that is known to exist. If that one
//! comes, the list was read to its end and its values are alternatives, so the others do not exist. If only keys before it
//! come, the list is too long for the API, and shorter ones are sent. If it does not come even when it is asked for alone,
//! the filter is not used again in this session and the whole table is read. What a filter has shown is kept for the
//! session, so all of that happens once.
//!
//! `docs/performance.md` says what this proves and what it cannot.

use pluralsight_api::FieldPath;
use serde_json::Value as Json;

use super::census::Census;
use super::filter::{Filtered, is_its_own_pattern, whole_table};
use super::json::{same, text_of};
use super::trial::Trial;
use super::trust::{distrust, learn, standing};
use crate::error::{FdwError, Result};
use crate::options::TableOptions;
use crate::spec::ConditionKind;

/// Lists that are tried for one reading before the whole table is read instead.
const ATTEMPTS: u32 = 8;

/// One request of a reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Every record.
    Everything,
    /// What the filter brings: for these keys; none stands for the value of a filter that takes no list.
    Filter(Vec<String>),
    /// Some records, whatever they are: what they hold is known to exist.
    Controls,
}

/// What follows from an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// The queue goes on.
    Nothing,
    /// These come first.
    Asks(Vec<Ask>),
    /// The whole table, and nothing else.
    Everything,
    /// Everything has been read.
    End,
}

/// How far the proof of one reading has come.
pub struct Proof {
    /// Path of what the filter compares.
    pub field: FieldPath,
    stage: Stage,
    attempts: u32,
    /// A key that exists; of a filter that takes no list, a value as JSON.
    control: Option<String>,
    /// Keys that are not proved to be absent.
    missing: Vec<String>,
    /// What a filter of one value was asked for, how many records it brought with that value, and how many a reading of
    /// everything found.
    value: Json,
    filtered: u64,
    counted: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// What the query itself asks for, perhaps in shorter lists.
    Asked,
    /// A list with a control at its end.
    Controlled,
    /// The control alone.
    Alone,
}

impl Proof {
    pub fn of(filtered: &Filtered) -> Result<Proof> {
        Ok(Proof {
            field: FieldPath::parse(&filtered.filter.field)
                .map_err(|error| FdwError::internal(error.to_string()))?,
            stage: Stage::Asked,
            attempts: 0,
            control: None,
            missing: Vec::new(),
            value: if filtered.is_list() {
                Json::Null
            } else {
                filtered.value()?
            },
            filtered: 0,
            counted: 0,
        })
    }

    /// The requests that the query itself needs.
    pub fn first_requests(filtered: &Filtered, options: &TableOptions) -> Vec<Ask> {
        if !filtered.is_list() {
            return vec![Ask::Filter(Vec::new())];
        }
        let known = standing(options, &filtered.filter);
        filtered
            .lists(known.longest)
            .into_iter()
            .map(|list| Ask::Filter(known.with_control(list)))
            .collect()
    }

    /// Looks at a record that was asked for in order to find a control.
    pub fn see_control(&mut self, filtered: &Filtered, values: &[&Json]) {
        let fits = |value: &&&Json| {
            !value.is_null()
                && (filtered.kind != ConditionKind::Pattern
                    || value.as_str().is_some_and(is_its_own_pattern))
        };
        if self.control.is_none() {
            self.control = values.iter().find(fits).map(|value| {
                if filtered.is_list() {
                    text_of(value)
                } else {
                    value.to_string()
                }
            });
        }
    }

    /// Looks at a record of a reading of everything.
    pub fn tally(&mut self, values: &[&Json]) {
        self.counted += u64::from(values.iter().any(|value| same(value, &self.value)));
    }

    /// What to ask next, once `ask` was answered. `is_whole`: nothing was left out. `census` asks the API for its counts.
    pub fn next(
        &mut self,
        filtered: &Filtered,
        (ask, is_whole): (&Ask, bool),
        trial: Option<&Trial>,
        options: &TableOptions,
        census: impl FnOnce() -> Result<Option<Census>>,
    ) -> Result<Next> {
        let filter = &filtered.filter;
        let Some(trial) = trial else {
            return Ok(match ask {
                Ask::Controls if is_whole => Next::End,
                Ask::Controls => self.with_control(filtered),
                _ => {
                    if self.value.is_boolean() {
                        self.judge_by_reading(filtered, options);
                    }
                    Next::End
                }
            });
        };
        if trial.is_ignored() {
            distrust(
                options,
                filter,
                "it brought records that were not asked for",
            );
            return Ok(Next::Everything);
        }
        learn(options, filter, |standing| trial.teach(standing));
        if filtered.is_list() {
            return Ok(self.next_list(filtered, trial, options));
        }
        let known = standing(options, filter);
        if self.value.is_boolean() {
            self.filtered = trial.met;
            if !known.brings_all && !census()?.is_some_and(|counts| counts.proves(trial.met)) {
                return Ok(Next::Everything);
            }
            learn(options, filter, |standing| standing.brings_all = true);
            return Ok(Next::Nothing);
        }
        Ok(match self.stage {
            _ if known.finds => Next::Nothing,
            Stage::Asked => Next::Asks(vec![Ask::Controls]),
            _ => self.fail(filtered, options),
        })
    }

    /// Records that exist have come.
    fn with_control(&mut self, filtered: &Filtered) -> Next {
        let Some(control) = self.control.clone() else {
            return Next::Everything;
        };
        if !filtered.is_list() {
            self.stage = Stage::Alone;
            return Next::Asks(vec![Ask::Filter(vec![control])]);
        }
        self.controlled(control)
    }

    /// Asks for the missing keys with a control behind them.
    fn controlled(&mut self, control: String) -> Next {
        let mut list = self.missing.clone();
        list.retain(|key| *key != control);
        list.push(control.clone());
        self.control = Some(control);
        self.stage = Stage::Controlled;
        Next::Asks(vec![Ask::Filter(list)])
    }

    fn next_list(&mut self, filtered: &Filtered, trial: &Trial, options: &TableOptions) -> Next {
        let known = standing(options, &filtered.filter);
        let was = std::mem::replace(&mut self.stage, Stage::Asked);
        let found = trial.found();
        if was != Stage::Alone {
            self.missing = trial.unproved(&known);
            self.missing
                .retain(|key| Some(key) != self.control.as_ref() || was == Stage::Asked);
        }
        if self.missing.is_empty() {
            return Next::Nothing;
        }
        self.attempts += 1;
        if self.attempts > ATTEMPTS {
            return Next::Everything;
        }
        match (was, found) {
            (Stage::Asked, Some(found)) => self.controlled(found),
            (Stage::Asked, None) => {
                self.control = None;
                Next::Asks(vec![Ask::Controls])
            }
            (Stage::Controlled, None) => {
                self.stage = Stage::Alone;
                Next::Asks(vec![Ask::Filter(
                    self.control.clone().into_iter().collect(),
                )])
            }
            (Stage::Alone, None) => self.fail(filtered, options),
            // One key at a time is answered.
            (Stage::Alone, Some(_)) => self.shorten(filtered, options, 1),
            // As many are looked at as lead to the last one that was found.
            (Stage::Controlled, Some(_)) => {
                let most = trial.sent().len().saturating_sub(1).max(1);
                self.shorten(filtered, options, known.reads.clamp(1, most))
            }
        }
    }

    /// Asks for the missing keys in lists that the API reads to their end.
    fn shorten(&mut self, filtered: &Filtered, options: &TableOptions, longest: usize) -> Next {
        learn(options, &filtered.filter, |standing| {
            standing.longest = Some(longest);
        });
        if self.missing.len().div_ceil(longest) as f64 >= whole_table(options) {
            return Next::Everything;
        }
        let lists = self.missing.chunks(longest);
        Next::Asks(lists.map(|keys| Ask::Filter(keys.to_vec())).collect())
    }

    fn fail(&mut self, filtered: &Filtered, options: &TableOptions) -> Next {
        distrust(
            options,
            &filtered.filter,
            "it did not bring a record that exists",
        );
        Next::Everything
    }

    /// The whole table was read after a filter of one Boolean: did the filter bring what it should have?
    fn judge_by_reading(&mut self, filtered: &Filtered, options: &TableOptions) {
        if self.counted == self.filtered {
            learn(options, &filtered.filter, |standing| {
                standing.brings_all = true;
            });
        } else {
            distrust(
                options,
                &filtered.filter,
                "it did not bring every record that it should have",
            );
        }
    }
}
