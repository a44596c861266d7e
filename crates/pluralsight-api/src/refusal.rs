//! What a GraphQL server refuses in a document, read from its message whatever server it is.
//!
//! The words are those of graphql-js (which gqlgen and Absinthe follow), graphql-java, graphql-ruby, graphql-dotnet, Hot
//! Chocolate, Apollo Router, async-graphql and Hasura. They differ in wording and quotes, and agree in what they name.

#[cfg(test)]
mod tests;
mod wordings;

use std::fmt;

use self::wordings::{Says, WORDINGS};
use crate::argument::InputType;
use crate::path::{FieldPath, is_name};

/// What a server refused, and what it said of it. Every name in it is a GraphQL name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A type has no such field. An input type's field is that of a filter.
    Field {
        field: String,
        on_type: Option<String>,
        suggestions: Vec<String>,
    },
    /// A field takes no such argument.
    Argument {
        argument: String,
        field: Option<String>,
        suggestions: Vec<String>,
    },
    /// The schema has no such type.
    Type {
        name: String,
        suggestions: Vec<String>,
    },
    /// A variable's type is not that of the argument that it is given to.
    Variable {
        variable: Option<String>,
        argument: Option<String>,
        /// The type that was declared.
        given: Option<String>,
        /// The argument's type.
        expected: Option<String>,
    },
    /// An argument that must be given was not.
    Missing {
        argument: String,
        field: Option<String>,
        of_type: Option<String>,
    },
    /// A field that has fields of its own, none of which was asked for.
    Composite { field: String },
    /// A field that has no fields of its own, but was asked for some.
    Leaf { field: String },
    /// A value of a filter that is not of the filter's type.
    Value { field: String, expected: String },
}

/// In a few words.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Field {
                field,
                on_type: Some(on_type),
                ..
            } => write!(f, "the API has no field {field} on type {on_type}"),
            Refusal::Field { field, .. } => write!(f, "the API has no field {field}"),
            Refusal::Argument { argument, .. } => {
                write!(f, "the API takes no argument {argument} here")
            }
            Refusal::Type { name, .. } => write!(f, "the API has no type {name}"),
            Refusal::Variable {
                variable,
                argument,
                expected,
                ..
            } => {
                let name = argument.as_ref().or(variable.as_ref());
                let name = name.map_or_else(String::new, |name| format!(" {name}"));
                match expected {
                    Some(expected) => write!(f, "the API wants argument{name} to be {expected}"),
                    None => write!(f, "the API wants another type for argument{name}"),
                }
            }
            Refusal::Missing {
                argument, of_type, ..
            } => {
                let of_type = of_type
                    .as_ref()
                    .map_or_else(String::new, |of_type| format!(" ({of_type})"));
                write!(f, "the API wants a value for argument {argument}{of_type}")
            }
            Refusal::Composite { field } => {
                write!(f, "the API's field {field} has fields of its own")
            }
            Refusal::Leaf { field } => {
                write!(f, "the API's field {field} has no fields of its own")
            }
            Refusal::Value { field, expected } => {
                write!(f, "the API wants filter {field} to be {expected}")
            }
        }
    }
}

/// Words that say that a number was too large, and words that say of what.
const TOO_LARGE: [&str; 10] = [
    "exceed",
    "at most",
    "maximum",
    "max",
    "greater than",
    "between",
    "too large",
    "too many",
    "less than",
    "up to",
];
const OF_A_PAGE: [&str; 7] = [
    "first",
    "page size",
    "pagesize",
    "page_size",
    "per page",
    "limit",
    "records",
];

/// What a message refuses; `None` where it does not speak of the document. `expected` is the type that a server named
/// beside its message.
pub(crate) fn read(message: &str, expected: Option<&str>) -> Option<Refusal> {
    let lower = message.to_ascii_lowercase();
    WORDINGS.iter().find_map(|(wording, says)| {
        let found = Found::first(message, &lower, wording)?;
        found.refusal(*says, message, expected)
    })
}

/// Whether a message refuses the number of records that was asked for, and which smaller number it names instead, if
/// it names one.
pub(crate) fn read_page_size(message: &str, asked: u32) -> Option<Option<u32>> {
    let lower = message.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if asked < 2 || !has(&TOO_LARGE) || !has(&OF_A_PAGE) || lower.contains("rate limit") {
        return None;
    }
    let most = numbers(&lower)
        .filter(|number| (1..asked).contains(number))
        .max();
    let names_it = numbers(&lower).any(|number| number == asked);
    (most.is_some() || names_it).then_some(most)
}

/// The whole numbers in a text.
fn numbers(text: &str) -> impl Iterator<Item = u32> {
    text.split(|letter: char| !letter.is_ascii_digit() && letter != ',' && letter != '_')
        .filter_map(|digits| {
            let plain: String = digits.chars().filter(char::is_ascii_digit).collect();
            plain.parse().ok()
        })
}

/// The names that a wording found, by the letter of their place.
struct Found<'a>(Vec<(char, &'a str)>);

