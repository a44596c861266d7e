//! Which options exist, where each may stand, and what it may hold.

use std::collections::BTreeMap;
use std::time::Duration;

use pgrx::PgSqlErrorCode;
use pluralsight_api::{Endpoint, FieldPath};
use pluralsight_catalog::{FilterOptionError, QUERY_OPTIONS, Table, parse_filters};

use super::epoch::Epoch;
use super::values::{parse_boolean, parse_duration, parse_proxy, parse_size, whole_number};
use crate::error::{FdwError, Result};

/// Options as PostgreSQL keeps them: every name at most once.
pub type Options = BTreeMap<String, String>;

/// The options that name a token; a level may have one of them.
pub const TOKEN_SOURCES: [&str; 5] = [
    "api_token",
    "api_token_file",
    "api_token_id",
    "api_token_name",
    "api_token_sealed",
];

/// The kind of object that carries options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Wrapper,
    Server,
    UserMapping,
    Table,
    Column,
}

impl Place {
    /// As a person calls it.
    pub fn name(self) -> &'static str {
        match self {
            Place::Wrapper => "foreign-data wrapper",
            Place::Server => "server",
            Place::UserMapping => "user mapping",
            Place::Table => "foreign table",
            Place::Column => "column",
        }
    }
}

/// What a scan does when the data changed while it read: the option `on_drift`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDrift {
    #[default]
    Ignore,
    /// Read again, a few times at most, before the first row is returned.
    Retry,
    Error,
}

impl OnDrift {
    pub fn parse(text: &str) -> Option<OnDrift> {
        match text {
            "ignore" => Some(OnDrift::Ignore),
            "retry" => Some(OnDrift::Retry),
            "error" => Some(OnDrift::Error),
            _ => None,
        }
    }
}

/// One option.
#[derive(Clone, Copy)]
pub struct Definition {
    pub name: &'static str,
    pub places: &'static [Place],
    /// Says what is wrong with a value, in words that end the sentence `invalid value for option "x": `.
    pub check: fn(&str) -> std::result::Result<(), String>,
}

use Place::{Column, Server, Table as TablePlace, UserMapping};

/// The options, but for those that say how a table's query is asked.
const DEFINITIONS: &[Definition] = &[
    Definition {
        name: "api_url",
        places: &[Server],
        check: check_api_url,
    },
    Definition {
        name: "api_token",
        places: &[UserMapping, Server],
        check: check_token,
    },
    Definition {
        name: "api_token_file",
        places: &[UserMapping, Server],
        check: check_file,
    },
    Definition {
        name: "api_token_id",
        places: &[UserMapping, Server],
        check: check_uuid,
    },
    Definition {
        name: "api_token_name",
        places: &[UserMapping, Server],
        check: check_filled,
    },
    Definition {
        name: "api_token_sealed",
        places: &[UserMapping, Server],
        check: check_sealed,
    },
    Definition {
        name: "ca_file",
        places: &[Server],
        check: check_file,
    },
    Definition {
        name: "proxy",
        places: &[Server],
        check: check_proxy,
    },
    Definition {
        name: "page_size",
        places: &[Server, TablePlace],
        check: check_page_size,
    },
    Definition {
        name: "max_attempts",
        places: &[Server],
        check: check_attempts,
    },
    Definition {
        name: "initial_backoff",
        places: &[Server],
        check: check_duration,
    },
    Definition {
        name: "max_backoff",
        places: &[Server],
        check: check_duration,
    },
    Definition {
        name: "request_timeout",
        places: &[Server],
        check: check_timeout,
    },
    Definition {
        name: "connect_timeout",
        places: &[Server],
        check: check_timeout,
    },
    Definition {
        name: "max_response_size",
        places: &[Server],
        check: check_size,
    },
    Definition {
        name: "on_incomplete",
        places: &[Server, TablePlace],
        check: check_on_incomplete,
    },
    Definition {
        name: "on_drift",
        places: &[Server, TablePlace],
        check: check_on_drift,
    },
    Definition {
        name: "pushdown_filter",
        places: &[Server, TablePlace],
        check: check_boolean,
    },
    Definition {
        name: "pushdown_limit",
        places: &[Server, TablePlace],
        check: check_boolean,
    },
    Definition {
        name: "pushdown_count",
        places: &[Server, TablePlace],
        check: check_boolean,
    },
    Definition {
        name: "pushdown_join",
        places: &[Server, TablePlace],
        check: check_boolean,
    },
    Definition {
        name: "key",
        places: &[TablePlace],
        check: check_path,
    },
    Definition {
        name: "filters",
        places: &[TablePlace],
        check: check_filters,
    },
    Definition {
        name: "truncated",
        places: &[TablePlace],
        check: check_paths,
    },
    Definition {
        name: "rows",
        places: &[TablePlace],
        check: check_rows,
    },
    Definition {
        name: "unchecked",
        places: &[TablePlace],
        check: check_boolean,
    },
    Definition {
        name: "field",
        places: &[Column],
        check: check_path,
    },
    Definition {
        name: "only_where",
        places: &[Column],
        check: check_path,
    },
    Definition {
        name: "only_where_not",
        places: &[Column],
        check: check_path,
    },
    Definition {
        name: "aggregate",
        places: &[Column],
        check: check_aggregate,
    },
    Definition {
        name: "epoch",
        places: &[Column],
        check: check_epoch,
    },
    Definition {
        name: "null_as_empty",
        places: &[Column],
        check: check_boolean,
    },
    Definition {
        name: "absent",
        places: &[TablePlace, Column],
        check: check_boolean,
    },
];

