//! Client assertions (RFC 7523), checked as strictly as a provider may.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, PublicKeyData as _};
use ring::{
    digest::{SHA256, digest},
    signature::{
        ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
        VerificationAlgorithm,
    },
};
use serde_json::{Value, json};

use crate::Run as _;

/// What comes with an assertion.
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A key of a client, as files and as a provider knows it.
#[derive(Debug)]
pub struct ClientKey {
    /// The private key, PEM.
    pub key: PathBuf,
    /// The certificate, PEM, where there is one.
    pub certificate: Option<PathBuf>,
    known: Known,
}

/// What a provider knows of a key.
#[derive(Clone)]
pub(crate) struct Known {
    /// What the head of an assertion must be.
    head: Value,
    algorithm: &'static dyn VerificationAlgorithm,
    public: Vec<u8>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Known({})", self.head)
    }
}

impl ClientKey {
    /// A key on P-256 that the provider calls `id`.
    pub fn p256(folder: &Path, id: &str) -> Self {
        let pair = KeyPair::generate().unwrap();
        let key = folder.join("client.key");
        fs::write(&key, pair.serialize_pem()).unwrap();
        let head = json!({"typ": "JWT", "alg": "ES256", "kid": id});
        let known = Known { head, algorithm: &ECDSA_P256_SHA256_FIXED, public: pair.der_bytes().to_vec() };
        Self { key, certificate: None, known }
    }

    /// An RSA key, of which the provider knows one.
    pub fn rsa(folder: &Path) -> Self {
        let (key, pair) = rsa(folder);
        let head = json!({"typ": "JWT", "alg": "RS256"});
        let known = Known { head, algorithm: &RSA_PKCS1_2048_8192_SHA256, public: pair.der_bytes().to_vec() };
        Self { key, certificate: None, known }
    }

    /// An RSA key with a certificate.
    pub fn certified(folder: &Path) -> Self {
        let (key, pair) = rsa(folder);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "oam");
        let certificate = params.self_signed(&pair).unwrap();
        let file = folder.join("client.pem");
        fs::write(&file, certificate.pem()).unwrap();
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, certificate.der()));
        let head = json!({"typ": "JWT", "alg": "PS256", "x5t#S256": thumbprint});
        let known = Known { head, algorithm: &RSA_PSS_2048_8192_SHA256, public: pair.der_bytes().to_vec() };
        Self { key, certificate: Some(file), known }
    }

    pub(crate) fn known(&self) -> Known {
        self.known.clone()
    }
}

/// A new RSA key. `ring` makes none.
fn rsa(folder: &Path) -> (PathBuf, KeyPair) {
    let key = folder.join("client.key");
    let mut keygen = Command::new("ssh-keygen");
    keygen
        .args(["-q", "-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", "", "-f"])
        .arg(&key)
        .stdin(Stdio::null());
    keygen.run().expect_success("ssh-keygen");
    let pair = KeyPair::from_pem_and_sign_algo(&fs::read_to_string(&key).unwrap(), &PKCS_RSA_SHA256).unwrap();
    (key, pair)
}

/// Whoever takes assertions: each once.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    ids: BTreeSet<String>,
}

impl Taken {
    /// Whether an assertion is one of `client` for whoever answers at `audience`; why it is not.
    pub(crate) fn check(
        &mut self,
        assertion: &str,
        known: &Known,
        client: &str,
        audience: &str,
    ) -> Result<(), &'static str> {
        let parts: Vec<_> = assertion.split('.').collect();
        let [head, claims, signature] = parts.as_slice() else { return Err("three parts") };
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "base64url");
        let json = |part: &str| serde_json::from_slice::<Value>(&bytes(part)?).map_err(|_| "JSON");
        if json(head)? != known.head {
            return Err("the head");
        }
        let signed = &assertion[..head.len() + 1 + claims.len()];
        let key = UnparsedPublicKey::new(known.algorithm, &known.public);
        key.verify(signed.as_bytes(), &bytes(signature)?).map_err(|_| "the signature")?;
        let claims = json(claims)?;
        let is = |name: &str, text: &str| claims[name].as_str() == Some(text);
        if !is("iss", client) || !is("sub", client) {
            return Err("the client");
        }
        if !is("aud", audience) {
            return Err("the audience");
        }
        let now = Timestamp::now().as_second();
        let time = |name: &str| claims[name].as_i64().ok_or("a time");
        let (issued, from, ends) = (time("iat")?, time("nbf")?, time("exp")?);
        // No more than an hour, says Okta.
        if ends <= now || ends > now + 3600 || from > now + 60 || issued > now + 60 {
            return Err("the time");
        }
        let id = claims["jti"].as_str().filter(|id| id.len() >= 16).ok_or("no id")?;
        if !self.ids.insert(id.to_owned()) {
            return Err("it was taken before");
        }
        Ok(())
    }

    /// How many were taken.
    pub(crate) fn count(&self) -> usize {
        self.ids.len()
    }
}
