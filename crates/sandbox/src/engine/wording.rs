//! Validation errors in the words of several servers. apollo-compiler has those of graphql-js, which the real service
//! most likely uses.

use apollo_compiler::Schema;

use crate::switches::ErrorStyle;

/// The message in the chosen style; as it is, where that style has no words of its own for it here.
pub(super) fn message(text: &str, style: ErrorStyle, schema: &Schema) -> String {
    let quoted: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    let part = |place: usize| quoted.get(place).copied().unwrap_or_default();
    let (one, two, three) = (part(0), part(1), part(2));
    let is = |begin: &str, middle: &str| text.starts_with(begin) && text.contains(middle);
    let kind = if is("Cannot query field", "on type") {
        Kind::Field
    } else if is("Unknown argument", "on field") {
        Kind::Argument
    } else if is("Unknown type", "") {
        Kind::Type
    } else if is("Field", "is required, but it was not provided") {
        Kind::MissingArgument
    } else if is("Field", "must have a selection of subfields") {
        Kind::NoSelection
    } else if is("Field", "must not have a selection") {
        Kind::Leaf
    } else if is("Variable", "used in position expecting type") {
        Kind::Variable
    } else if is("Field", "is not defined by type") {
        Kind::Input
    } else {
        return text.to_owned();
    };
    // The compiler names the type that has the field, the others that of the field.
    let definition = schema.type_field(two, one).ok();
    let shown = definition.map_or(two.to_owned(), |field| field.ty.to_string());
    let (two, text) = match kind {
        Kind::NoSelection => (shown.as_str(), text.replacen(two, &shown, 1)),
        _ => (two, text.to_owned()),
    };
    match style {
        ErrorStyle::Mute => "Bad Request".to_owned(),
        ErrorStyle::GraphqlJs => match kind {
            Kind::Field => format!("{text}{}", hint(one, two, schema)),
            Kind::Leaf => format!("{text}."),
            _ => text,
        },
        ErrorStyle::GraphqlJava => {
            let (class, why) = match kind {
                Kind::Field => (
                    "FieldUndefined",
                    format!("Field '{one}' in type '{two}' is undefined"),
                ),
                Kind::Argument => ("UnknownArgument", format!("Unknown field argument '{one}'")),
                Kind::Type => ("UnknownType", format!("Unknown type '{one}'")),
                Kind::MissingArgument => (
                    "MissingFieldArgument",
                    format!("Missing field argument '{two}'"),
                ),
                Kind::NoSelection => (
                    "SubselectionRequired",
                    format!("Subselection required for type '{two}' of field '{one}'"),
                ),
                Kind::Leaf => (
                    "SubselectionNotAllowed",
                    format!("Subselection not allowed on leaf type '{two}' of field '{one}'"),
                ),
                Kind::Variable => (
                    "VariableTypeMismatch",
                    format!(
                        "Variable '{}' of type '{two}' used in position expecting type '{three}'",
                        one.trim_start_matches('$')
                    ),
                ),
                Kind::Input => (
                    "WrongType",
                    format!("argument 'filter' contains a field not in '{two}': '{one}'"),
                ),
            };
            format!("Validation error ({class}) : {why}")
        }
        ErrorStyle::HotChocolate => match kind {
            Kind::Field => format!("The field `{one}` does not exist on the type `{two}`."),
            Kind::Argument => format!("The argument `{one}` does not exist."),
            Kind::Type => format!("The specified type `{one}` does not exist."),
            Kind::MissingArgument => format!("The argument `{two}` is required."),
            Kind::NoSelection => format!(
                "`{one}` is an object, interface or union type field. Leaf selections on objects, interfaces, and unions without subfields are disallowed."
            ),
            Kind::Leaf => format!(
                "`{one}` returns a scalar value. Selections on scalars or enums, which are the leaf nodes of any GraphQL query, are disallowed."
            ),
            Kind::Variable => format!(
                "The variable `{}` is not compatible with the type of the current location.",
                one.trim_start_matches('$')
            ),
            Kind::Input => format!("The specified input object field `{one}` does not exist."),
        },
        ErrorStyle::AsyncGraphql => match kind {
            Kind::Field => format!("Unknown field \"{one}\" on type \"{two}\"."),
            Kind::Argument => {
                let (ty, field) = two.split_once('.').unwrap_or(("", two));
                format!("Unknown argument \"{one}\" on field \"{field}\" of type \"{ty}\".")
            }
            Kind::Type => format!("Unknown type \"{one}\""),
            Kind::MissingArgument => format!(
                "Field \"{one}\" argument \"{two}\" of type \"{three}\" is required but not provided"
            ),
            Kind::NoSelection => {
                format!("Field \"{one}\" of type \"{two}\" must have a selection of subfields")
            }
            Kind::Leaf => format!(
                "Field \"{one}\" must not have a selection since type \"{two}\" has no subfields"
            ),
            Kind::Variable => format!(
                "Variable \"{}\" of type \"{two}\" used in position expecting type \"{three}\"",
                one.trim_start_matches('$')
            ),
            Kind::Input => format!(
                "Invalid value for argument \"filter\", unknown field \"{one}\" of type \"{two}\""
            ),
        },
    }
}

/// What is wrong with the value of a variable; the compiler's words for that are its own.
pub(super) fn value(text: &str, style: ErrorStyle, schema: &Schema) -> String {
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
        let told = format!(
            "Field \"{}\" is not defined by type \"{}\".",
            after("key"),
            after("type")
        );
        return match style {
            ErrorStyle::GraphqlJs => {
                format!("Variable \"$filter\" got invalid value {{ … }}; {told}")
            }
            ErrorStyle::GraphqlJava => format!(
                "The variables input contains a field name '{}' that is not defined for input object type '{}' ",
                after("key"),
                after("type")
            ),
            _ => message(&told, style, schema),
        };
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
        .filter(|_| style == ErrorStyle::GraphqlJs)
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

#[derive(Clone, Copy)]
enum Kind {
    Field,
    Argument,
    Type,
    MissingArgument,
    NoSelection,
    Leaf,
    Variable,
    Input,
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
        .map(|known| (distance(field, known), known.as_str()))
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

/// How many letters must be put in, taken out or changed (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (place, known) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *known);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(row[place] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
