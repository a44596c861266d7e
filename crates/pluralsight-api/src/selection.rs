//! Which fields of a record a query asks for.

use std::collections::BTreeMap;
use std::fmt;

use crate::path::FieldPath;

/// A selection set, merged from paths. Equal sets of paths print the same text, in whatever order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    fields: BTreeMap<String, Selection>,
    /// What the field that has this selection is given, as it stands in a document.
    given: Vec<String>,
}

impl Selection {
    /// The selection of all these paths together.
    pub fn from_paths<'a>(paths: impl IntoIterator<Item = &'a FieldPath>) -> Selection {
        let mut selection = Selection::default();
        for path in paths {
            selection.add(path);
        }
        selection
    }

    /// Adds one path. Where one path ends inside another, the longer one is asked for.
    pub fn add(&mut self, path: &FieldPath) {
        let mut selection = self;
        for name in path.segments() {
            selection = selection.fields.entry(name.clone()).or_default();
        }
    }

    /// Gives an argument to a field, if that is asked for.
    pub(crate) fn give(&mut self, field: &[String], given: String) -> bool {
        let mut selection = self;
        for name in field {
            match selection.fields.get_mut(name) {
                Some(inner) => selection = inner,
                None => return false,
            }
        }
        selection.given.push(given);
        true
    }

    /// True if no field is asked for, which no query may do.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Writes a line a field, indented by `indent` spaces.
    pub(crate) fn write(&self, text: &mut impl fmt::Write, indent: usize) -> fmt::Result {
        for (name, inner) in &self.fields {
            write!(text, "{:indent$}{name}", "")?;
            if !inner.given.is_empty() {
                write!(text, "({})", inner.given.join(", "))?;
            }
            if inner.is_empty() {
                text.write_char('\n')?;
                continue;
            }
            text.write_str(" {\n")?;
            inner.write(text, indent + 2)?;
            writeln!(text, "{:indent$}}}", "")?;
        }
        Ok(())
    }
}

/// A line a field, without braces around the whole.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> Vec<FieldPath> {
        texts
            .iter()
            .map(|text| FieldPath::parse(text).expect(text))
            .collect()
    }

    #[test]
    fn paths_are_merged_and_printed_in_one_order() {
        let printed = Selection::from_paths(&paths(&[
            "teams.edges.node.name",
            "email",
            "teams.edges.isDirect",
            "teams",
            "email",
        ]))
        .to_string();
        assert_eq!(
            printed,
            "email\nteams {\n  edges {\n    isDirect\n    node {\n      name\n    }\n  }\n}\n"
        );
        let other = Selection::from_paths(&paths(&[
            "teams",
            "teams.edges.isDirect",
            "email",
            "teams.edges.node.name",
        ]))
        .to_string();
        assert_eq!(printed, other);
    }
}
