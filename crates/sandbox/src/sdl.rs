//! The schema that is served: `graphql/schema.graphql`, with what the configuration leaves out, renames and adds.

use std::collections::HashMap;

use async_graphql::{
    dynamic::TypeRef,
    parser::{
        Positioned, parse_schema,
        types::{
            BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
        },
    },
};

use crate::config::{Config, PlanInfoShape};

const SCHEMA: &str = include_str!("../../../graphql/schema.graphql");

/// Types that only some shapes of `planInfo` need.
const PLAN_SHAPES: &str = "
    type PlanInfoConnection { totalCount: Int nodes: [PlanInfo] edges: [PlanInfoEdge] pageInfo: PageInfo }
    type PlanInfoEdge { cursor: String node: PlanInfo }
    type ProductConnection { totalCount: Int nodes: [Product] edges: [ProductEdge] pageInfo: PageInfo }
    type ProductEdge { cursor: String node: Product }
    type PlanQuery {
        list: [PlanInfo]
        connection(first: Int, after: String): PlanInfoConnection
        products: [Product]
        productConnection(first: Int, after: String): ProductConnection
    }
";

/// A configuration that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The text of an extra field, or the schema file itself, is not in the schema language.
    #[error("{what} is not in the schema language: {why}")]
    Syntax {
        /// What was read.
        what: String,
        /// The parser's words.
        why: String,
    },
    /// A path names nothing in the schema.
    #[error("the schema has no {0}")]
    Unknown(String),
    /// A path has too many or too few parts.
    #[error("{0} is not of the form {1}")]
    Form(String, &'static str),
    /// What is left does not hold together.
    #[error("the schema cannot be built: {0}")]
    Build(String),
}

/// A type under the name that clients see.
#[derive(Debug, Clone)]
pub(crate) struct TypeShape {
    pub(crate) original: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Scalar,
    Object(Vec<FieldShape>),
    Input(Vec<InputShape>),
}

#[derive(Debug, Clone)]
pub(crate) struct FieldShape {
    pub(crate) original: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) ty: TypeRef,
    pub(crate) arguments: Vec<InputShape>,
    pub(crate) deprecated: Option<String>,
    pub(crate) is_beta: bool,
    /// Added by the configuration: its values are made up.
    pub(crate) is_extra: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct InputShape {
    pub(crate) original: String,
    pub(crate) name: String,
    pub(crate) ty: TypeRef,
}

/// All types, by the names that clients see.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) types: Vec<TypeShape>,
    by_name: HashMap<String, usize>,
}

impl Shape {
    pub(crate) fn new(config: &Config) -> Result<Self, SchemaError> {
        let mut types = read(SCHEMA, "graphql/schema.graphql")?;
        shape_plan(&mut types, config.plan_info)?;
        for text in &config.extra {
            add(&mut types, text)?;
        }
        for path in &config.beta {
            mark_beta(&mut types, path)?;
        }
        for path in &config.without {
            leave_out(&mut types, path)?;
        }
        for text in &config.rename {
            rename(&mut types, text)?;
        }
        let by_name = types
            .iter()
            .enumerate()
            .map(|(place, ty)| (ty.name.clone(), place))
            .collect();
        Ok(Self { types, by_name })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&TypeShape> {
        self.by_name
            .get(name)
            .and_then(|place| self.types.get(*place))
    }
}

impl TypeShape {
    pub(crate) fn field(&self, name: &str) -> Option<&FieldShape> {
        match &self.kind {
            Kind::Object(fields) => fields.iter().find(|field| field.name == name),
            _ => None,
        }
    }

    pub(crate) fn inputs(&self) -> &[InputShape] {
        match &self.kind {
            Kind::Input(fields) => fields,
            _ => &[],
        }
    }
}

fn read(text: &str, what: &str) -> Result<Vec<TypeShape>, SchemaError> {
    let document = parse_schema(text).map_err(|error| SchemaError::Syntax {
        what: what.to_owned(),
        why: error.to_string(),
    })?;
    let definitions = document
        .definitions
        .into_iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(definition.node),
            _ => None,
        });
    Ok(definitions
        .filter_map(|definition| {
            let kind = match definition.kind {
                TypeKind::Scalar => Kind::Scalar,
                TypeKind::Object(object) => {
                    Kind::Object(object.fields.into_iter().map(field).collect())
                }
                TypeKind::InputObject(object) => {
                    Kind::Input(object.fields.into_iter().map(input).collect())
                }
                _ => return None,
            };
            let name = definition.name.node.to_string();
            Some(TypeShape {
                original: name.clone(),
                name,
                description: definition.description.map(|text| text.node),
                kind,
            })
        })
        .collect())
}

