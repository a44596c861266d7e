//! A table that is being found out about: what it asks for, and one change of it at a time.

use std::collections::BTreeMap;

use crate::ddl::ImportedTable;
use crate::declaration::Table;
use crate::filter::parse_filters;
use crate::mend::{ColumnMapping, Mapping, Mend};
use crate::query::{operation_from, operation_options};

impl ImportedTable {
    /// What it asks of the API.
    pub fn mapping(&self) -> Mapping {
        let declared = Table::over(self.operation.name.as_str());
        Mapping {
            operation: self.operation.clone(),
            key: self.key.clone(),
            filters: parse_filters(declared, &self.filters.join(", ")).unwrap_or_default(),
            truncated: self.truncated.clone(),
            columns: self
                .columns
                .iter()
                .filter(|column| !column.absent)
                .map(|column| ColumnMapping {
                    name: column.name.clone(),
                    field: column.field.clone(),
                    only_where: column.only_where.clone(),
                    only_where_not: column.only_where_not.clone(),
                })
                .collect(),
        }
    }

    /// Makes one change. One that makes no sense changes nothing.
    pub fn apply(&mut self, change: &Mend) {
        let value = change.value.clone();
        if let Some(name) = &change.column {
            let found = self.columns.iter_mut().find(|column| column.name == *name);
            let Some(column) = found else {
                return;
            };
            match change.option {
                "field" => column.field = value.unwrap_or_default(),
                "only_where" => column.only_where = value,
                "only_where_not" => column.only_where_not = value,
                "absent" => column.absent = value.as_deref() == Some("true"),
                _ => {}
            }
            return;
        }
        let list = || {
            let text = value.clone().unwrap_or_default();
            let entries = text
                .split(',')
                .map(str::trim)
                .filter(|entry| !entry.is_empty());
            entries.map(str::to_owned).collect()
        };
        match change.option {
            "key" => self.key = value,
            "filters" => self.filters = list(),
            "truncated" => self.truncated = list(),
            option => {
                let mut options: BTreeMap<String, String> = operation_options(&self.operation)
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect();
                if option == "shape" {
                    // What was said of another shape does not hold for this one.
                    options.retain(|name, _| {
                        matches!(name.as_str(), "query" | "filter_type" | "arguments")
                    });
                }
                match value {
                    Some(value) => options.insert(option.to_owned(), value),
                    None => options.remove(option),
                };
                if let Ok(operation) = operation_from(&options) {
                    self.operation = operation;
                }
            }
        }
    }

    /// Whether a column that is there reads that field.
    pub fn reads(&self, field: &str) -> bool {
        self.columns
            .iter()
            .any(|column| !column.absent && column.field == field)
    }
}
