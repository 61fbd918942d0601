//! The keys that sign tokens of leases. One signs for a month; the one before it is good until none of its tokens is.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::{SignedDuration, Timestamp};
use oam_fetch::Secret;
use oam_policy::rule::Workload;
use ring::{
    error::Unspecified,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::store::durable;

/// How long a key signs.
const SIGNS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Why there are no keys.
#[derive(Debug, Error)]
pub enum OwnKeyError {
    /// The disk.
    #[error("the keys for tokens of leases in `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Others may have read them.
    #[error(
        "the keys for tokens of leases in `{}` could be read by others (mode {mode:03o}): remove the file and start again, and others are made",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// They are none.
    #[error(
        "the keys for tokens of leases in `{}` are damaged: remove the file and start again, and others are made; tokens that are out are not taken then",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// There is no randomness.
    #[error("the system gives no randomness for a key or a signature")]
    Randomness,
}

impl From<Unspecified> for OwnKeyError {
    fn from(_: Unspecified) -> Self {
        Self::Randomness
    }
}

/// A key of ES256.
#[derive(Debug)]
pub(super) struct Key {
    kid: String,
    pair: EcdsaKeyPair,
    /// PKCS #8, as base64: what the file holds.
    private: Secret,
    made: Timestamp,
    /// Since when another one signs.
    retired: Option<Timestamp>,
}

/// All of them; the last one signs.
#[derive(Debug)]
pub(super) struct Keys {
    path: PathBuf,
    keys: Mutex<Vec<Arc<Key>>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    keys: Vec<Written>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    pkcs8: String,
    made: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired: Option<Timestamp>,
}

impl Key {
    fn make(now: Timestamp) -> Result<Self, OwnKeyError> {
        let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
        let private = Secret::new(STANDARD.encode(private.as_ref()));
        Self::read(private, now, None).ok_or(OwnKeyError::Randomness)
    }

    fn read(private: Secret, made: Timestamp, retired: Option<Timestamp>) -> Option<Self> {
        let bytes = STANDARD.decode(private.reveal()).ok()?;
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &bytes, &SystemRandom::new()).ok()?;
        let (x, y) = coordinates(pair.public_key().as_ref())?;
        // RFC 7638: the members that there must be, in this order, without white space.
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        Some(Self { kid: URL_SAFE_NO_PAD.encode(thumbprint), pair, private, made, retired })
    }

    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// The point, uncompressed.
    pub(super) fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The compact serialization (RFC 7515, 7.1).
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> Result<String, OwnKeyError> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    pub(super) fn published(&self) -> Value {
        let (x, y) = coordinates(self.public()).unwrap_or_default();
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, "use": "sig", "alg": "ES256" })
    }

    /// Whether some token that it signed may still be good.
    fn counts(&self, now: Timestamp) -> bool {
        let longest = SignedDuration::try_from(Workload::LONGEST).unwrap_or(SignedDuration::ZERO);
        self.retired.is_none_or(|retired| now.duration_since(retired) <= longest)
    }
}

/// The two halves of an uncompressed point of P-256.
fn coordinates(point: &[u8]) -> Option<(String, String)> {
    let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
    (y.len() == 32).then(|| (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y)))
}

impl Keys {
    pub(super) fn open(path: PathBuf, now: Timestamp) -> Result<Self, OwnKeyError> {
        let mut keys = read(&path)?;
        keys.retain(|key| key.counts(now));
        if keys.last().is_none_or(|last| last.retired.is_some()) {
            keys.push(Arc::new(Key::make(now)?));
            write(&path, &keys).map_err(|source| OwnKeyError::Io { path: path.clone(), source })?;
        }
        Ok(Self { path, keys: Mutex::new(keys) })
    }

    /// The one that signs. One that has done so for long enough is followed by another, which is stored before it signs
    /// anything; where it cannot be, the old one goes on.
    pub(super) fn signing(&self, now: Timestamp) -> Result<Arc<Key>, OwnKeyError> {
        let mut keys = self.lock();
        let last = keys.last().cloned().ok_or(OwnKeyError::Randomness)?;
        if now.duration_since(last.made) < SIGNS {
            return Ok(last);
        }
        match self.followed(&keys, &last, now) {
            Ok(all) => *keys = all,
            Err(error) => {
                tracing::error!(%error, "the key for tokens of leases is old, and could not be followed by another");
            }
        }
        keys.last().cloned().ok_or(OwnKeyError::Randomness)
    }

    fn followed(
        &self,
        keys: &[Arc<Key>],
        last: &Arc<Key>,
        now: Timestamp,
    ) -> Result<Vec<Arc<Key>>, OwnKeyError> {
        let retired = Key::read(last.private.clone(), last.made, Some(now)).ok_or(OwnKeyError::Randomness)?;
        let before = keys.iter().filter(|key| key.kid != last.kid && key.counts(now)).cloned();
        let all: Vec<_> = before.chain([Arc::new(retired), Arc::new(Key::make(now)?)]).collect();
        write(&self.path, &all).map_err(|source| OwnKeyError::Io { path: self.path.clone(), source })?;
        tracing::info!("the key for tokens of leases is followed by another");
        Ok(all)
    }

    /// The one with this name, as long as it counts.
    pub(super) fn find(&self, kid: &str, now: Timestamp) -> Option<Arc<Key>> {
        self.lock().iter().find(|key| key.kid == kid && key.counts(now)).cloned()
    }

    /// All that count.
    pub(super) fn all(&self, now: Timestamp) -> Vec<Arc<Key>> {
        self.lock().iter().filter(|key| key.counts(now)).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Key>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Result<Vec<Arc<Key>>, OwnKeyError> {
    let io = |source| OwnKeyError::Io { path: path.to_owned(), source };
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => Secret::new(read.map_err(io)?),
    };
    let mode = fs::metadata(path).map_err(io)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(OwnKeyError::Exposed { path: path.to_owned(), mode });
    }
    let damaged = || OwnKeyError::Damaged { path: path.to_owned() };
    let file: File = serde_json::from_str(text.reveal()).map_err(|_| damaged())?;
    let key = |one: Written| Key::read(Secret::new(one.pkcs8), one.made, one.retired).map(Arc::new);
    file.keys.into_iter().map(key).collect::<Option<_>>().ok_or_else(damaged)
}

fn write(path: &Path, keys: &[Arc<Key>]) -> io::Result<()> {
    let one = |key: &Arc<Key>| Written {
        pkcs8: key.private.reveal().to_owned(),
        made: key.made,
        retired: key.retired,
    };
    let text = Secret::new(serde_json::to_string(&File { keys: keys.iter().map(one).collect() })?);
    let draft = path.with_extension("draft");
    let mut file = durable::create(&draft)?;
    file.write_all(text.reveal().as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    durable::sync_parent(path)
}
