//! What a table's own query teaches about the API: it is asked for some records, and for less after each refusal, until
//! the API answers.

use std::collections::BTreeMap;

use pluralsight_api::{
    Call, Client, Context, Error, ErrorKind, FieldPath, Operation, Refusal, Selection, Shape,
    whole_number,
};
use serde_json::{Map, Value, json};

use crate::discover::Notice;
use crate::filter::{FilterKind, FilterOption};
use crate::halve::halve;
use crate::mend::{Mend, Refused, mends};
use crate::nested;
use crate::query::argument_names;
use crate::told::is_same_name;
use crate::{Filter, ImportedTable, Table};

/// Records asked for: enough to see what a field holds that is empty for many.
const RECORDS: u32 = 25;
/// Requests that one table may cost.
const REQUESTS: u32 = 40;
/// A key that no record has, in the form that most APIs expect.
const NO_KEY: &str = "00000000-0000-4000-8000-000000000000";

/// Values that other tables' records told, by the name of an argument that may need them.
pub(crate) type Known = BTreeMap<String, String>;

/// Asks for one record of the table, and changes the table until the API answers. `Some` is why it cannot be read: the
/// API has no such query, or refuses it to this key. Errors that say nothing of the table, such as a refused token, are
/// errors.
pub(crate) async fn probe(
    client: &Client,
    context: &Context<'_>,
    declared: &Table,
    table: &mut ImportedTable,
    is_told: bool,
    known: &mut Known,
    notices: &mut Vec<Notice>,
) -> Result<Option<Error>, Error> {
    let mut probe = Probe {
        is_told,
        ..Probe::new(client, context, declared)
    };
    let failure = match probe.records(table, known, notices).await? {
        None => None,
        Some(failure) if is_no_query(&failure, declared) => Some(failure),
        // Nothing can be read in this shape: perhaps in another.
        Some(failure) => {
            let mut found = None;
            let shaped = other_shapes(table).into_iter().map(|other| ImportedTable {
                operation: other,
                ..ImportedTable::declared(declared)
            });
            for mut candidate in shaped.chain(wrapped(declared)) {
                (probe.refused, probe.is_told) = (Refused::guessing(), false);
                let mut heard = Vec::new();
                if probe
                    .records(&mut candidate, known, &mut heard)
                    .await?
                    .is_none()
                    && candidate.columns.iter().any(|column| !column.absent)
                {
                    notices.append(&mut heard);
                    found = Some(candidate);
                    break;
                }
            }
            match found {
                Some(candidate) => {
                    *table = candidate;
                    None
                }
                None => Some(failure),
            }
        }
    };
    Ok(failure)
}

/// Asks with every filter that the table may have, and keeps those that the API takes.
pub(crate) async fn probe_filters(
    client: &Client,
    context: &Context<'_>,
    declared: &Table,
    table: &mut ImportedTable,
) -> Result<(), Error> {
    let mut probe = Probe::new(client, context, declared);
    probe.filters(table).await
}

/// The same as [`probe`] for a table whose one row is gathered from the parts of its record.
pub(crate) async fn probe_parts(
    client: &Client,
    context: &Context<'_>,
    declared: &Table,
    table: &mut ImportedTable,
    known: &mut Known,
) -> Result<Option<Error>, Error> {
    let mut probe = Probe {
        gathers: true,
        ..Probe::new(client, context, declared)
    };
    probe.records(table, known, &mut Vec::new()).await
}

/// One table under question.
pub(crate) struct Probe<'a> {
    client: &'a Client,
    context: &'a Context<'a>,
    pub declared: &'a Table,
    refused: Refused,
    /// Requests made.
    pub asked: u32,
    /// Records asked for.
    size: u32,
    /// A list is one record.
    gathers: bool,
    /// The API does not say what it refuses, and was asked for one thing after the other.
    is_halved: bool,
    /// The schema is told, so that what is not in it need not be tried.
    is_told: bool,
}

