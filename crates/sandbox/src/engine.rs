//! Answers GraphQL documents: a real engine validates, this module's own writer executes.

mod arguments;
mod extra;
mod json;
mod page;
mod read;
mod root;
mod selection;
mod variables;
mod warnings;
mod wording;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::{
    PathSegment, Request, ServerError, Variables,
    dynamic::{
        Field, FieldFuture, FieldValue, InputObject, InputValue, Object, ResolverContext, Scalar,
        Schema, TypeRef,
    },
    parser::types::{ExecutableDocument, Selection as Selected, SelectionSet},
};
use serde_json::{Value, json};

use crate::{
    config::{Config, Introspection, KeyState},
    organisation::Snapshot,
    sdl::{FieldShape, Kind, SchemaError, Shape},
};

use arguments::Arguments;
use root::SharedCall;
use selection::{Findings, Selection};
use variables::Validator;
use warnings::Warning;

/// The schema of one configuration.
pub(crate) struct Engine {
    config: Arc<Config>,
    shape: Arc<Shape>,
    schema: Schema,
    validator: Validator,
}

/// Changes that a fault makes to how an answer is computed: see [`crate::Action`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tweaks {
    pub(crate) repeat_rows: u64,
    pub(crate) drop_rows: usize,
    pub(crate) repeat_cursor: bool,
    pub(crate) no_cursor: bool,
    pub(crate) empty_page: bool,
    pub(crate) last_page: bool,
    pub(crate) null_connection: bool,
    pub(crate) null_node: Option<usize>,
    pub(crate) total: Option<i64>,
}

/// A GraphQL request.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) document: String,
    pub(crate) operation_name: Option<String>,
    pub(crate) variables: Value,
    /// The document, if it could be parsed.
    pub(crate) parsed: Option<ExecutableDocument>,
    /// Its root fields.
    pub(crate) fields: Vec<String>,
}

/// An answer: the three members of a GraphQL response, and whether the document was refused as a whole.
pub(crate) struct Answer {
    /// The text of `data`; `None` leaves it out.
    pub(crate) data: Option<Vec<u8>>,
    pub(crate) errors: Vec<Value>,
    pub(crate) warnings: Vec<Value>,
    pub(crate) is_invalid: bool,
}

/// What the resolvers of one request share.
struct Call {
    config: Arc<Config>,
    shape: Arc<Shape>,
    snapshot: Snapshot,
    tweaks: Tweaks,
    written: Mutex<Vec<(String, Vec<u8>)>>,
    warnings: Mutex<Vec<Warning>>,
    beta: Mutex<Vec<String>>,
    errors: Mutex<Vec<ServerError>>,
}

