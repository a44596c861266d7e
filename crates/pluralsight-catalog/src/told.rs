//! What a live schema tells of what is declared.

mod field;

use pluralsight_api::{
    Argument, Constant, Described, FieldPath, FieldShape, Operation, TypeKind, TypeShape,
};

use self::field::{is_size, sql_type, wants_more};
use crate::ddl::{ImportedColumn, ImportedTable};
use crate::declaration::{Column, Filter, FilterKind, Presence, SqlType, Table};
use crate::filter::FilterOption;
use crate::names::{is_same_name, snake_case};
use crate::nested;
use crate::notice::Notice;
use crate::query::argument_names;
use pluralsight_api::Shape;

/// The table as the live schema allows it: what the schema lacks is absent, a candidate name that exists is chosen, and
/// with `all` the unknown scalar fields of a record are added. `None` where the schema does not tell of the query, or of
/// no field that it has.
pub(crate) fn plan_import(
    table: &Table,
    described: &Described,
    all: bool,
) -> Option<(ImportedTable, Vec<Notice>)> {
    let mut notices = Vec::new();
    let record = Record::find(table, described)?;
    let mut columns = Vec::new();
    for column in table.columns {
        match record.column(column) {
            Ok(imported) => {
                if imported.field != column.default_field() {
                    notices.push(Notice(format!(
                        "column \"{}.{}\" reads {}, as this API calls it",
                        table.name, column.name, imported.field
                    )));
                }
                columns.push(imported);
            }
            Err(why) => {
                // What was only hoped for is not missed.
                if column.presence == Presence::Declared {
                    notices.push(Notice(format!(
                        "column \"{}.{}\" is absent: {why}",
                        table.name, column.name
                    )));
                }
                columns.push(ImportedColumn::missing(column));
            }
        }
    }
    if columns.iter().all(|column| column.absent) {
        return None;
    }
    if all {
        columns.extend(record.unknown_columns(table, &columns));
    }
    let filters = record.filters(table, &columns, &mut notices, all);
    let key = table
        .key
        .and_then(|fields| fields.iter().find_map(|field| record.leaf(field)));
    let mut operation = record.operation(table);
    let (sizes, truncated) = record.pages(&columns);
    operation.arguments = sizes;
    let imported = ImportedTable {
        name: table.name.to_owned(),
        operation,
        key: key.filter(|_| record.shape == Shape::Connection),
        filters,
        truncated,
        columns,
        rows: None,
        unchecked: false,
        absent: false,
    };
    Some((imported, notices))
}

/// A field of a live schema, by its path as that schema spells it.
struct Resolved<'a> {
    path: String,
    field: &'a FieldShape,
    /// A list stands on the way, or at the end.
    listed: bool,
}

/// The type of a table's records, in a live schema.
struct Record<'a> {
    described: &'a Described,
    root: &'a FieldShape,
    /// The root field's type.
    answer: &'a TypeShape,
    shape: Shape,
    /// Where the records of a connection are.
    records: Option<FieldPath>,
    node: &'a TypeShape,
    /// The field of a record that holds what the record is expected to hold.
    holder: Option<&'a str>,
}

impl<'a> Record<'a> {
    fn find(table: &Table, described: &'a Described) -> Option<Record<'a>> {
        let root = described.root(table.query)?;
        let answer = described.type_named(root.type_ref.name())?;
        let listed = |holder: &'a TypeShape, field: &str| {
            let field = holder.field(field)?;
            let is_list = field.type_ref.is_list() && !field.type_ref.is_leaf();
            is_list.then(|| described.type_named(field.type_ref.name()))?
        };
        let (shape, records, node) = if root.type_ref.is_list() {
            (Shape::List, None, answer)
        } else if let Some(node) = listed(answer, "nodes") {
            (Shape::Connection, FieldPath::parse("nodes").ok(), node)
        } else if let Some(node) = listed(answer, "edges")
            .and_then(|edge| edge.field("node"))
            .and_then(|node| described.type_named(node.type_ref.name()))
        {
            (Shape::Connection, FieldPath::parse("edges.node").ok(), node)
        } else {
            (Shape::Object, None, answer)
        };
        let mut record = Record {
            described,
            root,
            answer,
            shape,
            records,
            node,
            holder: None,
        };
        record.holder = record.find_holder(table);
        Some(record)
    }

