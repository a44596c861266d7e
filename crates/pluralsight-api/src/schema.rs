//! What the API says of its own schema, as far as some of its queries rest on it.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::client::{Call, Client, Context};
use crate::error::Error;
use crate::path::is_name;

/// Asks for every type at once: one request, where following the types from one to the next would take one a level.
const DOCUMENT: &str = "\
query Schema {
  __schema {
    queryType {
      name
    }
    types {
      kind
      name
      fields(includeDeprecated: true) {
        name
        isDeprecated
        type {
          ...Reference
        }
        args {
          name
          defaultValue
          type {
            ...Reference
          }
        }
      }
      inputFields {
        name
        defaultValue
        type {
          ...Reference
        }
      }
    }
  }
}

fragment Reference on __Type {
  kind
  name
  ofType {
    kind
    name
    ofType {
      kind
      name
      ofType {
        kind
        name
        ofType {
          kind
          name
        }
      }
    }
  }
}
";

/// The part of the API's schema that was asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// Name of the type that holds the root fields.
    pub query_type: String,
    /// The types that the root fields rest on, by name.
    pub types: HashMap<String, TypeShape>,
}

/// What a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TypeKind {
    Scalar,
    Object,
    Interface,
    Union,
    Enum,
    InputObject,
}

/// A type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeShape {
    pub name: String,
    pub kind: TypeKind,
    /// Of an object or interface, in the schema's order.
    pub fields: Vec<FieldShape>,
    /// Of an input object.
    pub input_fields: Vec<FieldShape>,
}

/// A field, an argument, or a field of an input object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldShape {
    pub name: String,
    pub type_ref: TypeRef,
    pub deprecated: bool,
    /// Of a field.
    pub args: Vec<FieldShape>,
    /// Of an argument or input field: there is a value for it if none is given.
    pub has_default: bool,
}

/// The type of a field without its wrappers, and which those were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeRef {
    name: String,
    kind: TypeKind,
    list: bool,
    non_null: bool,
    /// As the schema language writes it.
    text: String,
}

impl Described {
    /// The root field of that name.
    pub fn root(&self, name: &str) -> Option<&FieldShape> {
        self.type_named(&self.query_type)?.field(name)
    }

    /// The type of that name.
    pub fn type_named(&self, name: &str) -> Option<&TypeShape> {
        self.types.get(name)
    }
}

impl TypeShape {
    pub fn field(&self, name: &str) -> Option<&FieldShape> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub fn input_field(&self, name: &str) -> Option<&FieldShape> {
        self.input_fields.iter().find(|field| field.name == name)
    }
}

impl FieldShape {
    pub fn argument(&self, name: &str) -> Option<&FieldShape> {
        self.args.iter().find(|argument| argument.name == name)
    }

    /// Whether the field cannot be asked for without giving an argument.
    pub fn has_required_argument(&self) -> bool {
        self.args.iter().any(FieldShape::is_required)
    }

    /// Whether an argument or input field must be given.
    pub fn is_required(&self) -> bool {
        self.type_ref.non_null && !self.has_default
    }
}

impl TypeRef {
    /// A type by itself: nullable and no list.
    pub fn named(name: impl Into<String>, kind: TypeKind) -> TypeRef {
        let name = name.into();
        TypeRef {
            text: name.clone(),
            name,
            kind,
            list: false,
            non_null: false,
        }
    }

    /// A list of this type.
    #[must_use]
    pub fn listed(self) -> TypeRef {
        TypeRef {
            list: true,
            non_null: false,
            text: format!("[{}]", self.text),
            ..self
        }
    }

    /// This type, never null.
    #[must_use]
    pub fn required(self) -> TypeRef {
        TypeRef {
            non_null: true,
            text: format!("{}!", self.text),
            ..self
        }
    }

