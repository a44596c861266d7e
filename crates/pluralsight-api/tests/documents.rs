//! Every document that this client can send is valid against the schema that the project relies on.

mod support;

use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use pluralsight_api::{Argument, FieldPath, Operation, Selection, Shape, TypeKind, describe};
use serde_json::{Value, json};
use support::*;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../graphql/schema.graphql");

fn schema() -> Valid<Schema> {
    let text = std::fs::read_to_string(SCHEMA).expect("the schema is there");
    Schema::parse_and_validate(text, "schema.graphql").expect("the schema is valid")
}

fn parse(schema: &Valid<Schema>, document: &str) -> Valid<ExecutableDocument> {
    ExecutableDocument::parse_and_validate(schema, document, "document.graphql")
        .unwrap_or_else(|errors| panic!("{document}\n{errors}"))
}

/// The queries that the schema has.
fn operations() -> [Operation; 4] {
    let teams = Operation {
        filter: Some(Argument::declared("filter", "TeamsFilter")),
        ..operation("teams", Shape::Connection)
    };
    [
        users_operation(),
        operation("planInfo", Shape::Object),
        operation("planAdmins", Shape::Connection),
        teams,
    ]
}

/// Paths of every field of every record, as deep as lists of teams go.
fn paths(operation: &Operation) -> Vec<FieldPath> {
    let texts: &[&str] = match operation.name.as_str() {
        "users" => &[
            "psUserId",
            "id",
            "email",
            "additionalEmails",
            "firstName",
            "lastName",
            "isOnAccount",
            "removedOn",
            "lastLogin",
            "startedOn",
            "createdOn",
            "note",
            "productIds",
            "ssoEnabled",
            "mfaEnabled",
            "currentSsoIdentifier",
            "planId",
            "teams.edges.isDirect",
            "teams.edges.node.id",
            "teams.edges.node.name",
            "teams.pageInfo.hasNextPage",
            "teamNames",
            "__typename",
        ],
        "planInfo" => &[
            "planId",
            "name",
            "products.id",
            "products.name",
            "products.purchasedLicenseCount",
            "products.assignedLicenseCount",
            "products.remainingLicenseCount",
            "__typename",
        ],
        "planAdmins" => &[
            "psUserId",
            "email",
            "firstName",
            "lastName",
            "planId",
            "planUserId",
            "currentSsoIdentifier",
            "createdOn",
            "note",
            "__typename",
        ],
        _ => &[
            "id",
            "name",
            "description",
            "parentTeamId",
            "planId",
            "__typename",
        ],
    };
    texts.iter().map(|text| text.parse().expect(text)).collect()
}

#[test]
fn every_generated_document_is_valid() {
    let schema = schema();
    for operation in operations() {
        let paths = paths(&operation);
        let each = paths.iter().map(|path| vec![path.clone()]);
        for chosen in each.chain([paths.clone()]) {
            for has_filter in [false, true] {
                let document = operation.document(&Selection::from_paths(&chosen), has_filter);
                parse(&schema, &document);
                assert!(!document.contains('#'), "{document}");
            }
        }
        if operation.shape == Shape::Connection {
            parse(&schema, &operation.count_document(false));
            parse(&schema, &operation.count_document(true));
        }
    }
}

#[test]
fn a_wrong_field_is_noticed_by_this_test() {
    let document = users_operation().document(&selection(&["nonsense"]), false);
    assert!(
        ExecutableDocument::parse_and_validate(&schema(), document, "document.graphql").is_err()
    );
}

/// A server that answers introspection, and nothing else, from the schema.
fn introspected() -> Server {
    let schema = schema();
    Server::start(move |request| {
        let document = parse(&schema, request.body["query"].as_str().unwrap());
        let operation = document.operations.get(None).expect("one operation");
        let variables = apollo_compiler::request::coerce_variable_values(
            &schema,
            operation,
            &Default::default(),
        )
        .expect("no variables");
        let answered = apollo_compiler::introspection::partial_execute(
            &schema,
            &schema.implementers_map(),
            &document,
            operation,
            &variables,
        )
        .expect("introspection");
        answer(&serde_json::to_value(answered).unwrap())
    })
}

