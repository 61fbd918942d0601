//! Keys of audit logs, public and secret: written as they are read, and a secret in no message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_audit::keys::{SigningKey, VerifierKey};

fuzz_target!(|text: &str| {
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse().as_ref(), Ok(&key));
        assert_eq!(key.to_string().to_ascii_lowercase(), text.to_ascii_lowercase());
    }
    if let Ok(key) = text.parse::<SigningKey>() {
        let secret = key.expose_secret_text();
        assert_eq!(secret.to_ascii_lowercase(), text.to_ascii_lowercase());
        let (_, hidden) = secret.split_at(secret.len() - 44);
        assert!(!format!("{key:?} {}", key.verifier()).contains(hidden));
        assert_eq!(secret.parse::<SigningKey>().unwrap().verifier(), key.verifier());
    }
});