fn field(field: Positioned<FieldDefinition>) -> FieldShape {
    let field = field.node;
    let deprecated = field
        .directives
        .iter()
        .find(|directive| directive.node.name.node == "deprecated")
        .map(|directive| {
            let reason = directive
                .node
                .get_argument("reason")
                .map(|reason| reason.node.clone().into_json());
            match reason {
                Some(Ok(serde_json::Value::String(reason))) => reason,
                _ => "No longer supported".to_owned(),
            }
        });
    FieldShape {
        original: field.name.node.to_string(),
        name: field.name.node.to_string(),
        description: field.description.map(|text| text.node),
        ty: type_ref(&field.ty.node),
        arguments: field.arguments.into_iter().map(input).collect(),
        deprecated,
        is_beta: false,
        is_extra: false,
    }
}

fn input(input: Positioned<InputValueDefinition>) -> InputShape {
    let name = input.node.name.node.to_string();
    InputShape {
        original: name.clone(),
        name,
        ty: type_ref(&input.node.ty.node),
    }
}

fn type_ref(ty: &Type) -> TypeRef {
    let inner = match &ty.base {
        BaseType::Named(name) => TypeRef::named(name.as_str()),
        BaseType::List(item) => TypeRef::List(Box::new(type_ref(item))),
    };
    if ty.nullable {
        inner
    } else {
        TypeRef::NonNull(Box::new(inner))
    }
}

fn shape_plan(types: &mut Vec<TypeShape>, shape: PlanInfoShape) -> Result<(), SchemaError> {
    let wanted = match shape {
        PlanInfoShape::Object => return Ok(()),
        PlanInfoShape::None => return leave_out(types, "PlanInfo.products"),
        PlanInfoShape::List => "list",
        PlanInfoShape::Connection => "connection",
        PlanInfoShape::Products => "products",
        PlanInfoShape::ProductConnection => "productConnection",
    };
    let mut shapes = read(PLAN_SHAPES, "the shapes of planInfo")?;
    let query = shapes.pop().and_then(|query| query.field(wanted).cloned());
    let query = query.ok_or_else(|| SchemaError::Unknown(wanted.to_owned()))?;
    let target = fields_of(types, "Query")?
        .iter_mut()
        .find(|field| field.name == "planInfo");
    let target = target.ok_or_else(|| SchemaError::Unknown("Query.planInfo".to_owned()))?;
    (target.ty, target.arguments) = (query.ty, query.arguments);
    // Only what the chosen shape can reach: a type that nothing returns would be a strange thing to serve.
    let reachable = match shape {
        PlanInfoShape::Connection => "PlanInfo",
        PlanInfoShape::ProductConnection => "Product",
        _ => "",
    };
    types.extend(shapes.into_iter().filter(|ty| {
        [format!("{reachable}Connection"), format!("{reachable}Edge")].contains(&ty.name)
    }));
    Ok(())
}

fn find<'a>(types: &'a mut [TypeShape], name: &str) -> Result<&'a mut TypeShape, SchemaError> {
    types
        .iter_mut()
        .find(|ty| ty.name == name || ty.original == name)
        .ok_or_else(|| SchemaError::Unknown(name.to_owned()))
}

fn fields_of<'a>(
    types: &'a mut [TypeShape],
    name: &str,
) -> Result<&'a mut Vec<FieldShape>, SchemaError> {
    match &mut find(types, name)?.kind {
        Kind::Object(fields) => Ok(fields),
        _ => Err(SchemaError::Unknown(format!("object type {name}"))),
    }
}

const PATH_FORM: &str = "Type, Type.field or Type.field.argument";

