//! What a fault is: which requests it is about, when it applies, and what is done.

use std::{fmt, str::FromStr};

use crate::organization::scattered;

use super::{grammar, script::Action};

/// What happens to which requests, in the words of the command line: `users@2=429,retry-after=1`.
#[derive(Clone)]
pub struct Rule {
    text: String,
    /// A root field such as `users`; `None` for any request, one that cannot be parsed included.
    operation: Option<String>,
    when: When,
    pub(crate) actions: Vec<Action>,
}

/// When a rule applies. Requests are counted from 1, only those that the rule is about.
#[derive(Debug, Clone, Copy)]
enum When {
    /// From one to another, both included.
    Between(u64, u64),
    /// To the n-th, the 2n-th, and so on.
    Every(u64),
    /// To one in n, by chance, but the same ones in each run.
    OneIn(u64),
}

/// A rule that cannot be read: which part of it, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: expected {1}")]
pub struct GrammarError(String, &'static str);

impl Rule {
    /// What is done to the requests that `target` names, as in `users@2`. `text` is the whole rule.
    pub(super) fn new(
        text: &str,
        target: &str,
        actions: Vec<Action>,
    ) -> Result<Self, GrammarError> {
        let (operation, when) = match target.split_once('@') {
            Some((operation, when)) => {
                let wrong = || GrammarError(when.to_owned(), "a number, 2-4, 3-, %5 or ~20");
                (operation, When::read(when).ok_or_else(wrong)?)
            }
            None => (target, When::Between(1, u64::MAX)),
        };
        let operation = Some(operation.trim()).filter(|name| !matches!(*name, "" | "*"));
        Ok(Self {
            text: text.to_owned(),
            operation: operation.map(str::to_owned),
            when,
            actions,
        })
    }

    pub(super) fn concerns(&self, fields: &[String]) -> bool {
        let operation = self.operation.as_ref();
        operation.is_none_or(|wanted| fields.contains(wanted))
    }

    /// Whether it applies to the request of this number, among those that it concerns.
    pub(super) fn applies(&self, number: u64) -> bool {
        match self.when {
            When::Between(from, to) => (from..=to).contains(&number),
            When::Every(n) => n > 0 && number.is_multiple_of(n),
            When::OneIn(n) => n > 0 && scattered(number).is_multiple_of(n),
        }
    }
}

impl When {
    fn read(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse::<u64>().ok();
        if let Some(rest) = text.strip_prefix('%') {
            return number(rest).map(Self::Every);
        }
        if let Some(rest) = text.strip_prefix('~') {
            return number(rest).map(Self::OneIn);
        }
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let to = if to.is_empty() { u64::MAX } else { number(to)? };
        Some(Self::Between(number(from)?, to))
    }
}

impl FromStr for Rule {
    type Err = GrammarError;

    fn from_str(text: &str) -> Result<Self, GrammarError> {
        let (target, actions) = text
            .split_once('=')
            .ok_or_else(|| GrammarError(text.to_owned(), "OPERATION@WHEN=ACTION"))?;
        let actions = parts(actions).into_iter().map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let action = grammar::action(name.trim(), unquoted(value));
            action.ok_or_else(|| GrammarError(part.to_owned(), "an action and its value"))
        });
        Self::new(text, target, actions.collect::<Result<_, _>>()?)
    }
}

/// In the words of the command line.
impl fmt::Display for Rule {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.text)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.text)
    }
}

/// Splits at commas that stand outside of quotes, brackets and braces.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quote, mut is_escaped) = (0, 0_i32, None, false);
    for (place, letter) in text.char_indices() {
        match (letter, quote) {
            _ if is_escaped => is_escaped = false,
            ('\\', Some('"')) => is_escaped = true,
            (_, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => quote = Some(letter),
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth -= 1,
            (',', None) if depth <= 0 => {
                parts.extend(text.get(start..place));
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('\'');
    inner
        .and_then(|inner| inner.strip_suffix('\''))
        .unwrap_or(text)
}
