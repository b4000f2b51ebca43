//! What the derives can't know about a schema: which way its values travel.
//!
//! What only clients send takes no other members, since the parser refuses them, and `null` for
//! absent. What only the service sends never has `null`: absent members are left out. (Generators
//! of clients stumble over references that may be null.) What travels both ways stays as derived.
//! Text that clients send has no NUL character, since Postgres keeps none.

use std::collections::BTreeSet;

use serde_json::Value;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, SchemaType};
use utoipa::openapi::{Components, OpenApi, RefOr, Schema, Type};

/// Settles all named schemas of a document.
pub(super) fn settle(document: &mut OpenApi) {
    let paths = serde_json::to_value(&document.paths).unwrap_or_default();
    let Some(components) = &mut document.components else {
        return;
    };
    let sent = reached(&paths, "requestBody", components);
    let shown = reached(&paths, "responses", components);
    for (name, schema) in &mut components.schemas {
        match (sent.contains(name), shown.contains(name)) {
            (true, false) => close(schema),
            (false, true) => without_null(schema),
            _ => {}
        }
        if sent.contains(name) {
            without_nul(schema);
        }
        without_null_default(schema);
    }
}

/// The names of schemas that one part of the operations leads to.
fn reached(paths: &Value, part: &str, components: &Components) -> BTreeSet<String> {
    let mut open = Vec::new();
    for item in paths
        .as_object()
        .into_iter()
        .flat_map(|paths| paths.values())
    {
        for operation in item.as_object().into_iter().flat_map(|item| item.values()) {
            references(&operation[part], &mut open);
        }
    }
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        if let Some(schema) = components.schemas.get(&name)
            && reached.insert(name)
        {
            references(&serde_json::to_value(schema).unwrap_or_default(), &mut open);
        }
    }
    reached
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(place)) = members.get("$ref")
                && let Some(name) = place.strip_prefix("#/components/schemas/")
            {
                found.push(name.to_owned());
            }
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Forbids members that the schema doesn't name.
fn close(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && !object.properties.is_empty()
        && object.additional_properties.is_none()
    {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    }
}

/// Takes `null` out of what a value may be.
pub(super) fn without_null(schema: &mut RefOr<Schema>) {
    let RefOr::T(inner) = schema else { return };
    match inner {
        Schema::Object(object) => {
            not_null(&mut object.schema_type);
            object.properties.values_mut().for_each(without_null);
            if let Some(AdditionalProperties::RefOr(entry)) =
                object.additional_properties.as_deref_mut()
            {
                without_null(entry);
            }
        }
        Schema::Array(array) => {
            not_null(&mut array.schema_type);
            if let ArrayItems::RefOrSchema(item) = &mut array.items {
                without_null(item);
            }
        }
        Schema::OneOf(choice) => {
            choice.items.retain(|item| !is_null(item));
            choice.items.iter_mut().for_each(without_null);
            if let [only] = choice.items.as_mut_slice() {
                let mut only = only.clone();
                if let (RefOr::Ref(only), Some(about)) = (&mut only, choice.description.take()) {
                    only.description = about;
                }
                *schema = only;
            }
        }
        Schema::AllOf(all) => all.items.iter_mut().for_each(without_null),
        Schema::AnyOf(any) => any.items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Any text but one with a NUL character, in a form that all dialects of regular expressions read.
const NO_NUL: &str = r"^[^\x00]*$";

/// Says of text that nothing narrower is said of that it has no NUL character.
pub(super) fn without_nul(schema: &mut RefOr<Schema>) {
    visit(schema, &mut |schema| {
        if let Schema::Object(object) = schema
            && object.format.is_none()
            && object.pattern.is_none()
            && object.enum_values.is_none()
            && may_be(&object.schema_type, &Type::String)
        {
            object.pattern = Some(NO_NUL.to_owned());
        }
    });
}

fn may_be(kinds: &SchemaType, kind: &Type) -> bool {
    match kinds {
        SchemaType::Type(only) => only == kind,
        SchemaType::Array(several) => several.contains(kind),
        SchemaType::AnyValue => false,
    }
}

/// A member that may be left out has no default: generators take one with a default for one that is
/// always there.
fn without_null_default(schema: &mut RefOr<Schema>) {
    visit(schema, &mut |schema| {
        let default = match schema {
            Schema::Object(object) => &mut object.default,
            Schema::Array(array) => &mut array.default,
            Schema::OneOf(choice) => &mut choice.default,
            _ => return,
        };
        default.take_if(|default| default.is_null());
    });
}

/// Calls a function with every schema in a schema, itself included, but not with those it refers to.
fn visit(schema: &mut RefOr<Schema>, act: &mut dyn FnMut(&mut Schema)) {
    if let RefOr::T(schema) = schema {
        visit_inside(schema, act);
    }
}

fn visit_inside(schema: &mut Schema, act: &mut dyn FnMut(&mut Schema)) {
    act(schema);
    match schema {
        Schema::Object(object) => {
            for member in object.properties.values_mut() {
                visit(member, act);
            }
            if let Some(names) = object.property_names.as_deref_mut() {
                visit_inside(names, act);
            }
            if let Some(AdditionalProperties::RefOr(entry)) =
                object.additional_properties.as_deref_mut()
            {
                visit(entry, act);
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(item) = &mut array.items {
                visit(item, act);
            }
        }
        Schema::OneOf(choice) => choice.items.iter_mut().for_each(|item| visit(item, act)),
        Schema::AllOf(all) => all.items.iter_mut().for_each(|item| visit(item, act)),
        Schema::AnyOf(any) => any.items.iter_mut().for_each(|item| visit(item, act)),
        _ => {}
    }
}

fn not_null(types: &mut SchemaType) {
    if let SchemaType::Array(list) = types {
        list.retain(|one| *one != Type::Null);
        if let [only] = list.as_slice() {
            *types = SchemaType::Type(only.clone());
        }
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    match schema {
        RefOr::T(Schema::Object(object)) => object.schema_type == SchemaType::Type(Type::Null),
        _ => false,
    }
}
