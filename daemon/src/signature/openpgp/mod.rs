//! Signatures as `gpg --detach-sign` makes them.

mod certificate;
mod component;

use std::io::Read as _;

use jiff::Timestamp;
use oam_policy::facts::{BadSignature, SignatureState};
use pgp::{
    armor::Dearmor,
    crypto::hash::HashAlgorithm,
    packet::{Packet, PacketParser, Signature, SignatureConfig, SignatureType, SubpacketData},
};

pub(super) use certificate::Certificate;
use component::Standing;

use super::{MAX_SIGNATURE, bad, keyring::Keyring, object::Object};

pub(super) fn judge(text: &str, object: &Object<'_>, now: Timestamp, ring: &Keyring) -> SignatureState {
    let invalid = |why: &str| bad(BadSignature::Invalid, why);
    let signature = match one_signature(text) {
        Ok(signature) => signature,
        Err(why) => return invalid(why),
    };
    let Some(config) = signature.config() else {
        return bad(BadSignature::KindUnknown, "an OpenPGP signature of a version that is not known");
    };
    if let Err(why) = acceptable(config) {
        return invalid(why);
    }
    let Some(made) = signature.created().and_then(|made| Timestamp::from_second(made.as_secs().into()).ok())
    else {
        return invalid("it does not say when it was made");
    };
    let names = names(&signature);
    let mut named = names.iter().flat_map(|name| ring.certificates(name)).peekable();
    let is_known = named.peek().is_some();
    let signer = named.find_map(|certificate| certificate.signer(&signature, object.payload));
    let Some(component) = signer else {
        return match names.last() {
            _ if is_known => invalid("it does not fit what it stands in"),
            Some(name) => bad(BadSignature::KeyUnknown, hex::encode_upper(name)),
            None => bad(BadSignature::KeyUnknown, "it names no key"),
        };
    };
    // A time of the signer's own making: no later than now, at any rate.
    let at = made.min(now);
    match component.standing(at) {
        Standing::Revoked => bad(BadSignature::KeyRevoked, component.name()),
        Standing::Expired(expired) => {
            bad(BadSignature::KeyExpired, format!("{} expired on {expired}", component.name()))
        }
        Standing::NotYet => bad(BadSignature::KeyExpired, format!("{} was made later", component.name())),
        Standing::Unfit(why) => invalid(why),
        Standing::Good => match lifetime(&signature, made) {
            Some(over) if over <= now => invalid("it was made to be valid for a time that is over"),
            _ => {
                let owners: Vec<_> = ring
                    .certificates(component.id())
                    .iter()
                    .filter(|certificate| certificate.signer(&signature, object.payload).is_some())
                    .map(|certificate| certificate.owner().clone())
                    .collect();
                ring.good_by(&owners, object.maker).unwrap_or_else(|| invalid("its key is nobody's"))
            }
        },
    }
}

/// The one signature in a text.
fn one_signature(text: &str) -> Result<Signature, &'static str> {
    const MALFORMED: &str = "it is malformed";
    const LAST: &str = "-----END PGP SIGNATURE-----";
    match text.split_once(LAST) {
        Some((_, "")) => {}
        Some((_, more)) if more.contains(LAST) => return Err("it is more than one signature"),
        Some(_) => return Err("something follows it"),
        None => return Err(MALFORMED),
    }
    let mut bytes = Vec::new();
    let limit = MAX_SIGNATURE as u64;
    Dearmor::new(text.as_bytes()).take(limit).read_to_end(&mut bytes).map_err(|_| MALFORMED)?;
    let mut packets = PacketParser::new(bytes.as_slice());
    match (packets.next(), packets.next()) {
        (Some(Ok(Packet::Signature(signature))), None) => Ok(signature),
        (Some(Ok(Packet::Signature(_))), Some(Ok(Packet::Signature(_)))) => {
            Err("it is more than one signature")
        }
        _ => Err(MALFORMED),
    }
}

/// Whether it is a signature of a document, and strong enough.
fn acceptable(config: &SignatureConfig) -> Result<(), &'static str> {
    if !matches!(config.typ, SignatureType::Binary | SignatureType::Text) {
        return Err("it is no signature of a document");
    }
    if !is_strong(config.hash_alg) {
        return Err("it is made with SHA-1, MD5 or another hash that is too weak");
    }
    let is_strange = |data: &SubpacketData| {
        matches!(
            data,
            SubpacketData::Other(..) | SubpacketData::Experimental(..) | SubpacketData::Notation(_)
        )
    };
    if config.hashed_subpackets().any(|part| part.is_critical && is_strange(&part.data)) {
        return Err("it says something critical that is not understood");
    }
    Ok(())
}

/// Hashes of which nobody makes two alike.
fn is_strong(hash: HashAlgorithm) -> bool {
    matches!(
        hash,
        HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_512
    )
}

/// What the signature names its key by: ids first, then fingerprints.
fn names(signature: &Signature) -> Vec<Box<[u8]>> {
    let ids = signature.issuer_key_id().into_iter().map(|id| id.as_ref().into());
    let fingerprints = signature.issuer_fingerprint().into_iter().map(|name| name.as_bytes().into());
    ids.chain(fingerprints).collect()
}

/// When a signature ends that was made to.
fn lifetime(signature: &Signature, made: Timestamp) -> Option<Timestamp> {
    let seconds = signature.signature_expiration_time()?.as_secs();
    (seconds > 0).then(|| made.checked_add(jiff::SignedDuration::from_secs(seconds.into())).ok())?
}