impl<'a> Probe<'a> {
    fn new(client: &'a Client, context: &'a Context<'a>, declared: &'a Table) -> Probe<'a> {
        Probe {
            client,
            context,
            declared,
            refused: Refused::guessing(),
            asked: 0,
            size: RECORDS,
            gathers: false,
            is_halved: false,
            is_told: false,
        }
    }

    async fn records(
        &mut self,
        table: &mut ImportedTable,
        known: &mut Known,
        notices: &mut Vec<Notice>,
    ) -> Result<Option<Error>, Error> {
        loop {
            if !self.gathers && !self.is_halved && !self.is_told {
                let paths = nested::truncation(table).into_iter();
                table.truncated = paths.filter(|path| self.refused.allows(path)).collect();
            }
            let error = match self.ask(table, None).await {
                Ok(answer) => {
                    if self.ask_longer_lists(table, &answer) {
                        continue;
                    }
                    let one_value = learn(table, &answer, known, self.gathers);
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
            if self.asked >= REQUESTS || !is_of_the_table(&error) {
                return if is_of_the_table(&error) {
                    Ok(Some(error))
                } else {
                    Err(error)
                };
            }
            let mut changes = mends(&table.mapping(), &error.refusals(), &mut self.refused);
            changes.extend(missing_value(table, &error, known));
            if changes.is_empty() {
                changes = self.named(table, &error);
            }
            self.other_names(&mut changes, &error);
            self.learn_types(table, &mut changes).await?;
            let fewer = error.page_size(self.size);
            if let Some(fewer) = fewer.filter(|fewer| changes.is_empty() && *fewer < self.size) {
                self.size = fewer;
                continue;
            }
            if changes.is_empty() {
                if !says_nothing(&error, table) || !halve(self, table).await? {
                    return Ok(Some(error));
                }
                self.is_halved = true;
                notices.extend(halved(self.declared, table));
                continue;
            }
            for change in &changes {
                table.apply(change);
                if let Some(notice) = notice(self.declared, table, change, &error) {
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
    fn ask_longer_lists(&mut self, table: &mut ImportedTable, answer: &Value) -> bool {
        let given = &mut table.operation.arguments;
        let before = given.len();
        for list in table
            .truncated
            .iter()
            .filter_map(|path| nested::list_of(path))
        {
            let size = argument_names("first_argument").iter().find_map(|name| {
                let size = nested::size(list, name)?;
                let is_open = self.refused.allows_argument(&size.path.to_string());
                is_open.then_some(size)
            });
            let is_given = given.iter().any(|known| known.field().join(".") == list);
            if let Some(size) = size.filter(|_| !is_given && is_cut(answer, list)) {
                given.push(size);
            }
        }
        given.len() > before && self.asked < REQUESTS
    }

    async fn filters(&mut self, table: &mut ImportedTable) -> Result<(), Error> {
        if table.operation.filter.is_none() || self.declared.filters.is_empty() {
            return Ok(());
        }
        let sure = table.filters.clone();
        table.filters = self
            .declared
            .filters
            .iter()
            .filter_map(|filter| self.entry(table, filter))
            .collect();
        while !table.filters.is_empty() && self.asked < REQUESTS {
            let values = filter_values(&table.mapping().filters);
            let error = match self.ask(table, Some(values)).await {
                Ok(_) => return Ok(()),
                Err(error) if is_of_the_table(&error) => error,
                Err(error) => return Err(error),
            };
            let mut changes = mends(&table.mapping(), &error.refusals(), &mut self.refused);
            self.learn_types(table, &mut changes).await?;
            if changes.is_empty() {
                return self.each_filter(table, sure).await;
            }
            for change in &changes {
                table.apply(change);
            }
            if table.operation.filter.is_none() {
                table.filters.clear();
                return Ok(());
            }
        }
        Ok(())
    }

    /// The entry of a filter in the table's option, where a column reads what it compares. The several paths of a list mean
    /// the same list.
    fn entry(&self, table: &ImportedTable, filter: &Filter) -> Option<String> {
        if table.reads(filter.field) {
            return Some(filter.name.to_owned());
        }
        let column = self
            .declared
            .columns
            .iter()
            .find(|column| column.default_field() == filter.field)?;
        let read = table.columns.iter().find(|read| {
            let is_it = filter.field.contains('.') || is_same_name(&read.field, filter.field);
            read.name == column.name && !read.absent && is_it
        })?;
        let option = FilterOption {
            name: filter.name.to_owned(),
            field: read.field.clone(),
            kind: filter.kind,
            exact: false,
            numbers: false,
        };
        Some(option.written(self.declared))
    }

    /// Tries one filter after the other, where the API does not say which of them it refuses. Those that were declared
    /// are kept if none can be told.
    async fn each_filter(
        &mut self,
        table: &mut ImportedTable,
        sure: Vec<String>,
    ) -> Result<(), Error> {
        let mut taken = Vec::new();
        for filter in table.mapping().filters {
            let numbers = FilterOption {
                numbers: true,
                ..filter.clone()
            };
            let takes_numbers = filter.kind != FilterKind::Pattern;
            for candidate in [Some(filter), takes_numbers.then_some(numbers)]
                .into_iter()
                .flatten()
            {
                let values = filter_values(std::slice::from_ref(&candidate));
                match self.ask(table, Some(values)).await {
                    Ok(_) => {
                        taken.push(candidate.written(self.declared));
                        break;
                    }
                    Err(error) if is_of_the_table(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        table.filters = if taken.is_empty() { sure } else { taken };
        Ok(())
    }

    /// Some records, with every column that is not absent.
    pub async fn ask(
        &mut self,
        table: &ImportedTable,
        filter: Option<Value>,
    ) -> Result<Value, Error> {
        self.asked += 1;
        let operation = &table.operation;
        let has_filter = operation.filter.is_some();
        let document = operation.document(&selection(table), has_filter);
        let mut variables = operation.variables(self.size, None, filter.as_ref());
        if filter.is_none()
            && let (Value::Object(fields), Some(known)) = (&mut variables, &operation.filter)
            && !known.of_type.is_required()
        {
            // Declared, so that its type is looked at, and not given, so that everything comes.
            fields.remove("filter");
        }
        let call = Call {
            operation: operation.name.as_str(),
            document: &document,
            operation_name: None,
            variables,
        };
        let mut reply = self.client.send(&call, self.context).await?;
        let root = operation.name.as_str();
        Ok(reply
            .data
            .get_mut(root)
            .map(Value::take)
            .unwrap_or_default())
    }

    /// A field that the API names in an error of its own words: in Beta, or out of this key's reach.
    fn named(&self, table: &ImportedTable, error: &Error) -> Vec<Mend> {
        let names = error.named_fields();
        let column = names.iter().find_map(|name| {
            table.columns.iter().find(|column| {
                !column.absent && column.field.split('.').any(|segment| segment == *name)
            })
        });
        column
            .map(|column| Mend {
                column: Some(column.name.clone()),
                option: "absent",
                value: Some("true".to_owned()),
            })
            .into_iter()
            .collect()
    }

    /// An argument that is refused under one name may have another.
    fn other_names(&self, changes: &mut [Mend], error: &Error) {
        let is_name = error
            .refusals()
            .iter()
            .any(|(refusal, _)| matches!(refusal, Refusal::Argument { .. }));
        for change in changes.iter_mut().filter(|_| is_name) {
            if change.value.as_deref() == Some("") {
                let mut names = argument_names(change.option).iter();
                if let Some(name) = names.find(|name| self.refused.allows_argument(name)) {
                    change.value = Some((*name).to_owned());
                }
            }
        }
    }

    /// Where a type is refused without a word of the right one, a variable of a type that it cannot be brings the answer.
    async fn learn_types(
        &mut self,
        table: &ImportedTable,
        changes: &mut [Mend],
    ) -> Result<(), Error> {
        for change in changes {
            let gives_up =
                change.option == "filter_argument" && change.value.as_deref() == Some("");
            let Some(argument) = table.operation.filter.as_ref().filter(|_| gives_up) else {
                continue;
            };
            let mut wrong = table.operation.clone();
            wrong.filter = pluralsight_api::Argument::new(argument.name.as_str(), "Int").ok();
            let asked = ImportedTable {
                operation: wrong,
                ..table.clone()
            };
            let Err(error) = self.ask(&asked, None).await else {
                continue;
            };
            if !is_of_the_table(&error) {
                return Err(error);
            }
            let right = error
                .refusals()
                .into_iter()
                .find_map(|(refusal, _)| match refusal {
                    Refusal::Variable { expected, .. } => expected.clone(),
                    _ => None,
                });
            if let Some(right) = right {
                change.option = "filter_type";
                change.value = Some(right);
            }
        }
        Ok(())
    }
}

/// Whether the API has no such query, or refuses it to this key, whatever is asked of it.
pub(crate) fn is_no_query(error: &Error, declared: &Table) -> bool {
    match error {
        Error::Forbidden { .. } => true,
        Error::GraphQl { errors, .. } => {
            // Beside it, some servers say that the variables are not used, either.
            let refused = errors.iter().filter_map(|error| error.refusal.as_ref());
            let is_query = |refusal: &Refusal| matches!(refusal, Refusal::Field { field, .. } if field == declared.query);
            let (mut of_query, mut of_other) = (0, 0);
            for refusal in refused {
                if is_query(refusal) {
                    of_query += 1;
                } else {
                    of_other += 1;
                }
            }
            // Any other reason for a null may be gone tomorrow.
            let is_null = || {
                let mut errors = errors.iter();
                errors.all(|error| {
                    error.path.as_deref() == Some(declared.query) && is_refusal(&error.message)
                })
            };
            of_other == 0 && (of_query > 0 || is_null())
        }
        _ => false,
    }
}

/// Whether a message says that a key may not do something, in words that servers use for that.
fn is_refusal(message: &str) -> bool {
    const WORDS: [&str; 7] = [
        "authori",
        "forbidden",
        "permission",
        "allowed",
        "denied",
        "access",
        "entitle",
    ];
    let message = message.to_lowercase();
    WORDS.iter().any(|word| message.contains(word))
}

/// Whether an error may come from what the table asks, and not from the token or the network.
pub(crate) fn is_of_the_table(error: &Error) -> bool {
    match error {
        // What a server answers that keeps even its errors to itself.
        Error::Http { status, .. } => matches!(status, 400 | 422),
        other => matches!(other.kind(), ErrorKind::GraphQl | ErrorKind::Forbidden),
    }
}

/// The fields of every column that is not absent, and what else a scan asks for.
fn selection(table: &ImportedTable) -> Selection {
    let mapping = table.mapping();
    let texts = mapping
        .columns
        .iter()
        .flat_map(|column| {
            [
                Some(&column.field),
                column.only_where.as_ref(),
                column.only_where_not.as_ref(),
            ]
        })
        .flatten()
        .chain(&mapping.key)
        .chain(&mapping.truncated);
    let mut paths: Vec<FieldPath> = texts
        .filter_map(|text| FieldPath::parse(text).ok())
        .collect();
    if paths.is_empty() {
        paths.extend(FieldPath::parse("__typename").ok());
    }
    Selection::from_paths(&paths)
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
    fn walk(value: &Value, list: &str, more: &str) -> bool {
        match value {
            Value::Array(elements) => elements.iter().any(|element| walk(element, list, more)),
            Value::Object(fields) => {
                let names = list.split('.');
                let found = names
                    .chain(more.split('.'))
                    .try_fold(value, |value, name| value.get(name));
                found == Some(&Value::Bool(true))
                    || fields.values().any(|inner| walk(inner, list, more))
            }
            _ => false,
        }
    }
    walk(value, list, "pageInfo.hasNextPage")
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
            known.is_some_and(|known| known.presence == crate::Presence::Declared)
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

/// The same query in the shapes in which it was not asked yet.
fn other_shapes(table: &ImportedTable) -> Vec<Operation> {
    let operation = &table.operation;
    let (shapes, declared) = (
        [Shape::Connection, Shape::List],
        Table::over(operation.name.as_str()),
    );
    shapes
        .into_iter()
        .filter(|shape| *shape != operation.shape)
        .filter_map(|shape| {
            Some(Operation {
                arguments: operation.arguments.clone(),
                ..declared?.operation_in(shape)
            })
        })
        .collect()
}

/// The table where each record is wrapped: it stands in a field of its own, which has a likely name.
fn wrapped(declared: &Table) -> Vec<ImportedTable> {
    let query = declared.query;
    let one = query.strip_suffix("Info").or(query.strip_suffix('s'));
    let one = one.unwrap_or(query);
    let last = one.rfind(|letter: char| letter.is_ascii_uppercase());
    let last = last.and_then(|place| one.get(place..)).unwrap_or(one);
    let mut names = vec![one.to_owned(), last.to_ascii_lowercase()];
    if declared.column("email").is_some() {
        names.push("user".to_owned());
    }
    names.dedup();
    let within = |name: &str| {
        let mut table = ImportedTable::declared(declared);
        let put = |path: &mut String| *path = format!("{name}.{path}");
        for column in &mut table.columns {
            put(&mut column.field);
            column.only_where.as_mut().map(put);
            column.only_where_not.as_mut().map(put);
        }
        table.key.as_mut().map(put);
        table
    };
    names.iter().map(|name| within(name)).collect()
}

/// A value for each filter, of a kind that it may take.
fn filter_values(filters: &[FilterOption]) -> Value {
    let mut values = Map::new();
    for filter in filters {
        let one = match (filter.numbers, filter.field.as_str()) {
            (true, _) => json!(0),
            (false, "isOnAccount") => json!(true),
            (false, "email") => json!("nobody@example.invalid"),
            (false, _) => json!(NO_KEY),
        };
        let value = match filter.kind {
            FilterKind::List => json!([one]),
            FilterKind::Scalar | FilterKind::Pattern => one,
        };
        values.insert(filter.name.clone(), value);
    }
    Value::Object(values)
}

fn notice(declared: &Table, table: &ImportedTable, change: &Mend, error: &Error) -> Option<Notice> {
    let value = change.value.as_deref();
    let text = match (&change.column, change.option, value) {
        (Some(column), "absent", _) => {
            // What was only hoped for is not missed.
            let hoped = declared.columns.iter().find(|known| known.name == column);
            if hoped.is_some_and(|known| known.presence == crate::Presence::Discovered) {
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
