//! What the API answers for some records of a table, which is changed until it does.

use std::collections::BTreeMap;

use pluralsight_api::{Error, Refusal, Shape, whole_number};
use serde_json::{Value, json};

use super::question::{Probe, is_of_the_table};
use crate::ddl::ImportedTable;
use crate::declaration::{Presence, Table};
use crate::halve::halve;
use crate::mend::{Mend, mends};
use crate::nested;
use crate::notice::Notice;
use crate::query::argument_names;

/// Requests that one table may cost.
pub const REQUESTS: u32 = 40;

/// Values that other tables' records told, by the name of an argument that may need them.
pub(crate) type Known = BTreeMap<String, String>;

pub async fn records(
    probe: &mut Probe<'_>,
    table: &mut ImportedTable,
    known: &mut Known,
    notices: &mut Vec<Notice>,
) -> Result<Option<Error>, Error> {
    loop {
        if !probe.gathers && !probe.is_halved && !probe.is_told {
            let paths = nested::truncation(table).into_iter();
            table.truncated = paths.filter(|path| probe.refused.allows(path)).collect();
        }
        let error = match probe.ask(table, None).await {
            Ok(answer) => {
                if ask_longer_lists(probe, table, &answer) {
                    continue;
                }
                let one_value = learn(table, &answer, known, probe.gathers);
                notices.extend(one_value.into_iter().map(|column| {
                    Notice(format!(
                        "column \"{}.{column}\" is absent: the API's field is one value, not a list",
                        table.name
                    ))
                }));
                return Ok(None);
            }
            Err(error) => error,
        };
        if probe.asked >= REQUESTS || !is_of_the_table(&error) {
            return if is_of_the_table(&error) {
                Ok(Some(error))
            } else {
                Err(error)
            };
        }
        let mut changes = mends(&table.mapping(), &error.refusals(), &mut probe.refused);
        changes.extend(missing_value(table, &error, known));
        if changes.is_empty() {
            changes = probe.named(table, &error);
        }
        probe.other_names(&mut changes, &error);
        probe.learn_types(table, &mut changes).await?;
        let fewer = error.page_size(probe.size);
        if let Some(fewer) = fewer.filter(|fewer| changes.is_empty() && *fewer < probe.size) {
            probe.size = fewer;
            continue;
        }
        if changes.is_empty() {
            if !says_nothing(&error, table) || !halve(probe, table).await? {
                return Ok(Some(error));
            }
            probe.is_halved = true;
            notices.extend(halved(probe.declared, table));
            continue;
        }
        for change in &changes {
            table.apply(change);
            if let Some(notice) = notice(probe.declared, table, change, &error) {
                notices.push(notice);
            }
        }
        if table.columns.iter().all(|column| column.absent) {
            return Ok(Some(error));
        }
    }
}

/// Lists inside records that came cut may be asked for longer; false if there is none, or if the API takes no argument
/// for that.
fn ask_longer_lists(probe: &mut Probe<'_>, table: &mut ImportedTable, answer: &Value) -> bool {
    let given = &mut table.operation.arguments;
    let before = given.len();
    for list in table
        .truncated
        .iter()
        .filter_map(|path| nested::list_of(path))
    {
        let size = argument_names("first_argument").iter().find_map(|name| {
            let size = nested::size(list, name)?;
            let is_open = probe.refused.allows_argument(&size.path.to_string());
            is_open.then_some(size)
        });
        let is_given = given.iter().any(|known| known.field().join(".") == list);
        if let Some(size) = size.filter(|_| !is_given && is_cut(answer, list)) {
            given.push(size);
        }
    }
    given.len() > before && probe.asked < REQUESTS
}

/// What one answer tells: how many records there are, whether there is a total at all, and in which shape they come.
/// Answers the columns that were to be lists and are not, which are absent from then on.
fn learn(
    table: &mut ImportedTable,
    answer: &Value,
    known: &mut Known,
    gathers: bool,
) -> Vec<String> {
    let operation = &mut table.operation;
    let records: Vec<&Value> = match (operation.shape, answer) {
        (Shape::Connection, connection) => {
            let records = records_of(connection, operation.records.segments());
            table.rows = connection.get("totalCount").and_then(whole_number);
            let more = connection.pointer("/pageInfo/hasNextPage") == Some(&Value::Bool(true));
            if more
                && table
                    .rows
                    .is_some_and(|total| total <= records.len() as u64)
            {
                // It counts the page.
                table.rows = None;
            }
            operation.total_count &= table.rows.is_some();
            records
        }
        (_, Value::Array(elements)) if !gathers => {
            table.rows = u64::try_from(elements.len()).ok();
            table.key = None;
            operation.shape = Shape::List;
            elements.iter().collect()
        }
        // Nothing at all says nothing of how a list comes.
        (Shape::List, Value::Null) if !gathers => {
            table.rows = None;
            table.key = None;
            Vec::new()
        }
        (_, object) => {
            table.rows = Some(1);
            table.key = None;
            operation.shape = Shape::Object;
            vec![object]
        }
    };
    let plan = records
        .iter()
        .find_map(|record| record.get("planId")?.as_str());
    if let Some(plan) = plan {
        for name in ["planId", "plan", "planID", "plan_id"] {
            known
                .entry(name.to_owned())
                .or_insert_with(|| plan.to_owned());
        }
    }
    let mut one_value = Vec::new();
    for column in table.columns.iter_mut().filter(|column| !column.absent) {
        let is_one = |record: &&Value| is_one_value(record, &column.field);
        if column.sql_type.ends_with("[]") && records.iter().any(is_one) {
            column.absent = true;
            one_value.push(column.name.clone());
        }
    }
    one_value
}

