//! Foreign tables as statements: how they are made, and how those that are there become what they should be.

use std::collections::BTreeMap;

use pluralsight_api::Operation;

use crate::declaration::{Presence, Table};
use crate::query::{QUERY_OPTIONS, operation_options};

/// Options of a table or column, by name.
pub type Options = BTreeMap<String, String>;

/// A column as it will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedColumn {
    pub name: String,
    pub sql_type: &'static str,
    pub field: String,
    pub only_where: Option<String>,
    pub only_where_not: Option<String>,
    pub aggregate: Option<&'static str>,
    /// A null list counts as an empty one.
    pub null_as_empty: bool,
    /// The API does not have it: it reads NULL and is never asked for.
    pub absent: bool,
}

/// A table as it will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedTable {
    pub name: String,
    /// How its query is asked.
    pub operation: Operation,
    pub key: Option<String>,
    pub filters: Vec<String>,
    pub truncated: Vec<String>,
    pub columns: Vec<ImportedColumn>,
    /// Records that the API announced.
    pub rows: Option<u64>,
    /// Nobody has compared it with the API.
    pub unchecked: bool,
    /// The API does not have its query, or not for this key: it reads as empty and is never asked for.
    pub absent: bool,
}

/// A table as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExistingTable {
    pub options: Options,
    pub columns: Vec<ExistingColumn>,
}

/// A column as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingColumn {
    pub name: String,
    pub options: Options,
}

impl ExistingTable {
    pub fn column(&self, name: &str) -> Option<&ExistingColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// The options that say what a column reads; all others are the user's.
const COLUMN_OPTIONS: &[&str] = &[
    "field",
    "only_where",
    "only_where_not",
    "aggregate",
    "null_as_empty",
    "absent",
];

/// The options that say how the API hands out a table, beside those of its query; all others are the user's.
const TABLE_OPTIONS: &[&str] = &["key", "filters", "truncated", "rows", "unchecked", "absent"];

impl ImportedTable {
    /// The declaration itself, for when the API cannot be asked.
    pub fn declared(table: &Table) -> ImportedTable {
        ImportedTable {
            name: table.name.to_owned(),
            operation: table.operation(),
            key: table
                .key
                .and_then(|fields| fields.first())
                .map(|&field| field.to_owned()),
            filters: table
                .filters
                .iter()
                .filter(|filter| filter.presence == Presence::Declared)
                .map(|filter| filter.name.to_owned())
                .collect(),
            truncated: Vec::new(),
            columns: table.columns.iter().map(ImportedColumn::declared).collect(),
            rows: None,
            unchecked: true,
            absent: false,
        }
    }

    /// The statement that creates the table on `server`; without a schema PostgreSQL chooses it.
    pub fn create_statement(&self, schema: Option<&str>, server: &str) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(ImportedColumn::definition)
            .collect();
        let name = match schema {
            Some(schema) => qualified(schema, &self.name),
            None => quote_identifier(&self.name),
        };
        format!(
            "CREATE FOREIGN TABLE {name} (\n  {}\n)\nSERVER {}\nOPTIONS ({})",
            columns.join(",\n  "),
            quote_identifier(server),
            listed(&self.options())
        )
    }

    /// The statements that make a table that is there what it should be. Columns and options of the user's own stay.
    pub fn renew_statements(&self, schema: &str, existing: &ExistingTable) -> Vec<String> {
        let table = qualified(schema, &self.name);
        let mut statements = Vec::new();
        for column in &self.columns {
            match existing.column(&column.name) {
                None => statements.push(format!(
                    "ALTER FOREIGN TABLE {table} ADD COLUMN {}",
                    column.definition()
                )),
                Some(there) => {
                    let changes = changes(&there.options, &column.options(), COLUMN_OPTIONS);
                    if let Some(changes) = changes {
                        statements.push(format!(
                            "ALTER FOREIGN TABLE {table} ALTER COLUMN {} OPTIONS ({changes})",
                            quote_identifier(&column.name)
                        ));
                    }
                }
            }
        }
        let of_query = QUERY_OPTIONS.iter().map(|option| option.name);
        let managed: Vec<&str> = of_query.chain(TABLE_OPTIONS.iter().copied()).collect();
        if let Some(changes) = changes(&existing.options, &self.options(), &managed) {
            statements.push(format!("ALTER FOREIGN TABLE {table} OPTIONS ({changes})"));
        }
        statements
    }

