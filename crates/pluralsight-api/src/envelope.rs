//! The outermost object of a reply: data, errors, extensions, in whatever order they come.

use std::borrow::Cow;

use serde_json::Value;

use crate::json::{Kind, Malformed, Scanner, write_compact};
use crate::text::prefix;

/// Bytes of one entry of `errors` or `warnings` that becomes a tree; of a longer one the start is shown as a text.
const LONGEST_ENTRY: usize = 16 * 1024;
/// Values in a reply that becomes a tree, which takes up to several hundred bytes each.
const MOST_VALUES: usize = 200_000;

/// What a body holds. What nobody asked for has been passed.
pub(crate) struct Envelope<'a, D> {
    pub data: Data<D>,
    /// The values of `errors` and `extensions`, as JSON.
    pub errors: Option<&'a str>,
    pub extensions: Option<&'a str>,
    /// What a body that is no GraphQL answer says went wrong.
    pub says: Option<Cow<'a, str>>,
}

pub(crate) enum Data<D> {
    Missing,
    Null,
    /// Neither null nor an object.
    Unknown,
    Object(D),
}

/// Why a body is no GraphQL answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    Page,
    Empty,
    NotUtf8,
    TooDeep,
    /// It has too many values for the memory that they would take.
    TooMany,
    NotJson,
    NotAnObject,
    NullData,
    NoData,
}

impl From<Malformed> for Unread {
    fn from(malformed: Malformed) -> Unread {
        match malformed {
            Malformed::Syntax => Unread::NotJson,
            Malformed::TooDeep => Unread::TooDeep,
            Malformed::TooLarge => Unread::TooMany,
        }
    }
}

/// The text of a body, without the mark that some servers put before it.
pub(crate) fn text_of(body: &[u8]) -> Result<&str, Unread> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Unread::Empty);
    }
    simdutf8::basic::from_utf8(body).map_err(|_| Unread::NotUtf8)
}

/// Reads a body; `data` reads the object of that name, on whose first character the scanner stands. A member that comes
/// again counts as it came last.
pub(crate) fn read<'a, D>(
    body: &'a [u8],
    mut data: impl FnMut(&mut Scanner<'a>) -> Result<D, Malformed>,
) -> Result<Envelope<'a, D>, Unread> {
    let mut scanner = Scanner::new(text_of(body)?);
    let mut envelope = Envelope {
        data: Data::Missing,
        errors: None,
        extensions: None,
        says: None,
    };
    // In the order in which they are believed.
    let names = ["error", "message", "error_description", "detail"];
    let mut says = names.map(|_| None);
    if scanner.kind()? != Kind::Object {
        scanner.skip()?;
        scanner.end()?;
        return Err(Unread::NotAnObject);
    }
    let mut more = scanner.enter()?;
    while more {
        let name = scanner.name()?;
        let kind = scanner.kind()?;
        match name.as_ref() {
            "data" => {
                envelope.data = match kind {
                    Kind::Object => Data::Object(data(&mut scanner)?),
                    Kind::Null => Data::Null,
                    _ => Data::Unknown,
                };
                if kind != Kind::Object {
                    scanner.skip()?;
                }
            }
            "errors" => envelope.errors = Some(scanner.skip()?),
            "extensions" => envelope.extensions = Some(scanner.skip()?),
            other => match names
                .iter()
                .zip(&mut says)
                .find(|(name, _)| **name == other)
            {
                Some((_, slot)) if kind == Kind::String => *slot = Some(scanner.string()?),
                Some((_, slot)) => {
                    *slot = None;
                    scanner.skip()?;
                }
                None => {
                    scanner.skip()?;
                }
            },
        }
        more = scanner.more_members()?;
    }
    scanner.end()?;
    envelope.says = says.into_iter().flatten().next();
    Ok(envelope)
}

/// The data of a reply as a tree. Such replies are small: counts, the API's schema.
pub(crate) fn tree(json: &str) -> Result<Value, Malformed> {
    // Every value but the outermost comes after one of these. Those inside texts count, too, which does no harm.
    let values = json
        .bytes()
        .filter(|byte| matches!(byte, b',' | b':' | b'['))
        .count();
    if values > MOST_VALUES {
        return Err(Malformed::TooLarge);
    }
    serde_json::from_str(json)
        .or_else(|_| mended(json))
        .map_err(|_| Malformed::Syntax)
}

fn mended(json: &str) -> serde_json::Result<Value> {
    let mut compact = String::with_capacity(json.len());
    write_compact(json, &mut compact);
    serde_json::from_str(&compact)
}

/// The first entries of a list as trees; anything else than a list is one entry, and null is none.
pub(crate) fn entries(json: Option<&str>, most: usize) -> Vec<Value> {
    let mut entries = Vec::new();
    if let Some(json) = json.filter(|json| *json != "null") {
        // The text was passed before, so that nothing in it can be wrong.
        let _ = each(json, |entry| {
            if entries.len() < most {
                entries.push(entry_of(entry));
            }
        });
    }
    entries
}

fn entry_of(json: &str) -> Value {
    if json.len() <= LONGEST_ENTRY {
        tree(json).unwrap_or(Value::Null)
    } else {
        Value::from(prefix(json, LONGEST_ENTRY))
    }
}

fn each<'a>(json: &'a str, mut take: impl FnMut(&'a str)) -> Result<(), Malformed> {
    let mut scanner = Scanner::new(json);
    if scanner.kind()? != Kind::List {
        take(scanner.skip()?);
        return Ok(());
    }
    let mut more = scanner.enter()?;
    while more {
        take(scanner.skip()?);
        more = scanner.more_elements()?;
    }
    Ok(())
}

/// The value of a member of an object; `None` if there is none, or no object.
pub(crate) fn member<'a>(json: &'a str, wanted: &str) -> Option<&'a str> {
    let mut scanner = Scanner::new(json);
    if scanner.kind().ok()? != Kind::Object || !scanner.enter().ok()? {
        return None;
    }
    let mut found = None;
    loop {
        let is_wanted = scanner.name().ok()? == wanted;
        let value = scanner.skip().ok()?;
        if is_wanted {
            found = Some(value);
        }
        if !scanner.more_members().ok()? {
            return found;
        }
    }
}
