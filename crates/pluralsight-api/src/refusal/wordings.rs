//! How servers say what they refuse.

/// What a wording says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Field,
    Argument,
    Type,
    Variable,
    Missing,
    Composite,
    Leaf,
    Value,
}

/// The wordings, in lower case and without quotes: `{f}` a field, `{t}` its type, `{a}` an argument, `{v}` a variable,
/// `{g}` the type that was given, `{e}` the type that was expected, `{c}` a coordinate such as `Query.users` or
/// `Query.users(first:)`, `{_}` any name or type. A wording that begins like another one stands before it.
pub(super) const WORDINGS: &[(&str, Says)] = &[
    // Fields.
    ("cannot query field {f} on type {t}", Says::Field),
    ("unknown field {f} on type {t}", Says::Field),
    ("unknown field {f} of type {t}", Says::Field),
    ("field {f} is not defined by type {t}", Says::Field),
    (
        "field {f} is not defined for input object type {t}",
        Says::Field,
    ),
    (
        "contains a field name {f} that is not defined for input object type {t}",
        Says::Field,
    ),
    ("contains a field not in {t}: {f}", Says::Field),
    ("field {f} in type {t} is undefined", Says::Field),
    ("field {f} does not exist on type {t}", Says::Field),
    ("field {f} does not exist on the type {t}", Says::Field),
    ("field {f} does not exist on {t}", Says::Field),
    ("field {f} doesn't exist on type {t}", Says::Field),
    ("inputobject {t} doesn't accept argument {f}", Says::Field),
    ("field {f} not found in type: {t}", Says::Field),
    (
        "specified input object field {f} does not exist",
        Says::Field,
    ),
    ("in field {f}: unknown field", Says::Field),
    // Arguments that must be given.
    (
        "field {f} argument {a} of type {e} is required",
        Says::Missing,
    ),
    (
        "argument {a} of type {e} is required for field {f}",
        Says::Missing,
    ),
    (
        "argument {a} of required type {e} was not provided",
        Says::Missing,
    ),
    ("argument {a} is required", Says::Missing),
    ("missing field argument {a}", Says::Missing),
    (
        "field {f} is missing required arguments: {a}",
        Says::Missing,
    ),
    ("the required argument {c} is not provided", Says::Missing),
    (
        "in argument {a}: expected type {e}, found null",
        Says::Missing,
    ),
    // Arguments that there are not.
    ("unknown argument {a} on field {c}", Says::Argument),
    ("unknown field argument {a}", Says::Argument),
    ("field {f} doesn't accept argument {a}", Says::Argument),
    ("argument {a} is not supported by {c}", Says::Argument),
    ("argument {a} does not exist", Says::Argument),
    ("{f} has no argument named {a}", Says::Argument),
    // Types that there are not.
    ("unknown type {t}", Says::Type),
    ("cannot find type {t} in this document", Says::Type),
    ("specified type {t} does not exist", Says::Type),
    ("{t} isn't a defined input type", Says::Type),
    // Variables of another type than the argument's.
    (
        "variable {v} of type {g} used in position expecting type {e}",
        Says::Variable,
    ),
    (
        "variable {v} of type {g} found as input to argument of type {e}",
        Says::Variable,
    ),
    (
        "variable {v} of type {g} cannot be used for argument {a} of type {e}",
        Says::Variable,
    ),
    (
        "variable {v} cannot be used for argument {a}",
        Says::Variable,
    ),
    (
        "variable {v} of type {g} does not match expected type {e}",
        Says::Variable,
    ),
    (
        "variable type {g} does not match expected type {e}",
        Says::Variable,
    ),
    (
        "variable type {g} doesn't match expected type {e}",
        Says::Variable,
    ),
    (
        "variable {v} is declared as {g}, but used where {e} is expected",
        Says::Variable,
    ),
    (
        "type mismatch on variable {v} and argument {a} ({g} / {e})",
        Says::Variable,
    ),
    (
        "variable {v} is not compatible with the type of the current location",
        Says::Variable,
    ),
    ("argument {a} has invalid value {v}.", Says::Variable),
    // Fields with and without fields of their own.
    (
        "field {f} of type {_} must have a selection of subfields",
        Says::Composite,
    ),
    (
        "field {f} of type {_} must have a sub selection",
        Says::Composite,
    ),
    (
        "subselection required for type {_} of field {f}",
        Says::Composite,
    ),
    (
        "sub selection required for type {_} of field {f}",
        Says::Composite,
    ),
    ("must have selections (field {f} returns", Says::Composite),
    (
        "{f} is an object, interface or union type field",
        Says::Composite,
    ),
    ("field {f} must not have a selection since type", Says::Leaf),
    (
        "field {f} of type {_} must not have a sub selection",
        Says::Leaf,
    ),
    (
        "selection not allowed on leaf type {_} of field {f}",
        Says::Leaf,
    ),
    (
        "selections can't be made on scalars (field {f} returns",
        Says::Leaf,
    ),
    (
        "{f} returns a scalar value. selections on scalars",
        Says::Leaf,
    ),
    // Values of filters.
    (
        "invalid value for argument {p}, expected type {e}",
        Says::Value,
    ),
    ("at {p}; {e} cannot represent", Says::Value),
    ("at {p}; enum {e} cannot represent", Says::Value),
    ("at {p}; value {_} does not exist in {e} enum", Says::Value),
    ("at {p}; expected type {e}", Says::Value),
    (
        "could not coerce input field {p}: {_} to type {e}",
        Says::Value,
    ),
    (
        "variable {p} has an invalid value: expected a value that can be converted to type {e}",
        Says::Value,
    ),
    ("in field {p}: expected type {e}", Says::Value),
];
