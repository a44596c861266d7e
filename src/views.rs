//! The views of `sql/views/`, over the foreign tables of a schema or over stored copies of them.

mod definition;
mod dependencies;
mod renewal;

use std::ffi::CStr;

use pgrx::PgSqlErrorCode;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;
use pluralsight_catalog::{quote_identifier, quote_literal, tables};

use crate::error::{FdwError, OrRaise, Result};
use crate::role;
use crate::sql_file;

/// One file of `sql/views/`.
pub struct File {
    /// The view that it makes.
    pub name: &'static str,
    text: &'static str,
    /// The relations of the schema that it reads.
    reads: &'static [&'static str],
    /// What it shows names nobody, so that it can be granted to those who may not see names.
    pub anonymous: bool,
}

macro_rules! view_file {
    ($name:literal, $file:literal, reads $reads:expr, anonymous $anonymous:literal) => {
        File {
            name: $name,
            text: include_str!(concat!("../sql/views/", $file, ".sql")),
            reads: &$reads,
            anonymous: $anonymous,
        }
    };
    ($name:literal, reads $reads:expr, anonymous $anonymous:literal) => {
        view_file!($name, $name, reads $reads, anonymous $anonymous)
    };
}

/// Tables that users fill in, each in the file that makes it: what a seat costs, and who works here.
pub const FILLED_IN: [(&str, &str); 2] = [
    ("prices", include_str!("../sql/views/prices.sql")),
    ("hr_staff", include_str!("../sql/views/hr_staff.sql")),
];

/// The secret of `accounts_anonymous`: two sequences.
pub const SALT: [&str; 2] = ["accounts_anonymous_salt_1", "accounts_anonymous_salt_2"];

/// In the order in which they need one another.
pub static FILES: [File; 22] = [
    view_file!("accounts", reads ["users", "admins", "plan"], anonymous false),
    view_file!("licenses", reads ["plan", "users", "prices"], anonymous true),
    view_file!("accounts_anonymous", reads ["accounts"], anonymous true),
    view_file!("account_keys", reads ["users", "admins"], anonymous false),
    view_file!("idle_licenses", reads ["accounts", "users"], anonymous false),
    view_file!("seats", reads ["idle_licenses", "plan", "prices"], anonymous false),
    view_file!("memberships", reads ["users"], anonymous false),
    view_file!("team_tree", reads ["teams", "users"], anonymous false),
    view_file!("team_utilization", reads ["users"], anonymous false),
    view_file!("admins_without_use", reads ["accounts", "users"], anonymous false),
    view_file!("duplicate_people", reads ["users"], anonymous false),
    view_file!("seats_derived", reads ["users", "licenses"], anonymous true),
    view_file!("seats_by_month", reads ["seats_derived", "licenses", "license_history"], anonymous true),
    view_file!("license_forecast", reads ["licenses", "seats_by_month"], anonymous true),
    view_file!("seat_costs", reads ["seats", "account_keys", "hr_staff"], anonymous false),
    view_file!("report_known", reads ["users", "hr_staff"], anonymous true),
    view_file!("report_summary", reads ["licenses", "seat_costs", "report_known"], anonymous true),
    view_file!("report_products", reads ["licenses", "seat_costs"], anonymous true),
    view_file!("report_reasons", reads ["seat_costs"], anonymous true),
    view_file!("report_cost_centers", reads ["seat_costs"], anonymous false),
    view_file!("report_people", reads ["seat_costs"], anonymous false),
    view_file!("report_managers", reads ["report_people"], anonymous false),
];

/// Stands for `seats_by_month` where there is no history.
static WITHOUT_HISTORY: File = view_file!("seats_by_month", "seats_by_month_live", reads ["seats_derived", "licenses"], anonymous true);

/// What became of one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there.
    Made,
    /// It is as it was.
    Unchanged,
    /// It was ours in an older version, or the user's and not wanted any longer.
    Renewed,
    /// The user has changed it, and it stays.
    Kept,
    /// Its tables are not there.
    Skipped,
}

/// Makes and renews the views in `schema`, and the tables that users fill in. A view that its owner has changed is kept, unless
/// `replace` is set. The work is done as the owner of the tables, whoever calls, and what is there must be that role's.
pub fn create_views(schema: &str, replace: bool) -> Result<Vec<(&'static str, Outcome)>> {
    let place = Place::find(schema)?;
    role::run_as(place.owner_of_tables()?, || {
        sql_file::inside(schema, || create_in(&place, replace))
    })
}

