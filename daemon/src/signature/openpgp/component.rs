use std::fmt;

use jiff::{SignedDuration, Timestamp};
use pgp::{
    packet::{self, Signature},
    types::{Duration, KeyDetails, PublicParams},
};
use rsa::traits::PublicKeyParts as _;

/// A key or a subkey, and what is certified of it.
#[derive(Debug, Clone)]
pub(super) struct Component {
    /// As `gpg` shows it.
    fingerprint: Box<[u8]>,
    id: Box<[u8]>,
    created: Timestamp,
    /// `None`: never.
    expires: Option<Timestamp>,
    is_revoked: bool,
    /// Why it cannot be used at all.
    unfit: Option<&'static str>,
}

/// What a key is worth at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    /// Whenever: who has the key can write any time into a signature.
    Revoked,
    Expired(Timestamp),
    NotYet,
    Unfit(&'static str),
}

impl Component {
    /// A key as its newest certification describes it; `None`: there is none that holds.
    pub(super) fn of<K: KeyDetails>(key: &K, certified: Option<&Signature>, is_revoked: bool) -> Self {
        let created = moment(key.created_at().as_secs());
        let lifetime = certified.and_then(Signature::key_expiration_time).map_or(0, Duration::as_secs);
        let expires = (lifetime > 0)
            .then(|| created.checked_add(SignedDuration::from_secs(lifetime.into())).ok())
            .flatten();
        let unfit = match certified {
            None => Some("nothing that holds certifies its key: no self-signature, or one with SHA-1 only"),
            Some(certified) if !may_sign(certified) => Some("its key is not meant for signatures"),
            Some(_) => weakness(key.public_params()),
        };
        let (fingerprint, id) = (key.fingerprint().as_bytes().into(), key.legacy_key_id().as_ref().into());
        Self { fingerprint, id, created, expires, is_revoked, unfit }
    }

    /// The same as a part of `primary`: a subkey lives no longer than its key.
    pub(super) fn below(self, primary: &Self) -> Self {
        let expires = [self.expires, primary.expires].into_iter().flatten().min();
        Self { expires, is_revoked: self.is_revoked || primary.is_revoked, ..self }
    }

    /// Cannot be used, whatever it is like otherwise.
    pub(super) fn unfit(self, why: &'static str) -> Self {
        Self { unfit: Some(why), ..self }
    }

    /// What signatures name it by.
    pub(super) fn id(&self) -> &[u8] {
        &self.id
    }

    /// The fingerprint, for people.
    pub(super) fn name(&self) -> String {
        hex::encode_upper(&self.fingerprint)
    }

    pub(super) fn standing(&self, at: Timestamp) -> Standing {
        match self {
            Self { is_revoked: true, .. } => Standing::Revoked,
            Self { unfit: Some(why), .. } => Standing::Unfit(why),
            Self { created, .. } if at < *created => Standing::NotYet,
            Self { expires: Some(expires), .. } if *expires <= at => Standing::Expired(*expires),
            Self { .. } => Standing::Good,
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Seconds since 1970, of which OpenPGP has 32 bits.
fn moment(seconds: u32) -> Timestamp {
    Timestamp::from_second(seconds.into()).unwrap_or_default()
}

/// A certification that does not say what a key is for allows whatever the key can do.
fn may_sign(certified: &Signature) -> bool {
    !says_what_for(certified) || certified.key_flags().sign()
}

/// Whether a certification says what the key is for.
pub(super) fn says_what_for(certified: &Signature) -> bool {
    certified.config().is_some_and(|config| {
        config.hashed_subpackets().any(|part| matches!(part.data, packet::SubpacketData::KeyFlags(_)))
    })
}

fn weakness(params: &PublicParams) -> Option<&'static str> {
    match params {
        PublicParams::RSA(rsa) if rsa.key.n().bits() < 2048 => {
            Some("an RSA key of less than 2048 bits is too weak")
        }
        PublicParams::RSA(_)
        | PublicParams::ECDSA(_)
        | PublicParams::EdDSALegacy(_)
        | PublicParams::Ed25519(_)
        | PublicParams::Ed448(_) => None,
        _ => Some("its key is of a kind that is too weak, or makes no signatures"),
    }
}
