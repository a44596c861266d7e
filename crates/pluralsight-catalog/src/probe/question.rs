//! One question to the API about a table, and what its refusals say.

use pluralsight_api::{Call, Client, Context, Error, ErrorKind, FieldPath, Refusal, Selection};
use serde_json::Value;

use crate::ddl::ImportedTable;
use crate::declaration::Table;
use crate::mend::{Mend, Refused};
use crate::query::argument_names;

/// Records asked for: enough to see what a field holds that is empty for many.
const RECORDS: u32 = 25;

/// One table under question.
pub(crate) struct Probe<'a> {
    pub client: &'a Client,
    pub context: &'a Context<'a>,
    pub declared: &'a Table,
    pub refused: Refused,
    /// Requests made.
    pub asked: u32,
    /// Records asked for.
    pub size: u32,
    /// A list is one record.
    pub gathers: bool,
    /// The API does not say what it refuses, and was asked for one thing after the other.
    pub is_halved: bool,
    /// The schema is told, so that what is not in it need not be tried.
    pub is_told: bool,
}

impl<'a> Probe<'a> {
    pub fn new(client: &'a Client, context: &'a Context<'a>, declared: &'a Table) -> Probe<'a> {
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
    pub fn named(&self, table: &ImportedTable, error: &Error) -> Vec<Mend> {
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
    pub fn other_names(&self, changes: &mut [Mend], error: &Error) {
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
    pub async fn learn_types(
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
