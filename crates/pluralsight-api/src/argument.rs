//! What a query takes: arguments whose values travel as variables, and arguments with one value for every query.
//!
//! Names and types are checked when they are read, so that none of them can smuggle text into a document.

use std::fmt;

use serde_json::Value;

use crate::path::{FieldPath, Name, PathError};

/// Lists in one type, one inside the other.
const DEEPEST_LIST: usize = 4;

/// The type of a variable, such as `Int`, `UserFilter` or `[ID!]!`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputType(String);

/// An argument whose value travels as a variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Argument {
    pub name: Name,
    pub of_type: InputType,
}

/// An argument that has the same value in every query. With a type, the value travels as a variable of that type;
/// without one, it stands in the document as a string, number, Boolean or null.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Constant {
    /// The argument's name; before it, the path below a record of the field that takes it, unless that is the root field:
    /// `planId`, `teams.first`.
    pub path: FieldPath,
    pub of_type: Option<InputType>,
    pub value: Value,
}

/// Why a text is not a list of constants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstantError {
    #[error("\"{0}\" is not of the form name=value or name:Type=value")]
    Form(String),
    #[error("{0:?} is not a GraphQL name, or the path of a field and an argument's name")]
    NotAName(String),
    #[error("{0:?} is not a GraphQL type, such as ID or [String!]")]
    NotAType(String),
    #[error("a quoted value does not end")]
    Quote,
    #[error("argument {0} is there twice")]
    Twice(String),
}

impl InputType {
    /// Reads a type: a name, lists of it in brackets, and `!` where null is not allowed.
    pub fn parse(text: &str) -> Result<InputType, PathError> {
        let mut inner = text;
        for _ in 0..=DEEPEST_LIST {
            let bare = inner.strip_suffix('!').unwrap_or(inner);
            match bare
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                Some(element) => inner = element,
                None => return Name::parse(bare).map(|_| InputType(text.to_owned())),
            }
        }
        Err(PathError::TooDeep)
    }

    /// A type that this program itself declares.
    pub fn declared(text: &'static str) -> InputType {
        debug_assert!(InputType::parse(text).is_ok());
        InputType(text.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether null is not allowed.
    pub fn is_required(&self) -> bool {
        self.0.ends_with('!')
    }

    /// Name of the type inside all lists.
    pub fn name(&self) -> &str {
        self.0.trim_matches(['[', ']', '!'])
    }
}

impl fmt::Display for InputType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Argument {
    /// An argument that this program itself declares.
    pub fn declared(name: &'static str, of_type: &'static str) -> Argument {
        Argument {
            name: Name::declared(name),
            of_type: InputType::declared(of_type),
        }
    }

    /// An argument of that name and type.
    pub fn new(name: &str, of_type: &str) -> Result<Argument, PathError> {
        Ok(Argument {
            name: Name::parse(name)?,
            of_type: InputType::parse(of_type)?,
        })
    }
}

impl Constant {
    /// The argument's name.
    pub fn name(&self) -> &str {
        self.path.segments().last().map_or("", String::as_str)
    }

    /// The path below a record of the field that takes it; empty for the root field.
    pub fn field(&self) -> &[String] {
        let names = self.path.segments();
        names.split_last().map_or(names, |(_, field)| field)
    }

    /// Reads a comma-separated list of `name=value` and `name:Type=value`. A value in double quotes, written as in
    /// JSON, is a string; so is any other that is no number, Boolean or null. With a type, the type says which it is.
    pub fn parse_list(text: &str) -> Result<Vec<Constant>, ConstantError> {
        let mut constants: Vec<Constant> = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (constant, after) = Constant::parse_first(rest)?;
            if constants.iter().any(|known| known.path == constant.path) {
                return Err(ConstantError::Twice(constant.path.to_string()));
            }
            constants.push(constant);
            rest = after.trim_start();
        }
        Ok(constants)
    }

    fn parse_first(text: &str) -> Result<(Constant, &str), ConstantError> {
        let form = || ConstantError::Form(text.chars().take(64).collect());
        let (left, right) = text.split_once('=').ok_or_else(form)?;
        let (name, of_type) = match left.split_once(':') {
            Some((name, of_type)) => (name.trim(), Some(of_type.trim())),
            None => (left.trim(), None),
        };
        let path = FieldPath::parse(name).map_err(|_| ConstantError::NotAName(name.to_owned()))?;
        let of_type = of_type
            .map(|of_type| {
                InputType::parse(of_type).map_err(|_| ConstantError::NotAType(of_type.to_owned()))
            })
            .transpose()?;
        let right = right.trim_start();
        let (value, rest) = if right.starts_with('"') {
            let mut values = serde_json::Deserializer::from_str(right).into_iter::<String>();
            let value = match values.next() {
                Some(Ok(value)) => value,
                _ => return Err(ConstantError::Quote),
            };
            let after = right.get(values.byte_offset()..).unwrap_or("").trim_start();
            if !after.is_empty() && !after.starts_with(',') {
                return Err(form());
            }
            (Value::String(value), after)
        } else {
            let end = right.find(',').unwrap_or(right.len());
            let (bare, rest) = right.split_at(end);
            let bare = bare.trim();
            if bare.is_empty() {
                return Err(form());
            }
            (bare_value(bare, of_type.as_ref()), rest)
        };
        Ok((
            Constant {
                path,
                of_type,
                value,
            },
            rest.strip_prefix(',').unwrap_or(rest),
        ))
    }

    /// The value as it stands in a document. JSON's scalars are GraphQL's, too.
    pub(crate) fn literal(&self) -> String {
        self.value.to_string()
    }
}

