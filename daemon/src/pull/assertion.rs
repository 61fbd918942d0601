//! What shows who we are, signed with a key of ours (RFC 7523): whoever sees it can do nothing with it elsewhere, nor for long.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use oam_fetch::Secret;
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
        RsaKeyPair,
    },
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use super::PullError;
use crate::config::{ClientKey, KnownBy};

/// As what it is sent.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long it is good: until it is there.
const LIFE: SignedDuration = SignedDuration::from_mins(5);

/// A key that signs.
enum Signer {
    Rsa(RsaKeyPair, &'static str, &'static dyn RsaEncoding),
    P256(EcdsaKeyPair),
}

/// An assertion that we are `client`, for whoever gives out tokens at `audience`. The files are read anew, so that another
/// key that is put there is used from then on.
pub(super) fn assertion(client: &str, audience: &str, key: &ClientKey) -> Result<Secret, PullError> {
    let random = SystemRandom::new();
    let signer = signer(key, &random).map_err(|detail| fault(&key.key, detail))?;
    let mut head = Map::new();
    head.insert("typ".into(), json!("JWT"));
    head.insert("alg".into(), json!(signer.algorithm()));
    match &key.known_by {
        KnownBy::Id(id) => head.extend(id.as_ref().map(|id| ("kid".to_owned(), json!(id)))),
        KnownBy::Certificate(path) => {
            let certificate = CertificateDer::from_pem_file(path);
            let certificate = certificate.map_err(|error| fault(path, format!("cannot be read: {error}")))?;
            head.insert("x5t#S256".into(), json!(URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate))));
        }
    }
    let mut once = [0_u8; 16];
    getrandom::fill(&mut once)
        .map_err(|_| fault(&key.key, "cannot be used: the system has no randomness"))?;
    let now = Timestamp::now();
    let ends = now.saturating_add(LIFE).unwrap_or(Timestamp::MAX);
    let claims = json!({
        "iss": client,
        "sub": client,
        "aud": audience,
        "jti": hex::encode(once),
        "iat": now.as_second(),
        "nbf": now.as_second(),
        "exp": ends.as_second(),
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&Value::Object(head)), part(&claims));
    let signature = signer.sign(signed.as_bytes(), &random).map_err(|detail| fault(&key.key, detail))?;
    Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn fault(path: &Path, detail: impl Into<String>) -> PullError {
    PullError::Secret { path: path.display().to_string(), detail: detail.into() }
}

fn signer(key: &ClientKey, random: &SystemRandom) -> Result<Signer, String> {
    const NEITHER: &str = "holds no key that is taken here: RSA of 2048 to 4096 bits, or P-256 where no certificate \
                           goes with it, in PEM";
    let pem = fs::read(&key.key).map_err(|error| format!("cannot be read: {error}"))?;
    let read = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| NEITHER.to_owned())?;
    // With certificates, Microsoft wants PSS; without, everybody knows the older form.
    let is_known_by_certificate = matches!(key.known_by, KnownBy::Certificate(_));
    let (name, encoding): (_, &'static dyn RsaEncoding) =
        if is_known_by_certificate { ("PS256", &RSA_PSS_SHA256) } else { ("RS256", &RSA_PKCS1_SHA256) };
    let rsa = match &read {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(NEITHER.to_owned()),
    };
    if let Ok(rsa) = rsa {
        return Ok(Signer::Rsa(rsa, name, encoding));
    }
    let PrivateKeyDer::Pkcs8(der) = &read else { return Err(NEITHER.to_owned()) };
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der(), random);
    pair.ok().filter(|_| !is_known_by_certificate).map(Signer::P256).ok_or_else(|| NEITHER.to_owned())
}

impl Signer {
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_, name, _) => name,
            Self::P256(_) => "ES256",
        }
    }

    fn sign(&self, text: &[u8], random: &SystemRandom) -> Result<Vec<u8>, &'static str> {
        const FAILED: &str = "cannot be signed with";
        match self {
            Self::Rsa(pair, _, encoding) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(*encoding, random, text, &mut signature).map_err(|_| FAILED)?;
                Ok(signature)
            }
            Self::P256(pair) => Ok(pair.sign(random, text).map_err(|_| FAILED)?.as_ref().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::assertion;
    use crate::config::{ClientKey, KnownBy};

    #[test]
    fn what_is_no_key_is_told_of_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = |known_by| ClientKey { key: path.clone(), known_by };
        let told = |known_by| assertion("me", "https://a/token", &key(known_by)).unwrap_err().to_string();
        assert!(told(KnownBy::Id(None)).contains("cannot be read"));
        let pair = rcgen::KeyPair::generate().unwrap();
        for text in [
            "",
            "hunter2",
            "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n",
            &pair.public_key_pem(),
        ] {
            fs::write(&path, text).unwrap();
            let told = told(KnownBy::Id(None));
            assert!(
                told.contains("holds no key") && !told.contains("hunter2") && !told.contains("aHVu"),
                "{told}"
            );
        }
        fs::write(&path, pair.serialize_pem()).unwrap();
        assert!(assertion("me", "https://a/token", &key(KnownBy::Id(Some("k1".into())))).is_ok());
        // One that Microsoft takes from nobody.
        assert!(told(KnownBy::Certificate(path.clone())).contains("holds no key"));
    }
}
