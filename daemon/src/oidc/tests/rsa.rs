//! Signatures with RSA, which `ring` checks and cannot make: made once, by another library (`rsa.json`).

use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Value, json};

use crate::oidc::{algorithm, backend, keys::KeySet};

fn vectors() -> Value {
    serde_json::from_str(include_str!("rsa.json")).unwrap()
}

fn keys(bits: &Value) -> KeySet {
    let key = json!({"kty": "RSA", "n": bits["n"], "e": bits["e"]});
    KeySet::parse(json!({"keys": [key]}).to_string().as_bytes()).unwrap()
}

/// Whether a token is signed with this key and this algorithm; nothing else of it is looked at.
fn is_signed(keys: &KeySet, token: &str, algorithm: Algorithm) -> bool {
    backend::install();
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(token, keys.find(None, algorithm).unwrap(), &validation).is_ok()
}

#[test]
fn every_rsa_algorithm_is_checked_as_itself() {
    let vectors = vectors();
    let keys = keys(&vectors["2048"]);
    let tokens = vectors["2048"]["tokens"].as_object().unwrap();
    assert_eq!(tokens.len(), 6);
    for (name, token) in tokens {
        let token = token.as_str().unwrap();
        assert!(is_signed(&keys, token, algorithm::known(name).unwrap()), "{name}");
        for other in tokens.keys().filter(|other| *other != name) {
            // The header says what it was signed with; another signature under it is none.
            let (message, _) = tokens[other].as_str().unwrap().rsplit_once('.').unwrap();
            let (_, signature) = token.rsplit_once('.').unwrap();
            let mixed = format!("{message}.{signature}");
            assert!(!is_signed(&keys, &mixed, algorithm::known(other).unwrap()), "{name} for {other}");
        }
    }
}

#[test]
fn a_short_rsa_key_checks_nothing() {
    let vectors = vectors();
    let keys = keys(&vectors["1024"]);
    let tokens = vectors["1024"]["tokens"].as_object().unwrap();
    assert!(tokens.contains_key("RS256"));
    for (name, token) in tokens {
        assert!(!is_signed(&keys, token.as_str().unwrap(), algorithm::known(name).unwrap()), "{name}");
    }
}
