//! `create_copies()`: makes a set of copies, or gives it what is new.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use pluralsight_catalog::{quote_identifier, quote_literal, tables};

use super::known::Known;
use super::set::{Place, Set, required};
use super::source::{Source, SourceTable, missing, this_database, without_settings};
use super::{ERASURE_KEY, call, copy, guard, history, lock, own, refresh};
use crate::error::{FdwError, OrRaise, Result};
use crate::namespace;
use crate::parameters;
use crate::role;
use crate::sql;
use crate::views;

/// The schema that is copied where nothing else is said.
const SOURCE: &str = "pluralsight";

/// What was asked for.
struct Request {
    /// Unless it is said, a set that is there goes on with what it copies.
    source: Option<String>,
    copies: String,
    tables: Option<Vec<String>>,
    max_shrink: Option<f64>,
    fill: bool,
    /// Views that their owner has changed become ours again.
    replace_views: bool,
}

/// Makes stored copies of the foreign tables of a schema, with views and history, and fills them.
#[pg_extern(sql = r#"
CREATE PROCEDURE create_copies(
    source name DEFAULT NULL,
    copies name DEFAULT NULL,
    tables name[] DEFAULT NULL,
    max_shrink numeric DEFAULT NULL,
    fill boolean DEFAULT true,
    replace_views boolean DEFAULT false
)
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
COMMENT ON PROCEDURE create_copies(name, name, name[], numeric, boolean, boolean) IS
    'Makes stored copies of the foreign tables of a schema, with views and history, and fills them. Called again, it adds tables and columns that are new.';
"#)]
fn create_copies(fcinfo: pg_sys::FunctionCallInfo) {
    // SAFETY: PostgreSQL passes a call with the six arguments of the declaration.
    let (source, copies, tables, max_shrink, fill, replace_views, may_commit) = unsafe {
        (
            call::name(fcinfo, 0),
            call::name(fcinfo, 1),
            call::names(fcinfo, 2).or_raise(),
            call::numeric(fcinfo, 3),
            call::boolean(fcinfo, 4),
            call::boolean(fcinfo, 5),
            call::may_commit(fcinfo),
        )
    };
    let request = read_request(source, copies, tables, max_shrink, fill, replace_views).or_raise();
    call::in_transactions(may_commit, || {
        let (set, is_new) = parameters::with_safe_path(|| {
            lock::refuse_read_only("CALL pluralsight_fdw.create_copies()")?;
            create(&request)
        })?;
        if !request.fill {
            return Ok(());
        }
        // A new set is made and filled, or not made. What is new in one that is there stays, and locks nobody out while the
        // API is read.
        let may_commit = may_commit && !is_new;
        if may_commit {
            call::commit();
        }
        refresh::run(&refresh::Request {
            copies: set.name,
            force: false,
            max_shrink: None,
            may_commit,
        })
    })
    .or_raise();
}

fn read_request(
    source: Option<String>,
    copies: Option<String>,
    tables: Option<Vec<Option<String>>>,
    max_shrink: Option<String>,
    fill: Option<bool>,
    replace_views: Option<bool>,
) -> Result<Request> {
    let copies = copies.unwrap_or_else(|| format!("{}_copy", source.as_deref().unwrap_or(SOURCE)));
    let invalid =
        |message: String| FdwError::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message);
    if copies.len() > namespace::LONGEST_NAME {
        return Err(
            invalid(format!("\"{copies}\" is too long for the name of a schema"))
                .detail("Give a shorter one as the argument \"copies\"."),
        );
    }
    if copies.is_empty() || namespace::is_reserved(&copies) {
        return Err(invalid(format!(
            "schema \"{copies}\" is not for tables of a user's own"
        ))
        .detail("Give another schema as the argument \"copies\"."));
    }
    let tables = match tables {
        None => None,
        Some(tables) if tables.is_empty() => {
            return Err(invalid("argument \"tables\" names no table".to_owned())
                .detail("Leave it out to copy all tables."));
        }
        Some(tables) => {
            let mut wanted: Vec<String> = Vec::with_capacity(tables.len());
            for table in tables {
                let table = table.ok_or_else(|| {
                    FdwError::new(
                        PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                        "argument \"tables\" must not hold nulls",
                    )
                })?;
                if !wanted.contains(&table) {
                    wanted.push(table);
                }
            }
            Some(wanted)
        }
    };
    Ok(Request {
        source,
        copies,
        tables,
        max_shrink: max_shrink
            .map(|part| guard::parse_max_shrink(&part))
            .transpose()?,
        fill: required("fill", fill)?,
        replace_views: required("replace_views", replace_views)?,
    })
}