fn create_in(place: &Place, replace: bool) -> Result<Vec<(&'static str, Outcome)>> {
    for (name, text) in FILLED_IN {
        place.own(name, b"rpvmf")?;
        sql_file::run(text)?;
    }
    let mut outcomes = Vec::new();
    for file in &FILES {
        outcomes.push((file.name, place.create(file, replace)?));
    }
    Ok(outcomes)
}

/// Whether the relation is a view that is as this extension has made it.
pub fn is_ours(schema: &str, view: Oid) -> Result<bool> {
    sql_file::inside(schema, || {
        definition::is_marked(view, &definition::of(view)?)
    })
}

/// Tells the client which views are new or renewed.
pub fn announce(schema: &str, outcomes: &[(&'static str, Outcome)]) {
    for (outcome, verb) in [(Outcome::Made, "made"), (Outcome::Renewed, "renewed")] {
        let names: Vec<&str> = outcomes
            .iter()
            .filter(|(_, became)| *became == outcome)
            .map(|(name, _)| *name)
            .collect();
        if !names.is_empty() {
            FdwError::new(
                PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
                format!(
                    "views in schema {} {verb}: {}",
                    quote_identifier(schema),
                    names.join(", ")
                ),
            )
            .notice();
        }
    }
}

/// Tells the client of views that are not what it may expect.
pub fn report(schema: &str, outcomes: &[(&'static str, Outcome)]) -> Result<()> {
    let place = Place::find(schema)?;
    for (name, outcome) in outcomes {
        let qualified = place.qualified(name);
        let (message, hint) = match outcome {
            Outcome::Kept => (
                format!("view {qualified} was changed by its owner and stays as it is"),
                place.renewing_call()?,
            ),
            Outcome::Skipped => (
                format!(
                    "view {qualified} was not made, because tables that it reads are not there"
                ),
                None,
            ),
            Outcome::Made | Outcome::Unchanged | Outcome::Renewed => continue,
        };
        let mut notice = FdwError::new(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION, message);
        notice.hint = hint;
        notice.notice();
    }
    Ok(())
}

/// Takes from every other role what default privileges have given it on sequences that hold a secret. To be called with the
/// schema on the search path.
pub fn make_private(schema: &str, sequences: &[&str]) -> Result<()> {
    Place::find(schema)?.make_private(sequences)
}

/// The schema that the views are in.
pub(crate) struct Place {
    pub name: String,
    pub oid: Oid,
}

/// A relation of it.
pub(crate) struct Relation {
    pub oid: Oid,
    pub kind: u8,
    pub owner: Oid,
}

impl Place {
    pub fn find(schema: &str) -> Result<Place> {
        let found: Option<Oid> = first(
            "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname::pg_catalog.text OPERATOR(pg_catalog.=) $1",
            &[schema.into()],
        )?;
        match found {
            Some(oid) => Ok(Place {
                name: schema.to_owned(),
                oid,
            }),
            None => Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_INVALID_SCHEMA_NAME,
                format!("schema \"{schema}\" does not exist"),
            )
            .hint(set_up_call(schema))),
        }
    }

    /// The owner of the tables, who must be able to do whatever the schema's owner can: otherwise somebody has put them
    /// there to have views made over them. The caller must be able to speak for that role.
    fn owner_of_tables(&self) -> Result<Oid> {
        let mut owner = role::current();
        for table in tables::ALL {
            if let Some(relation) = self.relation(table.name)? {
                owner = relation.owner;
                break;
            }
        }
        let schema_owner: Oid = first(
            "SELECT nspowner FROM pg_catalog.pg_namespace WHERE oid OPERATOR(pg_catalog.=) $1",
            &[self.oid.into()],
        )?
        .unwrap_or(Oid::INVALID);
        if role::has_rights_of(owner, schema_owner) && role::has_rights_of(role::current(), owner) {
            return Ok(owner);
        }
        Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("no views can be made in schema \"{}\"", self.name),
        )
        .detail(format!(
            "The schema belongs to role \"{}\", its tables to role \"{}\".",
            role::name(schema_owner),
            role::name(owner)
        )))
    }

    /// The relation of that name, if there is one.
    pub fn relation(&self, name: &str) -> Result<Option<Relation>> {
        Spi::connect(|client| {
            let mut rows = client.select(
                "SELECT oid, relkind::pg_catalog.text, relowner FROM pg_catalog.pg_class
                 WHERE relnamespace OPERATOR(pg_catalog.=) $1 AND relname::pg_catalog.text OPERATOR(pg_catalog.=) $2",
                Some(1),
                &[self.oid.into(), name.into()],
            )?;
            rows.next()
                .map(|row| {
                    Ok(Relation {
                        oid: row.get(1)?.unwrap_or(Oid::INVALID),
                        kind: row
                            .get::<String>(2)?
                            .and_then(|kind| kind.bytes().next())
                            .unwrap_or(0),
                        owner: row.get(3)?.unwrap_or(Oid::INVALID),
                    })
                })
                .transpose()
        })
        .map_err(unreadable)
    }

    /// The same; it must belong to the current role and be of one of the kinds, as pg_class has them.
    fn own(&self, name: &str, kinds: &[u8]) -> Result<Option<Relation>> {
        let Some(relation) = self.relation(name)? else {
            return Ok(None);
        };
        let qualified = self.qualified(name);
        let problem = if relation.owner != role::current() {
            format!(
                "{qualified} already exists and belongs to role {}",
                quote_identifier(&role::name(relation.owner))
            )
        } else if !kinds.contains(&relation.kind) {
            format!("{qualified} already exists and is {}", kind(relation.kind))
        } else {
            return Ok(Some(relation));
        };
        Err(
            FdwError::new(PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT, problem)
                .detail("It is not taken as found, because it would be read with another role's rights.")
                .hint(format!(
                    "ALTER {} {qualified} RENAME TO {};",
                    keyword(relation.kind),
                    quote_identifier(&format!("{name}_old"))
                )),
        )
    }

    /// The call that takes back what users have changed, if the schema holds foreign tables.
    fn renewing_call(&self) -> Result<Option<String>> {
        let server: Option<String> = first(
            "SELECT server.srvname::pg_catalog.text
             FROM pg_catalog.pg_class AS relation
             JOIN pg_catalog.pg_foreign_table AS declared ON declared.ftrelid OPERATOR(pg_catalog.=) relation.oid
             JOIN pg_catalog.pg_foreign_server AS server ON server.oid OPERATOR(pg_catalog.=) declared.ftserver
             WHERE relation.relnamespace OPERATOR(pg_catalog.=) $1 AND relation.relname OPERATOR(pg_catalog.=) 'users'",
            &[self.oid.into()],
        )?;
        Ok(server.map(|server| {
            format!(
                "CALL pluralsight_fdw.set_up({}, {}, replace_views => true);",
                quote_literal(&server),
                quote_literal(&self.name)
            )
        }))
    }

    pub fn qualified(&self, name: &str) -> String {
        format!(
            "{}.{}",
            quote_identifier(&self.name),
            quote_identifier(name)
        )
    }

    fn create(&self, file: &File, replace: bool) -> Result<Outcome> {
        let file = match file.name {
            "seats_by_month" if self.relation("license_history")?.is_none() => &WITHOUT_HISTORY,
            _ => file,
        };
        for needed in file.reads {
            if self.relation(needed)?.is_none() {
                return Ok(Outcome::Skipped);
            }
        }
        let Some(view) = self.own(file.name, b"v")? else {
            let had_salt = self.relation(SALT[0])?.is_some();
            self.make(file)?;
            if file.name == "accounts_anonymous" && !had_salt {
                self.make_private(&SALT)?;
            }
            return Ok(Outcome::Made);
        };
        let current = definition::of(view.oid)?;
        let (ours, can_replace) = definition::as_made_now(self, file, view.oid)?;
        if current == ours {
            return Ok(Outcome::Unchanged);
        }
        if !definition::is_marked(view.oid, &current)? && !replace {
            return Ok(Outcome::Kept);
        }
        if can_replace {
            self.make(file)?;
        } else {
            renewal::rebuild(self, file, &view, replace)?;
        }
        Ok(Outcome::Renewed)
    }

    /// Takes from every other role what default privileges have given it on new sequences.
    fn make_private(&self, sequences: &[&str]) -> Result<()> {
        for sequence in sequences {
            let revocations: Option<Vec<String>> = first(
                "SELECT pg_catalog.array_agg(DISTINCT pg_catalog.format(
                    'REVOKE ALL ON SEQUENCE %I FROM %s',
                    relname,
                    CASE WHEN acl.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(acl.grantee)) END
                 ))
                 FROM pg_catalog.pg_class
                 CROSS JOIN LATERAL pg_catalog.aclexplode(relacl) AS acl
                 WHERE relnamespace OPERATOR(pg_catalog.=) $1
                   AND relname::pg_catalog.text OPERATOR(pg_catalog.=) $2
                   AND acl.grantee OPERATOR(pg_catalog.<>) relowner",
                &[self.oid.into(), (*sequence).into()],
            )?;
            for revocation in revocations.unwrap_or_default() {
                sql_file::run(&revocation)?;
            }
        }
        Ok(())
    }

    /// Runs the file, looks at what it has bound, and marks the view as ours.
    fn make(&self, file: &File) -> Result<()> {
        sql_file::run(file.text)?;
        let view = self.own(file.name, b"v")?.ok_or_else(|| {
            FdwError::internal(format!("{} did not come to be", self.qualified(file.name)))
        })?;
        dependencies::check(self, &view, file.name)?;
        definition::mark(view.oid)
    }
}

