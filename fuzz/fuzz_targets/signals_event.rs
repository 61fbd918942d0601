//! The claims of a security event: they say one thing about one subject, the same in both dialects.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_daemon::{oidc::strict, signals::SecurityEvent};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(Value::Object(claims)) = strict(bytes) else { return };
    let Ok(event) = SecurityEvent::read(&claims) else { return };
    let events = claims["events"].as_object().expect("it was read");
    assert_eq!(events.len(), 1);
    let told = event.subject.as_ref().map(ToString::to_string).unwrap_or_default();
    // By sixteen names at most, each of two texts at most.
    assert!(told.len() <= 16 * (2 * 1_024 + 64), "{}", told.len());
    // The other dialect has the subject in the other place.
    let (address, details) = events.iter().next().expect("there is one");
    let subject = claims.get("sub_id").or_else(|| details.get("subject")).cloned();
    let (mut of_drafts, mut of_now) = (claims.clone(), claims.clone());
    let mut details = details.as_object().expect("it was read").clone();
    details.remove("subject");
    of_now.insert("events".into(), serde_json::json!({address.as_str(): details}));
    of_now.remove("sub_id");
    of_drafts.remove("sub_id");
    if let Some(subject) = subject {
        of_now.insert("sub_id".into(), subject.clone());
        details.insert("subject".into(), subject);
    }
    of_drafts.insert("events".into(), serde_json::json!({address.as_str(): details}));
    for other in [of_now, of_drafts] {
        let read = SecurityEvent::read(&other).expect("it says the same");
        assert_eq!((&read.kind, &read.subject), (&event.kind, &event.subject));
    }
});
