//! The schema that is served: `graphql/schema.graphql`, with what the configuration leaves out, renames and adds.

use std::collections::HashMap;

use apollo_compiler::{
    Name, Node, Schema,
    ast::{FieldDefinition, InputValueDefinition, Type},
    schema::{Component, ExtendedType},
    validation::Valid,
};

use crate::config::Config;

const SCHEMA: &str = include_str!("../../../graphql/schema.graphql");

/// A configuration that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A path or a name names nothing in the schema, or is not of the form `Type`, `Type.field` or `Type.field.argument`.
    #[error("the schema has no {0}")]
    Unknown(String),
    /// A text is not in the schema language, or what is left does not hold together.
    #[error("the schema cannot be built: {0}")]
    Build(String),
}

/// The schema, and how what clients see is called in the schema file.
pub(crate) struct Served {
    pub(crate) schema: Valid<Schema>,
    /// From `Type`, `Type.field` and `Type.field.argument`, where the name is not that of the file.
    originals: HashMap<String, String>,
    beta: Vec<String>,
}

impl Served {
    /// `tells_inputs` is false for the schema as it is told to those who may not know of input types.
    pub(crate) fn new(config: &Config, tells_inputs: bool) -> Result<Self, SchemaError> {
        let built = |error: &dyn ToString| SchemaError::Build(error.to_string());
        let mut text = SCHEMA.to_owned();
        let (types, members): (Vec<&String>, Vec<&String>) = config
            .extra
            .iter()
            .partition(|extra| extra.contains('{') || extra.starts_with("scalar "));
        for ty in types {
            text.push_str(&format!("\n{ty}\n"));
        }
        let mut schema = Schema::parse(text, "schema.graphql").map_err(|error| built(&error))?;
        for member in members {
            let (path, ty) = member
                .split_once(':')
                .filter(|(_, ty)| !ty.trim().is_empty())
                .ok_or_else(|| SchemaError::Unknown(member.clone()))?;
            let ty = Type::parse(ty.trim(), "type.graphql").map_err(|error| built(&error))?;
            Member::at(&mut schema, path)?.set(ty)?;
        }
        for path in &config.without {
            leave_out(&mut schema, path)?;
        }
        if !tells_inputs {
            let inputs = schema.types.iter().filter(|(_, ty)| ty.is_input_object());
            let inputs: Vec<String> = inputs.map(|(name, _)| name.to_string()).collect();
            for name in inputs {
                leave_out(&mut schema, &name)?;
            }
        }
        let mut originals = HashMap::new();
        let mut renamed_types = Vec::new();
        for rename in &config.rename {
            let (path, new) = rename
                .split_once('=')
                .ok_or_else(|| SchemaError::Unknown(rename.clone()))?;
            match path.rsplit_once('.') {
                Some((parent, original)) => {
                    // What is not told cannot have another name.
                    if !tells_inputs && parent.contains("Filter") {
                        continue;
                    }
                    Member::at(&mut schema, path)?.rename(new)?;
                    originals.insert(format!("{parent}.{new}"), original.to_owned());
                }
                None if schema.types.contains_key(path) => renamed_types.push((path, new)),
                None if !tells_inputs => {}
                None => return Err(SchemaError::Unknown(path.to_owned())),
            }
        }
        let mut text = schema.serialize().to_string();
        for (old, new) in renamed_types {
            text = with_word(&text, old, new);
            originals.insert(new.to_owned(), old.to_owned());
        }
        let schema =
            Schema::parse_and_validate(text, "schema.graphql").map_err(|error| built(&error))?;
        let served = Self {
            schema,
            originals,
            beta: config.beta.clone(),
        };
        for path in &config.beta {
            let known = path
                .split_once('.')
                .is_some_and(|(ty, field)| served.schema.type_field(ty, field).is_ok());
            if !known {
                return Err(SchemaError::Unknown(path.clone()));
            }
        }
        Ok(served)
    }

    /// What the type is called in the schema file.
    pub(crate) fn original_type<'a>(&'a self, name: &'a str) -> &'a str {
        self.originals.get(name).map_or(name, String::as_str)
    }

    /// The type of the records where an interface stands for it.
    pub(crate) fn object_type<'a>(&'a self, name: &'a str) -> &'a str {
        match self.schema.types.get(name) {
            Some(ExtendedType::Interface(_)) => {
                let mut types = self.schema.types.iter();
                let implements = |ty: &ExtendedType| {
                    let object = ty.as_object();
                    object.is_some_and(|object| object.implements_interfaces.contains(name))
                };
                let found = types.find(|(_, ty)| implements(ty));
                found.map_or(name, |(name, _)| name.as_str())
            }
            _ => name,
        }
    }

    /// What a field, an input field or (by `Type.field.argument`) an argument is called in the schema file.
    pub(crate) fn original<'a>(&'a self, ty: &str, name: &'a str) -> &'a str {
        let path = format!("{}.{name}", self.original_type(ty));
        self.originals.get(&path).map_or(name, String::as_str)
    }

    /// Whether there is such a field, by its name in the schema file.
    pub(crate) fn has(&self, ty: &str, field: &str) -> bool {
        let mut types = self.schema.types.iter();
        let found = types.find(|(name, _)| self.original_type(name) == ty);
        let found = found.and_then(|(_, found)| found.as_object());
        found.is_some_and(|found| {
            let mut names = found.fields.keys();
            names.any(|name| self.original(ty, name) == field)
        })
    }

