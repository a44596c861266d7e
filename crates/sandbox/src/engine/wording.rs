//! Validation errors in the words of graphql-js, which the real service most likely uses.

use crate::config::ErrorStyle;

/// The engine's message in the chosen style.
pub(super) fn message(text: &str, style: ErrorStyle) -> String {
    match style {
        ErrorStyle::AsyncGraphql => text.to_owned(),
        ErrorStyle::GraphqlJs => translated(text).unwrap_or_else(|| text.to_owned()),
    }
}

fn translated(text: &str) -> Option<String> {
    let mut quoted = text.split('"').skip(1).step_by(2);
    let mut next = || quoted.next();
    let hint = hint(text);
    if text.starts_with(" --> ") {
        let why = text
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches([' ', '=']);
        return Some(format!("Syntax Error: {why}."));
    }
    if text.starts_with("Schema is not configured for ") {
        let operation = if text.contains("mutation") {
            "mutation"
        } else {
            "subscription"
        };
        return Some(format!(
            "Schema is not configured to execute {operation} operation."
        ));
    }
    if text.starts_with("Unknown field \"") {
        return Some(format!(
            "Cannot query field \"{}\" on type \"{}\".{hint}",
            next()?,
            next()?
        ));
    }
    if text.starts_with("Unknown argument \"") && text.contains("\" on field \"") {
        let (argument, field, ty) = (next()?, next()?, next()?);
        return Some(format!(
            "Unknown argument \"{argument}\" on field \"{ty}.{field}\".{hint}"
        ));
    }
    if text.starts_with("Variable \"$") && text.contains("is not defined") {
        let operation = text
            .split('"')
            .nth(3)
            .map_or(String::new(), |name| format!(" by operation \"{name}\""));
        return Some(format!(
            "Variable \"{}\" is not defined{operation}.",
            next()?
        ));
    }
    if text.starts_with("Variable \"$") && text.contains("is not used") {
        let operation = text
            .split('"')
            .nth(3)
            .map_or(String::new(), |name| format!(" in operation \"{name}\""));
        return Some(format!(
            "Variable \"{}\" is never used{operation}.",
            next()?
        ));
    }
    if text.contains("\" used in position expecting type \"") {
        let (variable, ty, expected) = (next()?, next()?, next()?);
        return Some(format!(
            "Variable \"${}\" of type \"{ty}\" used in position expecting type \"{expected}\".",
            variable.trim_start_matches('$')
        ));
    }
    if text.starts_with("Unknown type \"") {
        return Some(format!("Unknown type \"{}\".", next()?));
    }
    if text.contains("must have a selection of subfields") {
        let (field, ty) = (next()?, next()?);
        return Some(format!(
            "Field \"{field}\" of type \"{ty}\" must have a selection of subfields. Did you mean \"{field} {{ ... }}\"?"
        ));
    }
    if text.contains("must not have a selection since type") {
        let (field, ty) = (next()?, next()?);
        return Some(format!(
            "Field \"{field}\" must not have a selection since type \"{ty}\" has no subfields."
        ));
    }
    if let Some(rest) = text.strip_prefix("Invalid value for argument \"") {
        let (path, why) = rest.split_once("\", ")?;
        return Some(match why.strip_prefix("unknown field \"") {
            Some(unknown) => {
                let (field, ty) = unknown.split_once("\" of type \"")?;
                format!(
                    "Field \"{field}\" is not defined by type \"{}\".",
                    ty.trim_end_matches('"')
                )
            }
            None => format!("Invalid value at \"{path}\": {why}."),
        });
    }
    None
}

/// ` Did you mean "a" or "b"?`, if the engine has an idea.
fn hint(text: &str) -> String {
    let ideas: Vec<&str> = match text.split_once(" Did you mean ") {
        Some((_, ideas)) => ideas.split('"').skip(1).step_by(2).collect(),
        None => Vec::new(),
    };
    match ideas.split_last() {
        None => String::new(),
        Some((last, [])) => format!(" Did you mean \"{last}\"?"),
        Some((last, [first])) => format!(" Did you mean \"{first}\" or \"{last}\"?"),
        Some((last, rest)) => format!(" Did you mean \"{}\", or \"{last}\"?", rest.join("\", \"")),
    }
}
