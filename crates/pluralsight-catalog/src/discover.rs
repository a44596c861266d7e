//! What a live schema has of what is declared.

use pluralsight_api::{Described, FieldShape, TypeShape};

use crate::{
    Column, Filter, FilterKind, FilterOption, ImportedColumn, ImportedTable, Presence, Shape,
    SqlType, Table,
};

/// Something that a person should know about an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice(pub String);

/// The table as the live schema allows it: what the schema lacks is absent, a candidate name that exists is chosen, and
/// with `all` the unknown scalar fields of a record are added. Where the schema lacks the query itself, the table is as
/// declared.
pub fn plan_import(
    table: &Table,
    described: &Described,
    all: bool,
) -> (ImportedTable, Vec<Notice>) {
    let mut notices = Vec::new();
    let Some(record) = Record::find(table, described) else {
        notices.push(Notice(format!(
            "table \"{}\" cannot be read: the API's schema has no query {}",
            table.name, table.query
        )));
        return (ImportedTable::declared(table), notices);
    };
    let mut columns = Vec::new();
    for column in table.columns {
        match record.column(column) {
            Found::Complete(imported) => {
                if imported.field != column.default_field() {
                    notices.push(Notice(format!(
                        "column \"{}.{}\" reads {}, as this API calls it",
                        table.name, column.name, imported.field
                    )));
                }
                columns.push(imported);
            }
            Found::Missing => {
                // What was only hoped for is not missed.
                if column.presence == Presence::Declared {
                    notices.push(Notice(format!(
                        "column \"{}.{}\" is absent: the API's schema has no {}",
                        table.name,
                        column.name,
                        column.fields.join(" or ")
                    )));
                }
                columns.push(ImportedColumn::missing(column));
            }
        }
    }
    if all {
        columns.extend(record.unknown_columns(table, &columns));
    }
    let filters = record.filters(table, &mut notices, all);
    let key = table.key.and_then(|fields| {
        fields
            .iter()
            .find(|field| record.resolve(field).is_some())
            .map(|&field| field.to_owned())
    });
    let truncated = table
        .truncated
        .iter()
        .filter(|path| record.resolve(path).is_some())
        .map(|&path| path.to_owned())
        .collect();
    let imported = ImportedTable {
        name: table.name.to_owned(),
        query: table.query.to_owned(),
        shape: record.shape,
        key: key.filter(|_| record.shape == Shape::Connection),
        filters,
        truncated,
        columns,
        rows: None,
        unchecked: false,
        absent: false,
    };
    (imported, notices)
}

/// The type of a table's records, in a live schema.
struct Record<'a> {
    described: &'a Described,
    root: &'a FieldShape,
    shape: Shape,
    node: &'a TypeShape,
}

enum Found {
    Complete(ImportedColumn),
    Missing,
}

