//! The schema that is served: `graphql/schema.graphql`, with what the configuration leaves out, renames and adds.

use std::collections::HashMap;

use apollo_compiler::{
    Name, Node, Schema,
    ast::{Definition, Document, FieldDefinition, InputValueDefinition, Type},
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
    /// Fields of an early release stage: `Type.field`.
    pub(crate) beta: Vec<String>,
}

impl Served {
    /// `tells_inputs` is false for the schema as it is told to those who may not know of input types.
    pub(crate) fn new(config: &Config, tells_inputs: bool) -> Result<Self, SchemaError> {
        let built = |error: &dyn ToString| SchemaError::Build(error.to_string());
        let unknown = |path: &str| SchemaError::Unknown(path.to_owned());
        let mut text = SCHEMA.to_owned();
        let (types, members): (Vec<&String>, Vec<&String>) = config
            .extra
            .iter()
            .partition(|extra| extra.contains('{') || extra.starts_with("scalar "));
        for ty in types {
            text.push_str(&format!("\n{ty}\n"));
        }
        let mut document =
            Document::parse(text, "schema.graphql").map_err(|error| built(&error))?;
        for member in members {
            let (path, ty) = member.split_once(':').ok_or_else(|| unknown(member))?;
            let ty = Type::parse(ty.trim(), "type.graphql").map_err(|error| built(&error))?;
            Members::at(&mut document, path)?.set(ty);
        }
        for path in &config.without {
            match path.contains('.') {
                true => Members::at(&mut document, path)?.leave_out()?,
                false => leave_out_type(&mut document, path),
            }
        }
        if !tells_inputs {
            let definitions = document.definitions.iter();
            let inputs = definitions.filter_map(|definition| match definition {
                Definition::InputObjectTypeDefinition(input) => Some(input.name.clone()),
                _ => None,
            });
            for name in inputs.collect::<Vec<Name>>() {
                leave_out_type(&mut document, &name);
            }
        }
        let mut originals = HashMap::new();
        let mut renamed_types = Vec::new();
        for rename in &config.rename {
            let (path, new) = rename.split_once('=').ok_or_else(|| unknown(rename))?;
            let Some((parent, original)) = path.rsplit_once('.') else {
                renamed_types.push((path, new));
                continue;
            };
            // What is not told cannot have another name.
            if tells_inputs || !parent.contains("Filter") {
                Members::at(&mut document, path)?.rename(new)?;
                originals.insert(format!("{parent}.{new}"), original.to_owned());
            }
        }
        let mut text = document.to_string();
        for (old, new) in renamed_types {
            text = with_word(&text, old, new);
            originals.insert(new.to_owned(), old.to_owned());
        }
        Ok(Self {
            schema: Schema::parse_and_validate(text, "schema.graphql")
                .map_err(|error| built(&error))?,
            originals,
            beta: config.beta.clone(),
        })
    }

    /// What the type is called in the schema file.
    pub(crate) fn original_type<'a>(&'a self, name: &'a str) -> &'a str {
        self.originals.get(name).map_or(name, String::as_str)
    }

    /// What a field, an input field or (by `Type.field.argument`) an argument is called in the schema file.
    pub(crate) fn original<'a>(&'a self, ty: &str, name: &'a str) -> &'a str {
        let path = format!("{}.{name}", self.original_type(ty));
        self.originals.get(&path).map_or(name, String::as_str)
    }

    /// Whether there is such a query, by its name in the schema file.
    pub(crate) fn has_query(&self, name: &str) -> bool {
        let query = self.schema.get_object("Query");
        query.is_some_and(|query| {
            let mut fields = query.fields.keys();
            fields.any(|field| self.original("Query", field) == name)
        })
    }
}

/// The members beside a field, an input field or an argument, and its name; whether it is there or not.
struct Members<'a> {
    path: &'a str,
    name: Name,
    list: List<'a>,
}

