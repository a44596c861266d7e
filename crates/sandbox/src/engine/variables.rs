//! Whether each variable is of the type of the place where it stands.
//!
//! async-graphql has that rule, but never runs it: its chain of visitors hands on no input values (7.2.1). Without it a
//! document with a wrong type would pass whenever the variable has no value.

use apollo_compiler::{ExecutableDocument, Schema, validation::Valid};
use async_graphql::{Pos, ServerError};

use crate::sdl::SchemaError;

/// The schema, as the validator wants it.
pub(super) struct Validator(Valid<Schema>);

impl Validator {
    pub(super) fn new(sdl: &str) -> Result<Self, SchemaError> {
        Schema::parse_and_validate(sdl, "schema.graphql")
            .map(Self)
            .map_err(|errors| SchemaError::Build(errors.to_string()))
    }

    /// The variables of a document that stand where another type belongs, in async-graphql's words.
    pub(super) fn misplaced(&self, document: &str) -> Vec<ServerError> {
        let Err(refused) =
            ExecutableDocument::parse_and_validate(&self.0, document, "document.graphql")
        else {
            return Vec::new();
        };
        refused
            .errors
            .iter()
            .filter_map(|error| {
                let shown = error.to_json();
                let place = shown.locations.first().map(|place| Pos {
                    line: place.line,
                    column: place.column,
                });
                Some(ServerError::new(reworded(&shown.message)?, place))
            })
            .collect()
    }
}

/// From ``variable `$n` of type `String` cannot be used for argument `first` of type `Int` ``.
fn reworded(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if !(message.starts_with("variable `") && message.contains("` cannot be used for argument `")) {
        return None;
    }
    let (variable, ty, _, expected) = (
        quoted.next()?,
        quoted.next()?,
        quoted.next()?,
        quoted.next()?,
    );
    Some(format!(
        "Variable \"{variable}\" of type \"{ty}\" used in position expecting type \"{expected}\""
    ))
}
