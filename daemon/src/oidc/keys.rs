use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use serde_json::{Map, Value};
use thiserror::Error;

use super::{StrictError, algorithm, json::strict};

/// How many keys of one issuer are looked at.
const MOST: usize = 100;

/// The keys that an issuer publishes (RFC 7517), as far as they can check a signature.
#[derive(Debug, Clone, Default)]
pub(super) struct KeySet(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// Why a document is no set of keys.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum KeySetError {
    #[error("the set of keys cannot be read: {0}")]
    Json(#[from] StrictError),
    #[error("the set of keys has no list `keys`")]
    Shape,
    #[error("the set of keys has more than {MOST} keys")]
    Many,
    #[error("the set of keys has none that could check a signature")]
    None,
}

impl KeySet {
    /// Reads a set. A key of a kind that is not known, or for another use, is passed over: it harms nobody.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        let set = strict(bytes)?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::Shape)?;
        if keys.len() > MOST {
            return Err(KeySetError::Many);
        }
        let keys: Vec<_> = keys.iter().filter_map(Value::as_object).filter_map(Key::read).collect();
        if keys.is_empty() { Err(KeySetError::None) } else { Ok(Self(keys)) }
    }

    /// The one key with this name for this algorithm. Without a name there must be no choice.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&DecodingKey> {
        let named = |key: &&Key| kid.is_none() || key.kid.as_deref() == kid;
        let mut fitting = self.0.iter().filter(named).filter(|key| key.algorithms.contains(&algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some(&key.key),
            _ => None,
        }
    }
}

impl Key {
    fn read(key: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let for_signatures = match key.get("use") {
            None => true,
            Some(purpose) => purpose == "sig",
        };
        let may_verify = match key.get("key_ops") {
            None => true,
            Some(operations) => operations.as_array()?.iter().any(|operation| operation == "verify"),
        };
        if !for_signatures || !may_verify {
            return None;
        }
        let (key_itself, mut algorithms) = material(key)?;
        if let Some(only) = key.get("alg") {
            let only = algorithm::known(only.as_str()?)?;
            algorithms.retain(|algorithm| *algorithm == only);
        }
        Some(Self { kid: text("kid").map(str::to_owned), algorithms, key: key_itself })
    }
}

/// The key, and what it can check.
fn material(key: &Map<String, Value>) -> Option<(DecodingKey, Vec<Algorithm>)> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let point = |length: usize| {
        let (x, y) = (bytes("x")?, bytes("y")?);
        (x.len() == length && y.len() == length).then(|| [vec![4], x, y].concat())
    };
    match (text("kty")?, text("crv")) {
        ("RSA", None) => {
            let key = DecodingKey::from_rsa_raw_components(&bytes("n")?, &bytes("e")?);
            Some((key, AlgorithmFamily::Rsa.algorithms().to_vec()))
        }
        ("EC", Some("P-256")) => Some((DecodingKey::from_ec_der(&point(32)?), vec![Algorithm::ES256])),
        ("EC", Some("P-384")) => Some((DecodingKey::from_ec_der(&point(48)?), vec![Algorithm::ES384])),
        ("OKP", Some("Ed25519")) => {
            let key = bytes("x").filter(|key| key.len() == 32)?;
            Some((DecodingKey::from_ed_der(&key), vec![Algorithm::EdDSA]))
        }
        // Shared secrets (`oct`) among them.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::Algorithm;
    use serde_json::{Value, json};

    use super::{KeySet, KeySetError};

    fn ed(more: &Value) -> Value {
        let mut key =
            json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    fn set(keys: &[Value]) -> Result<KeySet, KeySetError> {
        KeySet::parse(json!({"keys": keys}).to_string().as_bytes())
    }

    #[test]
    fn a_key_is_found_by_its_name_and_for_its_algorithm_only() {
        let keys =
            set(&[ed(&json!({"kid": "a"})), ed(&json!({"kid": "b", "alg": "EdDSA", "use": "sig"}))]).unwrap();
        assert!(keys.find(Some("a"), Algorithm::EdDSA).is_some());
        assert!(keys.find(Some("a"), Algorithm::RS256).is_none(), "another algorithm");
        assert!(keys.find(Some("c"), Algorithm::EdDSA).is_none());
        assert!(keys.find(None, Algorithm::EdDSA).is_none(), "a choice");
        let one = set(&[ed(&json!({}))]).unwrap();
        assert!(one.find(None, Algorithm::EdDSA).is_some(), "no choice");
        assert!(one.find(Some("a"), Algorithm::EdDSA).is_none(), "it has no name");
        let twins = set(&[ed(&json!({"kid": "a"})), ed(&json!({"kid": "a"}))]).unwrap();
        assert!(twins.find(Some("a"), Algorithm::EdDSA).is_none(), "two of one name");
    }

    #[test]
    fn keys_for_other_things_are_passed_over() {
        for other in [
            ed(&json!({"use": "enc"})),
            ed(&json!({"use": null})),
            ed(&json!({"key_ops": ["sign"]})),
            ed(&json!({"key_ops": "verify"})),
            ed(&json!({"alg": "HS256"})),
            ed(&json!({"alg": 1})),
            ed(&json!({"x": "AAAA"})),
            ed(&json!({"x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo="})),
            json!({"kty": "oct", "k": "c2VjcmV0"}),
            json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}),
            json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
            json!({"kty": "RSA", "n": "AQAB"}),
            json!("key"),
        ] {
            assert_eq!(set(std::slice::from_ref(&other)).unwrap_err(), KeySetError::None, "{other}");
            let beside = set(&[other.clone(), ed(&json!({"kid": "good"}))]).unwrap();
            assert!(beside.find(Some("good"), Algorithm::EdDSA).is_some(), "{other}");
        }
        // Bound to another algorithm of its own family, it checks nothing.
        let bound = set(&[ed(&json!({"alg": "ES256"}))]).unwrap();
        assert!(bound.find(None, Algorithm::EdDSA).is_none());
    }

    #[test]
    fn what_is_no_set_is_told() {
        for text in ["{}", r#"{"keys":{}}"#, "[]"] {
            assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), KeySetError::Shape, "{text}");
        }
        assert!(matches!(KeySet::parse(b"<html>").unwrap_err(), KeySetError::Json(_)));
        assert!(matches!(KeySet::parse(br#"{"keys":[],"keys":[]}"#).unwrap_err(), KeySetError::Json(_)));
        assert_eq!(set(&vec![ed(&json!({})); 101]).unwrap_err(), KeySetError::Many);
        assert_eq!(set(&[]).unwrap_err(), KeySetError::None);
    }
}
