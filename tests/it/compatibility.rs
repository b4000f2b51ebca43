//! Clients of a released version get on with this one.
//!
//! `openapi/released/` keeps the document of each release. A change that would break clients of the latest
//! fails here. When a version is released, its document is copied there.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::compatibility::breaks;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi")
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The released document with the highest version: `v1.10.0` comes after `v1.9.0`.
fn latest_release() -> PathBuf {
    let version = |path: &PathBuf| -> Vec<u32> {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let numbers = name.strip_prefix('v').expect(name).split('.');
        numbers.map(|number| number.parse().expect(name)).collect()
    };
    let entries = std::fs::read_dir(folder().join("released")).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files.max_by_key(version).expect("a release")
}

#[test]
fn the_committed_document_breaks_no_client_of_the_latest_release() {
    let latest = latest_release();
    let found = breaks(&read(&latest), &read(&folder().join("openapi.json")));
    assert!(
        found.is_empty(),
        "This breaks clients of {}:\n{}",
        latest.display(),
        found.join("\n")
    );
}

/// A small document with one of everything.
fn shop() -> Value {
    json!({
        "paths": {
            "/orders": {
                "get": {
                    "operationId": "list_orders",
                    "parameters": [
                        { "name": "state", "in": "query", "schema": { "$ref": "#/components/schemas/State" } },
                        { "name": "q", "in": "query", "schema": { "type": "string", "maxLength": 100 } },
                    ],
                    "responses": { "200": {
                        "headers": { "Link": {} },
                        "content": { "application/json": { "schema": { "type": "object", "required": ["items"], "properties": {
                            "items": { "type": "array", "items": { "$ref": "#/components/schemas/Order" } },
                        } } } },
                    } },
                },
                "post": {
                    "operationId": "create_order",
                    "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/NewOrder" } } } },
                    "responses": {
                        "201": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Order" } } } },
                        "409": {},
                    },
                },
            },
            "/health": { "get": { "operationId": "health", "security": [], "responses": { "200": {} } } },
        },
        "components": { "schemas": {
            "State": { "type": "string", "enum": ["open", "closed"] },
            "NewOrder": { "type": "object", "additionalProperties": false, "required": ["title"], "properties": {
                "title": { "type": "string", "minLength": 1, "maxLength": 200 },
                "hours": { "type": ["number", "null"], "minimum": 1, "maximum": 100 },
                "due": { "type": "string", "format": "date" },
                "note": { "type": "string" },
                "tags": { "type": "array", "maxItems": 5, "items": { "type": "string" } },
                "state": { "$ref": "#/components/schemas/State" },
                "labels": { "type": "object", "additionalProperties": { "type": "string" } },
                "target": { "oneOf": [{ "type": "string" }, { "type": "object", "required": ["desk"], "properties": { "desk": { "type": "string" } } }] },
            } },
            "Order": { "allOf": [{ "$ref": "#/components/schemas/Base" }, { "type": "object", "required": ["status", "kind"], "properties": {
                "status": { "type": "string", "enum": ["new", "done"] },
                "kind": { "oneOf": [{ "type": "object", "required": ["a"], "properties": { "a": { "type": "string" } } }] },
                "parent": { "$ref": "#/components/schemas/Order" },
            } }] },
            "Base": { "type": "object", "required": ["id"], "properties": {
                "id": { "type": "string", "format": "uuid" },
                "hours": { "type": "integer" },
            } },
        } },
    })
}

/// The shop after a change of what lies at a pointer.
fn changed(pointer: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut document = shop();
    change(document.pointer_mut(pointer).expect(pointer));
    document
}