impl<'a> Found<'a> {
    /// The first place in `message` that reads as `wording`. `lower` is the message in lower case, of the same length.
    fn first(message: &'a str, lower: &str, wording: &str) -> Option<Found<'a>> {
        let opening = wording.split('{').next().unwrap_or("");
        if opening.is_empty() {
            // A name comes first: look for it at the start of every quoted word.
            return message
                .char_indices()
                .filter(|(start, letter)| is_quote(*letter) || *start == 0)
                .find_map(|(start, _)| Found::at(message, lower, start, wording));
        }
        lower
            .match_indices(opening)
            .find_map(|(start, _)| Found::at(message, lower, start, wording))
    }

    fn at(message: &'a str, lower: &str, start: usize, wording: &str) -> Option<Found<'a>> {
        let mut found = Vec::new();
        let mut position = start;
        for part in wording.split_inclusive('}') {
            let (literal, place) = match part.split_once('{') {
                Some((literal, place)) => (literal, place.chars().next()),
                None => (part, None),
            };
            position += lower
                .get(position..)?
                .strip_prefix(literal)
                .map(|_| literal.len())?;
            if let Some(place) = place {
                let (name, end) = quoted(message, position, place)?;
                found.push((place, name));
                position = end;
            }
        }
        Some(Found(found))
    }

    fn get(&self, place: char) -> Option<&'a str> {
        let mut found = self.0.iter();
        found
            .find(|(known, _)| *known == place)
            .map(|(_, name)| *name)
    }

    fn name(&self, place: char) -> Option<String> {
        self.get(place)
            .map(|name| name.trim_matches(['[', ']', '!', '$']))
            .filter(|name| is_name(name))
            .map(str::to_owned)
    }

    fn of_type(&self, place: char) -> Option<String> {
        let text = self.get(place)?;
        InputType::parse(text).ok().map(|_| text.to_owned())
    }

    fn refusal(&self, says: Says, message: &str, beside: Option<&str>) -> Option<Refusal> {
        let coordinate = self.get('c').map(coordinate);
        let field = self
            .name('f')
            .or_else(|| coordinate.as_ref().map(|(field, _)| field.clone()));
        let argument = self.name('a').or_else(|| {
            coordinate
                .as_ref()
                .and_then(|(_, argument)| argument.clone())
        });
        Some(match says {
            Says::Field => Refusal::Field {
                field: field?,
                on_type: self.name('t'),
                suggestions: suggestions(message),
            },
            Says::Argument => Refusal::Argument {
                argument: argument?,
                field,
                suggestions: suggestions(message),
            },
            Says::Type => Refusal::Type {
                name: self.name('t')?,
                suggestions: suggestions(message),
            },
            Says::Variable => Refusal::Variable {
                variable: self.name('v'),
                argument,
                given: self.of_type('g'),
                expected: self.of_type('e').or_else(|| {
                    beside
                        .filter(|text| InputType::parse(text).is_ok())
                        .map(str::to_owned)
                }),
            },
            Says::Missing => Refusal::Missing {
                argument: argument?,
                field,
                of_type: self.of_type('e'),
            },
            Says::Composite => Refusal::Composite { field: field? },
            Says::Leaf => Refusal::Leaf { field: field? },
            Says::Value => Refusal::Value {
                field: input_field(self.get('p')?)?,
                expected: self.name('e')?,
            },
        })
    }
}

/// A name or type at `start`, with or without quotes around it, and where it ends.
fn quoted(message: &str, start: usize, place: char) -> Option<(&str, usize)> {
    let rest = message.get(start..)?;
    let quote = rest.chars().next().filter(|letter| is_quote(*letter));
    let open = quote.map_or(0, char::len_utf8);
    let inner = rest.get(open..)?;
    let is_part = |letter: char| {
        letter.is_ascii_alphanumeric()
            || matches!(letter, '_' | '$')
            || match place {
                'c' => matches!(letter, '.' | '(' | ')' | ':'),
                'p' => matches!(letter, '.' | '[' | ']'),
                _ => matches!(letter, '[' | ']' | '!'),
            }
    };
    let length = inner
        .find(|letter: char| !is_part(letter))
        .unwrap_or(inner.len());
    let mut name = inner.get(..length)?;
    if quote.is_none() {
        name = name.trim_end_matches([':', '.']);
    }
    let mut end = start + open + name.len();
    if let Some(quote) = quote {
        message.get(end..)?.strip_prefix(quote)?;
        end += quote.len_utf8();
    }
    if place == 'c' && quote.is_some() {
        // `on field "users" of type "Query"`: the type is of no use here.
        return (!name.is_empty()).then_some((name, end));
    }
    (!name.is_empty()).then_some((name, end))
}

fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '\'' | '`')
}

/// Field and argument of `Query.users(first:)`, `Query.users` or `users`.
fn coordinate(text: &str) -> (String, Option<String>) {
    let (field, argument) = match text.split_once('(') {
        Some((field, argument)) => (field, Some(argument.trim_end_matches([')', ':']))),
        None => (text, None),
    };
    let field = field.rsplit('.').next().unwrap_or(field);
    (
        field.to_owned(),
        argument.filter(|name| is_name(name)).map(str::to_owned),
    )
}

/// The filter's own field in a path of a value: `psUserIds` of `filter.psUserIds[0]`.
fn input_field(path: &str) -> Option<String> {
    let path = path.replace('[', ".").replace(']', "");
    let mut names = path
        .split('.')
        .filter(|name| is_name(name.trim_start_matches('$')));
    let first = names.next()?;
    Some(
        names
            .next()
            .unwrap_or(first)
            .trim_start_matches('$')
            .to_owned(),
    )
}

/// The names after "Did you mean".
fn suggestions(message: &str) -> Vec<String> {
    let Some((_, rest)) = message.split_once("Did you mean") else {
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    for word in rest.split(|letter: char| {
        is_quote(letter) || letter.is_whitespace() || matches!(letter, ',' | '?')
    }) {
        let is_new = FieldPath::parse(word).is_ok_and(|path| path.segments().len() == 1)
            && !matches!(
                word,
                "or" | "to" | "use" | "an" | "a" | "inline" | "fragment" | "on"
            )
            && !names.iter().any(|known| known == word);
        if is_new && names.len() < 8 {
            names.push(word.to_owned());
        }
    }
    names
}