fn bare_value(text: &str, of_type: Option<&InputType>) -> Value {
    let plain = match serde_json::from_str(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Null)) => value,
        _ => return Value::String(text.to_owned()),
    };
    match of_type.map(InputType::name) {
        Some("ID" | "String") if !plain.is_null() => Value::String(text.to_owned()),
        _ => plain,
    }
}

/// As [`Constant::parse_list`] reads it back.
impl fmt::Display for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(of_type) = &self.of_type {
            write!(f, ":{of_type}")?;
        }
        write!(f, "={}", self.literal())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_type_is_a_name_with_lists_and_marks_and_nothing_else() {
        for text in [
            "Int",
            "ID!",
            "[String]",
            "[ID!]!",
            "[[Int!]!]",
            "UserFilter",
        ] {
            assert_eq!(InputType::parse(text).expect(text).as_str(), text);
        }
        for text in [
            "",
            "!",
            "[]",
            "[ID",
            "ID]",
            "ID!!",
            "[ID]]",
            " ID",
            "I D",
            "ID) {",
            "ID = 1",
            "[[[[[[[[ID]]]]]]]]",
            "$a",
            "ID,",
            "ID\n",
        ] {
            assert!(InputType::parse(text).is_err(), "{text:?}");
        }
        assert!(InputType::parse("[ID!]!").expect("a type").is_required());
        assert!(!InputType::parse("[ID!]").expect("a type").is_required());
        assert_eq!(InputType::parse("[ID!]!").expect("a type").name(), "ID");
    }

    #[test]
    fn constants_are_read_and_written_back() {
        let read = |text: &str| Constant::parse_list(text).expect(text);
        let planned = read(
            r#"planId=0f3c-9a, first = 10,active=true ,note="a, \"b\"=c", kind:PlanKind!=ACTIVE, id:ID=7, teams.first=100"#,
        );
        let values: Vec<&Value> = planned.iter().map(|constant| &constant.value).collect();
        assert_eq!(
            values,
            [
                &json!("0f3c-9a"),
                &json!(10),
                &json!(true),
                &json!("a, \"b\"=c"),
                &json!("ACTIVE"),
                &json!("7"),
                &json!(100)
            ]
        );
        let nested = planned.last().expect("the last one");
        assert_eq!(
            (nested.field(), nested.name()),
            (&["teams".to_owned()][..], "first")
        );
        assert!(planned[0].field().is_empty());
        let written: Vec<String> = planned.iter().map(ToString::to_string).collect();
        assert_eq!(read(&written.join(", ")), planned);
        assert!(read("  ").is_empty());
    }

    #[test]
    fn whatever_is_no_list_of_constants_is_refused() {
        for text in [
            "planId",
            "=x",
            "a b=c",
            "a=",
            "a=,b=1",
            "a=\"x",
            "a=\"x\" y",
            "a:=1",
            "a:I D=1",
            "a=1, a=2",
            "a.b=1, a.b=2",
            "a.=1",
            ".a=1",
            "a){b}=1",
        ] {
            assert!(Constant::parse_list(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_stays_one_value() {
        let constant = &Constant::parse_list("a=x\") { email } #").expect("a list")[0];
        assert_eq!(constant.literal(), r#""x\") { email } #""#);
    }
}