enum List<'a> {
    Fields(&'a mut Vec<Node<FieldDefinition>>),
    /// Input fields, or arguments.
    Inputs(&'a mut Vec<Node<InputValueDefinition>>),
}

impl<'a> Members<'a> {
    fn at(document: &'a mut Document, path: &'a str) -> Result<Self, SchemaError> {
        let unknown = || SchemaError::Unknown(path.to_owned());
        let (above, name) = path.rsplit_once('.').ok_or_else(unknown)?;
        let (ty, field) = match above.split_once('.') {
            Some((ty, field)) => (ty, Some(field)),
            None => (above, None),
        };
        let name = Name::new(name.trim()).map_err(|_| unknown())?;
        let mut definitions = document.definitions.iter_mut();
        let definition = definitions.find(|definition| is_called(definition, ty));
        let list = match (definition.ok_or_else(unknown)?, field) {
            (Definition::ObjectTypeDefinition(object), None) => {
                List::Fields(&mut object.make_mut().fields)
            }
            (Definition::InputObjectTypeDefinition(object), None) => {
                List::Inputs(&mut object.make_mut().fields)
            }
            (Definition::ObjectTypeDefinition(object), Some(field)) => {
                let mut fields = object.make_mut().fields.iter_mut();
                let field = fields.find(|known| known.name == field);
                List::Inputs(&mut field.ok_or_else(unknown)?.make_mut().arguments)
            }
            _ => return Err(unknown()),
        };
        Ok(Self { path, name, list })
    }

    /// Gives it this type, and adds it where there is none.
    fn set(self, ty: Type) {
        let name = self.name;
        match self.list {
            List::Fields(list) => match list.iter_mut().find(|field| field.name == name) {
                Some(field) => field.make_mut().ty = ty,
                None => list.push(Node::new(FieldDefinition {
                    description: None,
                    name,
                    arguments: Vec::new(),
                    ty,
                    directives: Default::default(),
                })),
            },
            List::Inputs(list) => match list.iter_mut().find(|input| input.name == name) {
                Some(input) => input.make_mut().ty = Node::new(ty),
                None => list.push(Node::new(InputValueDefinition {
                    description: None,
                    name,
                    ty: Node::new(ty),
                    default_value: None,
                    directives: Default::default(),
                })),
            },
        }
    }

    fn leave_out(self) -> Result<(), SchemaError> {
        let found = match self.list {
            List::Fields(list) => take(list, |field| field.name == self.name).is_some(),
            List::Inputs(list) => take(list, |input| input.name == self.name).is_some(),
        };
        found
            .then_some(())
            .ok_or_else(|| SchemaError::Unknown(self.path.to_owned()))
    }

    fn rename(self, new: &str) -> Result<(), SchemaError> {
        let unknown = || SchemaError::Unknown(self.path.to_owned());
        let new = Name::new(new).map_err(|_| unknown())?;
        match self.list {
            List::Fields(list) => {
                let field = take(list, |field| field.name == self.name);
                let mut field = field.ok_or_else(unknown)?;
                field.make_mut().name = new;
                list.push(field);
            }
            List::Inputs(list) => {
                let input = take(list, |input| input.name == self.name);
                let mut input = input.ok_or_else(unknown)?;
                input.make_mut().name = new;
                list.push(input);
            }
        }
        Ok(())
    }
}

fn is_called(definition: &Definition, ty: &str) -> bool {
    definition.name().is_some_and(|name| name == ty)
}

fn take<T>(list: &mut Vec<T>, is_wanted: impl Fn(&T) -> bool) -> Option<T> {
    let place = list.iter().position(is_wanted)?;
    Some(list.remove(place))
}

/// Takes out a type, with whatever is of that type.
fn leave_out_type(document: &mut Document, ty: &str) {
    let definitions = &mut document.definitions;
    definitions.retain(|definition| !is_called(definition, ty));
    for definition in definitions {
        match definition {
            Definition::ObjectTypeDefinition(object) => {
                let fields = &mut object.make_mut().fields;
                fields.retain(|field| field.ty.inner_named_type() != ty);
                for field in fields {
                    let arguments = &mut field.make_mut().arguments;
                    arguments.retain(|argument| argument.ty.inner_named_type() != ty);
                }
            }
            Definition::InputObjectTypeDefinition(object) => {
                let fields = &mut object.make_mut().fields;
                fields.retain(|field| field.ty.inner_named_type() != ty);
            }
            _ => {}
        }
    }
}

/// The text with another word in the place of one.
fn with_word(text: &str, old: &str, new: &str) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split_inclusive(|letter| !is_part(letter));
    words
        .map(|word| match word.strip_prefix(old) {
            Some(end) if !end.starts_with(is_part) => format!("{new}{end}"),
            _ => word.to_owned(),
        })
        .collect()
}