/// Every option there is: those of [`DEFINITIONS`], and those of a table that say how its query is asked.
pub fn all() -> impl Iterator<Item = Definition> {
    let query = QUERY_OPTIONS.iter().map(|option| Definition {
        name: option.name,
        places: &[TablePlace],
        check: option.check,
    });
    query.chain(DEFINITIONS.iter().copied())
}

/// The options that may stand at `place`.
pub fn options_of(place: Place) -> impl Iterator<Item = Definition> {
    all().filter(move |definition| definition.places.contains(&place))
}

fn check_api_url(value: &str) -> std::result::Result<(), String> {
    Endpoint::parse(value)
        .map(drop)
        .map_err(|error| error.to_string())
}

fn check_token(value: &str) -> std::result::Result<(), String> {
    // A blank token counts as a missing one, and is reported as such when a query needs it.
    if value.trim().is_empty() {
        return Ok(());
    }
    pluralsight_api::Token::new(value.trim().to_owned())
        .map(drop)
        .map_err(|error| error.to_string())
}

fn check_filled(value: &str) -> std::result::Result<(), String> {
    if value.trim().is_empty() {
        Err("must not be blank".to_owned())
    } else {
        Ok(())
    }
}

fn check_sealed(value: &str) -> std::result::Result<(), String> {
    if crate::token::sealed::is_sealed(value) {
        Ok(())
    } else {
        Err("must be what pluralsight_fdw.seal('…') answers".to_owned())
    }
}

fn check_file(value: &str) -> std::result::Result<(), String> {
    if std::path::Path::new(value).is_absolute() {
        Ok(())
    } else {
        Err("must be the absolute path of a file on the server's host".to_owned())
    }
}

fn check_uuid(value: &str) -> std::result::Result<(), String> {
    let is_uuid = value.len() == 36
        && value.bytes().enumerate().all(|(position, byte)| {
            if matches!(position, 8 | 13 | 18 | 23) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        });
    if is_uuid {
        Ok(())
    } else {
        Err("must be the UUID of a secret".to_owned())
    }
}

fn check_proxy(value: &str) -> std::result::Result<(), String> {
    parse_proxy(value).map(drop)
}

