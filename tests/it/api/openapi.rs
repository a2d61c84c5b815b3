//! `docs/api/openapi.json` describes the routes, the responses and the input types that the server has.

use std::collections::BTreeSet;

use async_graphql::parser::types::{BaseType, TypeDefinition, TypeKind, TypeSystemDefinition};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::app::TestApp;
use crate::harness::client::{Client, Response};

/// The description, as served.
async fn description(app: &TestApp) -> Value {
    app.anonymous().send(app.anonymous().request(Method::GET, "/v1/openapi.json")).await.body
}

/// Follows a reference within the description.
fn resolved<'a>(description: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => description.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

fn strings(values: &Value) -> BTreeSet<String> {
    values.as_array().into_iter().flatten().map(|value| value.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn description_is_served_without_a_token_and_has_the_version_of_the_program() {
    let app = TestApp::start().await;
    let served = description(&app).await;
    let written = include_str!("../../../docs/api/openapi.json");
    assert_eq!(served, serde_json::from_str::<Value>(written).unwrap());
    assert_eq!(served["openapi"], "3.1.0");
    assert_eq!(served["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn every_route_is_described() {
    let app = TestApp::start().await;
    let described = description(&app).await;
    let described: BTreeSet<&str> = described["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    // Paths of GraphQL and of the viewer are not part of the REST interface; metrics have a listener of their own.
    let routes = include_str!("../../../src/http/mod.rs");
    let paths =
        routes.split('"').skip(1).step_by(2).filter(|text| text.starts_with('/') && !text.starts_with("/graphql"));
    let registered: BTreeSet<&str> = paths.chain(["/metrics"]).collect();
    assert_eq!(described, registered);
}

#[tokio::test]
async fn described_methods_are_served_and_all_others_refused() {
    let app = TestApp::start().await;
    let described = description(&app).await;
    for (path, operations) in described["paths"].as_object().unwrap() {
        if path == "/metrics" {
            continue;
        }
        let path = path.replace("{id}", "none");
        for method in ["get", "post", "put", "delete", "patch"] {
            let name = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let response = app.admin().send(app.admin().request(name, &path)).await;
            let is_described = operations.get(method).is_some();
            assert_eq!(response.status == 405, !is_described, "{method} {path}: {}", response.text);
            if !is_described {
                assert_eq!(response.error().0, "BAD_USER_INPUT", "{method} {path}");
                assert!(!response.header("allow").is_empty(), "{method} {path}");
            }
        }
    }
}

/// A definition of the GraphQL schema.
fn graphql_types() -> Vec<TypeDefinition> {
    let definition = api::schema_definition();
    // The parser does not know descriptions of the schema itself.
    let (types, _) = definition.split_once("\ndirective ").unwrap();
    let (types, _) = types.rsplit_once("\n\n").unwrap();
    let schema = async_graphql::parser::parse_schema(types).unwrap();
    let types = schema.definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some(definition.node),
        _ => None,
    });
    types.collect()
}

#[tokio::test]
async fn input_types_and_enums_equal_those_of_the_graphql_schema() {
    let app = TestApp::start().await;
    let described = description(&app).await;
    let schemas = described["components"]["schemas"].as_object().unwrap();
    let mut compared = 0;
    for definition in graphql_types() {
        let Some(schema) = schemas.get(definition.name.node.as_str()) else { continue };
        let name = &definition.name.node;
        match definition.kind {
            TypeKind::InputObject(input) => {
                let is_required = |field: &async_graphql::parser::types::InputValueDefinition| {
                    !field.ty.node.nullable && field.default_value.is_none()
                };
                let fields: BTreeSet<String> =
                    input.fields.iter().map(|field| field.node.name.node.to_string()).collect();
                let properties: BTreeSet<String> = schema["properties"].as_object().unwrap().keys().cloned().collect();
                assert_eq!(properties, fields, "{name}");
                let required = input.fields.iter().filter(|field| is_required(&field.node));
                let required: BTreeSet<String> = required.map(|field| field.node.name.node.to_string()).collect();
                assert_eq!(strings(&schema["required"]), required, "{name}");
                let lists = input.fields.iter().filter(|field| matches!(field.node.ty.node.base, BaseType::List(_)));
                for field in lists {
                    assert_eq!(schema["properties"][field.node.name.node.as_str()]["type"], "array", "{name}");
                }
            }
            TypeKind::Enum(values) => {
                let values = values.values.iter().map(|value| value.node.value.to_string()).collect();
                assert_eq!(strings(&schema["enum"]), values, "{name}");
            }
            _ => continue,
        }
        compared += 1;
    }
    assert!(compared > 30, "{compared} types compared");
}

/// Asserts that the description has the status of a response, its media type and, if it is an error, its code.
fn assert_described(described: &Value, (method, path): (&str, &str), response: &Response) {
    let operation = &described["paths"][path][method];
    let status = response.status.to_string();
    let found = operation["responses"].get(&status).unwrap_or_else(|| panic!("{method} {path}: no {status}"));
    let found = resolved(described, found);
    let media = response.header("content-type").split(';').next().unwrap();
    assert!(found["content"].get(media).is_some(), "{method} {path} {status}: {media}");
    for header in found["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
        let header = header.to_lowercase();
        assert!(!response.header(&header).is_empty(), "{method} {path} {status} has no {header}");
    }
    if response.body.get("errors").is_some() {
        let (code, _) = response.error();
        let description = found["description"].as_str().unwrap();
        assert!(description.contains(&format!("`{code}`")), "{method} {path} {status}: {code} not in {description:?}");
        assert!(strings(&described["components"]["schemas"]["ErrorCode"]["enum"]).contains(code), "{code}");
    }
}

const RECORD: (&str, &str) = ("post", "/v1/events");
const EXPORT: (&str, &str) = ("post", "/v1/events/export");
const STATUS: (&str, &str) = ("get", "/v1/events/export/{id}");

fn event(key: &str, status: &str) -> Value {
    json!({ "eventKey": key, "occurredAt": "2026-01-02T03:04:05Z", "service": "Wiki", "category": "Pages",
        "activity": "Edit page", "status": status, "actor": { "system": { "name": "editor" } } })
}

async fn send(client: &Client, path: &str, body: &Value) -> Response {
    client.send(client.request(Method::POST, path).json(body)).await
}

#[tokio::test]
async fn responses_to_recording_are_described() {
    let app = TestApp::start_with(&["--record-bytes-max", "5000"]).await;
    let described = description(&app).await;
    let recorder = app.anonymous().permitted("contoso", "audit/write");
    for (status, body) in [
        (201, json!([event("a", "SUCCESS")])),
        (200, json!([event("a", "SUCCESS")])),
        (207, json!([event("a", "FAILURE")])),
        (400, json!([event("b", "WELL")])),
        (400, json!([])),
        (413, json!(vec![event("c", "SUCCESS"); 100])),
    ] {
        let response = send(&recorder, RECORD.1, &body).await;
        assert_eq!(response.status, status, "{}", response.text);
        assert_described(&described, RECORD, &response);
    }
    assert_described(&described, RECORD, &send(&app.anonymous(), RECORD.1, &json!([])).await);
    let forbidden = send(&app.auditor(), RECORD.1, &json!([event("d", "SUCCESS")])).await;
    assert_eq!(forbidden.status, 403);
    assert_described(&described, RECORD, &forbidden);
    let accepted = &described["paths"][RECORD.1][RECORD.0]["requestBody"];
    let content = accepted["content"].as_object().unwrap().keys().map(String::as_str);
    let named = accepted["description"].as_str().unwrap().split('`').skip(1).step_by(2);
    for media in content.chain(named) {
        let request = recorder.request(Method::POST, RECORD.1).header("content-type", media);
        let response = recorder.send(request.body(event("a", "SUCCESS").to_string())).await;
        assert_eq!(response.status, 200, "{media}: {}", response.text);
    }
    let form = recorder.request(Method::POST, RECORD.1).header("content-type", "text/plain").body("{}");
    let form = recorder.send(form).await;
    assert_eq!(form.status, 415);
    assert_described(&described, RECORD, &form);
}

#[tokio::test]
async fn responses_to_exports_are_described() {
    let app = TestApp::start().await;
    let described = description(&app).await;
    let recorder = app.anonymous().permitted("contoso", "audit/write");
    send(&recorder, RECORD.1, &json!([event("a", "SUCCESS")])).await;
    for format in ["ndjson", "csv"] {
        let response = send(&app.auditor(), EXPORT.1, &json!({ "format": format })).await;
        assert_eq!(response.status, 200);
        assert_described(&described, EXPORT, &response);
        let path = format!("{}/{}", EXPORT.1, response.header("x-auditgraph-export-id"));
        let status = app.auditor().send(app.auditor().request(Method::GET, &path)).await;
        assert_eq!(status.status, 200);
        assert_described(&described, STATUS, &status);
        let schema = &described["components"]["schemas"]["ExportStatus"];
        let members: BTreeSet<String> = status.body.as_object().unwrap().keys().cloned().collect();
        assert_eq!(strings(&schema["required"]), members);
        let other = app.admin().send(app.admin().request(Method::GET, &format!("{}/none", EXPORT.1))).await;
        assert_eq!(other.status, 404);
        assert_described(&described, STATUS, &other);
    }
    for (status, body) in [(400, json!({ "format": "xml" })), (400, json!({ "columns": ["no.such"] }))] {
        let response = send(&app.auditor(), EXPORT.1, &body).await;
        assert_eq!(response.status, status, "{}", response.text);
        assert_described(&described, EXPORT, &response);
    }
    assert_described(&described, EXPORT, &send(&app.anonymous(), EXPORT.1, &json!({})).await);
    assert_described(&described, EXPORT, &send(&recorder, EXPORT.1, &json!({})).await);
    let none = app.anonymous().request(Method::GET, &format!("{}/none", EXPORT.1));
    assert_described(&described, STATUS, &app.anonymous().send(none).await);
}

#[tokio::test]
async fn too_many_requests_are_described() {
    let app = TestApp::start_with(&["--caller-rate-max", "1"]).await;
    let described = description(&app).await;
    let client = app.auditor();
    let path = format!("{}/none", EXPORT.1);
    for (operation, path, method) in
        [(EXPORT, EXPORT.1, Method::POST), (RECORD, RECORD.1, Method::POST), (STATUS, &path, Method::GET)]
    {
        let mut response = client.send(client.request(method.clone(), path).json(&json!({}))).await;
        for _ in 0..20 {
            if response.status == 429 {
                break;
            }
            response = client.send(client.request(method.clone(), path).json(&json!({}))).await;
        }
        if operation == EXPORT {
            assert_eq!(response.status, 429);
        }
        assert_described(&described, operation, &response);
    }
}
