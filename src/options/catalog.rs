//! Options as they stand in the catalogs, read for one query.

use std::ffi::c_char;
use std::time::Duration;

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, AsPgCStr, Oid};
use pluralsight_api::{Completeness, Endpoint, FieldPath, Operation, PageSizes, Settings};
use pluralsight_catalog::{
    FilterOption, Table, operation_from, parse_filters, set_column_option, set_table_option,
};

use super::definition::{self, OnDrift, Options, invalid_value};
use super::epoch::Epoch;
use super::values;
use crate::encoding;
use crate::error::{FdwError, Result};
use crate::list::members;
use crate::namespace::qualified_name;
use crate::{host_file, settings};

/// Records asked for on the first page, so that a look is quick.
const FIRST_PAGE: u32 = 100;
/// Records asked for on every further page: the API's own recommendation.
pub const FURTHER_PAGES: u32 = 1_000;

/// A foreign server.
pub struct Server {
    pub oid: Oid,
    pub name: String,
    pub options: Options,
}

impl Server {
    /// The server of that id, which must exist.
    pub fn load(oid: Oid) -> Server {
        // SAFETY: GetForeignServer raises an error unless the server exists; its strings live in the current memory
        // context, longer than this call.
        unsafe {
            let server = pg_sys::GetForeignServer(oid);
            Server {
                oid,
                name: text((*server).servername),
                options: options_from_list((*server).options),
            }
        }
    }

    /// The server of that name, which must exist.
    pub fn named(name: &str) -> Server {
        // SAFETY: with missing_ok false the call raises PostgreSQL's own error for a server that does not exist.
        let oid = unsafe { pg_sys::get_foreign_server_oid(name.as_pg_cstr(), false) };
        Server::load(oid)
    }

    /// How to talk to the API.
    pub fn client_settings(&self) -> Result<Settings> {
        let mut settings = Settings::default();
        for (name, value) in &self.options {
            match name.as_str() {
                "api_url" => {
                    settings.endpoint = Endpoint::parse(value)
                        .map_err(|error| invalid_value(name, &error.to_string()))?;
                }
                "max_attempts" => {
                    settings.max_attempts = definition::read(name, value, |text| {
                        text.trim()
                            .parse()
                            .map_err(|_| "must be a whole number".to_owned())
                    })?;
                }
                "initial_backoff" => settings.initial_backoff = duration(name, value)?,
                "max_backoff" => settings.max_backoff = duration(name, value)?,
                "request_timeout" => settings.request_timeout = duration(name, value)?,
                "connect_timeout" => settings.connect_timeout = duration(name, value)?,
                "max_response_size" => {
                    settings.max_response_size = definition::read(name, value, values::parse_size)?
                }
                "ca_file" => {
                    settings.ca_pem = Some(host_file::read(value, &host_file::AUTHORITIES)?)
                }
                "proxy" => {
                    settings.proxy = Some(definition::read(name, value, values::parse_proxy)?)
                }
                _ => {}
            }
        }
        definition::check_address(&settings.endpoint, settings.proxy.is_some())?;
        Ok(settings)
    }
}

fn duration(name: &str, value: &str) -> Result<Duration> {
    definition::read(name, value, values::parse_duration)
}

/// The options of a foreign table, with those of its server behind them.
pub struct TableOptions {
    pub oid: Oid,
    pub name: String,
    pub server: Server,
    pub query: String,
    /// How the query is asked.
    pub operation: Operation,
    pub key: Option<FieldPath>,
    pub filters: Vec<FilterOption>,
    pub truncated: Vec<FieldPath>,
    pub page_sizes: PageSizes,
    pub completeness: Completeness,
    pub on_drift: OnDrift,
    /// Estimate given by the user, in rows.
    pub rows: Option<f64>,
    /// All of them, as they stand in the catalog.
    pub options: Options,
}

/// Which work may be left to the API: the session's setting and the option of the table, or else of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushdown {
    Filter,
    Limit,
    Count,
    Join,
}