fn check_page_size(value: &str) -> std::result::Result<(), String> {
    whole_number(value, 1, 10_000).map(drop)
}

fn check_attempts(value: &str) -> std::result::Result<(), String> {
    whole_number(value, 1, 10).map(drop)
}

fn check_rows(value: &str) -> std::result::Result<(), String> {
    whole_number(value, 0, 1_000_000_000_000).map(drop)
}

fn check_duration(value: &str) -> std::result::Result<(), String> {
    parse_duration(value).map(drop)
}

fn check_timeout(value: &str) -> std::result::Result<(), String> {
    match parse_duration(value)? {
        Duration::ZERO => Err("must be longer than 0".to_owned()),
        _ => Ok(()),
    }
}

fn check_size(value: &str) -> std::result::Result<(), String> {
    parse_size(value).map(drop)
}

fn check_boolean(value: &str) -> std::result::Result<(), String> {
    parse_boolean(value).map(drop)
}

fn check_on_incomplete(value: &str) -> std::result::Result<(), String> {
    match value {
        "error" | "warning" => Ok(()),
        _ => Err("must be error or warning".to_owned()),
    }
}

fn check_on_drift(value: &str) -> std::result::Result<(), String> {
    OnDrift::parse(value)
        .map(drop)
        .ok_or_else(|| "must be ignore, retry or error".to_owned())
}

fn check_aggregate(value: &str) -> std::result::Result<(), String> {
    match value {
        "sum" => Ok(()),
        _ => Err("must be sum".to_owned()),
    }
}

fn check_epoch(value: &str) -> std::result::Result<(), String> {
    Epoch::parse(value)
        .map(drop)
        .ok_or_else(|| "must be s or ms".to_owned())
}

fn check_path(value: &str) -> std::result::Result<(), String> {
    FieldPath::parse(value).map(drop).map_err(|_| {
        "must be GraphQL names joined by dots, such as teams.edges.node.name, and nothing else"
            .to_owned()
    })
}

fn check_paths(value: &str) -> std::result::Result<(), String> {
    value
        .split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty())
        .try_for_each(check_path)
}

fn check_filters(value: &str) -> std::result::Result<(), String> {
    // The table's own declaration is not known to a validator, which sees one object's options; any declared name will do.
    for entry in value.split(',') {
        let known = pluralsight_catalog::tables::ALL
            .iter()
            .any(|table| parse_filters(Some(table), entry).is_ok());
        if known {
            continue;
        }
        return Err(match parse_filters(None::<&Table>, entry) {
            Err(FilterOptionError::NotAName(text)) => format!("\"{text}\" is not a GraphQL name"),
            _ => format!(
                "filter \"{}\" is not known; say what it compares: name=field for one value, name[]=field for a list, name~=field for a part of a text",
                entry.trim()
            ),
        });
    }
    Ok(())
}

/// An address of `http` is on this machine. Through a proxy, the token would leave the machine in clear text.
pub fn check_address(endpoint: &Endpoint, has_proxy: bool) -> Result<()> {
    match endpoint {
        Endpoint::Url(url) if has_proxy && url.scheme() == "http" => Err(FdwError::new(
            PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
            "option \"proxy\" cannot be combined with an http address in option \"api_url\": the token would reach the proxy in clear text",
        )
        .hint("An http address is on this machine and needs no proxy; for any other, use https.")),
        _ => Ok(()),
    }
}

/// The error for a value that an option cannot hold.
pub fn invalid_value(name: &str, problem: &str) -> FdwError {
    FdwError::new(
        PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
        format!("invalid value for option \"{name}\": {problem}"),
    )
}

/// Reads a value that was checked when it was written; a catalog edited by hand still gets a clear error.
pub fn read<T>(
    name: &str,
    value: &str,
    parse: impl Fn(&str) -> std::result::Result<T, String>,
) -> Result<T> {
    parse(value).map_err(|problem| invalid_value(name, &problem))
}
