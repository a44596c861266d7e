//! The records in an answer's data, whatever shape they come in.

use serde_json::{Map, Value};

use crate::batch::Batch;
use crate::columns::Layout;
use crate::completeness::Gap;
use crate::decode::{RecordReader, Records};
use crate::error::{Error, Place};
use crate::fingerprint::Fingerprints;
use crate::json::{Kind, Malformed, Scanner};
use crate::operation::{Operation, Shape};
use crate::text::{presentable, shortened};
use crate::token::Token;

/// What one answer holds.
#[derive(Debug, Default)]
pub(crate) struct PageData {
    pub batch: Batch,
    /// For each path of a cut list: the first record in which it is true, and in how many it is.
    pub cuts: Vec<Option<(usize, usize)>>,
    pub total_count: Option<u64>,
    pub has_next: bool,
    pub end_cursor: Option<String>,
    /// Something that should be there and is null.
    pub gap: Option<Gap>,
}

/// A value that breaks the schema.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// Where, as `data.users.nodes[3]`.
    pub path: String,
    pub expected: &'static str,
    /// What stands there; may hold text of the reply.
    pub got: String,
}

impl Unfit {
    /// The error, for the answer at that place.
    pub fn into_error(self, at: Box<Place>, token: &Token) -> Error {
        Error::Shape {
            at,
            path: self.path,
            expected: self.expected.to_owned(),
            got: presentable(&self.got, token),
        }
    }
}

/// Reads the records out of `data`, on whose first character the scanner stands. An object where a list was expected is
/// a list of one, and a list where an object was expected is one record that is made of the objects in it. What breaks the
/// schema is told only after all was passed: it may not be JSON at all, and errors beside it say more.
pub(crate) fn read<'a>(
    scanner: &mut Scanner<'a>,
    operation: &Operation,
    layout: &Layout,
    fingerprints: &Fingerprints,
) -> Result<Result<PageData, Unfit>, Malformed> {
    let reader = PageReader {
        operation,
        layout,
        fingerprints,
    };
    let mut answer = None;
    let mut more = scanner.enter()?;
    while more {
        if scanner.name()? == operation.name.as_str() {
            answer = Some(reader.root(scanner)?);
        } else {
            scanner.skip()?;
        }
        more = scanner.more_members()?;
    }
    Ok(answer.unwrap_or_else(|| Err(reader.unfit_root(None))))
}

#[derive(Clone, Copy)]
struct PageReader<'l> {
    operation: &'l Operation,
    layout: &'l Layout,
    fingerprints: &'l Fingerprints,
}

