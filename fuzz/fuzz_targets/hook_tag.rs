//! Raw tags: what is read stands in them, and the signature is their end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_hook::git::{signed::in_tag, tag::Tag};

fuzz_target!(|data: &[u8]| {
    if let Some(signed) = in_tag(data) {
        assert!(data.ends_with(&signed.signature) && signed.signature.starts_with(b"-----BEGIN "));
        assert!(signed.payload.len() + signed.signature.len() <= data.len());
        // The last armor counts: none begins a line within the signature.
        let inner = signed.signature.windows(12).filter(|window| *window == b"\n-----BEGIN ").count();
        let known = ["PGP SIGNATURE", "PGP MESSAGE", "SIGNED MESSAGE", "SSH SIGNATURE"];
        let text = String::from_utf8_lossy(&signed.signature).into_owned();
        let armors: usize =
            known.iter().map(|name| text.matches(&format!("\n-----BEGIN {name}-----")).count()).sum();
        assert!(armors == 0 && inner >= armors);
    }
    let Ok(tag) = Tag::parse(data) else { return };
    let kind = std::str::from_utf8(tag.kind).unwrap();
    assert!(data.starts_with(format!("object {}\ntype {kind}\ntag ", tag.target).as_bytes()));
    if let Ok(tagger) = tag.tagger() {
        assert!(!tagger.contains(&b'>') && !tagger.contains(&b'\n') && !tagger.contains(&0));
    }
});