impl Call {
    fn warn(&self, warning: Warning) {
        let mut warnings = lock(&self.warnings);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    fn note(&self, findings: &Findings) {
        for (path, reason) in &findings.deprecated {
            self.warn(Warning::deprecated(path, reason));
        }
        lock(&self.beta).extend(findings.beta.iter().cloned());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    pub(crate) fn new(config: Arc<Config>) -> Result<Self, SchemaError> {
        let shape = Arc::new(Shape::new(&config)?);
        let schema = build(&shape).map_err(SchemaError::Build)?;
        let validator = Validator::new(&schema.sdl())?;
        Ok(Self {
            config,
            shape,
            schema,
            validator,
        })
    }

    pub(crate) async fn answer(&self, snapshot: Snapshot, query: Query, tweaks: Tweaks) -> Answer {
        let is_introspection = query
            .fields
            .iter()
            .any(|field| field == "__schema" || field == "__type");
        if is_introspection && self.config.introspection == Introspection::Off {
            let message =
                "GraphQL introspection is not allowed, but the query contained __schema or __type";
            return self.refusal(
                json!({ "message": message }),
                Some("INTROSPECTION_DISABLED"),
            );
        }
        let call: SharedCall = Arc::new(Call {
            config: Arc::clone(&self.config),
            shape: Arc::clone(&self.shape),
            snapshot,
            tweaks,
            written: Mutex::default(),
            warnings: Mutex::default(),
            beta: Mutex::default(),
            errors: Mutex::default(),
        });
        let misplaced = self.validator.misplaced(&query.document);
        let mut request = Request::new(query.document)
            .variables(Variables::from_json(query.variables))
            .data(Arc::clone(&call));
        if let Some(name) = query.operation_name {
            request = request.operation_name(name);
        }
        if let Some(parsed) = query.parsed {
            request.set_parsed_query(parsed);
        }
        let response = self.schema.execute(request).await;
        let is_invalid = !matches!(response.data, async_graphql::Value::Object(_));
        if !is_invalid && !misplaced.is_empty() {
            return Answer {
                data: None,
                errors: misplaced
                    .iter()
                    .map(|error| self.error(error, true))
                    .collect(),
                warnings: Vec::new(),
                is_invalid: true,
            };
        }
        if self.config.key == KeyState::Expired {
            call.warn(Warning::key_expired());
        }
        let warnings = lock(&call.warnings)
            .iter()
            .map(|warning| warning.shown(self.config.warnings))
            .collect();
        if let Some(path) = lock(&call.beta).first() {
            let message = format!("The field {path} is in Beta; this API key has no access to it.");
            return Answer {
                data: Some(b"null".to_vec()),
                warnings,
                ..self.refusal(json!({ "message": message }), Some("FORBIDDEN"))
            };
        }
        let mut errors: Vec<Value> = Vec::new();
        for error in response.errors.iter().chain(lock(&call.errors).iter()) {
            let error = self.error(error, is_invalid);
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
        let data = (!is_invalid).then(|| splice(&response.data, &lock(&call.written)));
        Answer {
            data,
            errors,
            warnings,
            is_invalid,
        }
    }

    fn refusal(&self, mut error: Value, code: Option<&str>) -> Answer {
        if let (true, Some(code)) = (self.config.error_codes, code) {
            error["extensions"] = json!({ "code": code });
        }
        Answer {
            data: None,
            errors: vec![error],
            warnings: Vec::new(),
            is_invalid: true,
        }
    }

    fn error(&self, error: &ServerError, is_invalid: bool) -> Value {
        let mut shown =
            json!({ "message": wording::message(&error.message, self.config.error_style) });
        if !error.locations.is_empty() {
            let places = error
                .locations
                .iter()
                .map(|place| json!({ "line": place.line, "column": place.column }));
            shown["locations"] = places.collect();
        }
        if !error.path.is_empty() {
            shown["path"] = serde_json::to_value(&error.path).unwrap_or_default();
        }
        if self.config.error_codes {
            let code = if is_invalid {
                "GRAPHQL_VALIDATION_FAILED"
            } else {
                "BAD_USER_INPUT"
            };
            shown["extensions"] = json!({ "code": code });
        }
        shown
    }
}

/// The root fields of a document, in order and each once.
pub(crate) fn root_fields(document: &ExecutableDocument) -> Vec<String> {
    let mut fields = Vec::new();
    for (_, operation) in document.operations.iter() {
        collect(document, &operation.node.selection_set.node, &mut fields, 0);
    }
    fields
}

fn collect(
    document: &ExecutableDocument,
    selected: &SelectionSet,
    fields: &mut Vec<String>,
    depth: u32,
) {
    // Fragments that name each other in a circle are refused by validation, which comes later.
    if depth > 16 {
        return;
    }
    for selection in &selected.items {
        match &selection.node {
            Selected::Field(field) => {
                let name = field.node.name.node.to_string();
                if !fields.contains(&name) {
                    fields.push(name);
                }
            }
            Selected::InlineFragment(fragment) => collect(
                document,
                &fragment.node.selection_set.node,
                fields,
                depth + 1,
            ),
            Selected::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    collect(
                        document,
                        &fragment.node.selection_set.node,
                        fields,
                        depth + 1,
                    );
                }
            }
        }
    }
}

/// Whether every root field of a document asks about the schema.
pub(crate) fn is_introspection_only(fields: &[String]) -> bool {
    !fields.is_empty() && fields.iter().all(|field| field.starts_with("__"))
}

/// Puts the texts that the resolvers wrote where the engine left null.
fn splice(data: &async_graphql::Value, written: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut json = json::Json::default();
    let async_graphql::Value::Object(object) = data else {
        json.null();
        return json.into_bytes();
    };
    json.raw(b"{");
    for (place, (key, value)) in object.iter().enumerate() {
        if place > 0 {
            json.raw(b",");
        }
        json.text(key);
        json.raw(b":");
        match written.iter().find(|(known, _)| known == key.as_str()) {
            Some((_, text)) => json.raw(text),
            None => json.value(&value.clone().into_json().unwrap_or_default()),
        }
    }
    json.raw(b"}");
    json.into_bytes()
}

fn build(shape: &Shape) -> Result<Schema, String> {
    let query = shape
        .types
        .iter()
        .find(|ty| ty.original == "Query")
        .map_or("Query", |ty| ty.name.as_str());
    let mut builder = Schema::build(query, None, None);
    for ty in &shape.types {
        builder = match &ty.kind {
            Kind::Scalar => builder.register(Scalar::new(&ty.name)),
            Kind::Input(fields) => {
                let object = InputObject::new(&ty.name);
                let object = described(object, ty.description.as_deref(), InputObject::description);
                builder.register(fields.iter().fold(object, |object, field| {
                    object.field(InputValue::new(&field.name, field.ty.clone()))
                }))
            }
            Kind::Object(fields) => {
                let object = described(
                    Object::new(&ty.name),
                    ty.description.as_deref(),
                    Object::description,
                );
                let is_root = ty.original == "Query";
                builder.register(fields.iter().fold(object, |object, field| {
                    object.field(self::field(field, &ty.name, is_root))
                }))
            }
        };
    }
    builder.finish().map_err(|error| error.to_string())
}

fn described<T>(object: T, description: Option<&str>, describe: impl FnOnce(T, String) -> T) -> T {
    match description {
        Some(text) => describe(object, text.to_owned()),
        None => object,
    }
}

fn field(shape: &FieldShape, ty: &str, is_root: bool) -> Field {
    let (known, ty) = (shape.clone(), ty.to_owned());
    let field = Field::new(&shape.name, shape.ty.clone(), move |context| {
        // Below the root nothing is resolved by the engine: the writer has been there already.
        if is_root {
            resolve(&known, &ty, &context)
        } else {
            FieldFuture::Value(None)
        }
    });
    let field = shape.arguments.iter().fold(field, |field, argument| {
        field.argument(InputValue::new(&argument.name, argument.ty.clone()))
    });
    let field = described(field, shape.description.as_deref(), Field::description);
    match &shape.deprecated {
        Some(reason) => field.deprecation(Some(reason)),
        None => field,
    }
}

fn resolve<'a>(field: &FieldShape, ty: &str, context: &ResolverContext<'a>) -> FieldFuture<'a> {
    if let (Err(error), Ok(call)) = (write(field, ty, context), context.data::<SharedCall>()) {
        // Handed to the engine, it would take the whole answer down; a field that may be null is null beside its error.
        let key = context
            .field()
            .alias()
            .unwrap_or_else(|| context.field().name());
        let path = vec![PathSegment::Field(key.to_owned())];
        lock(&call.errors).push(error.into_server_error(context.item.pos).with_path(path));
    }
    // A value that may not be null must not be left null: the splice replaces whatever stands here.
    match field.ty {
        TypeRef::NonNull(_) => FieldFuture::Value(Some(FieldValue::value(0))),
        _ => FieldFuture::Value(None),
    }
}

