//! Arguments of the queries, under the names of the schema file and checked.

use std::collections::HashMap;

use async_graphql::{Error, Value, dynamic::ObjectAccessor};

use crate::{
    config::{BadCursor, Config, Cursors, EmailMatch, EmptyList, NameMatch, TeamMatch},
    cursor,
    organisation::{Start, UserQuery},
    sdl::{FieldShape, InputShape, Shape},
};

/// The arguments that were given, by their names in the schema file. Null is the same as not given.
pub(super) struct Arguments<'a> {
    values: HashMap<String, &'a Value>,
    shape: &'a Shape,
    field: &'a FieldShape,
}

/// How many records, and whether that is fewer than were asked for.
pub(super) struct Size {
    pub(super) records: usize,
    pub(super) refused: Option<i64>,
}

/// What a team must be to be listed.
#[derive(Debug, Default)]
pub(super) struct TeamQuery {
    pub(super) name: Option<String>,
    pub(super) ids: Option<Vec<String>>,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(
        given: &'a ObjectAccessor<'a>,
        shape: &'a Shape,
        field: &'a FieldShape,
    ) -> Self {
        Self {
            values: originals(
                given
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_value())),
                &field.arguments,
            ),
            shape,
            field,
        }
    }

    pub(super) fn size(&self, config: &Config) -> Result<Size, Error> {
        let cap = config.page_cap.0.map_or(usize::MAX, |cap| cap as usize);
        let Some(first) = self.values.get("first") else {
            return Ok(Size {
                records: cap.min(config.default_page_size as usize),
                refused: None,
            });
        };
        let first = match first {
            Value::Number(number) => number.as_i64(),
            _ => None,
        };
        let first = first.filter(|first| i32::try_from(*first).is_ok());
        let first =
            first.ok_or_else(|| Error::new("Int cannot represent a value outside 32 bits"))?;
        let asked = usize::try_from(first)
            .map_err(|_| Error::new(format!("Argument \"first\" must not be negative: {first}")))?;
        Ok(Size {
            records: asked.min(cap),
            refused: (asked > cap).then_some(first),
        })
    }

    /// The cursor that was given.
    pub(super) fn after(&self) -> Option<&str> {
        match self.values.get("after") {
            Some(Value::String(cursor)) => Some(cursor),
            _ => None,
        }
    }

    pub(super) fn start(&self, list: &str, config: &Config) -> Result<Start, Error> {
        let keyed = list == "users" && config.cursors == Cursors::Keyed;
        let first_page = if keyed {
            Start::After(None)
        } else {
            Start::Skip(0)
        };
        let Some(after) = self.values.get("after") else {
            return Ok(first_page);
        };
        let start = match after {
            Value::String(text) => cursor::start(list, text),
            _ => None,
        };
        match start.filter(|start| keyed == matches!(start, Start::After(_))) {
            Some(start) => Ok(start),
            None if config.bad_cursor == BadCursor::StartAgain => Ok(first_page),
            None => Err(Error::new(
                "Argument \"after\" is not a cursor of this list",
            )),
        }
    }

    pub(super) fn user_query(&self, config: &Config) -> Result<UserQuery, Error> {
        let filter = self.filter();
        let list = |name: &str| texts(&filter, name, config);
        Ok(UserQuery {
            emails: list("emails")?,
            ids: list("ids")?,
            ps_user_ids: list("psUserIds")?,
            team_ids: list("teamIds")?,
            is_on_account: match filter.get("isOnAccount") {
                Some(Value::Boolean(wanted)) => Some(*wanted),
                _ => None,
            },
            any_case: config.email_match == EmailMatch::AnyCase,
            direct_only: config.team_match == TeamMatch::Direct,
        })
    }

    pub(super) fn team_query(&self, config: &Config) -> Result<TeamQuery, Error> {
        let filter = self.filter();
        let name = filter.get("name").and_then(|name| text(name));
        Ok(TeamQuery {
            name,
            ids: texts(&filter, "ids", config)?,
        })
    }

    fn filter(&self) -> HashMap<String, &'a Value> {
        let ty = self
            .field
            .arguments
            .iter()
            .find(|argument| argument.original == "filter");
        let fields = ty
            .and_then(|argument| self.shape.get(argument.ty.type_name()))
            .map_or(&[][..], |ty| ty.inputs());
        match self.values.get("filter") {
            Some(Value::Object(object)) => originals(
                object.iter().map(|(name, value)| (name.as_str(), value)),
                fields,
            ),
            _ => HashMap::new(),
        }
    }
}

impl TeamQuery {
    pub(super) fn allows(&self, id: &str, name: &str, config: &Config) -> bool {
        let named = self
            .name
            .as_ref()
            .is_none_or(|wanted| match config.name_match {
                NameMatch::Substring => name.contains(wanted.as_str()),
                NameMatch::AnyCaseSubstring => name.to_lowercase().contains(&wanted.to_lowercase()),
                NameMatch::Prefix => name.starts_with(wanted.as_str()),
                NameMatch::Exact => name == wanted,
            });
        named
            && self
                .ids
                .as_ref()
                .is_none_or(|ids| ids.iter().any(|wanted| wanted == id))
    }
}

fn originals<'a, 'b>(
    given: impl Iterator<Item = (&'b str, &'a Value)>,
    known: &[InputShape],
) -> HashMap<String, &'a Value> {
    given
        .filter(|(_, value)| **value != Value::Null)
        .filter_map(|(name, value)| {
            let input = known.iter().find(|input| input.name == name)?;
            Some((input.original.clone(), value))
        })
        .collect()
}

/// A list of a filter. A bare value is a list of one (GraphQL's list coercion); a null element matches nobody.
fn texts(
    filter: &HashMap<String, &Value>,
    name: &str,
    config: &Config,
) -> Result<Option<Vec<String>>, Error> {
    let values = match filter.get(name) {
        None => return Ok(None),
        Some(Value::List(values)) => values.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect::<Vec<_>>(),
    };
    if let Some(most) = config.max_filter_values.filter(|most| values.len() > *most) {
        return Err(Error::new(format!(
            "filter.{name} may hold at most {most} values, got {}",
            values.len()
        )));
    }
    let is_no_condition = values.is_empty() && config.empty_list == EmptyList::Everybody;
    Ok((!is_no_condition).then_some(values))
}

/// A `String` or an `ID`, which may be given as a number.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
