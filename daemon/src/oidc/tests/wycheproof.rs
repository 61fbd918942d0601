//! Project Wycheproof's vectors, by the way of a token: keys as an issuer publishes them, signatures as JWS writes them. A
//! message is no token's header and claims here, so the strict reading of those is not asked; everything below it is.
//!
//! What must be refused is. What is good is taken: of these sets there is nothing that we refuse for reasons of our own, such as RSA
//! keys below 2,048 bits, which no set here has.

use jsonwebtoken::Algorithm::{self, ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
use serde_json::{Value, json};
use wycheproof::TestResult;

use super::provider::encoded;
use crate::oidc::{backend, keys::KeySet};

/// What a set of vectors came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    taken: usize,
    refused: usize,
    /// Good ones that were refused, and bad ones that were taken.
    wrong: Vec<String>,
}

impl Tally {
    fn count(&mut self, name: &str, result: TestResult, is_taken: bool) {
        if is_taken {
            self.taken += 1;
        } else {
            self.refused += 1;
        }
        let is_wrong = match result {
            TestResult::Valid => !is_taken,
            TestResult::Invalid => is_taken,
            // Either is right.
            TestResult::Acceptable => false,
        };
        if is_wrong {
            self.wrong.push(format!("{name}: {result:?}"));
        }
    }
}

fn is_taken(jwk: &Value, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    backend::install();
    let Ok(keys) = KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes()) else { return false };
    let Some(key) = keys.find(None, algorithm) else { return false };
    jsonwebtoken::crypto::verify(&encoded(signature), message, key, algorithm).unwrap_or(false)
}

/// A number as a JWK writes it: without zeros before it.
fn number(bytes: &[u8]) -> String {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    encoded(&bytes[first..])
}

/// A coordinate as a JWK writes it: as long as the field.
fn coordinate(bytes: &[u8], length: usize) -> String {
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let digits = &bytes[first..];
    encoded([vec![0; length - digits.len()], digits.to_vec()].concat())
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Value {
    json!({"kty": "RSA", "n": number(modulus), "e": number(exponent)})
}

#[track_caller]
fn all_right(tally: &Tally, taken: usize, refused: usize) {
    assert_eq!(tally.wrong, [""; 0]);
    // So many as the sets have: none is left out unseen.
    assert_eq!((tally.taken, tally.refused), (taken, refused));
}

#[test]
fn rsa_by_pkcs_1() {
    use wycheproof::rsa_pkcs1_verify::{TestName::*, TestSet};
    let mut tally = Tally::default();
    for (name, algorithm) in [
        (Rsa2048Sha256, RS256),
        (Rsa2048Sha384, RS384),
        (Rsa2048Sha512, RS512),
        (Rsa3072Sha256, RS256),
        (Rsa3072Sha384, RS384),
        (Rsa3072Sha512, RS512),
        (Rsa4096Sha256, RS256),
        (Rsa4096Sha384, RS384),
        (Rsa4096Sha512, RS512),
        (Rsa8192Sha256, RS256),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = rsa(&group.key.n, &group.key.e);
            for test in group.tests {
                let taken = is_taken(&key, algorithm, test.msg.as_ref(), test.sig.as_ref());
                tally.count(&format!("{name:?} {}", test.tc_id), test.result, taken);
            }
        }
    }
    all_right(&tally, 75, 2513);
}

#[test]
fn rsa_by_pss() {
    use wycheproof::rsa_pss_verify::{TestName::*, TestSet};
    let mut tally = Tally::default();
    // With salts as long as the hash, as JWA wants them (RFC 7518, 3.5).
    for (name, algorithm) in [
        (RsaPss2048Sha256Mgf1SaltLen32, PS256),
        (RsaPss2048Sha384Mgf1SaltLen48, PS384),
        (RsaPss3072Sha256Mgf1SaltLen32, PS256),
        (RsaPss4096Sha256Mgf1SaltLen32, PS256),
        (RsaPss4096Sha384Mgf1SaltLen48, PS384),
        (RsaPss4096Sha512Mgf1SaltLen64, PS512),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = rsa(&group.key.n, &group.key.e);
            for test in group.tests {
                let taken = is_taken(&key, algorithm, test.msg.as_ref(), test.sig.as_ref());
                tally.count(&format!("{name:?} {}", test.tc_id), test.result, taken);
            }
        }
    }
    all_right(&tally, 511, 274);
    // Other salts, and another hash within, are other algorithms: whatever they say of themselves, none is taken. But one is
    // wrong there because its salt is as long as the hash.
    let mut others = 0;
    for (name, algorithm) in [
        (RsaPss2048Sha256Mgf1SaltLen0, PS256),
        (RsaPss2048Sha256Mgf1Sha1_20, PS256),
        (RsaPss4096Sha512Mgf1SaltLen32, PS512),
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = rsa(&group.key.n, &group.key.e);
            for test in group.tests {
                let taken = is_taken(&key, algorithm, test.msg.as_ref(), test.sig.as_ref());
                let is_ours = name == RsaPss2048Sha256Mgf1SaltLen0 && test.tc_id == 69;
                assert_eq!(taken, is_ours, "{name:?} {}", test.tc_id);
                others += 1;
            }
        }
    }
    assert!(others > 100, "{others}");
}

#[test]
fn ecdsa() {
    use wycheproof::ecdsa::{TestName::*, TestSet};
    let mut tally = Tally::default();
    for (name, algorithm, curve, length) in
        [(EcdsaSecp256r1Sha256P1363, ES256, "P-256", 32), (EcdsaSecp384r1Sha384P1363, ES384, "P-384", 48)]
    {
        for group in TestSet::load(name).unwrap().test_groups {
            let (x, y) = (coordinate(&group.key.affine_x, length), coordinate(&group.key.affine_y, length));
            let key = json!({"kty": "EC", "crv": curve, "x": x, "y": y});
            for test in group.tests {
                let taken = is_taken(&key, algorithm, test.msg.as_ref(), test.sig.as_ref());
                tally.count(&format!("{name:?} {}", test.tc_id), test.result, taken);
            }
        }
    }
    all_right(&tally, 366, 176);
    // JWS writes both numbers one behind the other. As ASN.1 writes them, none is taken.
    let mut others = 0;
    for group in TestSet::load(EcdsaSecp256r1Sha256).unwrap().test_groups {
        let (x, y) = (coordinate(&group.key.affine_x, 32), coordinate(&group.key.affine_y, 32));
        let key = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        for test in group.tests {
            assert!(!is_taken(&key, ES256, test.msg.as_ref(), test.sig.as_ref()), "{}", test.tc_id);
            others += 1;
        }
    }
    assert!(others > 100, "{others}");
}

#[test]
fn eddsa() {
    use wycheproof::eddsa::{TestName::Ed25519, TestSet};
    let mut tally = Tally::default();
    for group in TestSet::load(Ed25519).unwrap().test_groups {
        let public: &[u8] = group.key.pk.as_ref();
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(public)});
        for test in group.tests {
            let taken = is_taken(&key, EdDSA, test.msg.as_ref(), test.sig.as_ref());
            tally.count(&format!("Ed25519 {}", test.tc_id), test.result, taken);
        }
    }
    all_right(&tally, 88, 63);
}