    /// The options that say how the API hands it out.
    pub fn options(&self) -> Options {
        let mut options = Options::new();
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                options.insert(name.to_owned(), value);
            }
        };
        let list = |list: &[String]| (!list.is_empty()).then(|| list.join(", "));
        for (name, value) in operation_options(&self.operation) {
            add(name, Some(value));
        }
        add("key", self.key.clone());
        add("filters", list(&self.filters));
        add("truncated", list(&self.truncated));
        add("rows", self.rows.map(|rows| rows.to_string()));
        add("unchecked", self.unchecked.then(|| "true".to_owned()));
        add("absent", self.absent.then(|| "true".to_owned()));
        options
    }
}

impl ImportedColumn {
    /// The declaration itself; a column that is only hoped for is absent.
    pub fn declared(column: &crate::declaration::Column) -> ImportedColumn {
        ImportedColumn {
            name: column.name.to_owned(),
            sql_type: column.sql_type.sql(),
            field: column.default_field().to_owned(),
            only_where: column.only_where.map(str::to_owned),
            only_where_not: column.only_where_not.map(str::to_owned),
            aggregate: column.aggregate,
            null_as_empty: column.null_as_empty,
            absent: column.presence == Presence::Discovered,
        }
    }

    /// The same column, which the API does not have.
    #[must_use]
    pub fn missing(column: &crate::declaration::Column) -> ImportedColumn {
        ImportedColumn {
            absent: true,
            ..ImportedColumn::declared(column)
        }
    }

    /// The options that say what it reads.
    pub fn options(&self) -> Options {
        let mut options = Options::new();
        let mut add = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                options.insert(name.to_owned(), value.to_owned());
            }
        };
        add("field", Some(&self.field));
        add("only_where", self.only_where.as_deref());
        add("only_where_not", self.only_where_not.as_deref());
        add("aggregate", self.aggregate);
        add("null_as_empty", self.null_as_empty.then_some("true"));
        add("absent", self.absent.then_some("true"));
        options
    }

    fn definition(&self) -> String {
        // All types but this one are words of SQL's own, which no search path can lead elsewhere.
        let schema = if self.sql_type.starts_with("text") {
            "pg_catalog."
        } else {
            ""
        };
        format!(
            "{} {schema}{} OPTIONS ({})",
            quote_identifier(&self.name),
            self.sql_type,
            listed(&self.options())
        )
    }
}

/// `ALTER FOREIGN TABLE … OPTIONS (…)` that gives a column one option, whether it has that option or not.
pub fn set_column_option(
    table: &str,
    column: &str,
    existing: &Options,
    name: &str,
    value: &str,
) -> String {
    format!(
        "ALTER FOREIGN TABLE {table} ALTER COLUMN {} OPTIONS ({});",
        quote_identifier(column),
        set(existing, name, value)
    )
}

/// The same for an option of the table.
pub fn set_table_option(table: &str, existing: &Options, name: &str, value: &str) -> String {
    format!(
        "ALTER FOREIGN TABLE {table} OPTIONS ({});",
        set(existing, name, value)
    )
}

fn set(existing: &Options, name: &str, value: &str) -> String {
    change(existing.contains_key(name), name, Some(value)).unwrap_or_default()
}

/// What an `OPTIONS` list says to give an option that value, or to take it away; nothing if it is not there anyway.
pub(crate) fn change(is_there: bool, name: &str, value: Option<&str>) -> Option<String> {
    match (value, is_there) {
        (Some(value), true) => Some(format!("SET {name} {}", quote_literal(value))),
        (Some(value), false) => Some(format!("ADD {name} {}", quote_literal(value))),
        (None, true) => Some(format!("DROP {name}")),
        (None, false) => None,
    }
}