impl TableOptions {
    /// The foreign table of that id, which must exist and belong to this wrapper.
    pub fn load(oid: Oid) -> Result<TableOptions> {
        // SAFETY: GetForeignTable raises an error unless `oid` is a foreign table; the strings are copied at once.
        let (name, server, options) = unsafe {
            let table = pg_sys::GetForeignTable(oid);
            (
                text(pg_sys::get_rel_name(oid)),
                Server::load((*table).serverid),
                options_from_list((*table).options),
            )
        };
        if !options.contains_key("query") {
            return Err(FdwError::new(
                PgSqlErrorCode::ERRCODE_FDW_OPTION_NAME_NOT_FOUND,
                format!("foreign table \"{name}\" has no option \"query\""),
            ));
        }
        let operation = operation_from(&options)
            .map_err(|error| invalid_value(error.option, &error.problem))?;
        let query = operation.name.to_string();
        let declared = Table::over(&query);
        let filters = match options.get("filters") {
            // Without the argument there is nothing to pass a filter by.
            Some(_) if operation.filter.is_none() => Vec::new(),
            Some(text) => parse_filters(declared, text).map_err(|error| {
                invalid_value("filters", &format!("{error:?}"))
                    .hint("A filter that is not declared for this query says what it compares: name=field, name[]=field or name~=field.")
            })?,
            None => Vec::new(),
        };
        let page_size = options
            .get("page_size")
            .or_else(|| server.options.get("page_size"));
        let page_sizes = match page_size {
            None => PageSizes {
                first: FIRST_PAGE,
                then: FURTHER_PAGES,
            },
            Some(text) => {
                let size: u32 = definition::read("page_size", text, |text| {
                    text.trim()
                        .parse()
                        .map_err(|_| "must be a whole number".to_owned())
                })?;
                PageSizes {
                    first: size,
                    then: size,
                }
            }
        };
        let completeness = match options
            .get("on_incomplete")
            .or_else(|| server.options.get("on_incomplete"))
        {
            Some(text) if text == "warning" => Completeness::Warn,
            _ => Completeness::Error,
        };
        let on_drift = options
            .get("on_drift")
            .or_else(|| server.options.get("on_drift"))
            .and_then(|text| OnDrift::parse(text))
            .unwrap_or_default();
        Ok(TableOptions {
            oid,
            name,
            query,
            operation,
            key: options
                .get("key")
                .map(|text| path("key", text))
                .transpose()?,
            filters,
            truncated: match options.get("truncated") {
                None => Vec::new(),
                Some(list) => list
                    .split(',')
                    .map(str::trim)
                    .filter(|entry| !entry.is_empty())
                    .map(|entry| path("truncated", entry))
                    .collect::<Result<_>>()?,
            },
            page_sizes,
            completeness,
            on_drift,
            rows: options
                .get("rows")
                .and_then(|text| text.trim().parse().ok()),
            options,
            server,
        })
    }

    /// The table's name as a statement needs it.
    pub fn qualified_name(&self) -> String {
        qualified_name(self.oid)
    }

    /// An option of the table's own, as it is written.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// The statement that gives the table's own option `name` that value.
    pub fn statement_setting(&self, name: &str, value: &str) -> String {
        set_table_option(&self.qualified_name(), &self.options, name, value)
    }

    /// Whether a Boolean option of the table is there, and on.
    pub fn has_switch(&self, name: &str) -> bool {
        self.options
            .get(name)
            .is_some_and(|text| values::parse_boolean(text).unwrap_or(false))
    }

    /// Whether the API does not have the table's query, or not for this key: then it reads as empty.
    pub fn is_absent(&self) -> bool {
        self.options
            .get("absent")
            .is_some_and(|text| values::parse_boolean(text).unwrap_or(false))
    }

    /// Whether that work may be left to the API.
    pub fn allows(&self, pushdown: Pushdown) -> bool {
        let (session, name) = match pushdown {
            Pushdown::Filter => (&settings::PUSHDOWN_FILTER, "pushdown_filter"),
            Pushdown::Limit => (&settings::PUSHDOWN_LIMIT, "pushdown_limit"),
            Pushdown::Count => (&settings::PUSHDOWN_COUNT, "pushdown_count"),
            Pushdown::Join => (&settings::PUSHDOWN_JOIN, "pushdown_join"),
        };
        let option = self
            .options
            .get(name)
            .or_else(|| self.server.options.get(name));
        session.get() && option.is_none_or(|text| values::parse_boolean(text).unwrap_or(true))
    }
}

