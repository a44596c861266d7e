//! The statements of stored copies that follow from a table's columns. Names in them are unqualified, except the source's: they
//! are found in the schema of the copies.

use crate::ddl::{quote_identifier, quote_literal};
use crate::declaration::{History, Table};

/// A column of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedColumn {
    pub name: String,
    /// The type as a definition says it.
    pub sql_type: String,
    /// The collation, quoted, where it is not the type's own.
    pub collation: Option<String>,
    pub comment: Option<String>,
}

/// A foreign table and its copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedTable {
    /// The copy's name, and the foreign table's.
    pub name: String,
    /// Schema and name of the foreign table, quoted.
    pub source: String,
    pub columns: Vec<CopiedColumn>,
    /// The column that tells records apart.
    pub key: Option<String>,
}

impl CopiedColumn {
    fn definition(&self) -> String {
        let mut definition = format!("{} {}", quote_identifier(&self.name), self.sql_type);
        if let Some(collation) = &self.collation {
            definition.push_str(" COLLATE ");
            definition.push_str(collation);
        }
        definition
    }

    /// Adds the column to a table of the copies' schema.
    pub fn add_to(&self, table: &str) -> String {
        format!(
            "ALTER TABLE {} ADD COLUMN {}",
            quote_identifier(table),
            self.definition()
        )
    }

    /// Says what the column of that table or view holds.
    pub fn comment_on(&self, table: &str) -> String {
        format!(
            "COMMENT ON COLUMN {}.{} IS {}",
            quote_identifier(table),
            quote_identifier(&self.name),
            self.comment
                .as_deref()
                .map_or_else(|| "NULL".to_owned(), quote_literal)
        )
    }
}

impl CopiedTable {
    pub fn quoted(&self) -> String {
        quote_identifier(&self.name)
    }

    /// The table into which a refresh reads.
    pub fn staged(&self) -> String {
        quote_identifier(&format!("staged_{}", self.name))
    }

    /// The table into which a refresh reads the answer to a question by key.
    pub fn answered(&self) -> String {
        quote_identifier(&format!("answered_{}", self.name))
    }

    fn quoted_key(&self) -> String {
        self.key
            .as_deref()
            .map(quote_identifier)
            .unwrap_or_default()
    }

    fn key_type(&self) -> &str {
        self.columns
            .iter()
            .find(|column| Some(&column.name) == self.key.as_ref())
            .map_or("text", |column| column.sql_type.as_str())
    }

