//! The table option `filters`: which conditions the API evaluates itself.
//!
//! A comma-separated list. A name that the table declares stands alone (`emails`); any other filter says what it
//! compares: `name=field` for one value, `name[]=field` for a list of values, `name~=field` for a pattern that an
//! equal value always matches. `name[Int]=field` and `name:Int=field` take whole numbers where the others take texts.

use crate::declaration::FilterKind;
use crate::declaration::Table;

/// One entry of the table option `filters`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilterOption {
    pub name: String,
    pub field: String,
    pub kind: FilterKind,
    /// See [`crate::Filter::exact`]. A filter that only the user knows is never exact.
    pub exact: bool,
    /// Its values are numbers.
    pub numbers: bool,
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
                numbers: false,
            }),
            None => Err(FilterOptionError::Unknown(entry.to_owned())),
        };
    };
    let (name, kind, numbers) = if let Some(name) = left.strip_suffix("[]") {
        (name, FilterKind::List, false)
    } else if let Some(name) = left.strip_suffix("[Int]") {
        (name, FilterKind::List, true)
    } else if let Some(name) = left.strip_suffix(":Int") {
        (name, FilterKind::Scalar, true)
    } else if let Some(name) = left.strip_suffix('~') {
        (name, FilterKind::Pattern, false)
    } else {
        (left, FilterKind::Scalar, false)
    };
    let (name, field) = (name.trim(), field.trim());
    for text in std::iter::once(name).chain(field.split('.')) {
        if !is_graphql_name(text) {
            return Err(FilterOptionError::NotAName(text.to_owned()));
        }
    }
    // What is known of a declared filter holds as long as it compares what was declared.
    let declared = table
        .and_then(|table| table.filter(name))
        .filter(|filter| filter.field == field && filter.kind == kind);
    Ok(FilterOption {
        name: name.to_owned(),
        field: field.to_owned(),
        kind,
        exact: declared.is_some_and(|filter| filter.exact),
        numbers,
    })
}

fn is_graphql_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
        && characters.all(|other| other == '_' || other.is_ascii_alphanumeric())
}

impl FilterOption {
    /// The shortest entry that [`parse_filters`] reads back as this filter of that table.
    pub fn written(&self, table: &Table) -> String {
        match parse_filter(Some(table), &self.name) {
            Ok(known) if known == *self => self.name.clone(),
            _ => self.to_string(),
        }
    }
}

/// The entry that [`parse_filters`] reads back as `filter`.
impl std::fmt::Display for FilterOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match (self.kind, self.numbers) {
            (FilterKind::List, false) => "[]",
            (FilterKind::List, true) => "[Int]",
            (FilterKind::Scalar, false) => "",
            (FilterKind::Scalar, true) => ":Int",
            (FilterKind::Pattern, _) => "~",
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
                exact: false,
                numbers: false
            }
        );
        assert_eq!(read[1].kind, FilterKind::Scalar);
        assert_eq!(read[2].kind, FilterKind::Pattern);
        assert_eq!(read[2].to_string(), "like~=note");
    }

    #[test]
    fn a_filter_may_take_numbers() {
        let users = Table::named("users");
        let read = parse_filters(users, "psUserIds[Int]=psUserId, rank:Int=rank, ids[]=id")
            .expect("all say it");
        assert_eq!(
            read.iter().map(|filter| filter.numbers).collect::<Vec<_>>(),
            [true, true, false]
        );
        // The first compares what is declared of it.
        assert_eq!(
            read.iter().map(|filter| filter.exact).collect::<Vec<_>>(),
            [true, false, false]
        );
        let written: Vec<String> = read.iter().map(ToString::to_string).collect();
        assert_eq!(parse_filters(users, &written.join(",")).as_ref(), Ok(&read));
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
