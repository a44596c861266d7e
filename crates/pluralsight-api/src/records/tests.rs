//! The shapes in which records come.

use serde_json::json;

use super::*;

fn operation(shape: Shape) -> Operation {
    Operation::new(crate::path::Name::parse("users").expect("a name"), shape)
}

fn read_in(data: &str, operation: &Operation) -> Result<PageData, Unfit> {
    let hasher = Fingerprints::random();
    let layout = Layout::new(&[], None, &[]);
    let mut scanner = Scanner::new(data);
    scanner.kind().expect(data);
    let read = read(&mut scanner, operation, &layout, &hasher).expect(data);
    scanner.end().expect(data);
    read
}

fn read_as(data: Value, shape: Shape) -> Result<PageData, Unfit> {
    read_in(&data.to_string(), &operation(shape))
}

#[test]
fn a_connection_is_read() {
    let data = json!({"users": {"totalCount": 3, "pageInfo": {"hasNextPage": true, "endCursor": "c"}, "nodes": [{"id": 1}]}});
    let page = read_as(data, Shape::Connection).expect("a connection");
    assert_eq!(
        (
            page.batch.len(),
            page.total_count,
            page.has_next,
            page.end_cursor.as_deref(),
            page.gap
        ),
        (1, Some(3), true, Some("c"), None)
    );
}

#[test]
fn records_are_found_below_their_elements() {
    let edges = Operation {
        records: "edges.node".parse().expect("a path"),
        page_info: false,
        ..operation(Shape::Connection)
    };
    let page = read_in(
        r#"{"users": {"edges": [{"node": {"id": 1}}, {"cursor": "x"}, {"node": null}, {"node": 1, "node": {}}]}}"#,
        &edges,
    )
    .expect("edges");
    assert_eq!((page.batch.len(), page.has_next), (2, false));
    assert_eq!(
        page.gap,
        Some(Gap::NullRecords {
            first: 1,
            number: 2
        })
    );
    let wrong = read_in(r#"{"users": {"edges": [{"node": [2]}]}}"#, &edges);
    assert_eq!(wrong.expect_err("a list").path, "data.users.edges[0]");
}

#[test]
fn one_object_is_a_list_of_one_and_a_list_is_one_record_of_parts() {
    for (users, listed) in [
        (json!({"id": 1}), 1),
        (json!([{"id": 1}, {"id": 2}]), 2),
        (json!([]), 0),
    ] {
        for (shape, number) in [(Shape::Object, 1), (Shape::List, listed)] {
            let page = read_as(json!({ "users": users }), shape).expect("records");
            assert_eq!(page.batch.len(), number);
        }
    }
}

#[test]
fn a_null_where_records_belong_is_a_gap() {
    let page = json!({"hasNextPage": false});
    for (users, gap) in [
        (json!(null), Gap::NullConnection),
        (json!({"pageInfo": page, "nodes": null}), Gap::NullNodes),
        (
            json!({"pageInfo": page, "nodes": [{}, null, {}, null]}),
            Gap::NullRecords {
                first: 1,
                number: 2,
            },
        ),
    ] {
        let page = read_as(json!({ "users": users }), Shape::Connection).expect("a gap");
        assert_eq!(page.gap, Some(gap));
    }
}

#[test]
fn of_what_comes_twice_the_last_one_counts() {
    let page = read_in(
        r#"{"users": 3, "users": {"nodes": [1], "nodes": [{}, {}], "totalCount": "x", "totalCount": 2,
            "pageInfo": [], "pageInfo": {"hasNextPage": 1, "hasNextPage": true, "endCursor": 5, "endCursor": "c"}}}"#,
        &operation(Shape::Connection),
    )
    .expect("a connection");
    assert_eq!(
        (page.batch.len(), page.total_count, page.has_next),
        (2, Some(2), true)
    );
}

#[test]
fn what_breaks_the_schema_is_named_with_its_path() {
    let page = json!({"hasNextPage": false});
    for (shape, data, path, got) in [
        (Shape::Connection, json!({}), "data.users", "missing"),
        (
            Shape::Connection,
            json!({"users": []}),
            "data.users",
            "a list",
        ),
        (
            Shape::Connection,
            json!({"users": 3}),
            "data.users",
            "the number 3",
        ),
        (
            Shape::Connection,
            json!({"users": {"nodes": []}}),
            "data.users.pageInfo",
            "missing",
        ),
        (
            Shape::Connection,
            json!({"users": {"nodes": [], "pageInfo": null}}),
            "data.users.pageInfo",
            "null",
        ),
        (
            Shape::Connection,
            json!({"users": {"nodes": [], "pageInfo": {}}}),
            "data.users.pageInfo.hasNextPage",
            "missing",
        ),
        (
            Shape::Connection,
            json!({"users": {"nodes": [], "pageInfo": {"hasNextPage": "yes"}}}),
            "data.users.pageInfo.hasNextPage",
            "the text \"yes\"",
        ),
        (
            Shape::Connection,
            json!({"users": {"nodes": [], "pageInfo": {"hasNextPage": true, "endCursor": 7}}}),
            "data.users.pageInfo.endCursor",
            "the number 7",
        ),
        (
            Shape::Connection,
            json!({"users": {"pageInfo": page}}),
            "data.users.nodes",
            "missing",
        ),
        (
            Shape::Connection,
            json!({"users": {"pageInfo": page, "nodes": {}}}),
            "data.users.nodes",
            "an object",
        ),
        (
            Shape::Connection,
            json!({"users": {"pageInfo": page, "nodes": [{}, true]}}),
            "data.users.nodes[1]",
            "true",
        ),
        (
            Shape::Connection,
            json!({"users": {"pageInfo": page, "nodes": [], "totalCount": -1}}),
            "data.users.totalCount",
            "the number -1",
        ),
        (
            Shape::Connection,
            json!({"users": {"pageInfo": page, "nodes": [], "totalCount": 1.5}}),
            "data.users.totalCount",
            "the number 1.5",
        ),
        (
            Shape::Connection,
            json!({"users": {"pageInfo": page, "nodes": [], "totalCount": "many"}}),
            "data.users.totalCount",
            "the text \"many\"",
        ),
        (Shape::Object, json!({"users": null}), "data.users", "null"),
        (Shape::Object, json!({}), "data.users", "missing"),
        (
            Shape::List,
            json!({"users": "x"}),
            "data.users",
            "the text \"x\"",
        ),
        (
            Shape::List,
            json!({"users": [7]}),
            "data.users[0]",
            "the number 7",
        ),
    ] {
        let unfit = read_as(data.clone(), shape).expect_err(&data.to_string());
        assert_eq!(
            (unfit.path.as_str(), unfit.got.as_str()),
            (path, got),
            "{data}"
        );
    }
}