impl File {
    /// The file of that view.
    pub fn of(name: &str) -> Option<&'static File> {
        FILES.iter().find(|file| file.name == name)
    }

    /// The view's query.
    pub fn query(&self) -> &'static str {
        let statement = &self.text[self.start()..];
        let query = statement.split_once(" AS\n").map_or("", |(_, query)| query);
        query.split_once(";\n").map_or(query, |(query, _)| query)
    }

    /// Where the statement begins that makes the view.
    fn start(&self) -> usize {
        self.text
            .find(&format!("CREATE OR REPLACE VIEW {} ", self.name))
            .unwrap_or(0)
    }

    /// The statement that makes the view, for a view of another name.
    fn statement_for(&self, name: &str) -> String {
        let statement = &self.text[self.start()..];
        let statement = statement
            .find("\n\nCOMMENT ON VIEW ")
            .map_or(statement, |end| &statement[..end]);
        statement.replacen(
            &format!("CREATE OR REPLACE VIEW {} ", self.name),
            &format!("CREATE VIEW {name} "),
            1,
        )
    }
}

/// The call that makes tables and views in a schema.
pub(crate) fn set_up_call(schema: &str) -> String {
    format!(
        "CALL pluralsight_fdw.set_up('pluralsight', {});",
        quote_literal(schema)
    )
}

