use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::ClaimPath;

/// How long the name of one group may be.
const LONGEST: usize = 1024;

/// What a token says of somebody's groups or roles. What it does not say, or says in part only, is not known, and never
/// taken for "none".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Groups {
    /// All of them.
    Known(BTreeSet<String>),
    /// Why nobody can tell.
    Unknown(String),
}

impl Groups {
    /// Whether `name` is among them; `None` when nobody can tell.
    pub fn has(&self, name: &str) -> Option<bool> {
        match self {
            Self::Known(groups) => Some(groups.contains(name)),
            Self::Unknown(_) => None,
        }
    }

    /// Why nobody can tell, as a sentence; empty when they are known.
    pub fn doubt(&self) -> String {
        match self {
            Self::Known(_) => String::new(),
            Self::Unknown(why) => format!("What groups you have by the token cannot be told: {why}"),
        }
    }

    /// Reads them at `path`. As many as `cut_at` may be the first of more: Okta silently stops at 100.
    pub(super) fn read(claims: &Map<String, Value>, path: &ClaimPath, cut_at: usize) -> Self {
        let unknown = |why: String| Self::Unknown(why);
        if points_elsewhere(claims, path) {
            return unknown(format!(
                "the token has no room for all of `{path}` and points elsewhere (Entra does above 200 groups): use app \
                 roles, or groups assigned to the application"
            ));
        }
        let Some(value) = path.find(claims) else {
            return unknown(format!("the token has no claim `{path}`"));
        };
        let names: Option<Vec<_>> = match value {
            Value::String(name) => Some(vec![name]),
            Value::Array(items) => items
                .iter()
                .map(|item| match item {
                    Value::String(name) => Some(name),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        let Some(names) = names else {
            return unknown(format!("the claim `{path}` is no list of texts"));
        };
        if names.len() >= cut_at {
            return unknown(format!(
                "the claim `{path}` has {} values, and from {cut_at} on it may have been cut short",
                names.len()
            ));
        }
        if names.iter().any(|name| name.is_empty() || name.len() > LONGEST) {
            return unknown(format!("the claim `{path}` has a value that is empty or too long"));
        }
        Self::Known(names.into_iter().cloned().collect())
    }
}

/// Entra's ways to say that the groups are too many: `_claim_names` (OpenID Connect Core 5.6.2), or `hasgroups`.
fn points_elsewhere(claims: &Map<String, Value>, path: &ClaimPath) -> bool {
    let claim = path.claim();
    let distributed = match claims.get("_claim_names") {
        None => false,
        Some(Value::Object(names)) => names.contains_key(claim),
        Some(_) => true,
    };
    let hidden = claim == "groups" && claims.get("hasgroups").is_some_and(|has| *has != Value::Bool(false));
    distributed || hidden
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Groups;

    fn read(claims: &Value, path: &str) -> Groups {
        Groups::read(claims.as_object().unwrap(), &path.parse().unwrap(), 100)
    }

    #[test]
    fn what_is_there_is_read() {
        let keycloak = json!({"realm_access": {"roles": ["a", "b", "a"]}, "scope": "openid"});
        assert_eq!(read(&keycloak, "realm_access.roles"), Groups::Known(["a".into(), "b".into()].into()));
        assert_eq!(read(&keycloak, "scope"), Groups::Known(["openid".into()].into()));
        assert_eq!(read(&json!({"groups": []}), "groups"), Groups::Known([].into()), "said to be none");
        // Okta's limit is by count.
        let some: Vec<_> = (0..99).map(|number| number.to_string()).collect();
        assert!(matches!(read(&json!({"groups": some}), "groups"), Groups::Known(all) if all.len() == 99));
    }

    #[test]
    fn what_is_not_said_whole_is_not_known() {
        let hundred: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        for (claims, path, part) in [
            (json!({}), "groups", "no claim `groups`"),
            (json!({"realm_access": ["roles"]}), "realm_access.roles", "no claim"),
            (json!({"groups": null}), "groups", "no list"),
            (json!({"groups": {"a": 1}}), "groups", "no list"),
            (json!({"groups": ["a", 1]}), "groups", "no list"),
            (json!({"groups": ["a", ""]}), "groups", "empty"),
            (json!({"groups": hundred}), "groups", "cut short"),
            (json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {}}), "groups", "points elsewhere"),
            // Whatever stands beside it.
            (json!({"_claim_names": {"groups": "src1"}, "groups": ["a"]}), "groups", "points elsewhere"),
            (json!({"_claim_names": "groups", "groups": ["a"]}), "groups", "points elsewhere"),
            (json!({"hasgroups": true}), "groups", "points elsewhere"),
            (json!({"hasgroups": "true", "groups": []}), "groups", "points elsewhere"),
        ] {
            let Groups::Unknown(why) = read(&claims, path) else { panic!("{claims}") };
            assert!(why.contains(part), "{claims}: {why}");
        }
        // Roles are told in full where groups are not.
        let roles = json!({"_claim_names": {"groups": "src1"}, "roles": ["admin"]});
        assert_eq!(read(&roles, "roles").has("admin"), Some(true));
        assert_eq!(read(&roles, "groups").has("admin"), None);
    }
}
