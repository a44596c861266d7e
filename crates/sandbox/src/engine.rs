//! Answers GraphQL documents: apollo-compiler validates and tells of the schema, this module's own writer executes,
//! because the compiler's own way would cost more than a benchmark's client does.

mod arguments;
mod call;
mod lists;
pub(crate) mod record;
mod selection;
pub(crate) mod tweaks;
mod wording;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use apollo_compiler::{
    ExecutableDocument, Node, Schema,
    ast::{self, Definition},
    executable::{Field, Operation},
    introspection,
    request::coerce_variable_values,
    response::{GraphQLError, JsonMap},
    validation::{DiagnosticList, Valid},
};
use serde_json::{Value, json};

use crate::{
    config::Config,
    organization::Snapshot,
    schema::{SchemaError, Served},
    switches::{Introspection, WarningStyle},
};

use arguments::Arguments;
use call::Call;
use lists::Asked;
use selection::{Compiler, Selection};
use tweaks::Tweaks;

/// The schema of one configuration.
pub(crate) struct Engine {
    config: Arc<Config>,
    served: Served,
    /// What those are told who are not told all.
    told: Option<Served>,
    /// Documents that were found valid: an honest client sends few.
    known: Mutex<HashMap<String, Arc<Valid<ExecutableDocument>>>>,
}

/// Past so many, documents are validated each time.
const KNOWN_DOCUMENTS: usize = 1000;

/// A GraphQL request.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) document: String,
    pub(crate) operation_name: Option<String>,
    pub(crate) variables: Value,
    /// Its root fields; none when it cannot be parsed.
    pub(crate) fields: Vec<String>,
}

/// An answer: the three members of a GraphQL response, and whether the document was refused as a whole.
#[derive(Default)]
pub(crate) struct Answer {
    /// The text of `data`; `None` leaves it out.
    pub(crate) data: Option<Vec<u8>>,
    pub(crate) errors: Vec<Value>,
    pub(crate) warnings: Vec<Value>,
    pub(crate) is_invalid: bool,
}

impl Engine {
    pub(crate) fn new(config: Arc<Config>) -> Result<Self, SchemaError> {
        let told = config.introspection == Introspection::Partly;
        let told = told.then(|| Served::new(&config, false)).transpose()?;
        Ok(Self {
            served: Served::new(&config, true)?,
            told,
            config,
            known: Mutex::default(),
        })
    }

    pub(crate) fn answer(&self, snapshot: Snapshot, query: &Query, tweaks: &Tweaks) -> Answer {
        let asks = |name: &str| query.fields.iter().any(|field| field == name);
        let is_refused = match self.config.introspection {
            Introspection::Off => asks("__schema") || asks("__type"),
            Introspection::Partly => asks("__schema"),
            _ => false,
        };
        if is_refused {
            let message =
                "GraphQL introspection is not allowed, but the query contained __schema or __type";
            return self.refusal(message, "INTROSPECTION_DISABLED");
        }
        let served = match &self.told {
            Some(told) if asks("__type") => told,
            _ => &self.served,
        };
        let document = match self.validated(served, &query.document) {
            Ok(document) => document,
            Err(refused) => return self.invalid(&refused),
        };
        let chosen = document.operations.get(query.operation_name.as_deref());
        let prepared = chosen.and_then(|operation| {
            let text = query.variables.to_string();
            let given: JsonMap = serde_json::from_str(&text).unwrap_or_default();
            let variables = coerce_variable_values(&served.schema, operation, &given)?;
            Ok((operation, variables))
        });
        let (operation, variables) = match prepared {
            Ok(prepared) => prepared,
            Err(refused) => {
                let mut refused = refused.to_graphql_error(&document.sources);
                refused.message = wording::value(&refused.message, &served.schema);
                return Answer {
                    errors: vec![self.shown(&refused, "BAD_USER_INPUT")],
                    is_invalid: true,
                    ..Answer::default()
                };
            }
        };
        let call = Call {
            config: &self.config,
            served,
            snapshot,
            tweaks,
            warnings: Vec::new(),
        };
        self.execute(call, &document, operation, &variables)
    }