fn without(pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    changed(parent, |parent| match parent {
        Value::Array(items) => {
            items.remove(name.parse().unwrap());
        }
        parent => {
            let name = name.replace("~1", "/");
            parent
                .as_object_mut()
                .unwrap()
                .remove(&name)
                .expect(pointer);
        }
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    changed(parent, |parent| match parent {
        Value::Array(items) => items.push(value),
        parent => parent[name.replace("~1", "/")] = value,
    })
}

#[test]
fn a_document_gets_on_with_itself() {
    assert_eq!(breaks(&shop(), &shop()), [""; 0]);
}

#[test]
fn every_kind_of_breaking_change_is_found() {
    let post = "/paths/~1orders/post";
    let get = "/paths/~1orders/get";
    let sent = "/components/schemas/NewOrder";
    let order = "/components/schemas/Order/allOf/1";
    let at = |start: &str, rest: &str| format!("{start}{rest}");
    for (document, fault) in [
        // operations
        (without("/paths/~1health"), "get /health is gone"),
        (without(post), "post /orders is gone"),
        (
            with(&at(post, "/operationId"), json!("make_order")),
            "post /orders has another operationId",
        ),
        (
            without("/paths/~1health/get/security"),
            "get /health needs credentials now",
        ),
        // parameters
        (
            without(&at(get, "/parameters/1")),
            "query q is no longer taken",
        ),
        (
            with(&at(get, "/parameters/1/required"), json!(true)),
            "query q is required now",
        ),
        (
            with(
                &at(get, "/parameters/-"),
                json!({ "name": "desk", "in": "query", "required": true, "schema": {} }),
            ),
            "query desk is new and required",
        ),
        (
            with(&at(get, "/parameters/1/schema/maxLength"), json!(50)),
            "query q has a stricter maxLength: 100 became 50",
        ),
        // what is sent
        (
            without(&at(post, "/requestBody")),
            "body is no longer taken",
        ),
        (
            with(&at(post, "/requestBody/required"), json!(true)),
            "body is required now",
        ),
        (
            changed(&at(post, "/requestBody/content"), |content| {
                *content = json!({ "application/xml": {} })
            }),
            "body is no longer application/json",
        ),
        (without(&at(sent, "/properties/note")), "body/note is gone"),
        (
            with(&at(sent, "/required/-"), json!("note")),
            "body/note is required now",
        ),
        (
            changed(sent, |body| {
                body["properties"]["size"] = json!({ "type": "string" });
                body["required"] = json!(["title", "size"]);
            }),
            "body/size is new and required",
        ),
        (
            with(&at(sent, "/properties/hours/type"), json!("number")),
            "body/hours was",
        ),
        (
            with(&at(sent, "/properties/hours/type"), json!("integer")),
            "body/hours was",
        ),
        (
            without("/components/schemas/State/enum/1"),
            "no longer takes \"closed\"",
        ),
        (
            with(&at(sent, "/properties/note/enum"), json!(["a"])),
            "body/note takes only certain words now",
        ),
        (
            with(&at(sent, "/properties/title/maxLength"), json!(100)),
            "body/title has a stricter maxLength",
        ),
        (
            with(&at(sent, "/properties/title/minLength"), json!(2)),
            "body/title has a stricter minLength",
        ),
        (
            with(&at(sent, "/properties/note/maxLength"), json!(100)),
            "body/note has a stricter maxLength",
        ),
        (
            with(&at(sent, "/properties/hours/maximum"), json!(50)),
            "body/hours has a stricter maximum",
        ),
        (
            with(&at(sent, "/properties/hours/minimum"), json!(2)),
            "body/hours has a stricter minimum",
        ),
        (
            with(&at(sent, "/properties/tags/maxItems"), json!(4)),
            "body/tags has a stricter maxItems",
        ),
        (
            with(&at(sent, "/properties/tags/items/maxLength"), json!(9)),
            "body/tags[] has a stricter maxLength",
        ),
        (
            with(&at(sent, "/properties/note/pattern"), json!("^a")),
            "body/note has another pattern",
        ),
        (
            with(&at(sent, "/properties/note/format"), json!("email")),
            "body/note has another format",
        ),
        (
            with(
                &at(sent, "/properties/labels/additionalProperties"),
                json!(false),
            ),
            "body/labels takes no other members now",
        ),
        (
            with(
                &at(sent, "/properties/labels/additionalProperties/maxLength"),
                json!(9),
            ),
            "body/labels/* has a stricter maxLength",
        ),
        (
            without(&at(sent, "/properties/target/oneOf/0")),
            "body/target alternative 1 is no longer taken",
        ),
        // what is answered
        (
            without(&at(post, "/responses/409")),
            "post /orders 409 is no longer answered",
        ),
        (
            without(&at(get, "/responses/200/headers/Link")),
            "200 no longer has the header Link",
        ),
        (
            without(&at(post, "/responses/201/content/application~1json")),
            "201 is no longer application/json",
        ),
        (without(&at(order, "/properties/parent")), "/parent is gone"),
        (
            without("/components/schemas/Base/properties/hours"),
            "/hours is gone",
        ),
        (
            without(&at(order, "/required/0")),
            "/status may be missing now",
        ),
        (
            with(
                "/components/schemas/Base/properties/hours/type",
                json!(["integer", "null"]),
            ),
            "/hours was",
        ),
        (
            with(
                "/components/schemas/Base/properties/hours/type",
                json!("number"),
            ),
            "/hours was",
        ),
        (
            with(&at(order, "/properties/status/enum/-"), json!("lost")),
            "/status may be \"lost\" now",
        ),
        (
            without(&at(order, "/properties/status/enum")),
            "/status may be any word now",
        ),
        (
            without("/components/schemas/Base/properties/id/format"),
            "/id has another format",
        ),
        (
            with(
                &at(order, "/properties/kind/oneOf/-"),
                json!({ "type": "string" }),
            ),
            "/kind alternative 2 was never answered before",
        ),
    ] {
        let found = breaks(&shop(), &document);
        assert!(
            found.iter().any(|line| line.contains(fault)),
            "not found: {fault}\nfound: {found:#?}"
        );
    }
}

#[test]
fn what_only_adds_breaks_nobody() {
    let post = "/paths/~1orders/post";
    let sent = "/components/schemas/NewOrder";
    let order = "/components/schemas/Order/allOf/1";
    let at = |start: &str, rest: &str| format!("{start}{rest}");
    for document in [
        with(
            "/paths/~1partners",
            json!({ "get": { "operationId": "list_partners" } }),
        ),
        with(
            "/paths/~1orders/delete",
            json!({ "operationId": "delete_orders" }),
        ),
        with(
            "/paths/~1orders/get/parameters/-",
            json!({ "name": "sort", "in": "query", "schema": {} }),
        ),
        with(
            "/paths/~1orders/get/parameters/1/schema/maxLength",
            json!(200),
        ),
        with(&at(sent, "/properties/size"), json!({ "type": "string" })),
        with(&at(sent, "/required"), json!([])),
        with(&at(sent, "/properties/hours/maximum"), json!(1000)),
        with(
            &at(sent, "/properties/note/type"),
            json!(["string", "null"]),
        ),
        with("/components/schemas/State/enum/-", json!("lost")),
        without(&at(sent, "/properties/due/format")),
        with(
            &at(sent, "/properties/target/oneOf/-"),
            json!({ "type": "number" }),
        ),
        with(&at(post, "/responses/429"), json!({})),
        with(&at(post, "/responses/201/headers"), json!({ "ETag": {} })),
        with(&at(order, "/properties/note"), json!({ "type": "string" })),
        with(&at(order, "/required/-"), json!("parent")),
        without(&at(order, "/properties/status/enum/1")),
        with(
            "/components/schemas/Base/properties/id/maxLength",
            json!(36),
        ),
        with(
            "/paths/~1orders/post/description",
            json!("Create an order."),
        ),
    ] {
        assert_eq!(breaks(&shop(), &document), [""; 0]);
    }
}
