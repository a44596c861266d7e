//! How a column is declared: in one line.

/// The columns of a table, a line each:
///
/// ```text
/// name: Type = "path" or "other.path" [word, word("path")] "What it means.";
/// ```
///
/// The paths are GraphQL paths below a record, best first. The words are methods of [`crate::declaration::Column`], such as
/// `identifying`, `untracked`, `empty_if_null` and `only_where("path")`.
macro_rules! columns {
    ($(
        $name:ident: $sql_type:ident = $field:literal $(or $other:literal)*
        $([$($word:ident $(($argument:literal))?),+])?
        $comment:literal;
    )+) => {
        &[$(
            $crate::declaration::Column::new(
                stringify!($name),
                $crate::declaration::SqlType::$sql_type,
                &[$field $(, $other)*],
                $comment,
            )
            $($(.$word($($argument)?))+)?
        ),+]
    };
}
pub(crate) use columns;
