//! The table option `filters`: which conditions the API evaluates itself.
//!
//! A comma-separated list. A name that the table declares stands alone (`emails`); any other filter says what it
//! compares: `name=field` for one value, `name[]=field` for a list of values, `name~=field` for a pattern that an
//! equal value always matches.

use crate::Table;

/// What the API takes for a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilterKind {
    /// A list; a record matches if it has any of the values.
    List,
    /// One value, compared for equality.
    Scalar,
    /// One text; a record matches if it contains the text.
    Pattern,
}

/// One entry of the table option `filters`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilterOption {
    pub name: String,
    pub field: String,
    pub kind: FilterKind,
    /// See [`crate::Filter::exact`]. A filter that only the user knows is never exact.
    pub exact: bool,
}

/// Why the option cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterOptionError {
    /// The name is not declared and nothing says what it compares.
    Unknown(String),
    /// The name or the field is not made of GraphQL names.
    NotAName(String),
}

/// Reads the option of a table; `table` is `None` for a root field that is not declared.
pub fn parse_filters(
    table: Option<&Table>,
    option: &str,
) -> Result<Vec<FilterOption>, FilterOptionError> {
    option
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| parse_filter(table, entry))
        .collect()
}

fn parse_filter(table: Option<&Table>, entry: &str) -> Result<FilterOption, FilterOptionError> {
    let Some((left, field)) = entry.split_once('=') else {
        return match table.and_then(|table| table.filter(entry)) {
            Some(filter) => Ok(FilterOption {
                name: filter.name.to_owned(),
                field: filter.field.to_owned(),
                kind: filter.kind,
                exact: filter.exact,
            }),
            None => Err(FilterOptionError::Unknown(entry.to_owned())),
        };
    };
    let (name, kind) = if let Some(name) = left.strip_suffix("[]") {
        (name, FilterKind::List)
    } else if let Some(name) = left.strip_suffix('~') {
        (name, FilterKind::Pattern)
    } else {
        (left, FilterKind::Scalar)
    };
    let (name, field) = (name.trim(), field.trim());
    for text in std::iter::once(name).chain(field.split('.')) {
        if !is_graphql_name(text) {
            return Err(FilterOptionError::NotAName(text.to_owned()));
        }
    }
    Ok(FilterOption {
        name: name.to_owned(),
        field: field.to_owned(),
        kind,
        exact: false,
    })
}

fn is_graphql_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
        && characters.all(|other| other == '_' || other.is_ascii_alphanumeric())
}

/// The entry that [`parse_filters`] reads back as `filter`.
impl std::fmt::Display for FilterOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match self.kind {
            FilterKind::List => "[]",
            FilterKind::Scalar => "",
            FilterKind::Pattern => "~",
        };
        write!(f, "{}{mark}={}", self.name, self.field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::ALL;

    #[test]
    fn a_declared_name_stands_alone() {
        let users = Table::named("users");
        let read = parse_filters(users, "emails, isOnAccount").expect("both are declared");
        assert_eq!(read[0].field, "email");
        assert_eq!(read[0].kind, FilterKind::List);
        assert_eq!(read[1].kind, FilterKind::Scalar);
    }

    #[test]
    fn an_unknown_name_must_say_what_it_compares() {
        let users = Table::named("users");
        assert_eq!(
            parse_filters(users, "notes"),
            Err(FilterOptionError::Unknown("notes".to_owned()))
        );
        let read = parse_filters(users, "notes[]=note,nick=profile.nick,like~=note")
            .expect("all three say it");
        assert_eq!(
            read[0],
            FilterOption {
                name: "notes".into(),
                field: "note".into(),
                kind: FilterKind::List,
                exact: false
            }
        );
        assert_eq!(read[1].kind, FilterKind::Scalar);
        assert_eq!(read[2].kind, FilterKind::Pattern);
        assert_eq!(read[2].to_string(), "like~=note");
    }

    #[test]
    fn what_is_not_a_graphql_name_is_refused() {
        for option in [
            "a b=c", "a=b c", "a={x}", "a=b..c", "1a=b", "a[]=$x", "=b", "a=",
        ] {
            assert!(
                matches!(
                    parse_filters(None, option),
                    Err(FilterOptionError::NotAName(_))
                ),
                "{option}"
            );
        }
    }

    #[test]
    fn every_declared_filter_compares_a_declared_field() {
        for table in ALL {
            for filter in table.filters {
                assert!(
                    table
                        .columns
                        .iter()
                        .any(|column| column.fields.contains(&filter.field)),
                    "{}.{}",
                    table.name,
                    filter.name
                );
            }
        }
    }
}