impl PageReader<'_> {
    fn path(self) -> String {
        format!("data.{}", self.operation.name)
    }

    fn unfit_root(self, json: Option<&str>) -> Unfit {
        let expected = match self.operation.shape {
            Shape::Connection => "an object with nodes",
            Shape::Object => "an object",
            Shape::List => "a list",
        };
        unfit(self.path(), expected, json)
    }

    fn root(self, scanner: &mut Scanner<'_>) -> Result<Result<PageData, Unfit>, Malformed> {
        match (self.operation.shape, scanner.kind()?) {
            (Shape::Connection, Kind::Object) => self.connection(scanner),
            (Shape::Connection, Kind::Null) => {
                scanner.skip()?;
                Ok(Ok(PageData {
                    gap: Some(Gap::NullConnection),
                    ..self.nothing()
                }))
            }
            (Shape::Object | Shape::List, Kind::Object) => {
                let mut records = RecordReader::new(self.layout, self.fingerprints);
                records.record(scanner)?;
                Ok(Ok(PageData::of(records.finish())))
            }
            (Shape::Object, Kind::List) => {
                let mut records = RecordReader::new(self.layout, self.fingerprints);
                records.parts(scanner)?;
                Ok(Ok(PageData::of(records.finish())))
            }
            (Shape::List, Kind::List) => self.list(scanner, &self.path(), &[]),
            _ => Ok(Err(self.unfit_root(Some(scanner.skip()?)))),
        }
    }

    fn nothing(self) -> PageData {
        PageData::of(RecordReader::new(self.layout, self.fingerprints).finish())
    }

    fn connection(self, scanner: &mut Scanner<'_>) -> Result<Result<PageData, Unfit>, Malformed> {
        let path = self.path();
        let has_pages = self.operation.page_info;
        let (list_name, below) = match self.operation.records.segments() {
            [list, below @ ..] => (list.as_str(), below),
            [] => ("nodes", [].as_slice()),
        };
        let (mut total, mut page, mut list) = (Ok(None), None, None);
        let mut more = scanner.enter()?;
        while more {
            let name = scanner.name()?;
            if name == list_name {
                list = Some(self.records(scanner, &format!("{path}.{list_name}"), below)?);
            } else if name == "totalCount" {
                total = total_of(scanner.skip()?, &path);
            } else if name == "pageInfo" && has_pages {
                page = Some(page_info(scanner, &path)?);
            } else {
                scanner.skip()?;
            }
            more = scanner.more_members()?;
        }
        let page = page.unwrap_or_else(|| {
            if has_pages {
                Err(unfit(format!("{path}.pageInfo"), "an object", None))
            } else {
                Ok((false, None))
            }
        });
        let list =
            list.unwrap_or_else(|| Err(unfit(format!("{path}.{list_name}"), "a list", None)));
        let data = total.and_then(|total_count| {
            let (has_next, end_cursor) = page?;
            Ok(PageData {
                total_count,
                has_next,
                end_cursor,
                ..list?
            })
        });
        Ok(data)
    }

    /// The value of a connection's list.
    fn records(
        self,
        scanner: &mut Scanner<'_>,
        path: &str,
        below: &[String],
    ) -> Result<Result<PageData, Unfit>, Malformed> {
        match scanner.kind()? {
            Kind::List => self.list(scanner, path, below),
            Kind::Null => {
                scanner.skip()?;
                Ok(Ok(PageData {
                    gap: Some(Gap::NullNodes),
                    ..self.nothing()
                }))
            }
            _ => Ok(Err(unfit(path.to_owned(), "a list", Some(scanner.skip()?)))),
        }
    }

    /// A list of records, each of them `below` its element.
    fn list(
        self,
        scanner: &mut Scanner<'_>,
        path: &str,
        below: &[String],
    ) -> Result<Result<PageData, Unfit>, Malformed> {
        let mut records = RecordReader::new(self.layout, self.fingerprints);
        let (mut first_null, mut nulls, mut wrong) = (None, 0, None);
        let mut position = 0;
        let mut more = scanner.enter()?;
        while more {
            let element = if wrong.is_some() {
                scanner.skip()?;
                Element::Record
            } else if below.is_empty() {
                element(scanner, &mut records)?
            } else {
                let start = scanner.clone();
                scanner.skip()?;
                match innermost(start, below)? {
                    Some(mut inner) => element(&mut inner, &mut records)?,
                    None => Element::Null,
                }
            };
            match element {
                Element::Record => {}
                Element::Null => {
                    first_null = first_null.or(Some(position));
                    nulls += 1;
                }
                Element::Other(json) => {
                    let path = format!("{path}[{position}]");
                    wrong = Some(unfit(path, "an object", Some(json)));
                }
            }
            position += 1;
            more = scanner.more_elements()?;
        }
        if let Some(wrong) = wrong {
            return Ok(Err(wrong));
        }
        let gap = first_null.map(|first| Gap::NullRecords {
            first,
            number: nulls,
        });
        Ok(Ok(PageData {
            gap,
            ..PageData::of(records.finish())
        }))
    }
}

impl PageData {
    fn of(records: Records) -> PageData {
        PageData {
            batch: records.batch,
            cuts: records.cuts,
            ..PageData::default()
        }
    }
}

/// What stands in a list of records.
enum Element<'a> {
    Record,
    Null,
    Other(&'a str),
}

fn element<'a>(
    scanner: &mut Scanner<'a>,
    records: &mut RecordReader<'_, 'a>,
) -> Result<Element<'a>, Malformed> {
    match scanner.kind()? {
        Kind::Object => {
            records.record(scanner)?;
            Ok(Element::Record)
        }
        Kind::Null => {
            scanner.skip()?;
            Ok(Element::Null)
        }
        _ => Ok(Element::Other(scanner.skip()?)),
    }
}

/// The place of the record inside an element, which was passed before; `None` where a member is missing.
fn innermost<'a>(
    mut scanner: Scanner<'a>,
    below: &[String],
) -> Result<Option<Scanner<'a>>, Malformed> {
    for name in below {
        if scanner.kind()? != Kind::Object {
            break;
        }
        let mut found = None;
        let mut more = scanner.enter()?;
        while more {
            if scanner.name()? == name.as_str() {
                found = Some(scanner.clone());
            }
            scanner.skip()?;
            more = scanner.more_members()?;
        }
        match found {
            Some(inner) => scanner = inner,
            None => return Ok(None),
        }
    }
    Ok(Some(scanner))
}

