//! Validation errors in the words of several servers. apollo-compiler has those of graphql-js, which the real service
//! most likely uses.

use apollo_compiler::Schema;

use crate::switches::ErrorStyle;

/// The message in the chosen style; in the words of graphql-js, where that style has none of its own for it here.
pub(super) fn message(text: &str, style: ErrorStyle, schema: &Schema) -> String {
    let quoted: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    let part = |place: usize| quoted.get(place).copied().unwrap_or_default();
    let (one, two, three) = (part(0), part(1), part(2));
    let variable = one.trim_start_matches('$');
    let is = |begin: &str, middle: &str| text.starts_with(begin) && text.contains(middle);
    let is_field = is("Cannot query field", "on type");
    let is_type = is("Unknown type", "");
    let is_variable = is("Variable", "used in position expecting type");
    match style {
        ErrorStyle::Mute => "Bad Request".to_owned(),
        ErrorStyle::GraphqlJava if is_field => format!(
            "Validation error (FieldUndefined) : Field '{one}' in type '{two}' is undefined"
        ),
        ErrorStyle::GraphqlJava if is_type => {
            format!("Validation error (UnknownType) : Unknown type '{one}'")
        }
        ErrorStyle::GraphqlJava if is_variable => format!(
            "Validation error (VariableTypeMismatch) : Variable '{variable}' of type '{two}' used in position expecting type '{three}'"
        ),
        ErrorStyle::HotChocolate if is_field => {
            format!("The field `{one}` does not exist on the type `{two}`.")
        }
        ErrorStyle::HotChocolate if is_type => {
            format!("The specified type `{one}` does not exist.")
        }
        ErrorStyle::HotChocolate if is_variable => format!(
            "The variable `{variable}` is not compatible with the type of the current location."
        ),
        ErrorStyle::AsyncGraphql if is_field => {
            format!("Unknown field \"{one}\" on type \"{two}\".")
        }
        ErrorStyle::AsyncGraphql if is_type => format!("Unknown type \"{one}\""),
        ErrorStyle::AsyncGraphql if is_variable => format!(
            "Variable \"{variable}\" of type \"{two}\" used in position expecting type \"{three}\""
        ),
        _ if is_field => format!("{text}{}", hint(one, two, schema)),
        // The compiler names the type that has the field, graphql-js that of the field.
        _ if is("Field", "must have a selection of subfields") => {
            let definition = schema.type_field(two, one);
            let ty = definition.map_or(two.to_owned(), |field| field.ty.to_string());
            text.replacen(two, &ty, 1)
        }
        _ if is("Field", "must not have a selection") => format!("{text}."),
        _ => text.to_owned(),
    }
}

/// What is wrong with the value of a variable, in the words of graphql-js; the compiler's are its own.
pub(super) fn value(text: &str, schema: &Schema) -> String {
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| word.trim_matches(['\'', ':']))
        .collect();
    let after = |word: &str| {
        let place = words.iter().position(|known| *known == word);
        place
            .and_then(|place| words.get(place + 1))
            .copied()
            .unwrap_or_default()
    };
    // A variable has the name of the argument that it stands for, in every client that this server is for.
    if text.starts_with("Input object has key") {
        return format!(
            "Variable \"$filter\" got invalid value {{ … }}; Field \"{}\" is not defined by type \"{}\".",
            after("key"),
            after("type")
        );
    }
    if text.starts_with("Missing value for non-null input object field") {
        let (ty, field) = after("field").split_once('.').unwrap_or_default();
        return format!(
            "Variable \"$filter\" got invalid value {{ … }}; Field \"{field}\" of required type \"{ty}.{field}\" was not provided."
        );
    }
    if text.contains("non-null variable") || text.contains("of non-null type") {
        return format!(
            "Variable \"${}\" of required type was not provided.",
            after("variable")
        );
    }
    let in_filter = text
        .strip_prefix("could not coerce input field ")
        .and_then(|rest| rest.split_once(": "));
    if let Some((path, rest)) = in_filter {
        let field = path.rsplit('.').next().unwrap_or_default();
        let (given, ty) = rest.rsplit_once(" to type ").unwrap_or((rest, ""));
        let bare = ty.trim_matches(['[', ']', '!']);
        let is_enum = schema.types.get(bare).is_some_and(|ty| ty.is_enum());
        let told = match is_enum {
            true => format!("Enum \"{bare}\" cannot represent non-string value: {given}."),
            false => format!("{bare} cannot represent value: {given}"),
        };
        return format!(
            "Variable \"$filter\" got invalid value {given} at \"filter.{field}\"; {told}"
        );
    }
    if let Some(rest) = text.strip_prefix("could not coerce variable ") {
        let (name, rest) = rest.split_once(": ").unwrap_or((rest, ""));
        let (given, ty) = rest.rsplit_once(" to type ").unwrap_or((rest, ""));
        return format!(
            "Variable \"${name}\" got invalid value {given}; {ty} cannot represent value: {given}"
        );
    }
    text.to_owned()
}

/// ` Did you mean "a" or "b"?`, by graphql-js's own measure: at most two fifths of the letters and one differ.
fn hint(field: &str, ty: &str, schema: &Schema) -> String {
    let Some(object) = schema.get_object(ty) else {
        return String::new();
    };
    let most = field.len() * 2 / 5 + 1;
    let mut near: Vec<(usize, &str)> = object
        .fields
        .keys()
        .map(|known| {
            let distance = strsim::levenshtein(&field.to_lowercase(), &known.to_lowercase());
            (distance, known.as_str())
        })
        .filter(|(distance, _)| *distance <= most)
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    let names: Vec<String> = near.iter().map(|(_, name)| format!("\"{name}\"")).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => format!(" Did you mean {last}?"),
        Some((last, [first])) => format!(" Did you mean {first} or {last}?"),
        Some((last, rest)) => format!(" Did you mean {}, or {last}?", rest.join(", ")),
    }
}