    fn validated(
        &self,
        served: &Served,
        text: &str,
    ) -> Result<Arc<Valid<ExecutableDocument>>, DiagnosticList> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_usual = std::ptr::eq(served, &self.served);
        if let Some(document) = known.get(text).filter(|_| is_usual) {
            return Ok(Arc::clone(document));
        }
        let valid =
            ExecutableDocument::parse_and_validate(&served.schema, text, "document.graphql");
        let document = Arc::new(valid.map_err(|refused| refused.errors)?);
        if is_usual && known.len() < KNOWN_DOCUMENTS {
            known.insert(text.to_owned(), Arc::clone(&document));
        }
        Ok(document)
    }

    /// Whether a query is there, by its name in the schema file, and may be asked.
    pub(crate) fn serves(&self, query: &str) -> bool {
        let is_forbidden = self.config.forbidden.iter().any(|known| known == query);
        !is_forbidden && self.served.has_query(query)
    }

    fn execute(
        &self,
        mut call: Call<'_>,
        document: &Valid<ExecutableDocument>,
        operation: &Node<Operation>,
        variables: &Valid<JsonMap>,
    ) -> Answer {
        let mut compiler = Compiler::new(call.served, document, variables);
        let roots = compiler.grouped(&[&operation.selection_set]);
        let is_alias = |(key, fields): &(&str, Vec<&Node<Field>>)| *key != fields[0].name.as_str();
        if self.config.refuses_aliases && roots.iter().any(is_alias) {
            return self.refusal("Aliases are not allowed", "GRAPHQL_VALIDATION_FAILED");
        }
        let told = match roots.iter().any(|(_, fields)| is_meta(&fields[0].name)) {
            true => self.told(call.served, document, operation, variables),
            false => Value::Null,
        };
        let mut data = Vec::new();
        let mut errors = Vec::new();
        data.push(b'{');
        for (place, (key, fields)) in roots.iter().enumerate() {
            if place > 0 {
                data.push(b',');
            }
            selection::text(&mut data, key);
            data.push(b':');
            if is_meta(&fields[0].name) {
                data.extend_from_slice(told[*key].to_string().as_bytes());
                continue;
            }
            let begin = data.len();
            if let Err((message, code)) = self.root(&mut call, &mut compiler, fields, &mut data) {
                data.truncate(begin);
                data.extend_from_slice(b"null");
                let mut error = json!({ "message": message, "path": [key] });
                if self.config.error_codes || code == "FORBIDDEN" {
                    error["extensions"] = json!({ "code": code });
                }
                errors.push(error);
            }
        }
        data.push(b'}');
        if self.config.key_expired {
            call.warn("API_KEY_EXPIRED", "This API key is more than one year old and has expired. Create a new key on the Manage Keys page.".to_owned());
        }
        let warnings = call.warnings.iter().filter_map(|(code, message)| {
            Some(match self.config.warnings {
                WarningStyle::Strings => json!(message),
                WarningStyle::Objects => json!({ "code": code, "message": message }),
                WarningStyle::None => return None,
            })
        });
        let warnings = warnings.collect();
        if let Some(path) = compiler.beta.first() {
            let message = format!("The field {path} is in Beta; this API key has no access to it.");
            return Answer {
                data: Some(b"null".to_vec()),
                warnings,
                ..self.refusal(&message, "FORBIDDEN")
            };
        }
        Answer {
            data: Some(data),
            errors,
            warnings,
            is_invalid: false,
        }
    }

    fn root<'d>(
        &self,
        call: &mut Call<'_>,
        compiler: &mut Compiler<'d>,
        fields: &[&'d Node<Field>],
        data: &mut Vec<u8>,
    ) -> Result<(), (String, &'static str)> {
        let field = fields[0];
        let name = call.served.original("Query", &field.name);
        compiler.see("Query", field);
        if self.config.forbidden.iter().any(|known| known == name) {
            let message = format!("You are not authorized to access {}", field.name);
            return Err((message, "FORBIDDEN"));
        }
        let asked = Asked {
            name,
            arguments: Arguments::new(call.served, field, compiler.variables),
            selection: Selection::compile(compiler, fields, &self.config),
            ty: &field.definition.ty,
        };
        if call.tweaks.null_connection {
            data.extend_from_slice(b"null");
            return Ok(());
        }
        lists::answer(call, &asked, data).map_err(|message| (message, "BAD_USER_INPUT"))
    }

    fn told(
        &self,
        served: &Served,
        document: &Valid<ExecutableDocument>,
        operation: &Node<Operation>,
        variables: &Valid<JsonMap>,
    ) -> Value {
        let implementers = served.schema.implementers_map();
        let schema: &Valid<Schema> = &served.schema;
        let told =
            introspection::partial_execute(schema, &implementers, document, operation, variables);
        let told = told
            .ok()
            .and_then(|told| serde_json::to_value(told.data).ok());
        told.unwrap_or_default()
    }

    fn refusal(&self, message: &str, code: &str) -> Answer {
        let mut error = json!({ "message": message });
        if self.config.error_codes {
            error["extensions"] = json!({ "code": code });
        }
        Answer {
            errors: vec![error],
            is_invalid: true,
            ..Answer::default()
        }
    }

    fn invalid(&self, refused: &DiagnosticList) -> Answer {
        let mut errors: Vec<GraphQLError> = refused
            .iter()
            .map(|error| error.unstable_to_json_compat())
            .collect();
        // The compiler drops a field that is unknown, and then misses it where nothing else is selected.
        let is_dropped = |error: &GraphQLError| {
            error.message.starts_with("Cannot query field")
                || error.message.contains("must not have a selection")
        };
        if errors.iter().any(is_dropped) {
            errors.retain(|error| !error.message.contains("must have a selection of subfields"));
        }
        let errors = errors.iter_mut().map(|error| {
            let style = self.config.error_style;
            error.message = wording::message(&error.message, style, &self.served.schema);
            self.shown(error, "GRAPHQL_VALIDATION_FAILED")
        });
        Answer {
            errors: errors.collect(),
            is_invalid: true,
            ..Answer::default()
        }
    }

    fn shown(&self, error: &GraphQLError, code: &str) -> Value {
        let mut shown = serde_json::to_value(error).unwrap_or_default();
        if self.config.error_codes {
            shown["extensions"] = json!({ "code": code });
        }
        shown
    }
}

fn is_meta(name: &str) -> bool {
    name.starts_with("__")
}

/// The root fields of a document, in order and each once; those of fragments are left out.
pub(crate) fn root_fields(document: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let Ok(document) = ast::Document::parse(document, "document.graphql") else {
        return fields;
    };
    for definition in &document.definitions {
        let Definition::OperationDefinition(operation) = definition else {
            continue;
        };
        for selection in &operation.selection_set {
            if let ast::Selection::Field(field) = selection
                && fields.iter().all(|known| *known != field.name.as_str())
            {
                fields.push(field.name.to_string());
            }
        }
    }
    fields
}

/// Whether every root field of a document asks about the schema.
pub(crate) fn is_introspection_only(fields: &[String]) -> bool {
    !fields.is_empty() && fields.iter().all(|field| is_meta(field))
}