fn leave_out(types: &mut Vec<TypeShape>, path: &str) -> Result<(), SchemaError> {
    let unknown = || SchemaError::Unknown(path.to_owned());
    match path.split('.').collect::<Vec<_>>()[..] {
        [name] => {
            find(types, name)?;
            types.retain(|ty| ty.original != name);
            for ty in types {
                match &mut ty.kind {
                    Kind::Scalar => {}
                    Kind::Input(fields) => fields.retain(|field| field.ty.type_name() != name),
                    Kind::Object(fields) => {
                        fields.retain(|field| field.ty.type_name() != name);
                        for field in fields {
                            field
                                .arguments
                                .retain(|argument| argument.ty.type_name() != name);
                        }
                    }
                }
            }
            Ok(())
        }
        [name, field] => {
            let removed = match &mut find(types, name)?.kind {
                Kind::Scalar => 0,
                Kind::Object(fields) => fields
                    .extract_if(.., |known| known.original == field)
                    .count(),
                Kind::Input(fields) => fields
                    .extract_if(.., |known| known.original == field)
                    .count(),
            };
            if removed == 0 { Err(unknown()) } else { Ok(()) }
        }
        [name, field, argument] => {
            let fields = fields_of(types, name)?;
            let field = fields
                .iter_mut()
                .find(|known| known.original == field)
                .ok_or_else(unknown)?;
            let removed = field
                .arguments
                .extract_if(.., |known| known.original == argument)
                .count();
            if removed == 0 { Err(unknown()) } else { Ok(()) }
        }
        _ => Err(SchemaError::Form(path.to_owned(), PATH_FORM)),
    }
}

fn rename(types: &mut [TypeShape], text: &str) -> Result<(), SchemaError> {
    let (path, new) = text
        .split_once('=')
        .ok_or_else(|| SchemaError::Form(text.to_owned(), "Type.field=newName"))?;
    let (path, new) = (path.trim(), new.trim());
    let unknown = || SchemaError::Unknown(path.to_owned());
    let name = match path.split('.').collect::<Vec<_>>()[..] {
        [name] => {
            find(types, name)?.name = new.to_owned();
            for ty in types {
                match &mut ty.kind {
                    Kind::Scalar => {}
                    Kind::Input(fields) => fields
                        .iter_mut()
                        .for_each(|field| rename_type(&mut field.ty, name, new)),
                    Kind::Object(fields) => {
                        for field in fields {
                            rename_type(&mut field.ty, name, new);
                            field
                                .arguments
                                .iter_mut()
                                .for_each(|argument| rename_type(&mut argument.ty, name, new));
                        }
                    }
                }
            }
            return Ok(());
        }
        [name, field] => match &mut find(types, name)?.kind {
            Kind::Scalar => None,
            Kind::Object(fields) => fields
                .iter_mut()
                .find(|known| known.original == field)
                .map(|field| &mut field.name),
            Kind::Input(fields) => fields
                .iter_mut()
                .find(|known| known.original == field)
                .map(|field| &mut field.name),
        },
        [name, field, argument] => {
            let field = fields_of(types, name)?
                .iter_mut()
                .find(|known| known.original == field)
                .ok_or_else(unknown)?;
            field
                .arguments
                .iter_mut()
                .find(|known| known.original == argument)
                .map(|argument| &mut argument.name)
        }
        _ => return Err(SchemaError::Form(path.to_owned(), PATH_FORM)),
    };
    *name.ok_or_else(unknown)? = new.to_owned();
    Ok(())
}

fn rename_type(ty: &mut TypeRef, from: &str, to: &str) {
    match ty {
        TypeRef::Named(name) if name == from => *ty = TypeRef::named(to),
        TypeRef::Named(_) => {}
        TypeRef::NonNull(inner) | TypeRef::List(inner) => rename_type(inner, from, to),
    }
}

fn mark_beta(types: &mut [TypeShape], path: &str) -> Result<(), SchemaError> {
    let (name, field) = path
        .split_once('.')
        .ok_or_else(|| SchemaError::Form(path.to_owned(), "Type.field"))?;
    let field = fields_of(types, name)?
        .iter_mut()
        .find(|known| known.original == field);
    field
        .ok_or_else(|| SchemaError::Unknown(path.to_owned()))?
        .is_beta = true;
    Ok(())
}

fn add(types: &mut [TypeShape], text: &str) -> Result<(), SchemaError> {
    let (name, declaration) = text
        .split_once('.')
        .ok_or_else(|| SchemaError::Form(text.to_owned(), "Type.field: Type"))?;
    let target = find(types, name.trim())?;
    match &mut target.kind {
        Kind::Object(fields) => {
            let read = read(&format!("type Extra {{ {declaration} }}"), text)?;
            if let Some(Kind::Object(new)) = read.into_iter().next().map(|ty| ty.kind) {
                fields.extend(new.into_iter().map(|field| FieldShape {
                    is_extra: true,
                    ..field
                }));
            }
        }
        Kind::Input(fields) => {
            let read = read(&format!("input Extra {{ {declaration} }}"), text)?;
            if let Some(Kind::Input(new)) = read.into_iter().next().map(|ty| ty.kind) {
                fields.extend(new);
            }
        }
        Kind::Scalar => return Err(SchemaError::Unknown(format!("object or input type {name}"))),
    }
    Ok(())
}