/// The records of a connection, or nothing where they are not there.
fn records_of<'a>(connection: &'a Value, path: &[String]) -> Vec<&'a Value> {
    let Some((list, below)) = path.split_first() else {
        return Vec::new();
    };
    let elements = connection.get(list).and_then(Value::as_array);
    let record = |element: &'a Value| {
        let mut names = below.iter();
        names.try_fold(element, |value, name| value.get(name))
    };
    elements.into_iter().flatten().filter_map(record).collect()
}

/// Whether a list inside some record says that more of it follows.
fn is_cut(value: &Value, list: &str) -> bool {
    fn walk(value: &Value, path: &str) -> bool {
        match value {
            Value::Array(elements) => elements.iter().any(|element| walk(element, path)),
            Value::Object(fields) => {
                let found = path
                    .split('.')
                    .try_fold(value, |value, name| value.get(name));
                found == Some(&Value::Bool(true)) || fields.values().any(|inner| walk(inner, path))
            }
            _ => false,
        }
    }
    walk(value, &nested::truncated(list))
}

/// Whether one value stands at the end of a path where a list is wanted.
fn is_one_value(record: &Value, path: &str) -> bool {
    let mut value = record;
    for name in path.split('.') {
        match value.get(name) {
            Some(inner) => value = inner,
            // Through a list, or to nothing.
            None => return false,
        }
    }
    !matches!(value, Value::Null | Value::Array(_) | Value::Object(_))
}

/// Whether an error says nothing that could be acted upon, not even where it happened.
fn says_nothing(error: &Error, table: &ImportedTable) -> bool {
    match error {
        Error::Http { .. } => true,
        Error::GraphQl { errors, .. } => errors.iter().all(|error| {
            error.refusal.is_none()
                && error.path.is_none()
                && !error.message.contains(table.operation.name.as_str())
        }),
        _ => false,
    }
}

/// What was not found, where the API does not say so.
fn halved(declared: &Table, table: &ImportedTable) -> Option<Notice> {
    let absent: Vec<&str> = table
        .columns
        .iter()
        .filter(|column| column.absent)
        .map(|column| column.name.as_str())
        .filter(|name| {
            let known = declared.column(name);
            known.is_some_and(|known| known.presence == Presence::Declared)
        })
        .collect();
    (!absent.is_empty()).then(|| {
        Notice(format!(
            "table \"{}\": the API refuses {} without saying why; they read NULL",
            table.name,
            absent.join(", ")
        ))
    })
}

/// A value for an argument that must be given, where another table's records told it.
fn missing_value(table: &ImportedTable, error: &Error, known: &Known) -> Option<Mend> {
    let operation = &table.operation;
    let taken = |argument: &str| {
        ["first_argument", "after_argument", "filter_argument"]
            .iter()
            .any(|option| argument_names(option).contains(&argument))
            || operation
                .arguments
                .iter()
                .any(|constant| constant.field().is_empty() && constant.name() == argument)
    };
    error.refusals().into_iter().find_map(|(refusal, at)| {
        let Refusal::Missing { argument, .. } = refusal else {
            return None;
        };
        let value = known
            .get(argument)
            .filter(|_| at.len() <= 1 && !taken(argument))?;
        let mut written: Vec<String> = operation
            .arguments
            .iter()
            .map(ToString::to_string)
            .collect();
        written.push(format!("{argument}={}", json!(value)));
        Some(Mend {
            column: None,
            option: "arguments",
            value: Some(written.join(", ")),
        })
    })
}

fn notice(declared: &Table, table: &ImportedTable, change: &Mend, error: &Error) -> Option<Notice> {
    let value = change.value.as_deref();
    let text = match (&change.column, change.option, value) {
        (Some(column), "absent", _) => {
            // What was only hoped for is not missed.
            let hoped = declared.columns.iter().find(|known| known.name == column);
            if hoped.is_some_and(|known| known.presence == Presence::Discovered) {
                return None;
            }
            let fields = hoped.map_or_else(String::new, |known| known.fields.join(" or "));
            let why = match error.refusals().is_empty() {
                true => format!("the API refuses {fields} to this key"),
                false => format!("the API has no {fields}"),
            };
            format!("column \"{}.{column}\" is absent: {why}", table.name)
        }
        (Some(column), "field", Some(field)) => format!(
            "column \"{}.{column}\" reads {field}, as this API calls it",
            table.name
        ),
        (
            None,
            option @ ("shape" | "records" | "arguments" | "filter_type" | "first_argument"
            | "after_argument" | "filter_argument"),
            Some(value),
        ) => {
            format!(
                "table \"{}\" has {option} '{value}', as this API has it",
                table.name
            )
        }
        (None, "total_count", _) => format!(
            "table \"{}\" is counted by reading it: the API has no totalCount",
            table.name
        ),
        _ => return None,
    };
    Some(Notice(text))
}