    /// A record may be wrapped: the object in one of its fields has more of the columns' fields than it has itself.
    fn find_holder(&self, table: &Table) -> Option<&'a str> {
        let fields_of = |holder: Option<&'a str>| {
            let record = Record {
                holder,
                records: None,
                ..*self
            };
            let is_there = |column: &&Column| {
                let mut paths = column.fields.iter();
                paths.any(|path| record.resolve_within(holder, path).is_some())
            };
            table.columns.iter().filter(is_there).count()
        };
        let is_object = |field: &&FieldShape| {
            !field.type_ref.is_leaf() && !field.type_ref.is_list() && !wants_more(field)
        };
        let objects = self.node.fields.iter().filter(is_object);
        let best = objects
            .map(|field| (fields_of(Some(&field.name)), field.name.as_str()))
            .max_by_key(|(count, _)| *count)?;
        (best.0 > fields_of(None)).then_some(best.1)
    }

    /// The query as the schema has it.
    fn operation(&self, table: &Table) -> Operation {
        let argument = |option: &str| {
            let mut names = argument_names(option).iter();
            let found = names.find_map(|name| self.root.argument(name))?;
            Argument::new(&found.name, found.type_ref.text()).ok()
        };
        let standard = table.operation_in(self.shape);
        let filter = argument("filter_argument");
        if self.shape != Shape::Connection {
            return Operation { filter, ..standard };
        }
        let is_page_info = |page: &TypeShape| {
            page.field("hasNextPage").is_some() && page.field("endCursor").is_some()
        };
        Operation {
            records: self.records.clone().unwrap_or(standard.records),
            total_count: self
                .answer
                .field("totalCount")
                .is_some_and(|total| total.type_ref.is_leaf() && !total.type_ref.is_list()),
            page_info: self
                .answer
                .field("pageInfo")
                .and_then(|page| self.described.type_named(page.type_ref.name()))
                .is_some_and(is_page_info),
            first: argument("first_argument"),
            after: argument("after_argument"),
            filter,
            ..standard
        }
    }

    /// What stands at the end of a path below a record; its names may be written otherwise, such as in snake_case. A field
    /// on the way that must be given an argument, other than the size of a page, leads nowhere.
    fn resolve(&self, path: &str) -> Option<Resolved<'a>> {
        self.resolve_within(self.holder, path)
            .or_else(|| self.holder.and_then(|_| self.resolve_within(None, path)))
    }

    fn resolve_within(&self, within: Option<&str>, path: &str) -> Option<Resolved<'a>> {
        let mut holder = self.node;
        let mut listed = false;
        let mut spelled: Vec<&str> = Vec::new();
        let mut names = within.into_iter().chain(path.split('.')).peekable();
        while let Some(name) = names.next() {
            let fields = || holder.fields.iter();
            let field = holder
                .field(name)
                .or_else(|| fields().find(|field| is_same_name(&field.name, name)))?;
            listed |= field.type_ref.is_list();
            if wants_more(field) {
                return None;
            }
            spelled.push(&field.name);
            if names.peek().is_none() {
                let path = spelled.join(".");
                return Some(Resolved {
                    path,
                    field,
                    listed,
                });
            }
            holder = self.described.type_named(field.type_ref.name())?;
        }
        None
    }

    /// The path of a field that is one value, without fields of its own.
    fn leaf(&self, path: &str) -> Option<String> {
        self.resolve(path)
            .filter(|found| found.field.type_ref.is_leaf() && !found.listed)
            .map(|found| found.path)
    }

    /// The column as the schema has it, or why it cannot be read.
    fn column(&self, column: &Column) -> Result<ImportedColumn, String> {
        let takes_list = column.sql_type.is_list();
        let mut problem = None;
        for path in &column.candidates() {
            let Some(Resolved {
                path: spelled,
                field,
                listed,
            }) = self.resolve(path).map(|found| self.value_of(found, column))
            else {
                continue;
            };
            let mark = |mark: Option<&str>| Some(self.resolve(mark?)?.path);
            let (only_where, only_where_not) =
                (mark(column.only_where), mark(column.only_where_not));
            let wrong = if !field.type_ref.is_leaf() {
                Some("has fields of its own")
            } else if takes_list && !listed {
                Some("is one value, not a list")
            } else if !takes_list && listed && column.aggregate.is_none() {
                Some("is a list, not one value")
            } else if column.only_where_not.is_some() && only_where_not.is_none() {
                Some("has no mark beside it that tells its values apart")
            } else {
                None
            };
            if let Some(wrong) = wrong {
                problem.get_or_insert_with(|| format!("the API's field {path} {wrong}"));
                continue;
            }
            // A mark stands beside the path that it was declared for.
            let beside = path.as_str() == column.default_field();
            return Ok(ImportedColumn {
                field: spelled,
                only_where: only_where.filter(|_| beside),
                only_where_not,
                aggregate: column.aggregate.filter(|_| listed),
                absent: false,
                ..ImportedColumn::declared(column)
            });
        }
        Err(problem
            .unwrap_or_else(|| format!("the API's schema has no {}", column.fields.join(" or "))))
    }

    /// Where an object stands for one value, that value.
    fn value_of(&self, found: Resolved<'a>, column: &Column) -> Resolved<'a> {
        if found.field.type_ref.is_leaf() {
            return found;
        }
        let fields = self.described.type_named(found.field.type_ref.name());
        let is_value = |field: &&FieldShape| field.type_ref.is_leaf() && !wants_more(field);
        let values: Vec<&FieldShape> = fields
            .map_or(&[][..], |object| &object.fields)
            .iter()
            .filter(is_value)
            .collect();
        // That which the column's name says; or an instant, if the object holds nothing else.
        let last = column.name.trim_end_matches('s').rsplit('_').next();
        let is_named =
            |field: &FieldShape| field.name == "value" || Some(field.name.as_str()) == last;
        let is_instant = |field: &FieldShape| {
            column.sql_type == SqlType::Timestamptz
                && !matches!(field.type_ref.name(), "Boolean" | "Int" | "Float" | "ID")
        };
        let chosen = match values[..] {
            [only] if is_named(only) || is_instant(only) => Some(only),
            _ => values.iter().copied().find(|field| is_named(field)),
        };
        match chosen {
            Some(field) => Resolved {
                path: format!("{}.{}", found.path, field.name),
                field,
                listed: found.listed || field.type_ref.is_list(),
            },
            None => found,
        }
    }

    /// Of the lists that these columns lead through in pages: how many entries are asked for, and where they say that they
    /// were cut.
    fn pages(&self, columns: &[ImportedColumn]) -> (Vec<Constant>, Vec<String>) {
        let (mut sizes, mut truncated): (Vec<Constant>, Vec<String>) = (Vec::new(), Vec::new());
        for column in columns.iter().filter(|column| !column.absent) {
            for (end, _) in column.field.match_indices('.') {
                let list = &column.field[..end];
                let Some(found) = self.resolve_within(None, list) else {
                    continue;
                };
                let named = argument_names("first_argument").iter();
                let size = named
                    .filter_map(|name| found.field.argument(name))
                    .find(|argument| is_size(argument))
                    .and_then(|argument| nested::size(list, &argument.name));
                sizes.extend(size.filter(|size| !sizes.contains(size)));
                let more = self.resolve_within(None, &nested::truncated(list));
                truncated.extend(
                    more.map(|more| more.path)
                        .filter(|path| !truncated.contains(path)),
                );
            }
        }
        (sizes, truncated)
    }

    /// Scalar fields of a record that no column reads, in the schema's order.
    fn unknown_columns(&self, table: &Table, known: &[ImportedColumn]) -> Vec<ImportedColumn> {
        let mut added: Vec<ImportedColumn> = Vec::new();
        for field in &self.node.fields {
            let declared = table
                .columns
                .iter()
                .flat_map(|column| column.fields)
                .any(|known| is_same_name(known, &field.name));
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
    fn filters(
        &self,
        table: &Table,
        columns: &[ImportedColumn],
        notices: &mut Vec<Notice>,
        all: bool,
    ) -> Vec<String> {
        let Some(input) = argument_names("filter_argument")
            .iter()
            .find_map(|name| self.root.argument(name))
            .and_then(|argument| self.described.type_named(argument.type_ref.name()))
        else {
            let lost = table
                .filters
                .iter()
                .filter(|filter| filter.presence == Presence::Declared);
            notices.extend(lost.map(|filter| lost_filter(table, filter)));
            return Vec::new();
        };
        let mut filters = Vec::new();
        for filter in table.filters {
            let mut inputs = input.input_fields.iter();
            let taken = input
                .input_field(filter.name)
                .or_else(|| inputs.find(|input| is_same_name(&input.name, filter.name)));
            let Some(taken) = taken else {
                if filter.presence == Presence::Declared {
                    notices.push(lost_filter(table, filter));
                }
                continue;
            };
            let Some(field) = self.compared(table, filter, columns) else {
                continue;
            };
            // What compares a field with something else than its values would have to be known.
            let of_field = || {
                self.resolve(filter.field)
                    .map(|found| found.field.type_ref.name())
            };
            let is_odd =
                filter.kind == FilterKind::Scalar && of_field() != Some(taken.type_ref.name());
            if !taken.type_ref.is_leaf() || taken.type_ref.kind() == TypeKind::Enum || is_odd {
                continue;
            }
            let kind = match (filter.kind, taken.type_ref.is_list()) {
                (FilterKind::Pattern, false) => FilterKind::Pattern,
                (_, true) => FilterKind::List,
                (_, false) => FilterKind::Scalar,
            };
            let option = FilterOption {
                name: taken.name.clone(),
                field,
                kind,
                exact: filter.exact,
                numbers: matches!(taken.type_ref.name(), "Int" | "Long" | "BigInt"),
            };
            filters.push(option.written(table));
        }
        if all {
            for field in &input.input_fields {
                let mut known = table.filters.iter();
                let known = known.any(|filter| is_same_name(filter.name, &field.name));
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
                            numbers: false,
                        }
                        .to_string(),
                    );
                }
            }
        }
        filters
    }

    /// The path that a filter compares, where a column reads it. The several paths of a list mean the same list.
    fn compared(
        &self,
        table: &Table,
        filter: &Filter,
        columns: &[ImportedColumn],
    ) -> Option<String> {
        if !filter.field.contains('.') {
            return self.leaf(filter.field);
        }
        let column = table
            .columns
            .iter()
            .find(|column| column.default_field() == filter.field)?;
        columns
            .iter()
            .find(|imported| imported.name == column.name && !imported.absent)
            .map(|imported| imported.field.clone())
    }
}

fn lost_filter(table: &Table, filter: &Filter) -> Notice {
    Notice(format!(
        "the API's schema has no filter {} on {}: conditions on that column are checked in PostgreSQL, after reading everything",
        filter.name, table.query
    ))
}
