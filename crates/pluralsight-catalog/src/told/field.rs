//! What a field of a live schema holds, and what it must be given.

use pluralsight_api::FieldShape;

use crate::declaration::SqlType;
use crate::query::argument_names;

/// Whether an argument may say how many entries of a list are wanted.
pub(super) fn is_size(argument: &FieldShape) -> bool {
    let of_type = &argument.type_ref;
    of_type.name() == "Int"
        && !of_type.is_list()
        && argument_names("first_argument").contains(&argument.name.as_str())
}

/// Whether a field must be given an argument that is not the size of a page.
pub(super) fn wants_more(field: &FieldShape) -> bool {
    let mut needed = field.args.iter().filter(|argument| argument.is_required());
    needed.any(|argument| !is_size(argument))
}

/// The type of a column that reads it.
pub(super) fn sql_type(field: &FieldShape) -> SqlType {
    let list = field.type_ref.is_list();
    match (field.type_ref.name(), list) {
        ("Boolean", false) => SqlType::Boolean,
        ("Int", false) => SqlType::Integer,
        ("Int", true) => SqlType::IntegerArray,
        ("Float", false) => SqlType::Double,
        ("DateTime", false) => SqlType::Timestamptz,
        (_, true) => SqlType::TextArray,
        (_, false) => SqlType::Text,
    }
}
