//! The views of `sql/views/`, over the foreign tables of a schema or over stored copies of them.

mod definition;
mod dependencies;
mod notices;
mod renewal;

pub use notices::{announce, report};

use pgrx::PgSqlErrorCode;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::Oid;
use pgrx::spi::{SpiHeapTupleData, SpiResult};
use pluralsight_catalog::{quote_identifier, quote_literal, tables};

use crate::attempt::{Failure, attempt};
use crate::error::{FdwError, Result};
use crate::namespace;
use crate::parameters;
use crate::role;
use crate::sql;
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
    view_file!("seats", reads ["idle_licenses", "prices"], anonymous false),
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// It cannot be made over what its owner has made of a view or a table that it reads; why.
    Misfit(String),
}

/// Makes and renews the views in `schema`, and the tables that users fill in. A view that its owner has changed is kept, unless
/// `replace` is set. The work is done as the owner of the tables, whoever calls, and what is there must be that role's.
pub fn create(schema: &str, replace: bool) -> Result<Vec<(&'static str, Outcome)>> {
    let place = Place::find(schema)?;
    role::run_as(place.owner_of_tables()?, || {
        sql_file::inside(schema, || create_in(&place, replace))
    })
}

fn create_in(place: &Place, replace: bool) -> Result<Vec<(&'static str, Outcome)>> {
    for (name, text) in FILLED_IN {
        if place.own(name, b"rpvmf")?.is_none() {
            sql_file::run(text)?;
        }
    }
    let mut outcomes = Vec::new();
    for file in &FILES {
        outcomes.push((file.name, create_one(place, file, replace)?));
    }
    Ok(outcomes)
}

/// SQLSTATE class of a statement that does not fit what it names.
const MISFIT: &str = "42";
/// What of it is a matter of rights.
const DENIED: &str = "42501";

/// What users have made of one view must not keep the others, and the tables, from being renewed.
fn create_one(place: &Place, file: &File, replace: bool) -> Result<Outcome> {
    match attempt(|| place.create(file, replace)) {
        Ok(outcome) => Ok(outcome),
        Err(Failure::Own(error)) => Err(error),
        Err(failure) => {
            let code = failure.sqlstate();
            if code.starts_with(MISFIT) && code != DENIED {
                return Ok(Outcome::Misfit(failure.message()));
            }
            failure.raise()
        }
    }
}

/// Whether the relation is a view that is as this extension has made it.
pub fn is_ours(schema: &str, view: Oid) -> Result<bool> {
    sql_file::inside(schema, || {
        definition::is_marked(view, &definition::of(view)?)
    })
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
        match namespace::find(schema) {
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
        let schema_owner = self.owner()?;
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

    /// The owner of the schema.
    pub fn owner(&self) -> Result<Oid> {
        let owner = look_up(
            "SELECT nspowner FROM pg_namespace WHERE oid = $1",
            &[self.oid.into()],
            |row| row.get::<Oid>(1),
        )?;
        Ok(owner.into_iter().flatten().next().unwrap_or(Oid::INVALID))
    }

    /// The relation of that name, if there is one.
    pub fn relation(&self, name: &str) -> Result<Option<Relation>> {
        let found = look_up(
            "SELECT oid, relkind::text, relowner FROM pg_class WHERE relnamespace = $1 AND relname::text = $2",
            &[self.oid.into(), name.into()],
            |row| {
                Ok(Relation {
                    oid: row.get(1)?.unwrap_or(Oid::INVALID),
                    kind: row
                        .get::<String>(2)?
                        .and_then(|kind| kind.bytes().next())
                        .unwrap_or(0),
                    owner: row.get(3)?.unwrap_or(Oid::INVALID),
                })
            },
        )?;
        Ok(found.into_iter().next())
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

    pub fn qualified(&self, name: &str) -> String {
        format!(
            "{}.{}",
            quote_identifier(&self.name),
            quote_identifier(name)
        )
    }

    /// A query that names these relations of the schema, with the names meaning them under any search path.
    pub fn query(&self, relations: &[&str], query: &str) -> String {
        let named: Vec<String> = relations
            .iter()
            .map(|name| format!("{name} AS (SELECT * FROM {})", self.qualified(name)))
            .collect();
        format!("WITH {}\n{query}", named.join(", "))
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
            if file.name == "accounts_anonymous" {
                // The file asks them whether they have their values.
                for half in SALT {
                    self.own(half, b"S")?;
                }
            }
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
        let names: Vec<String> = sequences.iter().map(|&name| name.to_owned()).collect();
        look_up(
            include_str!("../sql/views/lookup/secrets.sql"),
            &[self.oid.into(), names.into()],
            |row| row.get::<String>(1),
        )?
        .iter()
        .flatten()
        .try_for_each(|revocation| sql_file::run(revocation))
    }

    /// Runs the file, looks at what it has bound, and marks the view as ours.
    fn make(&self, file: &File) -> Result<()> {
        sql_file::run(file.text)?;
        let view = self.own(file.name, b"v")?.ok_or_else(|| {
            FdwError::internal(format!("{} did not come to be", self.qualified(file.name)))
        })?;
        dependencies::check(self, &view, file.name)?;
        let read: Vec<String> = file.reads.iter().map(|&name| name.to_owned()).collect();
        look_up(
            include_str!("../sql/views/lookup/comments.sql"),
            &[view.oid.into(), read.into()],
            |row| row.get::<String>(1),
        )?
        .iter()
        .flatten()
        .try_for_each(|comment| sql_file::run(comment))?;
        definition::mark(view.oid, file.name)
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

/// The call that makes copies in a schema.
pub(crate) fn create_copies_call(copies: &str) -> String {
    format!(
        "CALL pluralsight_fdw.create_copies(copies => {});",
        quote_literal(copies)
    )
}

/// A look-up in the catalog, whatever is on the search path.
pub(crate) fn look_up<T>(
    query: &str,
    arguments: &[DatumWithOid<'_>],
    read: impl FnMut(&SpiHeapTupleData<'_>) -> SpiResult<T>,
) -> Result<Vec<T>> {
    parameters::with_safe_path(|| sql::rows(query, arguments, read))
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
