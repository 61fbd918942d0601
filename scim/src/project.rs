//! `attributes` and `excludedAttributes`.

use serde_json::Value;

use crate::schema::{ENTERPRISE, GROUP, USER};

/// Which attributes an answer is to have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projection {
    /// Only these, if any are named. In lower case, as the others.
    only: Vec<String>,
    /// All but these.
    without: Vec<String>,
}

impl Projection {
    /// Reads `attributes` and `excludedAttributes`.
    pub fn parse(only: Option<&str>, without: Option<&str>) -> Self {
        let names = |text: Option<&str>| {
            let names = text.unwrap_or_default().split(',').map(|name| plain(name.trim()));
            names.filter(|name| !name.is_empty()).collect()
        };
        Self { only: names(only), without: names(without) }
    }

    /// Whether `name` need not even be made.
    pub fn leaves_out(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let is_part = |wanted: &String| {
            *wanted == name || wanted.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        self.without.contains(&name) || (!self.only.is_empty() && !self.only.iter().any(is_part))
    }

    /// Leaves out of a resource what is not wanted. `id` and `schemas` are always there.
    pub fn apply(&self, resource: &mut Value) {
        let Some(object) = resource.as_object_mut() else { return };
        object.retain(|name, value| {
            let name = plain(name);
            name == "id" || name == "schemas" || self.keeps(&name, value)
        });
    }

    fn keeps(&self, name: &str, value: &mut Value) -> bool {
        if self.without.iter().any(|without| without == name) {
            return false;
        }
        let within = |wanted: &'_ String| {
            wanted.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned)
        };
        let without: Vec<_> = self.without.iter().filter_map(within).collect();
        for_each(value, &|sub, _| !without.iter().any(|without| without == sub));
        if self.only.is_empty() || self.only.iter().any(|only| only == name) {
            return true;
        }
        let only: Vec<_> = self.only.iter().filter_map(within).collect();
        for_each(value, &|sub, _| only.iter().any(|only| only == sub));
        !only.is_empty()
    }
}

fn for_each(value: &mut Value, keep: &dyn Fn(&str, &Value) -> bool) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| for_each(value, keep)),
        Value::Object(object) => object.retain(|name, value| keep(&name.to_ascii_lowercase(), value)),
        _ => {}
    }
}

/// A name without its own schema; one of the extension is a part of it.
fn plain(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    for schema in [USER, GROUP] {
        if let Some(rest) =
            lower.strip_prefix(&schema.to_ascii_lowercase()).and_then(|rest| rest.strip_prefix(':'))
        {
            return rest.to_owned();
        }
    }
    let extension = ENTERPRISE.to_ascii_lowercase();
    match lower.strip_prefix(&extension).and_then(|rest| rest.strip_prefix(':')) {
        Some(rest) => format!("{extension}.{rest}"),
        None => lower,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Projection;

    fn shown(only: &str, without: &str) -> Value {
        let mut user = json!({
            "schemas": [], "id": "1", "userName": "a", "name": {"givenName": "A", "familyName": "B"},
            "emails": [{"value": "x", "type": "work"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "D", "division": "V"},
        });
        let text = |text: &'static str| Some(text).filter(|text| !text.is_empty());
        let (only, without) = (only.to_owned().leak(), without.to_owned().leak());
        Projection::parse(text(only), text(without)).apply(&mut user);
        user.as_object_mut().unwrap().remove("schemas");
        user
    }

    #[test]
    fn what_is_wanted_is_shown() {
        assert_eq!(shown("USERNAME", ""), json!({"id": "1", "userName": "a"}));
        assert_eq!(
            shown("name.givenName, emails", ""),
            json!({
                "id": "1", "name": {"givenName": "A"}, "emails": [{"value": "x", "type": "work"}],
            })
        );
        assert_eq!(
            shown("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", ""),
            json!({"id": "1", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "D"}})
        );
        let left = shown("", "name,emails.type,id");
        assert_eq!(
            (left.get("name"), &left["emails"], &left["id"]),
            (None, &json!([{"value": "x"}]), &json!("1"))
        );
    }

    #[test]
    fn what_is_costly_is_left_out_early() {
        let leaves_out = |only, without| Projection::parse(only, without).leaves_out("members");
        assert!(leaves_out(None, Some("Members")) && leaves_out(Some("displayName"), None));
        assert!(!leaves_out(None, None) && !leaves_out(Some("members.value"), None));
    }
}