fn write(field: &FieldShape, ty: &str, context: &ResolverContext<'_>) -> async_graphql::Result<()> {
    let call = context.data::<SharedCall>()?;
    let asked = context.field();
    let mut findings = Findings::default();
    findings.see(ty, field);
    let selection = Selection::compile(&call.shape, field.ty.type_name(), &[asked], &mut findings)?;
    call.note(&findings);
    if !findings.beta.is_empty() {
        return Ok(());
    }
    let arguments = Arguments::new(&context.args, &call.shape, field);
    let text = match call.tweaks.null_connection {
        true => b"null".to_vec(),
        false => root::answer(call, field, &arguments, &selection, &findings)?,
    };
    let key = asked.alias().unwrap_or_else(|| asked.name()).to_owned();
    let mut written = lock(&call.written);
    match written.iter_mut().find(|(known, _)| *known == key) {
        Some((_, known)) => *known = merged(known, &text),
        None => written.push((key, text)),
    }
    Ok(())
}

/// The same field asked for twice, with selections that differ: one answer with the members of both.
fn merged(one: &[u8], other: &[u8]) -> Vec<u8> {
    fn merge(into: &mut Value, from: Value) {
        match (into, from) {
            (Value::Object(into), Value::Object(from)) => {
                for (key, value) in from {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
            (Value::Array(into), Value::Array(from)) => into
                .iter_mut()
                .zip(from)
                .for_each(|(into, from)| merge(into, from)),
            (into, from) => *into = from,
        }
    }
    let mut answer: Value = serde_json::from_slice(one).unwrap_or_default();
    merge(
        &mut answer,
        serde_json::from_slice(other).unwrap_or_default(),
    );
    answer.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_schema_file_can_be_read_from_a_record() {
        let shape = Shape::new(&Config::default()).expect("the default schema");
        for ty in shape.types.iter().filter(|ty| ty.original != "Query") {
            if let Kind::Object(fields) = &ty.kind {
                for field in fields {
                    assert!(
                        read::reader(&ty.original, &field.original).is_some(),
                        "{}.{}",
                        ty.name,
                        field.name
                    );
                }
            }
        }
    }

    #[test]
    fn root_fields_are_found_behind_aliases_and_fragments() {
        let parse = |text: &str| {
            root_fields(&async_graphql::parser::parse_query(text).expect("a document"))
        };
        assert_eq!(
            parse(
                "{ a: users { totalCount } ... on Query { planInfo { name } } ...F } fragment F on Query { teams { totalCount } }"
            ),
            ["users", "planInfo", "teams"]
        );
        assert_eq!(
            parse("{ ...F } fragment F on Query { ...F users { totalCount } }"),
            ["users"]
        );
        assert!(is_introspection_only(&parse(
            "{ __typename __schema { types { name } } }"
        )));
        assert!(!is_introspection_only(&parse(
            "{ users { totalCount } __typename }"
        )));
    }

    #[test]
    fn the_same_field_twice_is_one_answer() {
        let text = merged(
            br#"{"nodes":[{"a":1},{"a":2}]}"#,
            br#"{"nodes":[{"b":3},{"b":4}],"totalCount":2}"#,
        );
        let value: Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!(
            value,
            json!({ "nodes": [{ "a": 1, "b": 3 }, { "a": 2, "b": 4 }], "totalCount": 2 })
        );
    }
}
