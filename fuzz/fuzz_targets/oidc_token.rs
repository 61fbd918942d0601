//! Tokens: there is one way to write each part, every other reader reads the same, and no error repeats them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_daemon::oidc::{Compact, LONGEST, strict};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    // Most inputs are a part of a token as JSON; some are a token as it comes.
    if let Ok(value) = strict(bytes) {
        assert_eq!(Some(value), serde_json::from_slice::<Value>(bytes).ok());
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for token in [text.to_owned(), format!("{}.{}.AA", encoded(b"{}"), encoded(bytes))] {
        match Compact::parse(&token) {
            Ok(read) => {
                assert!(token.len() <= LONGEST);
                let parts: Vec<_> = token.split('.').collect();
                let [header, claims, _] = parts[..] else { panic!("{token}") };
                for (part, object) in [(header, &read.header), (claims, &read.claims)] {
                    // Decoded by a naive reader, and encoded again, it is the part.
                    let json = decoded(part);
                    assert_eq!(encoded(&json), part);
                    assert_eq!(
                        serde_json::from_slice::<Value>(&json).unwrap(),
                        Value::Object(object.clone())
                    );
                }
            }
            Err(error) => {
                let said = error.to_string();
                assert!(!token.split('.').any(|part| part.len() > 40 && said.contains(part)), "{said}");
            }
        }
    }
});

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let all = group.iter().fold(0u32, |all, byte| all << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(char::from(ALPHABET[(all >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

fn decoded(text: &str) -> Vec<u8> {
    let mut bits = Vec::new();
    for byte in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == byte).expect("a character of the alphabet");
        bits.extend((0..6).rev().map(|bit| value >> bit & 1));
    }
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | *bit as u8)).collect()
}
