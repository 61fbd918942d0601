//! What we say of ourselves.

use serde_json::{Value, json};

use crate::{
    list::{MAX_RESULTS, Page},
    schema::{self, Attribute, ENTERPRISE, Kind, Resource, Written},
};

/// What is supported.
pub fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": true, "maxResults": MAX_RESULTS},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
        "etag": {"supported": true},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token of this source: `oam source token rotate`.",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    })
}

/// The kinds of resources.
pub fn resource_types(base: &str) -> Vec<(&'static str, Value)> {
    [Resource::User, Resource::Group].map(|resource| (resource.name(), resource_type(base, resource))).into()
}

fn resource_type(base: &str, resource: Resource) -> Value {
    let extensions = match resource {
        Resource::User => json!([{"schema": ENTERPRISE, "required": false}]),
        Resource::Group => json!([]),
    };
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": resource.name(),
        "name": resource.name(),
        "endpoint": format!("/{}", resource.endpoint()),
        "description": format!("{}s of this source", resource.name()),
        "schema": resource.schema(),
        "schemaExtensions": extensions,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base}/ResourceTypes/{}", resource.name()),
        },
    })
}

/// The schemas, by their names.
pub fn schemas(base: &str) -> Vec<(&'static str, Value)> {
    let user = schema::USER_ATTRIBUTES.iter().chain(&schema::UNREAD_ATTRIBUTES);
    [
        (schema::USER, "User", "A user", user.map(attribute).collect::<Vec<_>>()),
        (schema::GROUP, "Group", "A group", schema::GROUP_ATTRIBUTES.iter().map(attribute).collect()),
        (
            ENTERPRISE,
            "EnterpriseUser",
            "What companies know of a user",
            schema::ENTERPRISE_ATTRIBUTES.iter().map(attribute).collect(),
        ),
    ]
    .map(|(id, name, about, attributes)| {
        let schema = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": id,
            "name": name,
            "description": about,
            "attributes": attributes,
            "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{id}")},
        });
        (id, schema)
    })
    .into()
}

/// Everything on one page.
pub fn page(resources: Vec<(&'static str, Value)>) -> Value {
    let resources: Vec<_> = resources.into_iter().map(|(_, resource)| resource).collect();
    Page { start: 1, count: resources.len() }.response(resources.len(), &resources)
}

fn attribute(attribute: &Attribute) -> Value {
    let kind = match attribute.kind {
        Kind::Text | Kind::ExactText => "string",
        Kind::Time => "dateTime",
        Kind::Reference(_) => "reference",
        Kind::Boolean => "boolean",
        Kind::Complex(_) => "complex",
    };
    let mutability = match attribute.written {
        Written::ByClient => "readWrite",
        Written::Once => "immutable",
        Written::ByUs => "readOnly",
        Written::InVain => "writeOnly",
    };
    let returned = if attribute.written == Written::InVain { "never" } else { "default" };
    let is_unique = attribute.required;
    let mut json = json!({
        "name": attribute.name,
        "type": kind,
        "multiValued": attribute.many,
        "description": attribute.about,
        "required": attribute.required,
        "mutability": mutability,
        "returned": returned,
        "uniqueness": if is_unique { "server" } else { "none" },
    });
    let Some(object) = json.as_object_mut() else { return json };
    if matches!(attribute.kind, Kind::Text | Kind::ExactText | Kind::Time | Kind::Reference(_)) {
        object.insert("caseExact".into(), (attribute.kind != Kind::Text).into());
    }
    if let Kind::Reference(kind) = attribute.kind {
        object.insert("referenceTypes".into(), json!([kind]));
    }
    if let Some(value) = attribute.always {
        object.insert("canonicalValues".into(), json!([value]));
    }
    if !attribute.sub().is_empty() {
        object.insert("subAttributes".into(), attribute.sub().iter().map(self::attribute).collect());
    }
    json
}
