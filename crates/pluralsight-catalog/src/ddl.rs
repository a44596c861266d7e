//! `CREATE FOREIGN TABLE`, as `IMPORT FOREIGN SCHEMA` hands it to PostgreSQL.

use crate::{Shape, Table};

/// A column as it will be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedColumn {
    pub name: String,
    pub sql_type: &'static str,
    pub field: String,
    pub only_where: Option<String>,
    pub only_where_not: Option<String>,
    pub aggregate: Option<&'static str>,
}

/// A table as it will be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedTable {
    pub name: String,
    pub query: String,
    pub shape: Shape,
    pub key: Option<String>,
    pub filters: Vec<String>,
    pub truncated: Vec<String>,
    pub columns: Vec<ImportedColumn>,
}

impl ImportedTable {
    /// The declaration itself, for when the API's schema cannot be asked.
    pub fn declared(table: &Table) -> ImportedTable {
        use crate::Presence::Declared;
        ImportedTable {
            name: table.name.to_owned(),
            query: table.query.to_owned(),
            shape: table.shape,
            key: table
                .key
                .and_then(|fields| fields.first())
                .map(|&field| field.to_owned()),
            filters: table
                .filters
                .iter()
                .filter(|filter| filter.presence == Declared)
                .map(|filter| filter.name.to_owned())
                .collect(),
            truncated: Vec::new(),
            columns: table
                .columns
                .iter()
                .filter(|column| column.presence == Declared)
                .map(|column| ImportedColumn {
                    name: column.name.to_owned(),
                    sql_type: column.sql_type.sql(),
                    field: column.default_field().to_owned(),
                    only_where: column.only_where.map(str::to_owned),
                    only_where_not: column.only_where_not.map(str::to_owned),
                    aggregate: column.aggregate,
                })
                .collect(),
        }
    }

    /// The statement that creates the table on `server`. PostgreSQL itself puts it into the schema asked for.
    pub fn create_statement(&self, server: &str) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(ImportedColumn::definition)
            .collect();
        let mut options = vec![
            format!("query {}", quote_literal(&self.query)),
            format!("shape {}", quote_literal(self.shape.name())),
        ];
        if let Some(key) = &self.key {
            options.push(format!("key {}", quote_literal(key)));
        }
        if !self.filters.is_empty() {
            options.push(format!(
                "filters {}",
                quote_literal(&self.filters.join(", "))
            ));
        }
        if !self.truncated.is_empty() {
            options.push(format!(
                "truncated {}",
                quote_literal(&self.truncated.join(", "))
            ));
        }
        format!(
            "CREATE FOREIGN TABLE {} (\n  {}\n)\nSERVER {}\nOPTIONS ({})",
            quote_identifier(&self.name),
            columns.join(",\n  "),
            quote_identifier(server),
            options.join(", ")
        )
    }
}

impl ImportedColumn {
    fn definition(&self) -> String {
        let mut options = vec![format!("field {}", quote_literal(&self.field))];
        if let Some(path) = &self.only_where {
            options.push(format!("only_where {}", quote_literal(path)));
        }
        if let Some(path) = &self.only_where_not {
            options.push(format!("only_where_not {}", quote_literal(path)));
        }
        if let Some(aggregate) = self.aggregate {
            options.push(format!("aggregate {}", quote_literal(aggregate)));
        }
        format!(
            "{} {} OPTIONS ({})",
            quote_identifier(&self.name),
            self.sql_type,
            options.join(", ")
        )
    }
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

    #[test]
    fn names_and_values_are_quoted() {
        assert_eq!(quote_identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\b"), "E'a\\\\b'");
        let mut table = ImportedTable::declared(Table::named("plan").expect("plan is declared"));
        table.name = "pl\"an".to_owned();
        assert!(
            table
                .create_statement("my \"server")
                .contains("SERVER \"my \"\"server\"")
        );
        assert!(
            table
                .create_statement("s")
                .starts_with("CREATE FOREIGN TABLE \"pl\"\"an\" (")
        );
    }

    #[test]
    fn an_unconfirmed_field_is_not_imported_unseen() {
        let users = ImportedTable::declared(Table::named("users").expect("users is declared"));
        assert!(
            users
                .columns
                .iter()
                .all(|column| column.name != "legacy_id")
        );
        assert_eq!(users.filters, ["emails"]);
    }
}
