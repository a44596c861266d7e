//! Values for fields that the configuration added: made up, but the same for the same record.

use async_graphql::dynamic::TypeRef;
use serde_json::{Value, json};

use super::read::Source;

/// The value of the field `path` of a record; null for about a fifth of the records where the type allows it.
pub(super) fn value(path: &str, ty: &TypeRef, source: Source<'_>) -> Value {
    let key = match source {
        Source::User(user) => user.ps_user_id.as_str(),
        Source::Admin(admin) => admin.ps_user_id.as_str(),
        Source::Team(team) => team.id.as_str(),
        Source::Product(product) => product.id.as_str(),
        Source::Plan(view) => view.plan.plan_id.as_str(),
        _ => "",
    };
    let number = path
        .bytes()
        .chain(key.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    made(ty, number ^ (number >> 29), true)
}

fn made(ty: &TypeRef, number: u64, nullable: bool) -> Value {
    if nullable && !matches!(ty, TypeRef::NonNull(_)) && number.is_multiple_of(5) {
        return Value::Null;
    }
    match ty {
        TypeRef::NonNull(inner) => made(inner, number, false),
        TypeRef::List(item) => (0..number % 3)
            .map(|place| made(item, number.rotate_left(7 + place as u32), false))
            .collect(),
        TypeRef::Named(name) => match &**name {
            "String" => {
                json!(["red", "green", "синий", "黄色", "violet"][(number >> 8) as usize % 5])
            }
            "ID" => json!(format!("x{number:016x}")),
            "Int" => json!(number as i32 / 1000),
            "Float" => json!((number % 100_000) as f64 / 8.0),
            "Boolean" => json!((number >> 9) & 1 == 1),
            "DateTime" => {
                let seconds = 1_500_000_000 + (number % 250_000_000) as i64;
                let instant = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default();
                json!(crate::organisation::instant_text(&instant))
            }
            // A made-up record would need a reader; nothing of the schema's own has this type here.
            _ => Value::Null,
        },
    }
}
