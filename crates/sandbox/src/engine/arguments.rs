//! Arguments of the queries, under the names of the schema file and checked.

use std::collections::HashMap;

use apollo_compiler::{Node, ast, executable::Field, response::JsonMap};
use serde_json::Value;

use crate::{
    config::Config,
    cursor::{self, Start},
    organization::UserQuery,
    schema::Served,
    switches::{BadCursor, Cursors, Filters, NameMatch, TeamMatch},
};

/// The arguments that were given, by their names in the schema file. Null is the same as not given.
pub(super) struct Arguments {
    values: HashMap<String, Value>,
    filter: HashMap<String, Value>,
}

/// What a team must be to be listed.
#[derive(Debug, Default)]
pub(super) struct TeamQuery {
    name: Option<String>,
    ids: Option<Vec<String>>,
}

/// Records on a page when the query does not say `first`.
const DEFAULT_PAGE_SIZE: usize = 100;

impl Arguments {
    pub(super) fn new(served: &Served, field: &Node<Field>, variables: &JsonMap) -> Self {
        let path = format!("Query.{}", served.original("Query", &field.name));
        let (mut values, mut filter) = (HashMap::new(), HashMap::new());
        for argument in &field.arguments {
            let value = value(&argument.value, variables);
            if value.is_null() {
                continue;
            }
            let definition = field.definition.argument_by_name(&argument.name);
            let ty = definition.map_or("", |definition| definition.ty.inner_named_type());
            let name = served.original(&path, &argument.name);
            if name != "filter" {
                values.insert(name.to_owned(), value);
                continue;
            }
            // Conditions may come in a list.
            let given = match value {
                Value::Array(list) => list,
                one => vec![one],
            };
            for conditions in given {
                let Value::Object(conditions) = conditions else {
                    continue;
                };
                let known = conditions.into_iter().filter(|(_, value)| !value.is_null());
                filter.extend(
                    known.map(|(name, value)| (served.original(ty, &name).to_owned(), value)),
                );
            }
        }
        Self { values, filter }
    }

    /// How many records, and how many were asked for when that is more.
    pub(super) fn size(&self, config: &Config) -> Result<(usize, Option<i64>), String> {
        let cap = config.page_cap.0.map_or(usize::MAX, |cap| cap as usize);
        let Some(first) = self.values.get("first").and_then(Value::as_i64) else {
            return Ok((cap.min(DEFAULT_PAGE_SIZE), None));
        };
        let asked = usize::try_from(first)
            .map_err(|_| format!("Argument \"first\" must not be negative: {first}"))?;
        match config.refuse_over {
            Some(most) if asked > most as usize => Err(format!(
                "Requesting {asked} records exceeds the `first` limit of {most} records."
            )),
            _ => Ok((asked.min(cap), (asked > cap).then_some(first))),
        }
    }

    /// The cursor that was given.
    pub(super) fn after(&self) -> Option<&str> {
        self.values.get("after").and_then(Value::as_str)
    }

    pub(super) fn start(&self, list: &str, config: &Config) -> Result<Start, String> {
        let keyed = list == "users" && config.cursors == Cursors::Keyed;
        let Some(after) = self.after() else {
            return Ok(Start::Skip(0));
        };
        let start = cursor::start(list, after);
        match start.filter(|start| keyed == matches!(start, Start::After(_))) {
            Some(start) => Ok(start),
            None if config.bad_cursor == BadCursor::StartAgain => Ok(Start::Skip(0)),
            None => Err("Argument \"after\" is not a cursor of this list".to_owned()),
        }
    }

    pub(super) fn user_query(&self, filters: Filters) -> Result<UserQuery, String> {
        if filters.ignored {
            return Ok(UserQuery::default());
        }
        Ok(UserQuery {
            emails: self.texts("emails", filters)?,
            ids: self.texts("ids", filters)?,
            ps_user_ids: self.texts("psUserIds", filters)?,
            team_ids: self.texts("teamIds", filters)?,
            is_on_account: self.filter.get("isOnAccount").and_then(Value::as_bool),
            any_of: filters.any_of,
            email_match: filters.emails,
            team_match: match filters.teams {
                // All of no team is everybody; an empty list is not meant so.
                TeamMatch::All if self.filter.get("teamIds") == Some(&Value::Array(Vec::new())) => {
                    TeamMatch::Any
                }
                chosen => chosen,
            },
        })
    }

    pub(super) fn team_query(&self, filters: Filters) -> Result<TeamQuery, String> {
        if filters.ignored {
            return Ok(TeamQuery::default());
        }
        Ok(TeamQuery {
            name: self.filter.get("name").and_then(text),
            ids: self.texts("ids", filters)?,
        })
    }

    /// A list of a filter. A bare value is a list of one (GraphQL's list coercion); a null element matches nobody.
    fn texts(&self, name: &str, filters: Filters) -> Result<Option<Vec<String>>, String> {
        let mut values: Vec<String> = match self.filter.get(name) {
            None => return Ok(None),
            Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
            Some(Value::Object(operators)) => match operators.get("in") {
                Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
                _ => return Ok(None),
            },
            Some(value) => text(value).into_iter().collect(),
        };
        if let Some(most) = filters.refuse_lists.filter(|most| values.len() > *most) {
            return Err(format!(
                "filter.{name} may hold at most {most} values, got {}",
                values.len()
            ));
        }
        values.truncate(filters.cut_lists.unwrap_or(usize::MAX));
        let is_no_condition = values.is_empty() && filters.empty_is_everybody;
        Ok((!is_no_condition).then_some(values))
    }
}

impl TeamQuery {
    pub(super) fn allows(&self, id: &str, name: &str, filters: Filters) -> bool {
        let named = self.name.as_ref().map(|wanted| match filters.names {
            NameMatch::Substring => name.contains(wanted.as_str()),
            NameMatch::AnyCaseSubstring => name.to_lowercase().contains(&wanted.to_lowercase()),
            NameMatch::Prefix => name.starts_with(wanted.as_str()),
            NameMatch::Exact => name == wanted,
        });
        let listed = self.ids.as_ref();
        let listed = listed.map(|ids| ids.iter().any(|wanted| wanted == id));
        let mut given = [named, listed].into_iter().flatten().peekable();
        match filters.any_of {
            true => given.peek().is_none() || given.any(|holds| holds),
            false => given.all(|holds| holds),
        }
    }
}

/// A value with the variables in it.
pub(super) fn value(value: &ast::Value, variables: &JsonMap) -> Value {
    match value {
        ast::Value::Variable(name) => variables
            .get(name.as_str())
            .and_then(|value| serde_json::to_value(value).ok())
            .unwrap_or_default(),
        ast::Value::List(items) => items
            .iter()
            .map(|item| self::value(item, variables))
            .collect(),
        ast::Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.to_string(), self::value(member, variables)))
            .collect(),
        ast::Value::String(text) => Value::from(text.as_str()),
        ast::Value::Boolean(truth) => Value::from(*truth),
        ast::Value::Int(number) => number
            .as_str()
            .parse::<i64>()
            .map_or(Value::Null, Value::from),
        ast::Value::Float(number) => number.try_to_f64().map_or(Value::Null, Value::from),
        ast::Value::Enum(_) | ast::Value::Null => Value::Null,
    }
}

/// A `String` or an `ID`, which may be given as a number.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
