//! Filters of SCIM: none panics, and one that is read gives the same answer each time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_scim::{Filter, Resource, path::Path};

fuzz_target!(|text: &str| {
    let user = r#"{"id":"1","userName":"a","active":true,"emails":[{"type":"work","value":"a@x"}],"name":{"givenName":"A"}}"#;
    let user: serde_json::Map<String, serde_json::Value> = serde_json::from_str(user).unwrap();
    if let Ok(filter) = Filter::parse(text) {
        assert_eq!(filter.matches(&user), filter.matches(&user));
        assert_ne!(Filter::Not(Box::new(filter.clone())).matches(&user), filter.matches(&user));
        if let Some((name, value)) = filter.must_equal(&|name| name == "username") {
            // Whoever is looked up by it instead of by looking at all is the only one who could be found.
            assert!(name == "username" && (!filter.matches(&user) || value.eq_ignore_ascii_case("a")));
        }
    }
    for resource in [Resource::User, Resource::Group] {
        let _ = Path::parse(resource, text);
    }
});
