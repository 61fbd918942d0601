use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair as _,
    },
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    config::{Config, FileConfig, IssuerConfig, Overrides},
    oidc::Issuers,
};

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key pair of a provider.
pub(crate) enum Signer {
    Ed(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
}

impl Signer {
    pub(crate) fn ed() -> Self {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap())
    }

    pub(crate) fn p256() -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self::P256(EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap())
    }

    pub(crate) fn p384() -> Self {
        let (algorithm, random) = (&ECDSA_P384_SHA384_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self::P384(EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap())
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed(_) => "EdDSA",
            Self::P256(_) => "ES256",
            Self::P384(_) => "ES384",
        }
    }

    pub(crate) fn public(&self) -> Vec<u8> {
        match self {
            Self::Ed(key) => key.public_key().as_ref().to_vec(),
            Self::P256(key) | Self::P384(key) => key.public_key().as_ref().to_vec(),
        }
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let public = self.public();
        let point = |curve: &str| {
            let (x, y) = public[1..].split_at((public.len() - 1) / 2);
            json!({"kty": "EC", "crv": curve, "kid": kid, "x": encoded(x), "y": encoded(y)})
        };
        match self {
            Self::Ed(_) => json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encoded(&public)}),
            Self::P256(_) => point("P-256"),
            Self::P384(_) => point("P-384"),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
            Self::P256(key) | Self::P384(key) => {
                key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
            }
        }
    }

    /// A token with this header and these claims, as texts: also what is no good JSON can be signed.
    pub(crate) fn token(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let signature = encoded(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// What a provider publishes, over plain HTTP on this machine.
pub(crate) struct Provider {
    pub(crate) url: String,
    keys: Arc<Mutex<Option<String>>>,
    fetches: Arc<AtomicUsize>,
}

impl Provider {
    pub(crate) async fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self { url, keys: Arc::default(), fetches: Arc::default() };
        provider.publish(keys);
        let (url, keys, fetches) =
            (provider.url.clone(), Arc::clone(&provider.keys), Arc::clone(&provider.fetches));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap_or_default();
                let is_discovery =
                    String::from_utf8_lossy(&request[..length]).contains("openid-configuration");
                let discovery = json!({"issuer": url, "jwks_uri": format!("{url}/jwks"),
                    "id_token_signing_alg_values_supported": ["none", "RS256"]});
                let body = match keys.lock().unwrap().clone() {
                    _ if is_discovery => Some(discovery.to_string()),
                    keys => {
                        fetches.fetch_add(1, Ordering::SeqCst);
                        keys
                    }
                };
                let answer = match body {
                    Some(body) => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()),
                    None => "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_owned(),
                };
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        provider
    }

    /// Publishes other keys from now on.
    pub(crate) fn publish(&self, keys: &[Value]) {
        *self.keys.lock().unwrap() = Some(json!({"keys": keys}).to_string());
    }

    /// Answers with errors from now on.
    pub(crate) fn break_down(&self) {
        *self.keys.lock().unwrap() = None;
    }

    /// How often the keys were asked for.
    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    /// The configuration of a verifier of this provider's tokens for `oam`.
    pub(crate) fn config(&self, more: &str) -> BTreeMap<String, IssuerConfig> {
        configured(&format!(
            "[issuer.corp]\nurl = '{}'\naudience = 'oam'\nalgorithms = ['EdDSA', 'ES256', 'ES384', 'RS256']\n\
             network = 'loopback'\ngroups = 'groups'\n{more}\n",
            self.url
        ))
    }

    pub(crate) fn verifier(&self, more: &str) -> Issuers {
        Issuers::new(&self.config(more)).unwrap()
    }

    /// Claims of somebody, good for an hour from now.
    pub(crate) fn claims(&self) -> Value {
        let now = Timestamp::now().as_second();
        json!({"iss": self.url, "aud": "oam", "sub": "00u1", "preferred_username": "alice", "groups": ["admins"],
            "iat": now, "exp": now + 3600})
    }
}

pub(crate) fn configured(text: &str) -> BTreeMap<String, IssuerConfig> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("oamd.toml");
    std::fs::write(&file, text).unwrap();
    let _: FileConfig = toml::from_str(text).unwrap();
    Config::load(Some(&file), Overrides::default()).unwrap().issuers
}