/// The first column of the first row.
pub(crate) fn first<T: FromDatum + IntoDatum>(
    query: &str,
    arguments: &[DatumWithOid<'_>],
) -> Result<Option<T>> {
    Spi::connect(|client| {
        let mut rows = client.select(query, Some(1), arguments)?;
        match rows.next() {
            Some(row) => row.get::<T>(1),
            None => Ok(None),
        }
    })
    .map_err(unreadable)
}

pub(crate) fn unreadable(error: pgrx::spi::SpiError) -> FdwError {
    FdwError::internal(format!("the catalog cannot be read: {error}"))
}

fn kind(kind: u8) -> &'static str {
    match kind {
        b'r' | b'p' => "a table",
        b'v' => "a view",
        b'm' => "a materialized view",
        b'f' => "a foreign table",
        b'S' => "a sequence",
        b'i' | b'I' => "an index",
        _ => "a composite type",
    }
}

fn keyword(kind: u8) -> &'static str {
    match kind {
        b'r' | b'p' => "TABLE",
        b'v' => "VIEW",
        b'm' => "MATERIALIZED VIEW",
        b'f' => "FOREIGN TABLE",
        b'S' => "SEQUENCE",
        b'i' | b'I' => "INDEX",
        _ => "TYPE",
    }
}

/// For tables that are neither foreign tables nor stored copies of them, such as those of a test.
#[pg_extern(sql = r#"
CREATE FUNCTION pluralsight_fdw_internal.create_views(schema name)
RETURNS void
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
REVOKE ALL ON FUNCTION pluralsight_fdw_internal.create_views(name) FROM PUBLIC;
COMMENT ON FUNCTION pluralsight_fdw_internal.create_views(name) IS 'Makes the views over the tables of a schema, as set_up and create_copies do.';
"#)]
fn create_views_from_sql(schema: &CStr) {
    let schema = schema.to_string_lossy();
    let outcomes = create_views(&schema, false).or_raise();
    report(&schema, &outcomes).or_raise();
}
