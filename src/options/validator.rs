//! What PostgreSQL asks before it stores an option: is the name known here, and can it hold that value?

use pgrx::pg_sys::Oid;
use pgrx::{PgSqlErrorCode, pg_sys};
use pluralsight_api::Endpoint;
use pluralsight_catalog::quote_identifier;

use super::definition::{
    self, Options, Place, TOKEN_SOURCES, check_address, invalid_value, options_of,
};
use crate::error::{FdwError, Result};
use crate::role;

/// Checks the whole list that an object will have. `options` are `name=value` texts.
pub fn validate(options: &[Option<String>], catalog: Oid) -> Result<()> {
    let Some(place) = place_of(catalog) else {
        return Ok(());
    };
    let mut seen = Options::new();
    for option in options.iter().flatten() {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let Some(definition) = options_of(place).find(|definition| definition.name == name) else {
            return Err(unknown(name, place));
        };
        (definition.check)(value).map_err(|problem| invalid_value(name, &problem))?;
        seen.insert(name.to_owned(), value.to_owned());
    }
    check_together(place, &seen)
}

fn place_of(catalog: Oid) -> Option<Place> {
    match catalog {
        pg_sys::ForeignDataWrapperRelationId => Some(Place::Wrapper),
        pg_sys::ForeignServerRelationId => Some(Place::Server),
        pg_sys::UserMappingRelationId => Some(Place::UserMapping),
        pg_sys::ForeignTableRelationId => Some(Place::Table),
        pg_sys::AttributeRelationId => Some(Place::Column),
        _ => None,
    }
}

fn check_together(place: Place, options: &Options) -> Result<()> {
    if place == Place::Column
        && options.contains_key("only_where")
        && options.contains_key("only_where_not")
    {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_FDW_INVALID_OPTION_NAME,
            "options \"only_where\" and \"only_where_not\" exclude one another",
        ));
    }
    if place == Place::Table && !options.contains_key("query") {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_FDW_OPTION_NAME_NOT_FOUND,
            "option \"query\" is missing: which GraphQL query does the table read?",
        )
        .hint("CALL pluralsight_fdw.set_up('pluralsight'); makes the tables with all their options. By hand, add for example OPTIONS (query 'users')."));
    }
    let sources: Vec<&str> = TOKEN_SOURCES
        .into_iter()
        .filter(|source| options.contains_key(*source))
        .collect();
    if sources.len() > 1 {
        return Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_FDW_INVALID_OPTION_NAME,
            format!(
                "a {} can name one API token, not {}",
                place.name(),
                sources.len()
            ),
        )
        .hint(format!("Given are {}; keep one of them.", listed(&sources))));
    }
    check_rights(options)?;
    if let Some(endpoint) = options
        .get("api_url")
        .and_then(|url| Endpoint::parse(url).ok())
    {
        check_address(&endpoint, options.contains_key("proxy"))?;
    }
    if place == Place::Server
        && options
            .get("api_token")
            .is_some_and(|token| !token.trim().is_empty())
    {
        FdwError::new(PgSqlErrorCode::ERRCODE_WARNING, "every role can read this API token in pg_foreign_server")
            .hint("Drop the option again, and give the token to those who need it by a user mapping, best with api_token_file.")
            .warn();
    }
    Ok(())
}

/// `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// Options that reach into the server's host, or decide where a token goes, are for those who may do so anyway.
fn check_rights(options: &Options) -> Result<()> {
    // SAFETY: reads of the backend's own state and of the role catalogs.
    let (superuser, reads_files) = unsafe {
        let user = pg_sys::GetUserId();
        (
            pg_sys::superuser(),
            pg_sys::has_privs_of_role(user, Oid::from(pg_sys::ROLE_PG_READ_SERVER_FILES)),
        )
    };
    for option in ["api_token_file", "ca_file"] {
        if options.contains_key(option) && !superuser && !reads_files {
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!(
                    "only superusers and members of pg_read_server_files may set the option \"{option}\""
                ),
            ));
        }
    }
    for option in ["api_url", "proxy"] {
        if options.contains_key(option) && !superuser && !is_fdw_admin() {
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!(
                    "only superusers and members of {FDW_ADMIN} may set the option \"{option}\""
                ),
            )
            .hint(format!(
                "It decides where tokens are sent. A superuser can allow it: GRANT {FDW_ADMIN} TO {};",
                quote_identifier(&role::name(role::current()))
            )));
        }
    }
    Ok(())
}

/// The role whose members may say where tokens go; the extension makes it.
const FDW_ADMIN: &str = "pluralsight_fdw_admin";

fn is_fdw_admin() -> bool {
    // SAFETY: catalog look-ups; a role that does not exist answers InvalidOid.
    unsafe {
        let role = pg_sys::get_role_oid(c"pluralsight_fdw_admin".as_ptr(), true);
        role != pg_sys::InvalidOid && pg_sys::has_privs_of_role(pg_sys::GetUserId(), role)
    }
}

fn unknown(name: &str, place: Place) -> FdwError {
    let error = FdwError::new(
        PgSqlErrorCode::ERRCODE_FDW_INVALID_OPTION_NAME,
        format!("invalid option \"{name}\" for a {}", place.name()),
    );
    if let Some(elsewhere) = definition::all().find(|definition| definition.name == name) {
        let places: Vec<&str> = elsewhere.places.iter().map(|place| place.name()).collect();
        return error.hint(format!("It belongs to a {}.", places.join(" or a ")));
    }
    let names: Vec<&str> = options_of(place)
        .map(|definition| definition.name)
        .collect();
    if names.is_empty() {
        return error.hint(format!("A {} has no options here.", place.name()));
    }
    let nearest = names
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len().min(name.len()) / 2);
    let list = format!("Valid options are: {}.", names.join(", "));
    match nearest {
        Some((_, candidate)) => error.hint(format!("Perhaps you meant \"{candidate}\". {list}")),
        None => error.hint(list),
    }
}