    fn list(&self, prefix: &str) -> String {
        self.columns
            .iter()
            .map(|column| format!("{prefix}{}", quote_identifier(&column.name)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Makes the copy. With a key it gets a primary key; without, the whole row stands for itself in logical replication.
    pub fn create(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(CopiedColumn::definition).collect();
        let table = self.quoted();
        let identity = match &self.key {
            Some(_) => format!(
                "ALTER TABLE {table} ADD PRIMARY KEY ({})",
                self.quoted_key()
            ),
            None => format!("ALTER TABLE {table} REPLICA IDENTITY FULL"),
        };
        [
            format!("CREATE TABLE {table} ({})", columns.join(", ")),
            identity,
        ]
        .join("; ")
    }

    pub fn stage(&self) -> String {
        format!(
            "CREATE UNLOGGED TABLE {} AS SELECT {} FROM {} WITH NO DATA",
            self.staged(),
            self.list(""),
            self.quoted()
        )
    }

    pub fn unstage(&self) -> String {
        format!("DROP TABLE {}", self.staged())
    }

    pub fn stage_answers(&self) -> String {
        format!(
            "CREATE UNLOGGED TABLE {} (LIKE {})",
            self.answered(),
            self.staged()
        )
    }

    pub fn unstage_answers(&self) -> String {
        format!("DROP TABLE {}", self.answered())
    }

    /// Reads the foreign table whole.
    pub fn read(&self) -> String {
        format!(
            "INSERT INTO {} ({}) SELECT {} FROM ONLY {}",
            self.staged(),
            self.list(""),
            self.list(""),
            self.source
        )
    }

    /// Reads the records whose keys are in `$1`.
    pub fn read_keys(&self) -> String {
        format!(
            "INSERT INTO {} ({}) SELECT {} FROM ONLY {} AS source WHERE source.{} = ANY ($1::{}[])",
            self.answered(),
            self.list(""),
            self.list(""),
            self.source,
            self.quoted_key(),
            self.key_type()
        )
    }

    /// Adds what was answered to what was read.
    pub fn take_answers(&self) -> String {
        format!(
            "INSERT INTO {staged} SELECT answered.* FROM {answered} AS answered WHERE NOT EXISTS (SELECT FROM {staged} AS staged WHERE staged.{key} = answered.{key})",
            staged = self.staged(),
            answered = self.answered(),
            key = self.quoted_key()
        )
    }

    /// Leaves out what was read without a key.
    pub fn drop_without_key(&self) -> String {
        format!(
            "DELETE FROM {} AS staged WHERE staged.{} IS NULL",
            self.staged(),
            self.quoted_key()
        )
    }

    /// Leaves out what was read a second time under the same key.
    pub fn drop_repeated(&self) -> String {
        format!(
            "DELETE FROM {staged} AS staged USING (SELECT {key} AS key, (array_agg(ctid))[1] AS first FROM {staged} GROUP BY {key} HAVING count(*) > 1) AS repeated WHERE staged.{key} = repeated.key AND staged.ctid <> repeated.first",
            staged = self.staged(),
            key = self.quoted_key()
        )
    }

    /// The keys of the copy that were not read.
    pub fn missing_keys(&self) -> String {
        format!(
            "SELECT kept.{key}::text FROM {} AS kept WHERE NOT EXISTS (SELECT FROM {} AS staged WHERE staged.{key} = kept.{key}) ORDER BY 1",
            self.quoted(),
            self.staged(),
            key = self.quoted_key()
        )
    }

    /// A key that was read and that the copy has, too.
    pub fn witness(&self) -> String {
        format!(
            "SELECT staged.{key}::text FROM {} AS staged JOIN {} AS kept ON kept.{key} = staged.{key} LIMIT 1",
            self.staged(),
            self.quoted(),
            key = self.quoted_key()
        )
    }

    pub fn count(&self, table: &str) -> String {
        format!("SELECT count(*) FROM {table}")
    }

    /// Whether `$1` is among the keys answered.
    pub fn is_answered(&self) -> String {
        format!(
            "SELECT EXISTS (SELECT FROM {} AS answered WHERE answered.{}::text = $1)",
            self.answered(),
            self.quoted_key()
        )
    }

    /// Removes the rows of the copy that were not read.
    pub fn delete_gone(&self) -> String {
        match &self.key {
            Some(_) => format!(
                "DELETE FROM {} AS kept WHERE NOT EXISTS (SELECT FROM {} AS staged WHERE staged.{key} = kept.{key})",
                self.quoted(),
                self.staged(),
                key = self.quoted_key()
            ),
            None => format!(
                "WITH surplus AS (SELECT numbered.place FROM (SELECT kept.ctid AS place, md5(ROW ({kept_columns})::text) AS print, row_number() OVER (PARTITION BY md5(ROW ({kept_columns})::text)) AS number FROM {kept} AS kept) AS numbered WHERE numbered.number > (SELECT count(*) FROM {staged} AS staged WHERE md5(ROW ({staged_columns})::text) = numbered.print)) DELETE FROM {kept} AS kept USING surplus WHERE kept.ctid = surplus.place",
                kept = self.quoted(),
                staged = self.staged(),
                kept_columns = self.list("kept."),
                staged_columns = self.list("staged.")
            ),
        }
    }

    /// Changes the rows that differ from what was read, byte by byte. Without a key a row that changed is one that went and one
    /// that came.
    pub fn update_changed(&self) -> Option<String> {
        self.key.as_ref().map(|_| {
            format!(
                "UPDATE {} AS kept SET ({}) = ROW ({staged}) FROM {} AS staged WHERE staged.{key} = kept.{key} AND ROW ({})::record *<> ROW ({staged})::record",
                self.quoted(),
                self.list(""),
                self.staged(),
                self.list("kept."),
                staged = self.list("staged."),
                key = self.quoted_key()
            )
        })
    }

    /// Adds the rows that are new.
    pub fn insert_new(&self) -> String {
        match &self.key {
            Some(_) => format!(
                "INSERT INTO {kept} ({}) SELECT {} FROM {} AS staged WHERE NOT EXISTS (SELECT FROM {kept} AS kept WHERE kept.{key} = staged.{key})",
                self.list(""),
                self.list("staged."),
                self.staged(),
                kept = self.quoted(),
                key = self.quoted_key()
            ),
            None => format!(
                "INSERT INTO {kept} ({columns}) SELECT {columns} FROM (SELECT staged.*, md5(ROW ({staged_columns})::text) AS staged_print, row_number() OVER (PARTITION BY md5(ROW ({staged_columns})::text)) AS staged_number FROM {staged} AS staged) AS numbered WHERE numbered.staged_number > (SELECT count(*) FROM {kept} AS kept WHERE md5(ROW ({kept_columns})::text) = numbered.staged_print)",
                kept = self.quoted(),
                staged = self.staged(),
                columns = self.list(""),
                kept_columns = self.list("kept."),
                staged_columns = self.list("staged.")
            ),
        }
    }
}

/// Fills `staged_accounts` from the view `accounts`, in the columns that both have.
pub fn stage_accounts(columns: &[String]) -> String {
    let list = |prefix: &str| {
        columns
            .iter()
            .map(|column| format!(", {prefix}{}", quote_identifier(column)))
            .collect::<String>()
    };
    format!(
        "INSERT INTO staged_accounts (user_id, valid_from{}) SELECT found.user_id, refresh.moment{} FROM staged_refresh AS refresh CROSS JOIN accounts AS found WHERE found.user_id IS NOT NULL",
        list(""),
        list("found.")
    )
}

/// What history does with a column of the view `accounts`: what it does with the column of `users` of that name, or, for what
/// the view works out itself, what is said here. Columns that follow from others, or that change without anything happening to
/// the account, are not kept.
pub fn account_history(column: &str) -> History {
    match column {
        "email_key" | "last_sign_in_at" => History::Untracked,
        "product_names" => History::Beside,
        _ => Table::named("users")
            .and_then(|users| users.column(column))
            .map_or(History::Versioned, |column| column.history),
    }
}

/// Takes those out of `staged_accounts` who are as history knows them: equal in all of `columns`, byte by byte. Where team ids
/// are unknown, the names stand for the teams.
pub fn drop_unchanged(columns: &[String]) -> String {
    let list = |alias: &str| {
        columns
            .iter()
            .map(|column| format!(", {alias}.{}", quote_identifier(column)))
            .collect::<String>()
    };
    format!(
        "DELETE FROM staged_accounts AS found USING account_history AS known WHERE known.user_id = found.user_id AND known.valid_to IS NULL AND ROW (known.forgotten{})::record *= ROW (found.forgotten{})::record AND (found.team_ids IS NOT NULL OR known.team_names IS NOT DISTINCT FROM found.team_names)",
        list("known"),
        list("found")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, sql_type: &str) -> CopiedColumn {
        CopiedColumn {
            name: name.to_owned(),
            sql_type: sql_type.to_owned(),
            collation: None,
            comment: Some("it's".to_owned()),
        }
    }

    #[test]
    fn names_are_quoted_wherever_they_stand() {
        let table = CopiedTable {
            name: "us\"ers".to_owned(),
            source: "\"a\".\"b\"".to_owned(),
            columns: vec![column("i\"d", "text"), column("n", "text[]")],
            key: Some("i\"d".to_owned()),
        };
        assert_eq!(
            table.create(),
            "CREATE TABLE \"us\"\"ers\" (\"i\"\"d\" text, \"n\" text[]); ALTER TABLE \"us\"\"ers\" ADD PRIMARY KEY (\"i\"\"d\")"
        );
        assert_eq!(table.staged(), "\"staged_us\"\"ers\"");
        assert!(
            table
                .delete_gone()
                .contains("staged.\"i\"\"d\" = kept.\"i\"\"d\"")
        );
        assert_eq!(
            table.columns[0].comment_on(&table.name),
            "COMMENT ON COLUMN \"us\"\"ers\".\"i\"\"d\" IS 'it''s'"
        );
    }

    #[test]
    fn history_follows_the_declarations_of_users() {
        assert_eq!(account_history("user_id"), History::Key);
        assert_eq!(account_history("note"), History::Versioned);
        assert_eq!(account_history("status"), History::Versioned);
        assert_eq!(account_history("team_names"), History::Beside);
        assert_eq!(account_history("last_sign_in_at"), History::Untracked);
    }

    #[test]
    fn a_table_without_a_key_is_identified_by_its_rows() {
        let table = CopiedTable {
            name: "plan".to_owned(),
            source: "\"s\".\"plan\"".to_owned(),
            columns: vec![column("name", "text")],
            key: None,
        };
        assert!(table.create().ends_with("REPLICA IDENTITY FULL"));
        assert_eq!(table.update_changed(), None);
    }
}
