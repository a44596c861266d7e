//! What a table's own query teaches about the API: it is asked for some records, and for less after each refusal, until
//! the API answers.

mod filters;
pub(crate) mod question;
mod records;

use pluralsight_api::{Client, Context, Error, Operation, Refusal, Shape};

use self::filters::filters;
use self::question::Probe;
pub(crate) use self::records::Known;
use self::records::records;
use crate::ddl::ImportedTable;
use crate::declaration::Table;
use crate::mend::Refused;
use crate::notice::Notice;

/// Asks for one record of the table, and changes the table until the API answers. `Some` is why it cannot be read: the
/// API has no such query, or refuses it to this key. Errors that say nothing of the table, such as a refused token, are
/// errors.
pub(crate) async fn probe(
    client: &Client,
    context: &Context<'_>,
    declared: &Table,
    table: &mut ImportedTable,
    is_told: bool,
    known: &mut Known,
    notices: &mut Vec<Notice>,
) -> Result<Option<Error>, Error> {
    let mut probe = Probe {
        is_told,
        ..Probe::new(client, context, declared)
    };
    let failure = match records(&mut probe, table, known, notices).await? {
        None => None,
        Some(failure) if is_no_query(&failure, declared) => Some(failure),
        // Nothing can be read in this shape: perhaps in another.
        Some(failure) => {
            let mut found = None;
            let shaped = other_shapes(table).into_iter().map(|other| ImportedTable {
                operation: other,
                ..ImportedTable::declared(declared)
            });
            for mut candidate in shaped.chain(wrapped(declared)) {
                (probe.refused, probe.is_told) = (Refused::guessing(), false);
                let mut heard = Vec::new();
                if records(&mut probe, &mut candidate, known, &mut heard)
                    .await?
                    .is_none()
                    && candidate.columns.iter().any(|column| !column.absent)
                {
                    notices.append(&mut heard);
                    found = Some(candidate);
                    break;
                }
            }
            match found {
                Some(candidate) => {
                    *table = candidate;
                    None
                }
                None => Some(failure),
            }
        }
    };
    Ok(failure)
}

/// Asks with every filter that the table may have, and keeps those that the API takes.
pub(crate) async fn probe_filters(
    client: &Client,
    context: &Context<'_>,
    declared: &Table,
    table: &mut ImportedTable,
) -> Result<(), Error> {
    let mut probe = Probe::new(client, context, declared);
    filters(&mut probe, table).await
}

/// The same as [`probe`] for a table whose one row is gathered from the parts of its record.
pub(crate) async fn probe_parts(
    client: &Client,
    context: &Context<'_>,
    declared: &Table,
    table: &mut ImportedTable,
    known: &mut Known,
) -> Result<Option<Error>, Error> {
    let mut probe = Probe {
        gathers: true,
        ..Probe::new(client, context, declared)
    };
    records(&mut probe, table, known, &mut Vec::new()).await
}

/// Whether the API has no such query, or refuses it to this key, whatever is asked of it.
pub(crate) fn is_no_query(error: &Error, declared: &Table) -> bool {
    match error {
        Error::Forbidden { .. } => true,
        Error::GraphQl { errors, .. } => {
            // Beside it, some servers say that the variables are not used, either.
            let refused = errors.iter().filter_map(|error| error.refusal.as_ref());
            let is_query = |refusal: &Refusal| matches!(refusal, Refusal::Field { field, .. } if field == declared.query);
            let (mut of_query, mut of_other) = (0, 0);
            for refusal in refused {
                if is_query(refusal) {
                    of_query += 1;
                } else {
                    of_other += 1;
                }
            }
            // Any other reason for a null may be gone tomorrow.
            let is_null = || {
                let mut errors = errors.iter();
                errors.all(|error| {
                    error.path.as_deref() == Some(declared.query)
                        && is_refusal(&error.message, declared.query)
                })
            };
            of_other == 0 && (of_query > 0 || is_null())
        }
        _ => false,
    }
}

/// Whether a message says that a key may not do something, in words that servers use for that. The name of the query is none of
/// them, whatever word is in it.
fn is_refusal(message: &str, query: &str) -> bool {
    const WORDS: [&str; 7] = [
        "authori",
        "forbidden",
        "permission",
        "allowed",
        "denied",
        "access",
        "entitle",
    ];
    let message = message.to_lowercase().replace(&query.to_lowercase(), "");
    WORDS.iter().any(|word| message.contains(word))
}

/// The same query in the shapes in which it was not asked yet.
fn other_shapes(table: &ImportedTable) -> Vec<Operation> {
    let operation = &table.operation;
    let (shapes, declared) = (
        [Shape::Connection, Shape::List],
        Table::over(operation.name.as_str()),
    );
    shapes
        .into_iter()
        .filter(|shape| *shape != operation.shape)
        .filter_map(|shape| {
            Some(Operation {
                arguments: operation.arguments.clone(),
                ..declared?.operation_in(shape)
            })
        })
        .collect()
}

/// The table where each record is wrapped: it stands in a field of its own, which has a likely name.
fn wrapped(declared: &Table) -> Vec<ImportedTable> {
    let query = declared.query;
    let one = query.strip_suffix("Info").or(query.strip_suffix('s'));
    let one = one.unwrap_or(query);
    let last = one.rfind(|letter: char| letter.is_ascii_uppercase());
    let last = last.and_then(|place| one.get(place..)).unwrap_or(one);
    let mut names = vec![one.to_owned(), last.to_ascii_lowercase()];
    if declared.column("email").is_some() {
        names.push("user".to_owned());
    }
    names.dedup();
    let within = |name: &str| {
        let mut table = ImportedTable::declared(declared);
        let put = |path: &mut String| *path = format!("{name}.{path}");
        for column in &mut table.columns {
            put(&mut column.field);
            column.only_where.as_mut().map(put);
            column.only_where_not.as_mut().map(put);
        }
        table.key.as_mut().map(put);
        table
    };
    names.iter().map(|name| within(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::is_refusal;

    #[test]
    fn a_query_that_is_named_like_a_refusal_is_not_taken_for_one() {
        let query = "planPermissionSets";
        for passing in [
            "Error in planPermissionSets resolver",
            "Cannot return null for non-nullable field Query.planPermissionSets.",
        ] {
            assert!(!is_refusal(passing, query), "{passing}");
        }
        for refusal in [
            "Not authorized to read planPermissionSets",
            "You lack the permission for planPermissionSets",
        ] {
            assert!(is_refusal(refusal, query), "{refusal}");
        }
    }
}
