//! Bodies of SCIM: none panics; what is kept of a user is read again as it is; and nobody becomes active but by a word.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_scim::{document, group, patch};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else { return };
    let before =
        serde_json::json!({"userName": "a", "active": false, "emails": [{"type": "work", "value": "a@x"}]});
    let before = document::user(&before).unwrap();
    if let Ok(user) = document::user(&body) {
        assert_eq!(document::user(&Value::Object(user.clone())).as_ref(), Ok(&user));
        assert!(!user.contains_key("password"));
    }
    // What can be read of something with which nothing is wrong is all of it.
    let readable = (group::readable_of_body(&body), group::readable_of_patch(&body));
    let is_active_after = patch::is_active_after(&before, &body);
    if let Ok(edits) = group::of_body(&body) {
        assert_eq!(readable.0, edits);
    }
    let Ok(operations) = patch::parse(&body) else { return };
    if let Ok(edits) = group::of_patch(&operations) {
        assert_eq!(readable.1, edits);
    }
    if let Ok(after) = patch::apply(&before, &operations) {
        assert_eq!(document::user(&Value::Object(after.clone())).as_ref(), Ok(&after));
        let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
        let is_active = after.get("active") == Some(&Value::Bool(true));
        assert_eq!(is_active_after, is_active);
        // An escape may hide the word.
        assert!(!is_active || text.contains("true") || text.contains('\\'));
    }
});
