//! What a directory server sends, and what an administrator writes of it: none panics, lengths keep within what is there,
//! and a name is one with itself in its own spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_ldap::{
    DnKey, Filter, Message,
    account::{Limit, standing},
    ber,
    control::{next_page, sync_info, sync_state},
    message::Response,
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some(length)) = ber::framed(bytes, 1 << 20) {
        assert!(length >= 2 && length <= 1 << 20);
    }
    if let Ok(message) = Message::decode(bytes) {
        for control in &message.controls {
            let value = control.value.as_deref().unwrap_or_default();
            let _ = (next_page(value), sync_state(value), sync_info(value));
        }
        if let Response::Entry(entry) = &message.response {
            let held: usize =
                entry.attributes.iter().flat_map(|attribute| &attribute.values).map(Vec::len).sum();
            assert!(held <= bytes.len());
            let _ = (standing(entry, &Limit::ALL), entry.range("member").map(|range| range.next));
        }
    }
    let _ = (next_page(bytes), sync_state(bytes), sync_info(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(dn) = DnKey::of(text) {
        assert_eq!(DnKey::of(text).as_ref(), Some(&dn));
        assert!(dn.is_within(&dn));
    }
    if let Ok(filter) = Filter::parse(text) {
        assert_eq!(Filter::parse(text), Ok(filter));
    }
});
