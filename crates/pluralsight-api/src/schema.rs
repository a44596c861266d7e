//! What the API's schema has, by introspection.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::client::{Call, Client, Context};
use crate::error::{Error, ErrorKind};

/// Types asked for in one request.
const TYPES_A_REQUEST: usize = 20;
/// Requests of one look at the schema: the root, the connections, the records, and what hangs below them.
const REQUESTS: usize = 6;

/// A part of a schema: the types that can be reached from some root fields.
#[derive(Clone, Debug, Default)]
pub struct Described {
    query: TypeShape,
    types: HashMap<String, TypeShape>,
}

impl Described {
    /// A field of the query type.
    pub fn root(&self, name: &str) -> Option<&FieldShape> {
        self.query.field(name)
    }

    pub fn type_named(&self, name: &str) -> Option<&TypeShape> {
        self.types.get(name)
    }
}

/// One type.
#[derive(Clone, Debug, Default)]
pub struct TypeShape {
    pub fields: Vec<FieldShape>,
    pub input_fields: Vec<FieldShape>,
}

impl TypeShape {
    pub fn field(&self, name: &str) -> Option<&FieldShape> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub fn input_field(&self, name: &str) -> Option<&FieldShape> {
        self.input_fields.iter().find(|field| field.name == name)
    }
}

/// A field, an argument or an input field.
#[derive(Clone, Debug)]
pub struct FieldShape {
    pub name: String,
    pub type_ref: TypeRef,
    pub deprecated: bool,
    pub arguments: Vec<FieldShape>,
}

impl FieldShape {
    pub fn argument(&self, name: &str) -> Option<&FieldShape> {
        self.arguments.iter().find(|argument| argument.name == name)
    }

    /// A field that cannot be asked for by its name alone.
    pub fn has_required_argument(&self) -> bool {
        self.arguments.iter().any(|argument| argument.type_ref.required)
    }
}

/// The type of a field, without its wrappers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeRef {
    name: String,
    kind: String,
    list: bool,
    required: bool,
}

impl TypeRef {
    /// The named type, such as `User` in `[User!]!`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether there is a list around it.
    pub fn is_list(&self) -> bool {
        self.list
    }

    /// Whether it is a scalar or an enum, which has no fields of its own.
    pub fn is_leaf(&self) -> bool {
        matches!(self.kind.as_str(), "SCALAR" | "ENUM")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawType {
    name: Option<String>,
    fields: Option<Vec<RawField>>,
    input_fields: Option<Vec<RawField>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawField {
    name: String,
    #[serde(default)]
    is_deprecated: bool,
    #[serde(rename = "type")]
    type_ref: RawRef,
    #[serde(default)]
    args: Vec<RawField>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRef {
    kind: String,
    name: Option<String>,
    of_type: Option<Box<RawRef>>,
}

impl From<RawField> for FieldShape {
    fn from(raw: RawField) -> FieldShape {
        FieldShape {
            name: raw.name,
            type_ref: unwrap(&raw.type_ref),
            deprecated: raw.is_deprecated,
            arguments: raw.args.into_iter().map(FieldShape::from).collect(),
        }
    }
}

fn unwrap(raw: &RawRef) -> TypeRef {
    let required = raw.kind == "NON_NULL";
    let mut list = false;
    let mut inner = raw;
    while let Some(next) = &inner.of_type {
        list |= inner.kind == "LIST";
        inner = next;
    }
    TypeRef { name: inner.name.clone().unwrap_or_default(), kind: inner.kind.clone(), list, required }
}

/// Asks for the types that the fields `roots` of the query type lead to. `None` where the API does not tell its schema
/// to this key.
///
/// # Errors
/// Whatever kept the API from answering at all.
pub async fn describe(client: &Client, context: &Context<'_>, roots: &[&str]) -> Result<Option<Described>, Error> {
    let Some(mut found) = types(client, context, &["Query".to_owned()]).await? else {
        return Ok(None);
    };
    let Some(query) = found.remove("Query") else {
        return Ok(None);
    };
    let mut described = Described { query, types: HashMap::new() };
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for field in described.query.fields.iter().filter(|field| roots.contains(&field.name.as_str())) {
        mention(field, &mut wanted);
    }
    for _ in 1..REQUESTS {
        let names: Vec<String> = wanted.iter().filter(|name| !described.types.contains_key(*name)).take(TYPES_A_REQUEST).cloned().collect();
        if names.is_empty() {
            break;
        }
        let Some(found) = types(client, context, &names).await? else {
            return Ok(None);
        };
        for shape in found.values() {
            shape.fields.iter().chain(&shape.input_fields).for_each(|field| mention(field, &mut wanted));
        }
        for name in names {
            described.types.insert(name.clone(), found.get(&name).cloned().unwrap_or_default());
        }
    }
    Ok(Some(described))
}

/// Notes the types that a field leads to.
fn mention(field: &FieldShape, wanted: &mut BTreeSet<String>) {
    for reference in std::iter::once(&field.type_ref).chain(field.arguments.iter().map(|argument| &argument.type_ref)) {
        if !reference.is_leaf() && !reference.name.is_empty() {
            wanted.insert(reference.name.clone());
        }
    }
}

async fn types(client: &Client, context: &Context<'_>, names: &[String]) -> Result<Option<HashMap<String, TypeShape>>, Error> {
    const TYPE: &str = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
    let mut declared = Vec::new();
    let mut asked = Vec::new();
    let mut variables = Map::new();
    for (index, name) in names.iter().enumerate() {
        declared.push(format!("$t{index}: String!"));
        asked.push(format!("t{index}: __type(name: $t{index}) {{ ...Shape }}"));
        variables.insert(format!("t{index}"), Value::from(name.as_str()));
    }
    let document = format!(
        "query Describe({}) {{ {} }}\nfragment Shape on __Type {{ name fields(includeDeprecated: true) {{ name isDeprecated type {{ {TYPE} }} args {{ name type {{ {TYPE} }} }} }} inputFields {{ name type {{ {TYPE} }} }} }}",
        declared.join(", "),
        asked.join(" ")
    );
    let reply = match client.send(&Call { document: &document, variables }, context).await {
        Ok(reply) => reply,
        // A schema that is not told is refused as any unknown field is, or for want of rights.
        Err(error) if matches!(error.kind(), ErrorKind::GraphQl | ErrorKind::Forbidden) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Value::Object(answers) = reply.data else { return Ok(None) };
    let mut found = HashMap::new();
    for (_, answer) in answers {
        let Ok(raw) = serde_json::from_value::<RawType>(answer) else { continue };
        let Some(name) = raw.name else { continue };
        let shapes = |fields: Option<Vec<RawField>>| fields.unwrap_or_default().into_iter().map(FieldShape::from).collect();
        found.insert(name, TypeShape { fields: shapes(raw.fields), input_fields: shapes(raw.input_fields) });
    }
    Ok((!found.is_empty()).then_some(found))
}
