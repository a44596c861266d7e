//! What a table asks of the API, and a change of it.

use std::collections::BTreeSet;

use pluralsight_api::Operation;

use crate::filter::FilterOption;

/// What a table asks of the API.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub operation: Operation,
    pub key: Option<String>,
    pub filters: Vec<FilterOption>,
    pub truncated: Vec<String>,
    /// Those that are read.
    pub columns: Vec<ColumnMapping>,
}

/// What a column asks of the API.
#[derive(Clone, Debug)]
pub struct ColumnMapping {
    pub name: String,
    pub field: String,
    pub only_where: Option<String>,
    pub only_where_not: Option<String>,
}

/// One option that is to change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mend {
    /// The column whose option it is; the table's own if there is none.
    pub column: Option<String>,
    pub option: &'static str,
    /// `None` takes the option away.
    pub value: Option<String>,
}

/// What is known to be refused: paths of fields, and names of arguments, that are not worth another try.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    pub(crate) places: BTreeSet<String>,
    /// What may be right is tried, too, since another refusal will be heard if it is not.
    pub(crate) guessing: bool,
}

impl Mend {
    pub(crate) fn table(option: &'static str, value: impl Into<String>) -> Mend {
        Mend {
            column: None,
            option,
            value: Some(value.into()),
        }
    }

    pub(crate) fn column(column: &ColumnMapping, option: &'static str, value: &str) -> Mend {
        Mend {
            column: Some(column.name.clone()),
            option,
            value: Some(value.to_owned()),
        }
    }
}

impl Refused {
    /// Nothing yet; whoever asks again at once may guess.
    pub fn guessing() -> Refused {
        Refused {
            guessing: true,
            ..Refused::default()
        }
    }

    /// Whether an argument of that name was not refused.
    pub(crate) fn allows_argument(&self, name: &str) -> bool {
        !self.places.contains(&format!("argument:{name}"))
    }

    /// Whether a path holds nothing of what was refused.
    pub(crate) fn allows(&self, path: &str) -> bool {
        !self.places.iter().any(|place| is_within(path, place))
    }
}

/// Whether `path` is `place` or leads on from there; a `place` that ends in a dot stands for what is below it alone.
pub(super) fn is_within(path: &str, place: &str) -> bool {
    match path.strip_prefix(place) {
        Some(rest) => rest.is_empty() || rest.starts_with('.') || place.ends_with('.'),
        None => false,
    }
}
