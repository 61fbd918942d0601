//! A signed checkpoint: what is believed is what the key signed, down to the byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_audit::{checkpoint::SignedCheckpoint, keys::SigningKey};

fuzz_target!(|note: &str| {
    let Ok(signed) = SignedCheckpoint::parse(note) else { return };
    assert_eq!(SignedCheckpoint::parse(&signed.to_string()).as_ref(), Ok(&signed));
    let key = SigningKey::from_seed("oam.example.com/node-1".parse().unwrap(), &[1; 32]);
    if let Ok(believed) = signed.verify(key.verifier()) {
        assert_eq!(&believed.origin, key.verifier().name());
        let ours = SignedCheckpoint::sign(believed.size, believed.root, &key).to_string();
        let (text, signature) = ours.split_once("\n\n").unwrap();
        assert!(note.starts_with(text) && note.contains(signature.trim_end()), "{note}");
    }
});