fn listed(options: &Options) -> String {
    options
        .iter()
        .map(|(name, value)| format!("{name} {}", quote_literal(value)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What leads from the options that are there to those that are wanted, among the `managed` ones.
fn changes(existing: &Options, wanted: &Options, managed: &[&str]) -> Option<String> {
    let changes: Vec<String> = managed
        .iter()
        .filter_map(|&name| match (existing.get(name), wanted.get(name)) {
            (Some(there), Some(wanted)) if there == wanted => None,
            (_, Some(wanted)) => Some(set(existing, name, wanted)),
            (Some(_), None) => Some(format!("DROP {name}")),
            (None, None) => None,
        })
        .collect();
    (!changes.is_empty()).then(|| changes.join(", "))
}

/// `schema.name`, both quoted.
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_identifier(schema), quote_identifier(name))
}

/// `name` as an SQL identifier, always quoted.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as an SQL string literal that means the same whatever `standard_conforming_strings` says.
pub fn quote_literal(text: &str) -> String {
    let quoted = format!("'{}'", text.replace('\'', "''").replace('\\', "\\\\"));
    if text.contains('\\') {
        format!("E{quoted}")
    } else {
        quoted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> ImportedTable {
        ImportedTable::declared(Table::named(name).expect(name))
    }

    fn existing(table: &ImportedTable) -> ExistingTable {
        ExistingTable {
            options: table.options(),
            columns: table
                .columns
                .iter()
                .map(|column| ExistingColumn {
                    name: column.name.clone(),
                    options: column.options(),
                })
                .collect(),
        }
    }

    #[test]
    fn names_and_values_are_quoted() {
        assert_eq!(quote_identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\b"), "E'a\\\\b'");
        let mut plan = table("plan");
        plan.name = "pl\"an".to_owned();
        let statement = plan.create_statement(Some("my \"schema"), "my \"server");
        assert!(statement.starts_with("CREATE FOREIGN TABLE \"my \"\"schema\".\"pl\"\"an\" ("));
        assert!(statement.contains("SERVER \"my \"\"server\""));
        assert!(
            plan.create_statement(None, "s")
                .starts_with("CREATE FOREIGN TABLE \"pl\"\"an\" (")
        );
    }

    #[test]
    fn an_unconfirmed_field_is_absent_unseen() {
        let users = table("users");
        let absent: Vec<_> = users
            .columns
            .iter()
            .filter(|column| column.absent)
            .map(|column| column.name.as_str())
            .collect();
        assert_eq!(absent, ["plan_user_id", "legacy_id"]);
        assert_eq!(users.filters, ["emails"]);
    }

    #[test]
    fn what_is_as_it_should_be_is_left_alone() {
        let users = table("users");
        assert_eq!(
            users.renew_statements("s", &existing(&users)),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_table_gains_columns_and_options_and_keeps_the_users_own() {
        let mut users = table("users");
        let mut there = existing(&users);
        there
            .options
            .insert("page_size".to_owned(), "10".to_owned());
        there.columns.retain(|column| column.name != "note");
        there.columns.push(ExistingColumn {
            name: "mine".to_owned(),
            options: Options::from([("field".to_owned(), "x".to_owned())]),
        });
        users.unchecked = false;
        users.rows = Some(3);
        users
            .columns
            .iter_mut()
            .find(|column| column.name == "mfa_enabled")
            .expect("it is declared")
            .absent = true;
        assert_eq!(
            users.renew_statements("s", &there),
            [
                "ALTER FOREIGN TABLE \"s\".\"users\" ADD COLUMN \"note\" pg_catalog.text OPTIONS (field 'note')",
                "ALTER FOREIGN TABLE \"s\".\"users\" ALTER COLUMN \"mfa_enabled\" OPTIONS (ADD absent 'true')",
                "ALTER FOREIGN TABLE \"s\".\"users\" OPTIONS (ADD rows '3', DROP unchecked)",
            ]
        );
    }

    #[test]
    fn one_statement_sets_an_option_in_every_state() {
        let none = Options::new();
        let some = Options::from([("absent".to_owned(), "false".to_owned())]);
        assert_eq!(
            set_column_option("\"s\".\"t\"", "c", &none, "absent", "true"),
            "ALTER FOREIGN TABLE \"s\".\"t\" ALTER COLUMN \"c\" OPTIONS (ADD absent 'true');"
        );
        assert_eq!(
            set_column_option("\"s\".\"t\"", "c", &some, "absent", "true"),
            "ALTER FOREIGN TABLE \"s\".\"t\" ALTER COLUMN \"c\" OPTIONS (SET absent 'true');"
        );
    }
}
