//! How tables, their columns and their filters are declared.

use pluralsight_api::{Argument, Name, Operation, Shape};

use crate::names::snake_case;

/// The SQL type that a column is imported with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlType {
    Boolean,
    Integer,
    Bigint,
    Double,
    Text,
    Timestamptz,
    IntegerArray,
    TextArray,
}

impl SqlType {
    /// The type as it is written in `CREATE FOREIGN TABLE`.
    pub fn sql(self) -> &'static str {
        match self {
            SqlType::Boolean => "boolean",
            SqlType::Integer => "integer",
            SqlType::Bigint => "bigint",
            SqlType::Double => "double precision",
            SqlType::Text => "text",
            SqlType::Timestamptz => "timestamp with time zone",
            SqlType::IntegerArray => "integer[]",
            SqlType::TextArray => "text[]",
        }
    }

    /// Whether it holds a list of values.
    pub fn is_list(self) -> bool {
        matches!(self, SqlType::IntegerArray | SqlType::TextArray)
    }
}

/// Whether the API is taken to have a field or filter when its schema cannot be asked. Asking for a field that it lacks
/// fails the whole request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// There, unless it is known to be missing.
    Declared,
    /// Missing, unless it is known to be there.
    Discovered,
}

/// What history does with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// It tells the records apart.
    Key,
    /// A change of it is a new version of the record.
    Versioned,
    /// Each version has its value, but a change of it alone makes no new version.
    Beside,
    /// History does not hold it.
    Untracked,
}

/// One column of a foreign table and where its value comes from. Every table has all its columns; one whose field the
/// API lacks is absent, and reads NULL.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub sql_type: SqlType,
    /// GraphQL paths below a record, best first: the first one that the live schema has is taken, and the first one of
    /// all where the schema cannot be asked.
    pub fields: &'static [&'static str],
    /// Path of a Boolean beside the value; only values where it is not `false` are taken.
    pub only_where: Option<&'static str>,
    /// Path of a Boolean beside the value; only values where it is `false` are taken.
    pub only_where_not: Option<&'static str>,
    /// `sum` for a number that the API gives per product.
    pub aggregate: Option<&'static str>,
    /// The API's null is an empty list, so that NULL means unknown.
    pub null_as_empty: bool,
    pub presence: Presence,
    /// Its value says who a person is.
    pub identifying: bool,
    pub history: History,
    /// Becomes the comment in the catalog and the line in the reference.
    pub comment: &'static str,
}

/// The words of a column's line in [`tables`].
impl Column {
    /// A plain column, read from the first of `fields` that the API has.
    pub(crate) const fn new(
        name: &'static str,
        sql_type: SqlType,
        fields: &'static [&'static str],
        comment: &'static str,
    ) -> Column {
        Column {
            name,
            sql_type,
            fields,
            only_where: None,
            only_where_not: None,
            aggregate: None,
            null_as_empty: false,
            presence: Presence::Declared,
            identifying: false,
            history: History::Versioned,
            comment,
        }
    }

    pub(crate) const fn only_where(mut self, path: &'static str) -> Column {
        self.only_where = Some(path);
        self
    }

    pub(crate) const fn only_where_not(mut self, path: &'static str) -> Column {
        self.only_where_not = Some(path);
        self
    }

    pub(crate) const fn sum(mut self) -> Column {
        self.aggregate = Some("sum");
        self
    }

    pub(crate) const fn empty_if_null(mut self) -> Column {
        self.null_as_empty = true;
        self
    }

    pub(crate) const fn if_discovered(mut self) -> Column {
        self.presence = Presence::Discovered;
        self
    }

    pub(crate) const fn identifying(mut self) -> Column {
        self.identifying = true;
        self
    }

    pub(crate) const fn key(mut self) -> Column {
        self.history = History::Key;
        self
    }

    pub(crate) const fn beside(mut self) -> Column {
        self.history = History::Beside;
        self
    }

    pub(crate) const fn untracked(mut self) -> Column {
        self.history = History::Untracked;
        self
    }
}

impl Column {
    /// The paths that it may be read from, best first: those of `fields`, these where a list on the way comes in pages,
    /// and all of them in snake_case.
    pub(crate) fn candidates(&self) -> Vec<String> {
        let mut candidates: Vec<String> = Vec::new();
        let mut add = |path: String| {
            if !candidates.contains(&path) {
                candidates.push(path);
            }
        };
        for &path in self.fields {
            add(path.to_owned());
        }
        let has_list = self.sql_type.is_list() || self.aggregate.is_some();
        for path in self.fields.iter().filter(|_| has_list) {
            if let Some((list, value)) =
                path.split_once('.').filter(|(_, rest)| !rest.contains('.'))
            {
                add(format!("{list}.nodes.{value}"));
                add(format!("{list}.edges.node.{value}"));
            }
        }
        for path in candidates.clone() {
            let other = snake_case(&path);
            if !candidates.contains(&other) {
                candidates.push(other);
            }
        }
        candidates
    }

    /// The path that is asked for unless the live schema says otherwise.
    pub fn default_field(&self) -> &'static str {
        self.fields[0]
    }
}

/// What the API takes for a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FilterKind {
    /// A list; a record matches if it has any of the values.
    List,
    /// One value, compared for equality.
    Scalar,
    /// One text; a record matches if it contains the text.
    Pattern,
}

/// A condition that the API can evaluate itself.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// Name of the argument's input field, such as `emails`.
    pub name: &'static str,
    /// The path that it compares.
    pub field: &'static str,
    pub kind: FilterKind,
    /// True where a row comes back exactly when SQL's own comparison holds, so that nothing has to be checked again.
    pub exact: bool,
    /// True where values are asked for in lower case as well, because it is not known how the API compares them.
    pub fold_case: bool,
    pub presence: Presence,
}

/// A foreign table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    pub name: &'static str,
    /// The root field of the API's `Query` type.
    pub query: &'static str,
    pub shape: Shape,
    pub comment: &'static str,
    /// Path of the value that no two records share, if there is one.
    pub key: Option<&'static [&'static str]>,
    /// The schema says that the key is never null.
    pub key_required: bool,
    /// The type of the query's argument `filter`, where it takes one.
    pub filter_type: Option<&'static str>,
    pub columns: &'static [Column],
    pub filters: &'static [Filter],
}

impl Table {
    /// The column of that name, if it is declared.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The query as it is declared.
    pub fn operation(&self) -> Operation {
        self.operation_in(self.shape)
    }

    /// The query as it would be declared in another shape.
    pub fn operation_in(&self, shape: Shape) -> Operation {
        Operation {
            filter: self
                .filter_type
                .map(|of_type| Argument::declared("filter", of_type)),
            ..Operation::new(Name::declared(self.query), shape)
        }
    }

    /// The filter of that name, if the API may have it.
    pub fn filter(&self, name: &str) -> Option<&'static Filter> {
        self.filters.iter().find(|filter| filter.name == name)
    }
}