/// Makes the set, or what is missing of it; whether it is new.
fn create(request: &Request) -> Result<(Set, bool)> {
    // Somebody else may be making it right now.
    namespace::find_or_reserve(&request.copies);
    let asked = request.source.as_deref().unwrap_or(SOURCE);
    let source = Source::named(asked)?;
    let place = Place::find(&request.copies)?;
    let is_new = place.as_ref().is_none_or(|place| place.settings.is_none());
    let (schema, owner) = match place {
        Some(place) => {
            refuse_live(request, &place)?;
            refuse_place(request, &place)?;
            (place.schema, place.owner)
        }
        None => {
            // Nothing is made where nothing can be copied.
            let source = source.as_ref().ok_or_else(|| missing(asked))?;
            present(source, role::current())?;
            make_schema(&request.copies, asked)?
        }
    };
    super::set::refuse_strangers(schema)?;
    let mut set = Set {
        name: request.copies.clone(),
        schema,
        owner,
        settings: Oid::INVALID,
    };
    if is_new {
        set.refuse_taken(own::NAMES)?;
        set.refuse_taken(history::TABLES.map(|(name, _)| name))?;
    } else {
        set = Set::open(&request.copies)?;
        if !role::is_own(set.owner) {
            warn_of_owner(&set);
        }
        lock::take(&set)?;
        set.refuse_damage([own::NAMES[0]])?;
    }
    let mut known = if is_new {
        Known::default()
    } else {
        Known::of(&set)?
    };
    let source = match (known.source.take(), &request.source) {
        (Some(followed), Some(asked)) if !known.is_of(asked, &followed) => {
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_DUPLICATE_SCHEMA,
                format!(
                    "schema \"{}\" already holds copies of schema \"{}\"",
                    set.name, followed.name
                ),
            )
            .hint(views::renew_copies(
                &set.name,
                request.fill,
                request.replace_views,
            )));
        }
        (Some(followed), _) => followed,
        (None, None) if known.is_bare => return Err(without_settings(&set)),
        (None, None) if !is_new => return Err(missing(&known.remembered)),
        (None, _) => source.ok_or_else(|| missing(asked))?,
    };
    let wanted = wanted(request, &source, &known.tables, set.owner)?;
    let source_tables = source.checked(set.owner, &wanted)?;
    set.work(|| {
        own::create(&set)?;
        views::Place::find(&set.name)?.make_private(&ERASURE_KEY)
    })?;
    if is_new {
        set = Set::find(&request.copies)?
            .ok_or_else(|| FdwError::internal("the set of copies was not made"))?;
        lock::take(&set)?;
    }
    set.hold(own::NAMES)?;
    for table in &source_tables {
        let is_known = known.is_bare || known.tables.contains(&table.name);
        copy::make(&set, &source, table, is_known)?;
    }
    set.refuse_damage(wanted.iter().map(String::as_str))?;
    write_settings(&set, &source, &wanted, request.max_shrink)?;
    make_views(&set, &source, &wanted, request.replace_views)?;
    Ok((set, is_new))
}