/// How one column of a foreign table is read.
pub struct ColumnOptions {
    pub field: FieldPath,
    pub only_where: Option<FieldPath>,
    pub only_where_not: Option<FieldPath>,
    pub sum: bool,
    /// A number is the time since 1970, in this unit.
    pub epoch: Option<Epoch>,
    /// The API's null is an empty list.
    pub null_as_empty: bool,
    /// The API does not have it: it reads NULL, and nobody asks for it.
    pub absent: bool,
}

/// The options of a column as they stand in the catalog.
pub fn raw_column_options(table: Oid, number: i16) -> Options {
    // SAFETY: the call looks the attribute up in the catalog and hands out a list in the current memory context.
    unsafe { options_from_list(pg_sys::GetForeignColumnOptions(table, number)) }
}

/// The options of column `number` of table `oid`; without a `field` the column reads what the declaration says for its
/// name, or else the field of its own name in the API's spelling.
pub fn column_options(oid: Oid, query: &str, number: i16, name: &str) -> Result<ColumnOptions> {
    let options = raw_column_options(oid, number);
    let declared = Table::over(query)
        .and_then(|table| table.columns.iter().find(|column| column.name == name));
    let of = |option: &str, fallback: Option<&str>| -> Result<Option<FieldPath>> {
        options
            .get(option)
            .map(String::as_str)
            .or(fallback)
            .map(|text| path(option, text))
            .transpose()
    };
    let is_on = |option: &str| {
        options
            .get(option)
            .map(|text| values::parse_boolean(text).unwrap_or(false))
    };
    // A column with a field of its own stands for itself: the declaration's conditions belong to the declaration's field.
    let declared = if options.contains_key("field") {
        None
    } else {
        declared
    };
    let absent = is_on("absent").unwrap_or(false);
    let camel = camel_case(name);
    let field = if absent {
        // Nobody asks for it, so it need not be right.
        FieldPath::parse("__typename").map_err(|error| FdwError::internal(error.to_string()))?
    } else {
        let text = options
            .get("field")
            .map(String::as_str)
            .or(declared.map(|column| column.default_field()))
            .unwrap_or(&camel);
        path("field", text).map_err(|error| {
            error.hint(format!(
                "Its name says no field, and it has no option that does. To have it read NULL: {}",
                set_column_option(&qualified_name(oid), name, &options, "absent", "true")
            ))
        })?
    };
    Ok(ColumnOptions {
        field,
        only_where: of("only_where", declared.and_then(|column| column.only_where))?,
        only_where_not: of(
            "only_where_not",
            declared.and_then(|column| column.only_where_not),
        )?,
        sum: options
            .get("aggregate")
            .map(String::as_str)
            .or(declared.and_then(|column| column.aggregate))
            == Some("sum"),
        epoch: options.get("epoch").and_then(|unit| Epoch::parse(unit)),
        null_as_empty: is_on("null_as_empty")
            .unwrap_or_else(|| declared.is_some_and(|column| column.null_as_empty)),
        absent,
    })
}

/// Whether column `number` of table `oid` says which field it reads.
pub fn has_field(oid: Oid, number: i16) -> bool {
    // SAFETY: as above.
    unsafe { options_from_list(pg_sys::GetForeignColumnOptions(oid, number)) }.contains_key("field")
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_').filter(|word| !word.is_empty());
    let mut camel = words.next().unwrap_or("").to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

fn path(option: &str, text: &str) -> Result<FieldPath> {
    FieldPath::parse(text).map_err(|error| invalid_value(option, &error.to_string()))
}

/// A list of `DefElem` as a map.
///
/// # Safety
/// `list` must be NIL or a list of `DefElem` nodes whose arguments are strings, as the catalogs' options are.
pub unsafe fn options_from_list(list: *mut pg_sys::List) -> Options {
    let mut options = Options::new();
    // SAFETY: the caller vouches for the list; each string is copied.
    unsafe {
        for element in members::<pg_sys::DefElem>(list) {
            options.insert(
                text((*element).defname),
                text(pg_sys::defGetString(element)),
            );
        }
    }
    options
}

/// A C string of the server as text.
fn text(string: *const c_char) -> String {
    // SAFETY: PostgreSQL's strings end in NUL.
    unsafe { encoding::from_server(string) }
}