/// The cursor of the next page, if the connection that the scanner stands on tells it before its records.
pub(crate) fn cursor_ahead(scanner: &mut Scanner<'_>, operation: &Operation) -> Option<String> {
    let has_pages = operation.shape == Shape::Connection && operation.page_info;
    let mut more = has_pages && scanner.kind() == Ok(Kind::Object) && scanner.enter().ok()?;
    while more {
        match scanner.name().ok()?.as_ref() {
            "pageInfo" => {
                let (has_next, cursor) = page_info(scanner, "").ok()?.ok()?;
                return cursor.filter(|cursor| has_next && !cursor.is_empty());
            }
            "totalCount" => scanner.skip().ok()?,
            _ => return None,
        };
        more = scanner.more_members().ok()?;
    }
    None
}

/// A connection's `totalCount`, as JSON; null is no error, since nothing depends on it but the check.
fn total_of(json: &str, path: &str) -> Result<Option<u64>, Unfit> {
    if json == "null" {
        return Ok(None);
    }
    let text = json
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let digits = text.unwrap_or(json);
    let is_number = digits.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    match whole(digits).filter(|_| is_number) {
        Some(total) => Ok(Some(total)),
        None => Err(unfit(
            format!("{path}.totalCount"),
            "a whole number",
            Some(json),
        )),
    }
}

/// A number that is whole, also where it is written `10.0`, or as a text of digits.
pub fn whole_number(value: &Value) -> Option<u64> {
    match value {
        Value::String(digits) => whole(digits),
        Value::Number(number) => whole(&number.to_string()),
        _ => None,
    }
}

fn whole(digits: &str) -> Option<u64> {
    // Beyond this, a floating-point number is not sure of its ones.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    digits.parse().ok().or_else(|| {
        let number: f64 = digits.parse().ok()?;
        ((0.0..EXACT).contains(&number) && number.fract() == 0.0).then_some(number as u64)
    })
}

type PageInfo = Result<(bool, Option<String>), Unfit>;

fn page_info(scanner: &mut Scanner<'_>, path: &str) -> Result<PageInfo, Malformed> {
    if scanner.kind()? != Kind::Object {
        let json = scanner.skip()?;
        return Ok(Err(unfit(
            format!("{path}.pageInfo"),
            "an object",
            Some(json),
        )));
    }
    let (mut has_next, mut end_cursor) = (None, Ok(None));
    let mut more = scanner.enter()?;
    while more {
        match scanner.name()?.as_ref() {
            "hasNextPage" => has_next = Some(scanner.skip()?),
            "endCursor" => {
                end_cursor = match scanner.kind()? {
                    Kind::String => Ok(Some(scanner.string()?.into_owned())),
                    Kind::Null => scanner.skip().map(|_| Ok(None))?,
                    _ => Err(scanner.skip()?),
                }
            }
            _ => {
                scanner.skip()?;
            }
        }
        more = scanner.more_members()?;
    }
    let has_next = match has_next {
        Some("true") => true,
        Some("false") => false,
        other => {
            let path = format!("{path}.pageInfo.hasNextPage");
            return Ok(Err(unfit(path, "true or false", other)));
        }
    };
    Ok(end_cursor
        .map(|cursor| (has_next, cursor))
        .map_err(|json| unfit(format!("{path}.pageInfo.endCursor"), "a text", Some(json))))
}

/// What stands for `name` in the data of an answer that counts.
pub(crate) fn counted<'a>(
    data: &'a Value,
    name: &str,
    path: &str,
) -> Result<&'a Map<String, Value>, Unfit> {
    match data.get(name) {
        Some(Value::Object(connection)) => Ok(connection),
        other => Err(unfit(
            path.to_owned(),
            "an object with totalCount",
            other.map(Value::to_string).as_deref(),
        )),
    }
}

/// The value of `totalCount` in a tree; a missing one is no error, since nothing depends on it but the check.
pub(crate) fn total_count(
    connection: &Map<String, Value>,
    path: &str,
) -> Result<Option<u64>, Unfit> {
    match connection.get("totalCount") {
        None => Ok(None),
        Some(value) => total_of(&value.to_string(), path),
    }
}

pub(crate) fn unfit(path: String, expected: &'static str, json: Option<&str>) -> Unfit {
    Unfit {
        path,
        expected,
        got: named(json),
    }
}

/// A value as a message names it.
fn named(json: Option<&str>) -> String {
    let Some(json) = json else {
        return "missing".to_owned();
    };
    match json.as_bytes().first() {
        Some(b'"') => {
            let text = Scanner::new(json).string().unwrap_or_default();
            // Long enough to hide a whole token in, before it is cut for good.
            format!("the text \"{}\"", shortened(&text, 4_096))
        }
        Some(b'[') => "a list".to_owned(),
        Some(b'{') => "an object".to_owned(),
        Some(b'n' | b't' | b'f') => json.to_owned(),
        _ => format!("the number {}", shortened(json, 100)),
    }
}

#[cfg(test)]
mod tests;
