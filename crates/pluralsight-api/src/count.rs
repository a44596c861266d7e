//! How many records there are, without reading them.

use serde_json::{Map, Value};

use crate::client::{Call, Client, Context};
use crate::error::{Error, Place};
use crate::operation::Operation;
use crate::records::{Unfit, total_count, unfit};
use crate::text::presentable;

/// Asks for `totalCount` alone, in one request. `filter` is the value of the query's argument, where there is one. A
/// total that is missing, negative or not whole is [`Error::Shape`].
pub async fn count(
    client: &Client,
    context: &Context<'_>,
    operation: &Operation,
    filter: Option<Value>,
) -> Result<u64, Error> {
    if filter.is_some() && operation.filter_type().is_none() {
        // Without its filter the count would be of something else.
        return Err(Error::Settings(format!(
            "{} takes no filter",
            operation.name()
        )));
    }
    let document = operation.count_document(filter.is_some());
    let mut variables = Map::new();
    variables.extend(filter.map(|filter| ("filter".to_owned(), filter)));
    let call = Call {
        operation: operation.name(),
        document: &document,
        operation_name: None,
        variables: Value::Object(variables),
    };
    let reply = client.send(&call, context).await?;
    read(&reply.data, operation.name()).map_err(
        |Unfit {
             path,
             expected,
             got,
         }| Error::Shape {
            at: Box::new(Place {
                operation: operation.name().to_owned(),
                host: client.host(),
                page: None,
            }),
            path,
            expected: expected.to_owned(),
            got: presentable(&got, context.token),
        },
    )
}

fn read(data: &Value, root: &str) -> Result<u64, Unfit> {
    let path = format!("data.{root}");
    match data.get(root) {
        Some(Value::Object(connection)) => match total_count(connection, &path)? {
            Some(total) => Ok(total),
            None => Err(unfit(
                format!("{path}.totalCount"),
                "a whole number",
                connection.get("totalCount"),
            )),
        },
        other => Err(unfit(path, "an object with totalCount", other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_whole_number_is_a_count() {
        assert_eq!(read(&json!({"users": {"totalCount": 0}}), "users"), Ok(0));
        assert_eq!(
            read(&json!({"users": {"totalCount": 2345}}), "users"),
            Ok(2345)
        );
        for users in [
            json!(null),
            json!([]),
            json!({}),
            json!({"totalCount": null}),
            json!({"totalCount": -1}),
            json!({"totalCount": 1.5}),
            json!({"totalCount": "1"}),
        ] {
            assert!(
                read(&json!({ "users": users }), "users").is_err(),
                "{users}"
            );
        }
        assert!(read(&json!({}), "users").is_err());
    }
}