    pub(crate) fn is_beta(&self, ty: &str, field: &str) -> bool {
        self.beta
            .iter()
            .any(|path| *path == format!("{ty}.{field}"))
    }
}

/// A field, an input field or an argument, there or not.
struct Member<'a> {
    path: &'a str,
    name: Name,
    place: Place<'a>,
}

enum Place<'a> {
    Field(&'a mut apollo_compiler::collections::IndexMap<Name, Component<FieldDefinition>>),
    Input(&'a mut apollo_compiler::collections::IndexMap<Name, Component<InputValueDefinition>>),
    Argument(&'a mut Vec<Node<InputValueDefinition>>),
}

impl<'a> Member<'a> {
    fn at(schema: &'a mut Schema, path: &'a str) -> Result<Self, SchemaError> {
        let unknown = || SchemaError::Unknown(path.to_owned());
        let parts: Vec<&str> = path.split('.').map(str::trim).collect();
        let (ty, member, argument) = match parts[..] {
            [ty, member] => (ty, member, None),
            [ty, member, argument] => (ty, member, Some(argument)),
            _ => return Err(unknown()),
        };
        let name = Name::new(argument.unwrap_or(member)).map_err(|_| unknown())?;
        let place = match (schema.types.get_mut(ty).ok_or_else(unknown)?, argument) {
            (ExtendedType::Object(object), None) => Place::Field(&mut object.make_mut().fields),
            (ExtendedType::InputObject(object), None) => {
                Place::Input(&mut object.make_mut().fields)
            }
            (ExtendedType::Object(object), Some(_)) => {
                let field = object.make_mut().fields.get_mut(member);
                Place::Argument(&mut field.ok_or_else(unknown)?.make_mut().arguments)
            }
            _ => return Err(unknown()),
        };
        Ok(Self { path, name, place })
    }

    fn set(self, ty: Type) -> Result<(), SchemaError> {
        let input = |ty: Type| InputValueDefinition {
            description: None,
            name: self.name.clone(),
            ty: Node::new(ty),
            default_value: None,
            directives: Default::default(),
        };
        match self.place {
            Place::Field(fields) => match fields.get_mut(&self.name) {
                Some(field) => field.make_mut().ty = ty,
                None => {
                    let field = FieldDefinition {
                        description: None,
                        name: self.name.clone(),
                        arguments: Vec::new(),
                        ty,
                        directives: Default::default(),
                    };
                    fields.insert(self.name.clone(), Component::new(field));
                }
            },
            Place::Input(fields) => {
                fields.insert(self.name.clone(), Component::new(input(ty)));
            }
            Place::Argument(arguments) => {
                match arguments.iter_mut().find(|known| known.name == self.name) {
                    Some(argument) => argument.make_mut().ty = Node::new(ty),
                    None => arguments.push(Node::new(input(ty))),
                }
            }
        }
        Ok(())
    }

    fn leave_out(self) -> Result<(), SchemaError> {
        let found = match self.place {
            Place::Field(fields) => fields.shift_remove(&self.name).is_some(),
            Place::Input(fields) => fields.shift_remove(&self.name).is_some(),
            Place::Argument(arguments) => {
                let before = arguments.len();
                arguments.retain(|argument| argument.name != self.name);
                arguments.len() < before
            }
        };
        match found {
            true => Ok(()),
            false => Err(SchemaError::Unknown(self.path.to_owned())),
        }
    }

    fn rename(self, new: &str) -> Result<(), SchemaError> {
        let unknown = || SchemaError::Unknown(self.path.to_owned());
        let new = Name::new(new).map_err(|_| unknown())?;
        match self.place {
            Place::Field(fields) => {
                let mut field = fields.shift_remove(&self.name).ok_or_else(unknown)?;
                field.make_mut().name = new.clone();
                fields.insert(new, field);
            }
            Place::Input(fields) => {
                let mut field = fields.shift_remove(&self.name).ok_or_else(unknown)?;
                field.make_mut().name = new.clone();
                fields.insert(new, field);
            }
            Place::Argument(arguments) => {
                let argument = arguments.iter_mut().find(|known| known.name == self.name);
                argument.ok_or_else(unknown)?.make_mut().name = new;
            }
        }
        Ok(())
    }
}

/// Takes out a member, or a type with whatever is of that type.
fn leave_out(schema: &mut Schema, path: &str) -> Result<(), SchemaError> {
    if path.contains('.') {
        return Member::at(schema, path)?.leave_out();
    }
    schema
        .types
        .shift_remove(path)
        .ok_or_else(|| SchemaError::Unknown(path.to_owned()))?;
    for ty in schema.types.values_mut() {
        match ty {
            ExtendedType::Object(object) => {
                let object = object.make_mut();
                object
                    .fields
                    .retain(|_, field| field.ty.inner_named_type() != path);
                for field in object.fields.values_mut() {
                    field
                        .make_mut()
                        .arguments
                        .retain(|argument| argument.ty.inner_named_type() != path);
                }
            }
            ExtendedType::InputObject(object) => object
                .make_mut()
                .fields
                .retain(|_, field| field.ty.inner_named_type() != path),
            _ => {}
        }
    }
    Ok(())
}

/// The text with another word in the place of one.
fn with_word(text: &str, old: &str, new: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find(old) {
        let (before, behind) = (&rest[..place], &rest[place + old.len()..]);
        shown.push_str(before);
        let is_word = !before.ends_with(is_part) && !behind.starts_with(is_part);
        shown.push_str(if is_word { new } else { old });
        rest = behind;
    }
    shown + rest
}
