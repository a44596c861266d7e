//! Values put into and taken out of a JSON text, by pointers that may mean each element of a list.

use serde_json::Value;

/// Puts `value` wherever the pointer (RFC 6901, with `*` for each element of a list) leads, or takes out what is there.
/// Objects get a key that they lack; a pointer that leads nowhere changes nothing.
pub(super) fn patch(root: &mut Value, pointer: &str, value: Option<&Value>) {
    let keys: Vec<&str> = pointer.split('/').skip(1).collect();
    at(root, &keys, value);
}

fn at(found: &mut Value, keys: &[&str], value: Option<&Value>) {
    let Some((key, rest)) = keys.split_first() else {
        if let Some(value) = value {
            *found = value.clone();
        }
        return;
    };
    let is_last = rest.is_empty();
    match (found, value) {
        (Value::Object(object), Some(value)) if is_last => {
            object.insert((*key).to_owned(), value.clone());
        }
        (Value::Object(object), None) if is_last => {
            object.shift_remove(*key);
        }
        (Value::Object(object), _) => {
            if let Some(member) = object.get_mut(*key) {
                at(member, rest, value);
            }
        }
        (Value::Array(list), _) if *key == "*" => {
            list.iter_mut().for_each(|element| at(element, rest, value));
        }
        (Value::Array(list), _) => {
            let place = key.parse().ok();
            let place = place.filter(|place: &usize| *place < list.len());
            match (place, value) {
                (Some(place), None) if is_last => drop(list.remove(place)),
                (Some(place), _) => at(&mut list[place], rest, value),
                (None, _) => {}
            }
        }
        _ => {}
    }
}
