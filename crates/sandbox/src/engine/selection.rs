//! A selection set, compiled once for a request and applied to each of its records.
//!
//! The engine proves the document valid; walking it field by field for each of a thousand records is left to this
//! module, because the engine's own way costs more than a benchmark's client would.

use async_graphql::{SelectionField, ServerResult, dynamic::TypeRef};

use crate::{
    organisation::Need,
    sdl::{FieldShape, Shape},
};

use super::{
    extra,
    json::Json,
    read::{self, Read, Source},
};

/// What to write for a record, in order.
pub(crate) struct Selection {
    fields: Vec<Field>,
}

struct Field {
    /// `"key":`, escaped.
    prefix: Vec<u8>,
    original: String,
    what: What,
}

enum What {
    Typename(String),
    Leaf(read::Leaf),
    One(read::One, Selection),
    Many(read::Many, Selection),
    Extra(String, TypeRef),
}

/// What compiling a document brought to light.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Deprecated fields: `Type.field` and the reason.
    pub(crate) deprecated: Vec<(String, String)>,
    /// Fields of an early release stage: `Type.field`.
    pub(crate) beta: Vec<String>,
    /// Parts of users that the document reads.
    pub(crate) need: Option<Need>,
}

impl Findings {
    /// Notes a field that is asked for.
    pub(crate) fn see(&mut self, ty: &str, field: &FieldShape) {
        let path = format!("{ty}.{}", field.name);
        if let Some(reason) = &field.deprecated
            && self.deprecated.iter().all(|(known, _)| *known != path)
        {
            self.deprecated.push((path.clone(), reason.clone()));
        }
        if field.is_beta && !self.beta.contains(&path) {
            self.beta.push(path);
        }
    }
}

impl Selection {
    /// Compiles what is selected below `fields`, which all have the type `ty` and merge into one answer.
    pub(crate) fn compile(
        shape: &Shape,
        ty: &str,
        fields: &[SelectionField<'_>],
        findings: &mut Findings,
    ) -> ServerResult<Self> {
        let mut merged: Vec<(&str, Vec<SelectionField<'_>>)> = Vec::new();
        for field in fields.iter().flat_map(SelectionField::selection_set) {
            let key = field.alias().unwrap_or_else(|| field.name());
            match merged.iter_mut().find(|(known, _)| *known == key) {
                Some((_, same)) => same.push(field),
                None => merged.push((key, vec![field])),
            }
        }
        let known = shape.get(ty);
        let mut selected = Vec::with_capacity(merged.len());
        for (key, same) in merged {
            let name = same.first().map_or("", SelectionField::name);
            let mut prefix = Json::default();
            prefix.text(key);
            prefix.raw(b":");
            let prefix = prefix.into_bytes();
            if name == "__typename" {
                selected.push(Field {
                    prefix,
                    original: name.to_owned(),
                    what: What::Typename(ty.to_owned()),
                });
                continue;
            }
            // The engine has validated the document: every field is known.
            let Some((known, field)) = known.and_then(|known| Some((known, known.field(name)?)))
            else {
                continue;
            };
            findings.see(ty, field);
            if known.original == "User" {
                let need = if field.is_extra {
                    Need::IDS
                } else {
                    read::need(&field.original)
                };
                findings.need = Some(findings.need.unwrap_or(Need::NOTHING).and(need));
            }
            let what =
                match read::reader(&known.original, &field.original).filter(|_| !field.is_extra) {
                    Some(Read::Leaf(leaf)) => What::Leaf(leaf),
                    Some(Read::One(one)) => What::One(
                        one,
                        Self::compile(shape, field.ty.type_name(), &same, findings)?,
                    ),
                    Some(Read::Many(many)) => What::Many(
                        many,
                        Self::compile(shape, field.ty.type_name(), &same, findings)?,
                    ),
                    None => What::Extra(
                        format!("{}.{}", known.original, field.original),
                        field.ty.clone(),
                    ),
                };
            selected.push(Field {
                prefix,
                original: field.original.clone(),
                what,
            });
        }
        Ok(Self { fields: selected })
    }

    /// Whether a field of this name, as the schema file has it, is selected at the top.
    pub(crate) fn asks(&self, original: &str) -> bool {
        self.fields.iter().any(|field| field.original == original)
    }

    /// Writes the record.
    pub(crate) fn write(&self, source: Source<'_>, json: &mut Json) {
        if matches!(source, Source::Nothing) {
            return json.null();
        }
        json.raw(b"{");
        for (place, field) in self.fields.iter().enumerate() {
            if place > 0 {
                json.raw(b",");
            }
            json.raw(&field.prefix);
            match &field.what {
                What::Typename(name) => json.text(name),
                What::Leaf(leaf) => leaf(source, json),
                What::One(one, selection) => match one(source) {
                    Some(found) => selection.write(found, json),
                    None => json.null(),
                },
                What::Many(many, selection) => {
                    json.raw(b"[");
                    let mut first = true;
                    many(source, &mut |found| {
                        if !std::mem::take(&mut first) {
                            json.raw(b",");
                        }
                        selection.write(found, json);
                    });
                    json.raw(b"]");
                }
                What::Extra(path, ty) => json.value(&extra::value(path, ty, source)),
            }
        }
        json.raw(b"}");
    }
}