    /// Name of the type inside all lists.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn kind(&self) -> TypeKind {
        self.kind
    }

    /// The whole type, as the schema language writes it: `[ID!]!`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is a list, or a list of lists.
    pub fn is_list(&self) -> bool {
        self.list
    }

    /// Whether its values need no selection of fields: a scalar or an enum.
    pub fn is_leaf(&self) -> bool {
        matches!(self.kind, TypeKind::Scalar | TypeKind::Enum)
    }

    /// Whether the outermost type is never null.
    pub fn is_non_null(&self) -> bool {
        self.non_null
    }
}

/// Asks the API what these root fields answer and take, down to the last type, in one request. `None` where the API
/// does not say: introspection refused in whatever way, or answered with nothing. If the API is in trouble, the next
/// query meets the same. A refused token is an error all the same, and so is an API that cannot be reached.
pub async fn describe(
    client: &Client,
    context: &Context<'_>,
    start: &[&str],
) -> Result<Option<Described>, Error> {
    let call = Call {
        operation: "__schema",
        document: DOCUMENT,
        operation_name: None,
        variables: json!({}),
    };
    match client.send(&call, context).await {
        Ok(reply) => Ok(read(&reply.data, start)),
        Err(
            Error::GraphQl { .. }
            | Error::Forbidden { .. }
            | Error::Http { .. }
            | Error::BadReply { .. }
            | Error::TooLarge { .. },
        ) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The types that `start` rests on.
fn read(data: &Value, start: &[&str]) -> Option<Described> {
    let schema = data.get("__schema")?;
    let query_type = schema.pointer("/queryType/name")?.as_str()?.to_owned();
    let mut all: HashMap<String, TypeShape> = schema
        .get("types")?
        .as_array()?
        .iter()
        .filter_map(type_shape)
        .map(|shape| (shape.name.clone(), shape))
        .collect();
    let mut query = all.remove(&query_type)?;
    query
        .fields
        .retain(|field| start.contains(&field.name.as_str()));
    let mut waiting = vec![query];
    let mut types = HashMap::new();
    while let Some(shape) = waiting.pop() {
        let fields = shape
            .fields
            .iter()
            .flat_map(|field| std::iter::once(field).chain(&field.args))
            .chain(&shape.input_fields);
        waiting.extend(fields.filter_map(|field| all.remove(field.type_ref.name())));
        types.insert(shape.name.clone(), shape);
    }
    Some(Described { query_type, types })
}

fn type_shape(value: &Value) -> Option<TypeShape> {
    Some(TypeShape {
        name: name(value)?,
        kind: kind(value)?,
        fields: field_shapes(value.get("fields")),
        input_fields: field_shapes(value.get("inputFields")),
    })
}

fn field_shapes(values: Option<&Value>) -> Vec<FieldShape> {
    values
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |values| {
            values.iter().filter_map(field_shape).collect()
        })
}

fn field_shape(value: &Value) -> Option<FieldShape> {
    Some(FieldShape {
        name: name(value)?,
        type_ref: type_ref(value.get("type")?)?,
        deprecated: value
            .get("isDeprecated")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        args: field_shapes(value.get("args")),
        has_default: value
            .get("defaultValue")
            .is_some_and(|default| !default.is_null()),
    })
}

/// Unwraps lists and non-null marks, as deep as the document asks.
fn type_ref(value: &Value) -> Option<TypeRef> {
    let inner = || value.get("ofType").and_then(type_ref);
    match value.get("kind")?.as_str()? {
        "NON_NULL" => inner().map(TypeRef::required),
        "LIST" => inner().map(TypeRef::listed),
        _ => Some(TypeRef::named(name(value)?, kind(value)?)),
    }
}

fn kind(value: &Value) -> Option<TypeKind> {
    match value.get("kind")?.as_str()? {
        "SCALAR" => Some(TypeKind::Scalar),
        "OBJECT" => Some(TypeKind::Object),
        "INTERFACE" => Some(TypeKind::Interface),
        "UNION" => Some(TypeKind::Union),
        "ENUM" => Some(TypeKind::Enum),
        "INPUT_OBJECT" => Some(TypeKind::InputObject),
        _ => None,
    }
}

/// A name that can be asked for again; anything else is passed over.
fn name(value: &Value) -> Option<String> {
    value
        .get("name")?
        .as_str()
        .filter(|name| is_name(name) && name.len() <= 64)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(kind: &str, name: &str) -> Value {
        json!({"kind": kind, "name": name, "ofType": null})
    }

    fn schema() -> Value {
        let list = json!({"kind": "LIST", "name": null, "ofType": {"kind": "NON_NULL", "name": null, "ofType": reference("OBJECT", "User")}});
        json!({"__schema": {
            "queryType": {"name": "RootQuery"},
            "types": [
                {"kind": "OBJECT", "name": "RootQuery", "fields": [
                    {"name": "users", "isDeprecated": false, "type": reference("OBJECT", "UserConnection"), "args": [
                        {"name": "first", "defaultValue": "10", "type": {"kind": "NON_NULL", "ofType": reference("SCALAR", "Int")}},
                        {"name": "filter", "defaultValue": null, "type": reference("INPUT_OBJECT", "UserFilter")},
                    ]},
                    {"name": "channels", "type": reference("OBJECT", "Channel"), "args": []},
                ]},
                {"kind": "OBJECT", "name": "UserConnection", "fields": [{"name": "nodes", "type": list, "args": []}]},
                {"kind": "OBJECT", "name": "User", "fields": [
                    {"name": "email", "type": {"kind": "NON_NULL", "ofType": reference("SCALAR", "String")}, "args": []},
                    {"name": "team", "isDeprecated": true, "type": reference("OBJECT", "User"), "args": [
                        {"name": "id", "type": {"kind": "NON_NULL", "ofType": reference("SCALAR", "ID")}},
                    ]},
                    {"name": "no name", "type": reference("SCALAR", "String")},
                    {"name": "untyped"},
                ]},
                {"kind": "INPUT_OBJECT", "name": "UserFilter", "inputFields": [{"name": "emails", "type": {"kind": "LIST", "ofType": reference("SCALAR", "String")}}]},
                {"kind": "SCALAR", "name": "String"},
                {"kind": "OBJECT", "name": "Channel", "fields": []},
                {"kind": "STRANGE", "name": "Other"},
            ],
        }})
    }

    #[test]
    fn the_types_that_a_root_field_rests_on_are_read() {
        let described = read(&schema(), &["users", "missing"]).expect("a schema");
        let users = described.root("users").expect("the root field");
        assert_eq!(users.type_ref.name(), "UserConnection");
        assert!(!users.has_required_argument());
        let filter = described
            .type_named(
                users
                    .argument("filter")
                    .expect("the filter")
                    .type_ref
                    .name(),
            )
            .expect("its type");
        assert!(
            filter
                .input_field("emails")
                .expect("a filter")
                .type_ref
                .is_list()
        );
        let nodes = described
            .type_named("UserConnection")
            .and_then(|shape| shape.field("nodes"))
            .expect("nodes");
        assert!(nodes.type_ref.is_list() && !nodes.type_ref.is_leaf());
        assert_eq!(nodes.type_ref.text(), "[User!]");
        let user = described
            .type_named(nodes.type_ref.name())
            .expect("the record's type");
        assert_eq!(
            user.fields
                .iter()
                .map(|field| field.name.as_str())
                .collect::<Vec<_>>(),
            ["email", "team"]
        );
        let (email, team) = (&user.fields[0], &user.fields[1]);
        assert!(email.type_ref.is_leaf() && email.type_ref.is_non_null() && !email.deprecated);
        assert!(team.deprecated && team.has_required_argument());
        assert!(described.root("missing").is_none());
        assert!(described.root("channels").is_none());
        assert!(described.type_named("Channel").is_none());
    }

    #[test]
    fn an_answer_without_a_schema_is_none() {
        for data in [
            json!({}),
            json!({"__schema": null}),
            json!({"__schema": {"queryType": null, "types": []}}),
            json!({"__schema": {"queryType": {"name": "Query"}, "types": []}}),
        ] {
            assert_eq!(read(&data, &["users"]), None, "{data}");
        }
    }
}
