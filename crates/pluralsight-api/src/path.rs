//! Paths of GraphQL fields: names and dots, and nothing that could smuggle text into a query.

use std::fmt;
use std::str::FromStr;

/// Names in one path.
const DEEPEST: usize = 8;
/// Characters in one name.
const LONGEST: usize = 64;

/// A field below a record, such as `email` or `teams.edges.node.name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<String>);

/// Why a text is not a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    #[error("a name is missing")]
    Empty,
    #[error(
        "{0:?} is not a GraphQL name (letters, digits and underscores, not starting with a digit)"
    )]
    NotAName(String),
    #[error("a name is longer than {LONGEST} characters")]
    TooLong,
    #[error("it is more than {DEEPEST} names deep")]
    TooDeep,
}

impl FieldPath {
    /// Reads names joined by dots: at most 8, each a GraphQL name of at most 64 characters. Nothing else is accepted,
    /// not even a space.
    pub fn parse(text: &str) -> Result<FieldPath, PathError> {
        let mut names = Vec::new();
        for name in text.split('.') {
            if names.len() == DEEPEST {
                return Err(PathError::TooDeep);
            } else if name.is_empty() {
                return Err(PathError::Empty);
            } else if name.len() > LONGEST {
                return Err(PathError::TooLong);
            } else if !is_name(name) {
                return Err(PathError::NotAName(name.to_owned()));
            }
            names.push(name.to_owned());
        }
        Ok(FieldPath(names))
    }

    /// The path of one field that this program itself declares.
    pub(crate) fn of_name(name: &'static str) -> FieldPath {
        FieldPath(vec![name.to_owned()])
    }

    /// The names, outermost first; there is at least one.
    pub fn segments(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for FieldPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<FieldPath, PathError> {
        FieldPath::parse(text)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// One GraphQL name of at most 64 characters, such as `users`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Reads a name; nothing else is accepted, not even a space.
    pub fn parse(text: &str) -> Result<Name, PathError> {
        match FieldPath::parse(text)?.0.as_slice() {
            [name] => Ok(Name(name.clone())),
            _ => Err(PathError::NotAName(text.to_owned())),
        }
    }

    /// A name that this program itself declares.
    pub fn declared(name: &'static str) -> Name {
        debug_assert!(is_name(name));
        Name(name.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `Name` of the GraphQL specification.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_dots_are_a_path() {
        for text in [
            "email",
            "teams.edges.node.name",
            "_x1",
            "__typename",
            "a.b.c.d.e.f.g.h",
        ] {
            assert_eq!(FieldPath::parse(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn nothing_else_is_a_path() {
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a b",
            " a",
            "a ",
            "a\n",
            "a{b}",
            "a(b: 1)",
            "a, b",
            "a#b",
            "a\"",
            "$a",
            "@a",
            "...a",
            "a:b",
            "1a",
            "ä",
            "a\u{0}",
            "a-b",
            "a[0]",
            "a.b.c.d.e.f.g.h.i",
        ] {
            assert!(FieldPath::parse(text).is_err(), "{text:?}");
        }
        assert!(FieldPath::parse(&"x".repeat(64)).is_ok());
        assert_eq!(FieldPath::parse(&"x".repeat(65)), Err(PathError::TooLong));
    }
}
