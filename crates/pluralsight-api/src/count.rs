//! How many records there are, without reading them.

use serde_json::Value;

use crate::client::{Call, Client, Context};
use crate::error::{Error, Place};
use crate::operation::Operation;
use crate::records::{Unfit, counted, total_count};

/// Asks for `totalCount` alone, in one request; `None` where the API tells none. `filter` is the value of the query's
/// argument, where there is one. A total that is negative or not whole is [`Error::Shape`].
pub async fn count(
    client: &Client,
    context: &Context<'_>,
    operation: &Operation,
    filter: Option<&Value>,
) -> Result<Option<u64>, Error> {
    let name = operation.name.as_str();
    if filter.is_some() && operation.filter.is_none() {
        // Without its filter the count would be of something else.
        return Err(Error::Settings(format!("{name} takes no filter")));
    }
    let document = operation.count_document(filter.is_some());
    let call = Call {
        operation: name,
        document: &document,
        operation_name: None,
        variables: operation.count_variables(filter),
    };
    let reply = client.send(&call, context).await?;
    read(&reply.data, name).map_err(|unfit| {
        let at = Place {
            operation: name.to_owned(),
            host: client.host(),
            page: None,
        };
        unfit.into_error(Box::new(at), context.token)
    })
}

fn read(data: &Value, root: &str) -> Result<Option<u64>, Unfit> {
    let path = format!("data.{root}");
    total_count(counted(data, root, &path)?, &path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_whole_number_is_a_count() {
        for (users, total) in [
            (json!({"totalCount": 0}), Some(0)),
            (json!({"totalCount": 2345}), Some(2345)),
            (json!({"totalCount": 2345.0}), Some(2345)),
            (json!({"totalCount": null}), None),
            (json!({}), None),
        ] {
            assert_eq!(read(&json!({ "users": users }), "users"), Ok(total));
        }
        for users in [
            json!(null),
            json!([]),
            json!({"totalCount": -1}),
            json!({"totalCount": 1.5}),
            json!({"totalCount": "one"}),
        ] {
            assert!(
                read(&json!({ "users": users }), "users").is_err(),
                "{users}"
            );
        }
        assert!(read(&json!({}), "users").is_err());
    }
}