/// Foreign tables are where they are, and copies beside them would have their names.
fn refuse_live(request: &Request, place: &Place) -> Result<()> {
    let copies = &request.copies;
    let is_live = place.settings.is_none()
        && match Source::named(copies)? {
            Some(schema) => !schema.tables(place.owner)?.is_empty(),
            None => false,
        };
    if is_live || request.source.as_ref() == Some(copies) {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!(
                "the copies cannot be in schema \"{copies}\" itself, where the foreign tables are"
            ),
        )
        .detail("Give another schema as the argument \"copies\"."));
    }
    Ok(())
}

/// A schema that is there must be the caller's, or a set that the caller may work on.
fn refuse_place(request: &Request, place: &Place) -> Result<()> {
    let is_allowed = match place.settings {
        Some(_) => role::has_rights_of(role::current(), place.owner),
        None => place.owner == role::current(),
    };
    if is_allowed {
        return Ok(());
    }
    Err(FdwError::new(PgSqlErrorCode::ERRCODE_DUPLICATE_SCHEMA, format!(
        "schema \"{}\" already exists and belongs to role \"{}\"",
        request.copies, place.owner_name
    ))
    .detail("Stored copies are made in a schema of the role that makes them. Give another one as the argument \"copies\"."))
}

/// A superuser may renew anybody's copies, and may have thought to make some.
fn warn_of_owner(set: &Set) {
    FdwError::new(
        PgSqlErrorCode::ERRCODE_WARNING,
        format!(
            "the stored copies in schema \"{}\" belong to role \"{}\"",
            set.name,
            role::name(set.owner)
        ),
    )
    .detail("They are read with that role's token, and whoever reads their views runs what that role has put there. Copies of your own are made in another schema, the argument \"copies\".")
    .warn();
}

fn make_schema(copies: &str, source: &str) -> Result<(Oid, Oid)> {
    let name = quote_identifier(copies);
    sql::run(
        &format!(
            "CREATE SCHEMA {name}; COMMENT ON SCHEMA {name} IS {}",
            quote_literal(&format!(
                "Stored copies of schema {source}, refreshed by pluralsight_fdw."
            ))
        ),
        &[],
    )?;
    let place =
        Place::find(copies)?.ok_or_else(|| FdwError::internal("the schema was not made"))?;
    sql::rows(
        include_str!("../../sql/copies/lookup/given_by_default.sql"),
        &[place.schema.into()],
        |row| row.get::<String>(1),
    )?
    .into_iter()
    .flatten()
    .try_for_each(|statement| sql::run(&statement, &[]).map(|_| ()))?;
    Ok((place.schema, place.owner))
}

/// The foreign tables that could be copied; an error if there are none.
fn present(source: &Source, owner: Oid) -> Result<Vec<SourceTable>> {
    let present = source.tables(owner)?;
    if present.is_empty() {
        // Says what to do about it.
        source.checked(owner, &["users".to_owned()])?;
    }
    Ok(present)
}

/// The names of the tables to be copied, in the order in which they are refreshed: those that the set has, those asked for,
/// and for a new set that asks for none all that are declared.
fn wanted(request: &Request, source: &Source, known: &[String], owner: Oid) -> Result<Vec<String>> {
    let present = present(source, owner)?;
    let mut wanted: Vec<String> = known.to_vec();
    match &request.tables {
        Some(tables) => wanted.extend(tables.iter().cloned()),
        None if known.is_empty() => wanted.extend(
            present
                .iter()
                .filter(|table| tables::refresh_rank(&table.name).is_some())
                .map(|table| table.name.clone()),
        ),
        None => {}
    }
    wanted.sort_by_key(|name| {
        (
            tables::refresh_rank(name).unwrap_or(usize::MAX),
            name.clone(),
        )
    });
    wanted.dedup();
    // A foreign table of the user's may be called like something that a set has beside its copies.
    let is_reserved = |name: &String| {
        own::NAMES
            .into_iter()
            .chain(history::TABLES.map(|(name, _)| name))
            .chain(views::FILES.iter().map(|file| file.name))
            .chain(views::FILLED_IN.map(|(name, _)| name))
            .any(|own| own == name)
    };
    if let Some(name) = wanted.iter().find(|name| is_reserved(name)) {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_RESERVED_NAME,
            format!("foreign table \"{name}\" cannot be copied under its name"),
        )
        .detail("Stored copies have something else of that name.")
        .hint(format!(
            "ALTER FOREIGN TABLE {}.{} RENAME TO {};",
            quote_identifier(&source.name),
            quote_identifier(name),
            quote_identifier(&format!("{name}_live"))
        )));
    }
    Ok(wanted)
}

