//! The names of the field: what is parsed is what was given, and what is shown of it is plain.
#![no_main]

use std::fmt::Display;

use libfuzzer_sys::fuzz_target;
use oam_fuzz::assert_plain;
use oam_policy::{Digest, GroupName, ObjectId, RefName, Repository, RoleId, RuleId, Username};

/// The value, if there is one; either way what would be shown is plain.
fn plain<T: Display, E: Display>(parsed: Result<T, E>) -> Option<T> {
    match parsed {
        Ok(value) => {
            assert_plain(&value.to_string());
            Some(value)
        }
        Err(error) => {
            assert_plain(&error.to_string());
            None
        }
    }
}

fuzz_target!(|data: &[u8]| {
    if let Some(name) = plain(RefName::parse(data)) {
        assert_eq!(name.as_bytes(), data);
    }
    if let Some(id) = plain(ObjectId::parse_hex(data)) {
        assert_eq!(id.to_string().as_bytes(), data);
        assert_eq!(ObjectId::from_bytes(id.as_bytes()), Ok(id));
    }
    if let Some(id) = plain(ObjectId::from_bytes(data)) {
        assert_eq!(id.as_bytes(), data);
        assert_eq!(ObjectId::parse_hex(id.to_string().as_bytes()), Ok(id));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    // libgit2 has its own reading of git's rules, and a limit of 1,024 bytes.
    if data.starts_with(b"refs/") && data.len() < 1024 && !data.contains(&0) {
        assert_eq!(RefName::parse(data).is_ok(), git2::Reference::is_valid_name(text), "{text:?}");
    }
    if let Some(name) = plain(Username::parse(text)) {
        assert_eq!(name.as_str(), text);
        let folded = Username::parse(name.key().as_str()).expect("a folded name is a name");
        assert_eq!(folded.key(), name.key());
    }
    if let Some(name) = plain(Repository::parse(text)) {
        assert_eq!(name.as_str(), text);
        assert_eq!(Repository::parse(name.key()), Ok(name));
    }
    if let Some(name) = plain(GroupName::parse(text)) {
        assert_eq!(format!("{}:{}", name.source(), name.name()), text);
    }
    if let Some(id) = plain(RuleId::parse(text)) {
        assert_eq!(id.as_str(), text);
    }
    if let Some(id) = plain(RoleId::parse(text)) {
        assert_eq!(id.as_str(), text);
    }
    if let Some(digest) = plain(text.parse::<Digest>()) {
        assert_eq!(digest.to_string(), text.to_ascii_lowercase());
    }
});
