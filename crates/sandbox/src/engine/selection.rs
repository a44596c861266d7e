//! A selection set, compiled once for a request and applied to each of its records.

use apollo_compiler::{
    ExecutableDocument, Node,
    ast::Type,
    executable::{DirectiveList, Field, Selection as Selected, SelectionSet},
    response::JsonMap,
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    config::Config,
    organization::instant_text,
    schema::Served,
    switches::{Dates, Numbers},
};

use super::{
    arguments,
    record::{Held, Page, Record},
};

/// Fields under the keys of the answer, in order.
pub(super) type Grouped<'d> = Vec<(&'d str, Vec<&'d Node<Field>>)>;

/// Reads a document, and notes what it brings to light.
pub(super) struct Compiler<'d> {
    served: &'d Served,
    document: &'d ExecutableDocument,
    pub(super) variables: &'d JsonMap,
    /// Fields of an early release stage: `Type.field`.
    pub(super) beta: Vec<String>,
}

impl<'d> Compiler<'d> {
    pub(super) fn new(
        served: &'d Served,
        document: &'d ExecutableDocument,
        variables: &'d JsonMap,
    ) -> Self {
        Self {
            served,
            document,
            variables,
            beta: Vec::new(),
        }
    }

    /// What is selected, fragments included; fields of one key are one.
    pub(super) fn grouped(&self, sets: &[&'d SelectionSet]) -> Grouped<'d> {
        let mut grouped = Vec::new();
        for set in sets {
            self.collect(set, &mut grouped);
        }
        grouped
    }

    fn collect(&self, set: &'d SelectionSet, grouped: &mut Grouped<'d>) {
        for selection in &set.selections {
            match selection {
                Selected::Field(field) if self.is_wanted(&field.directives) => {
                    let key = field.response_key().as_str();
                    match grouped.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, same)) => same.push(field),
                        None => grouped.push((key, vec![field])),
                    }
                }
                Selected::InlineFragment(fragment) if self.is_wanted(&fragment.directives) => {
                    self.collect(&fragment.selection_set, grouped);
                }
                Selected::FragmentSpread(spread) if self.is_wanted(&spread.directives) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name) {
                        self.collect(&fragment.selection_set, grouped);
                    }
                }
                _ => {}
            }
        }
    }

    fn is_wanted(&self, directives: &DirectiveList) -> bool {
        let holds = |name: &str| {
            let condition = directives.get(name)?.specified_argument_by_name("if")?;
            condition.to_bool().or_else(|| {
                let variable = condition.as_variable()?;
                self.variables.get(variable.as_str())?.as_bool()
            })
        };
        holds("skip") != Some(true) && holds("include") != Some(false)
    }

    /// Notes a field that is asked for.
    pub(super) fn see(&mut self, ty: &str, field: &Field) {
        let path = format!("{ty}.{}", field.name);
        if self.served.beta.contains(&path) {
            self.beta.push(path);
        }
    }
}

/// What to write for a record, in order.
pub(super) struct Selection {
    ty: String,
    fields: Vec<Chosen>,
    dates: Dates,
    numbers: Numbers,
}

struct Chosen {
    /// `"key":`, escaped.
    prefix: Vec<u8>,
    /// The name in the schema file.
    name: String,
    ty: Type,
    /// How many entries of a list are wanted.
    first: Option<usize>,
    below: Option<Selection>,
}

impl Selection {
    /// Compiles what is selected below `fields`, which merge into one answer.
    pub(super) fn compile<'d>(
        compiler: &mut Compiler<'d>,
        fields: &[&'d Node<Field>],
        config: &Config,
    ) -> Self {
        let sets: Vec<&SelectionSet> = fields.iter().map(|field| &field.selection_set).collect();
        let ty = sets[0].ty.as_str();
        let mut selection = Self {
            ty: ty.to_owned(),
            fields: Vec::new(),
            dates: config.dates,
            numbers: config.numbers,
        };
        for (key, same) in compiler.grouped(&sets) {
            let field = same[0];
            compiler.see(ty, field);
            let name = compiler.served.original(ty, &field.name).to_owned();
            let below =
                (!field.selection_set.is_empty()).then(|| Self::compile(compiler, &same, config));
            let mut prefix = Vec::new();
            text(&mut prefix, key);
            prefix.push(b':');
            selection.fields.push(Chosen {
                prefix,
                name,
                ty: field.definition.ty.clone(),
                first: match field.definition.arguments.is_empty() {
                    true => None,
                    false => first(field, compiler.variables).or(config.inner_page),
                },
                below,
            });
        }
        selection
    }

    /// Writes the record.
    pub(super) fn write(&self, record: Record<'_>, to: &mut Vec<u8>) {
        if matches!(record, Record::Nothing) {
            return to.extend_from_slice(b"null");
        }
        to.push(b'{');
        for (place, field) in self.fields.iter().enumerate() {
            if place > 0 {
                to.push(b',');
            }
            to.extend_from_slice(&field.prefix);
            if field.name == "__typename" {
                text(to, &self.ty);
                continue;
            }
            match record.field(&field.name) {
                Some(held) => self.held(field, held, to),
                None => {
                    let path = format!("{}.{}", self.ty, field.name);
                    let made = made(&path, &field.ty, record.key());
                    to.extend_from_slice(made.to_string().as_bytes());
                }
            }
        }
        to.push(b'}');
    }