#[tokio::test]
async fn the_schema_is_described_in_one_request() {
    let server = introspected();
    let caller = Caller::new(&server);
    let roots = ["users", "planInfo", "planAdmins", "teams", "courseCatalog"];
    let described = describe(&caller.client, &caller.context(), &roots)
        .await
        .expect("answered")
        .expect("described");
    assert_eq!(server.count(), 1);
    for operation in operations() {
        let root = described
            .root(operation.name.as_str())
            .expect("a root field");
        let connection = described
            .type_named(root.type_ref.name())
            .expect("its type");
        let node = connection.field("nodes").map_or(connection, |nodes| {
            described
                .type_named(nodes.type_ref.name())
                .expect("a record's type")
        });
        for path in paths(&operation)
            .iter()
            .filter(|path| path.segments() != ["__typename"])
        {
            let mut holder = node;
            for (depth, name) in path.segments().iter().enumerate() {
                let field = holder.field(name).unwrap_or_else(|| panic!("{path}"));
                let last = depth + 1 == path.segments().len();
                assert_eq!(field.type_ref.is_leaf(), last, "{path}");
                if !last {
                    holder = described
                        .type_named(field.type_ref.name())
                        .unwrap_or_else(|| panic!("{path}"));
                }
            }
        }
        let filter = root.argument("filter").map(|filter| filter.type_ref.name());
        let expected = operation
            .filter
            .as_ref()
            .map(|filter| filter.of_type.as_str());
        assert_eq!(filter, expected, "{}", operation.name);
        if let Some(filter) = filter {
            let input = described.type_named(filter).expect("the filter's type");
            assert_eq!(input.kind, TypeKind::InputObject);
            assert!(!input.input_fields.is_empty());
        }
    }
    assert!(described.root("courseCatalog").is_none());
    let emails = described
        .type_named("UserFilter")
        .and_then(|filter| filter.input_field("emails"))
        .expect("a filter");
    assert!(
        emails.type_ref.is_list() && emails.type_ref.name() == "String" && !emails.is_required()
    );
    let team = described
        .type_named("User")
        .and_then(|user| user.field("team"));
    assert!(team.is_none_or(|team| team.deprecated));
}

#[tokio::test]
async fn an_api_that_keeps_its_schema_to_itself_is_none_and_not_an_error() {
    let refused = json!({"errors": [{"message": "GraphQL introspection is not allowed", "extensions": {"code": "INTROSPECTION_DISABLED"}}]});
    for script in [
        answer(&refused),
        reply(
            400,
            &[("content-type", "application/json")],
            refused.to_string(),
        ),
        reply(403, &[], "no"),
        status(400),
        answer(&json!({"data": {"__schema": null}})),
        answer(&json!({"data": {}})),
        answer(
            &json!({"data": {"__schema": {"queryType": {"name": "Query"}, "types": "all of them"}}}),
        ),
    ] {
        let server = Server::scripted(vec![script]);
        let caller = Caller::new(&server);
        assert_eq!(
            describe(&caller.client, &caller.context(), &["users"])
                .await
                .expect("no error"),
            None
        );
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn a_refused_token_is_an_error_also_where_the_schema_is_asked_for() {
    let server = Server::scripted(vec![status(401)]);
    let caller = Caller::new(&server);
    describe(&caller.client, &caller.context(), &["users"])
        .await
        .expect_err("an error");
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn a_schema_that_cannot_be_had_after_all_attempts_is_not_told() {
    for script in [status(503), reply(200, &[], "{}")] {
        let server = Server::scripted(vec![script]);
        let caller = Caller::new(&server);
        assert_eq!(
            describe(&caller.client, &caller.context(), &["users"])
                .await
                .expect("no error"),
            None
        );
        assert_eq!(server.count(), 3);
    }
}

#[test]
fn a_value_never_becomes_part_of_a_document() {
    let value: Value = json!({"emails": ["x\"}) { email } #"]});
    let document = users_operation().document(&selection(&["email"]), true);
    assert!(!document.contains("x\""), "{document}");
    assert_eq!(
        users_operation().variables(1, Some("c\"}"), Some(&value)),
        json!({"first": 1, "after": "c\"}", "filter": value})
    );
}