fn write_settings(
    set: &Set,
    source: &Source,
    tables: &[String],
    max_shrink: Option<f64>,
) -> Result<()> {
    set.work(|| {
        sql::run(
            include_str!("../../sql/copies/write_settings.sql"),
            &[
                source.name.as_str().into(),
                source.schema.into(),
                this_database().into(),
                tables.to_vec().into(),
                max_shrink.into(),
            ],
        )
    })
    .map(|_| ())
}

/// The views over the copies, and history. Copies of some of the tables only cannot have all of them, and say so.
fn make_views(set: &Set, source: &Source, tables: &[String], replace: bool) -> Result<()> {
    let lacking: Vec<&str> = views::BASE_TABLES
        .iter()
        .copied()
        .filter(|needed| !tables.iter().any(|table| table == needed))
        .collect();
    let keeps_history = lacking.is_empty();
    let outcomes = set.work(|| {
        if keeps_history {
            history::create_tables(set)?;
        }
        let is_salted = set.relation(views::SALT[0]).is_some();
        let outcomes = views::create(&set.name, replace)?;
        if !is_salted {
            carry_salt(set)?;
        }
        if keeps_history {
            refuse_without_accounts(set, source, &outcomes)?;
            history::complete(set)?;
        }
        Ok(outcomes)
    })?;
    // That there are views is no news; that one is not as it would be made, is.
    views::report(
        &set.name,
        &outcomes,
        &views::renew_copies(&set.name, false, true),
    )?;
    if keeps_history {
        return set.refuse_damage(history::TABLES.map(|(name, _)| name));
    }
    ereport!(
        PgLogLevel::NOTICE,
        PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        format!(
            "schema \"{}\" holds copies of {} only: without {} there are no views accounts and licenses, and no history",
            set.name,
            tables.join(", "),
            lacking.join(", ")
        )
    );
    Ok(())
}

/// History is drawn from the view accounts. If that cannot be made over the copies, no more could it over the foreign tables.
fn refuse_without_accounts(
    set: &Set,
    source: &Source,
    outcomes: &[(&'static str, views::Outcome)],
) -> Result<()> {
    let problem = outcomes.iter().find_map(|(name, outcome)| match outcome {
        views::Outcome::Misfit(problem) if *name == "accounts" => Some(problem),
        _ => None,
    });
    let Some(problem) = problem.filter(|_| set.relation("accounts").is_none()) else {
        return Ok(());
    };
    let mut error = FdwError::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!(
            "view \"{}\".\"accounts\" cannot be made: {problem}",
            set.name
        ),
    )
    .detail("A column of the foreign tables has been changed. History is drawn from the view.");
    if let Some(rename) = views::changed_column(&views::Place::find(&source.name)?, "accounts")? {
        error = error.hint(format!("{rename} {}", views::set_up_call(&source.name)));
    }
    Err(error)
}

/// Gives new copies the secret of the live tables, where the owner of the copies may read it, so that a person has one
/// person_id in both.
fn carry_salt(set: &Set) -> Result<()> {
    sql::rows(
        include_str!("../../sql/copies/lookup/salt.sql"),
        &[
            set.schema.into(),
            views::SALT.map(str::to_owned).to_vec().into(),
            set.owner.into(),
        ],
        |row| row.get::<String>(1),
    )?
    .into_iter()
    .flatten()
    .try_for_each(|statement| sql::run(&statement, &[]).map(|_| ()))
}