    /// Writes records as a list.
    pub(super) fn list<'a>(&self, records: impl IntoIterator<Item = Record<'a>>, to: &mut Vec<u8>) {
        to.push(b'[');
        for (place, record) in records.into_iter().enumerate() {
            if place > 0 {
                to.push(b',');
            }
            self.write(record, to);
        }
        to.push(b']');
    }

    /// What a field holds, as the declared type of the field wants it.
    fn held(&self, field: &Chosen, held: Held<'_>, to: &mut Vec<u8>) {
        match (held, &field.below) {
            (Held::Null, _) => to.extend_from_slice(b"null"),
            (Held::Text(id), _)
                if matches!(field.ty.inner_named_type().as_str(), "Int" | "Long") =>
            {
                to.extend_from_slice(id.as_bytes());
            }
            (Held::Text(held), _) => text(to, held),
            (Held::Made(held), _) => text(to, &held),
            (Held::Number(held), _) if field.ty.inner_named_type() == "String" => {
                text(to, &held.to_string());
            }
            (Held::Number(held), _) => {
                to.extend_from_slice(held.to_string().as_bytes());
                if self.numbers == Numbers::Decimal {
                    to.extend_from_slice(b".0");
                }
            }
            (Held::Truth(held), _) if field.ty.inner_named_type() == "String" => {
                text(to, &held.to_string());
            }
            (Held::Truth(held), _) => to.extend_from_slice(held.to_string().as_bytes()),
            (Held::Instant(at), Some(below)) => below.write(Record::Moment(at), to),
            (Held::Instant(at), None) => instant(to, at, self.dates),
            (Held::Texts(held), _) if field.ty.is_list() => {
                to.push(b'[');
                for (place, held) in held.into_iter().enumerate() {
                    if place > 0 {
                        to.push(b',');
                    }
                    text(to, held);
                }
                to.push(b']');
            }
            (Held::Texts(held), _) => text(to, &held.join(", ")),
            (Held::Many(mut held), Some(below)) if !field.ty.is_list() => {
                let len = held.len();
                held.truncate(field.first.unwrap_or(len));
                let has_next = held.len() < len;
                below.write(Record::Page(&Page::inside(held, has_next)), to);
            }
            (Held::One(held), Some(below)) => below.write(held, to),
            (Held::Many(held), Some(below)) => below.list(held, to),
            // Validation rules out an object without a selection.
            (Held::One(_) | Held::Many(_), None) => to.extend_from_slice(b"null"),
        }
    }
}

/// The number that a field is given under one of the names that such an argument has.
fn first(field: &Field, variables: &JsonMap) -> Option<usize> {
    let mut names = ["first", "limit"].iter();
    let argument = names.find_map(|name| field.specified_argument_by_name(name))?;
    let given = arguments::value(argument, variables).as_i64()?;
    usize::try_from(given).ok()
}

/// A JSON string.
pub(super) fn text(to: &mut Vec<u8>, text: &str) {
    // A string always serializes, and a vector takes every byte.
    let _ = serde_json::to_writer(to, text);
}

fn instant(to: &mut Vec<u8>, at: DateTime<Utc>, style: Dates) {
    let shown = match style {
        Dates::Seconds => return to.extend_from_slice(at.timestamp().to_string().as_bytes()),
        Dates::Milliseconds => {
            return to.extend_from_slice(at.timestamp_millis().to_string().as_bytes());
        }
        Dates::Zulu | Dates::Unstorable => instant_text(&at),
        Dates::Offset => {
            let there = at + chrono::TimeDelta::hours(2);
            there.format("%Y-%m-%dT%H:%M:%S%.3f+0200").to_string()
        }
        Dates::HourOffset => at.format("%Y-%m-%dT%H:%M:%S%.3f+00").to_string(),
        Dates::NoZone => at.format("%Y-%m-%dT%H:%M:%S%.3f").to_string(),
        Dates::NoSeconds => at.format("%Y-%m-%dT%H:%MZ").to_string(),
        Dates::Bare => at.format("%Y-%m-%d").to_string(),
    };
    text(to, &shown);
}

/// The value of a field that the configuration added: made up, but the same for the same record. Null for about a fifth
/// of the records where the type allows it.
pub(super) fn made(path: &str, ty: &Type, key: &str) -> Value {
    let number = path
        .bytes()
        .chain(key.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    made_of(ty, number ^ (number >> 29))
}

fn made_of(ty: &Type, number: u64) -> Value {
    if !ty.is_non_null() && number.is_multiple_of(5) {
        return Value::Null;
    }
    if ty.is_list() {
        let items = 0..number % 3;
        return items
            .map(|place| {
                made_of(
                    &ty.item_type().clone().non_null(),
                    number.rotate_left(7 + place as u32),
                )
            })
            .collect();
    }
    match ty.inner_named_type().as_str() {
        "String" => json!(["red", "green", "синий", "黄色", "violet"][(number >> 8) as usize % 5]),
        "ID" => json!(format!("x{number:016x}")),
        "Int" => json!(number as i32 / 1000),
        "Float" => json!((number % 100_000) as f64 / 8.0),
        "Boolean" => json!((number >> 9) & 1 == 1),
        // Beyond 64 bits, digit by digit.
        "BigInt" => serde_json::from_str(&format!("1844674407370955{:04}", number % 10_000))
            .unwrap_or_default(),
        "DateTime" => {
            let seconds = 1_500_000_000 + (number % 250_000_000) as i64;
            json!(instant_text(
                &DateTime::from_timestamp(seconds, 0).unwrap_or_default()
            ))
        }
        // A made-up record would need fields of its own.
        _ => Value::Null,
    }
}