impl<'a> Record<'a> {
    fn find(table: &Table, described: &'a Described) -> Option<Record<'a>> {
        let root = described.root(table.query)?;
        let answer = described.type_named(root.type_ref.name())?;
        let (shape, node) = match answer.field("nodes") {
            Some(nodes) => (
                Shape::Connection,
                described.type_named(nodes.type_ref.name())?,
            ),
            None if root.type_ref.is_list() => (Shape::List, answer),
            None => (Shape::Object, answer),
        };
        Some(Record {
            described,
            root,
            shape,
            node,
        })
    }

    /// The field at the end of a path below a record, and whether a list stands on the way.
    fn resolve(&self, path: &str) -> Option<(&'a FieldShape, bool)> {
        let mut holder = self.node;
        let mut listed = false;
        let mut names = path.split('.').peekable();
        while let Some(name) = names.next() {
            let field = holder.field(name)?;
            listed |= field.type_ref.is_list();
            if names.peek().is_none() {
                return Some((field, listed));
            }
            holder = self.described.type_named(field.type_ref.name())?;
        }
        None
    }

    fn column(&self, column: &Column) -> Found {
        for &field in column.fields {
            let Some((_, listed)) = self.resolve(field) else {
                continue;
            };
            let condition = column.only_where.or(column.only_where_not);
            let marked = condition.is_none_or(|path| self.resolve(path).is_some());
            if !marked && column.only_where_not.is_some() {
                // Without the mark nothing can be told apart.
                continue;
            }
            return Found::Complete(ImportedColumn {
                name: column.name.to_owned(),
                sql_type: column.sql_type.sql(),
                field: field.to_owned(),
                only_where: column.only_where.filter(|_| marked).map(str::to_owned),
                only_where_not: column.only_where_not.map(str::to_owned),
                aggregate: column.aggregate.filter(|_| listed),
                null_as_empty: column.null_as_empty,
                absent: false,
            });
        }
        Found::Missing
    }

    /// Scalar fields of a record that no column reads, in the schema's order.
    fn unknown_columns(&self, table: &Table, known: &[ImportedColumn]) -> Vec<ImportedColumn> {
        let mut added: Vec<ImportedColumn> = Vec::new();
        for field in &self.node.fields {
            let declared = table
                .columns
                .iter()
                .any(|column| column.fields.contains(&field.name.as_str()));
            if declared
                || field.deprecated
                || !field.type_ref.is_leaf()
                || field.has_required_argument()
                || known.iter().any(|column| column.field == field.name)
            {
                continue;
            }
            let mut name = snake_case(&field.name);
            while known.iter().chain(&added).any(|column| column.name == name) {
                name.push('_');
            }
            added.push(ImportedColumn {
                name,
                sql_type: sql_type(field).sql(),
                field: field.name.clone(),
                only_where: None,
                only_where_not: None,
                aggregate: None,
                null_as_empty: false,
                absent: false,
            });
        }
        added
    }

    /// The table's option `filters`: what is declared and there, and with `all` what else compares a field by name.
    fn filters(&self, table: &Table, notices: &mut Vec<Notice>, all: bool) -> Vec<String> {
        let Some(input) = self
            .root
            .argument("filter")
            .and_then(|argument| self.described.type_named(argument.type_ref.name()))
        else {
            let lost: Vec<&Filter> = table
                .filters
                .iter()
                .filter(|filter| filter.presence == Presence::Declared)
                .collect();
            notices.extend(lost.iter().map(|filter| lost_filter(table, filter)));
            return Vec::new();
        };
        let mut filters = Vec::new();
        for filter in table.filters {
            match input.input_field(filter.name) {
                Some(_) if self.resolve(filter.field).is_some() => {
                    filters.push(filter.name.to_owned())
                }
                Some(_) => {}
                None if filter.presence == Presence::Declared => {
                    notices.push(lost_filter(table, filter))
                }
                None => {}
            }
        }
        if all {
            for field in &input.input_fields {
                let known = table.filters.iter().any(|filter| filter.name == field.name);
                if !known
                    && field.type_ref.is_leaf()
                    && !field.type_ref.is_list()
                    && self
                        .node
                        .field(&field.name)
                        .is_some_and(|column| column.type_ref.name() == field.type_ref.name())
                {
                    filters.push(
                        FilterOption {
                            name: field.name.clone(),
                            field: field.name.clone(),
                            kind: FilterKind::Scalar,
                            exact: false,
                        }
                        .to_string(),
                    );
                }
            }
        }
        filters
    }
}

fn lost_filter(table: &Table, filter: &Filter) -> Notice {
    Notice(format!(
        "the API's schema has no filter {} on {}: conditions on that column are checked in PostgreSQL, after reading everything",
        filter.name, table.query
    ))
}

fn sql_type(field: &FieldShape) -> SqlType {
    let list = field.type_ref.is_list();
    match (field.type_ref.name(), list) {
        ("Boolean", false) => SqlType::Boolean,
        ("Int", false) => SqlType::Integer,
        ("Int", true) => SqlType::IntegerArray,
        ("Float", false) => SqlType::Double,
        ("DateTime", false) => SqlType::Timestamptz,
        (_, true) => SqlType::TextArray,
        (_, false) => SqlType::Text,
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut previous_lower = false;
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && previous_lower {
            snake.push('_');
        }
        previous_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
