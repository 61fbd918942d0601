//! Requests for leases: what is read is bounded, and asked for again it is the same.
#![no_main]

use std::fmt::Write as _;

use libfuzzer_sys::fuzz_target;
use oam_daemon::{
    exchange::asked,
    privilege::{MOST_PATTERNS, MOST_REFS},
};
use oam_fetch::Form;

/// As it may stand in a scope.
fn encoded(value: &[u8]) -> String {
    value.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02x}");
        text
    })
}

fuzz_target!(|body: &[u8]| {
    let Ok(ask) = asked(body) else { return };
    assert!((1..=MOST_REFS).contains(&ask.refs.len()));
    let mut scope = vec![format!("repository:{}", encoded(ask.repository.as_str().as_bytes()))];
    scope.extend(ask.refs.iter().map(|name| format!("ref:{}", encoded(name.as_bytes()))));
    scope.extend(ask.verbs.iter().flat_map(|verbs| verbs.iter()).map(|verb| format!("verb:{verb}")));
    scope.extend(ask.role.iter().map(|role| format!("role:{role}")));
    scope.extend(ask.commit.iter().map(|commit| format!("commit:{commit}")));
    let paths: Vec<_> = ask.paths.iter().flat_map(|paths| paths.sources()).collect();
    assert!(paths.len() <= MOST_PATTERNS);
    scope.extend(paths.iter().map(|path| format!("path:{}", encoded(path.as_bytes()))));
    scope.extend(ask.uses.iter().map(|uses| format!("uses:{uses}")));
    scope.extend(ask.length.iter().map(|length| format!("seconds:{}", length.as_secs())));
    let kind = match ask.by_token {
        true => Some("urn:ietf:params:oauth:token-type:access_token"),
        false => None,
    };
    let form = Form::new()
        .with("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")
        .with("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")
        .with("subject_token", "x")
        .with_some("requested_token_type", kind)
        .with("scope", &scope.join(" "));
    let again = asked(form.encoded().as_bytes()).expect("it was read before");
    assert_eq!(format!("{again:?}"), format!("{ask:?}"));
});
