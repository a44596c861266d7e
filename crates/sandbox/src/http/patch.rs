//! Values put into and taken out of a JSON text, by pointers that may mean each element of a list.

use serde_json::Value;

/// Puts `value` wherever the pointer leads. Objects get a key that they lack; a list takes an element behind its last.
pub(crate) fn set(root: &mut Value, pointer: &str, value: &Value) {
    match last(pointer) {
        None => *root = value.clone(),
        Some((parents, key)) => each(root, parents, &mut |parent| match parent {
            Value::Object(object) => {
                object.insert(key.clone(), value.clone());
            }
            Value::Array(list) if key == "*" => list.fill(value.clone()),
            Value::Array(list) => match key.parse::<usize>() {
                Ok(place) if place == list.len() => list.push(value.clone()),
                Ok(place) => list
                    .get_mut(place)
                    .into_iter()
                    .for_each(|element| *element = value.clone()),
                Err(_) => {}
            },
            _ => {}
        }),
    }
}

/// Takes out whatever the pointer leads to.
pub(crate) fn remove(root: &mut Value, pointer: &str) {
    let Some((parents, key)) = last(pointer) else {
        return;
    };
    each(root, parents, &mut |parent| match parent {
        Value::Object(object) => {
            object.shift_remove(&key);
        }
        Value::Array(list) if key == "*" => list.clear(),
        Value::Array(list) => {
            if let Some(place) = key.parse().ok().filter(|place: &usize| *place < list.len()) {
                list.remove(place);
            }
        }
        _ => {}
    });
}

/// The parents and the last key, `~1` and `~0` read (RFC 6901); `None` for the whole text.
fn last(pointer: &str) -> Option<(Vec<String>, String)> {
    let mut keys: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|key| key.replace("~1", "/").replace("~0", "~"))
        .collect();
    let key = keys.pop()?;
    Some((keys, key))
}

fn each(value: &mut Value, keys: impl AsRef<[String]>, act: &mut dyn FnMut(&mut Value)) {
    let Some((key, rest)) = keys.as_ref().split_first() else {
        return act(value);
    };
    match value {
        Value::Array(list) if key == "*" => {
            list.iter_mut().for_each(|element| each(element, rest, act))
        }
        Value::Array(list) => {
            if let Some(element) = key
                .parse()
                .ok()
                .and_then(|place: usize| list.get_mut(place))
            {
                each(element, rest, act);
            }
        }
        Value::Object(object) if key == "*" => object
            .values_mut()
            .for_each(|member| each(member, rest, act)),
        Value::Object(object) => {
            if let Some(member) = object.get_mut(key) {
                each(member, rest, act);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_star_is_each_element() {
        let mut value = json!({ "nodes": [{ "a": 1 }, { "a": 2 }], "other": [1] });
        set(&mut value, "/nodes/*/a", &json!("x"));
        set(&mut value, "/nodes/1/b", &json!(null));
        set(&mut value, "/other/1", &json!(2));
        remove(&mut value, "/nodes/0/a");
        assert_eq!(
            value,
            json!({ "nodes": [{}, { "a": "x", "b": null }], "other": [1, 2] })
        );
    }

    #[test]
    fn a_pointer_that_leads_nowhere_changes_nothing() {
        let mut value = json!({ "a": [1] });
        for pointer in ["/b/c", "/a/7", "/a/x", "/a/0/b", "nothing/here"] {
            set(&mut value, pointer, &json!(0));
            remove(&mut value, pointer);
        }
        assert_eq!(value, json!({ "a": [1] }));
        set(&mut value, "", &json!([]));
        assert_eq!(value, json!([]));
    }
}
