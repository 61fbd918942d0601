//! Signatures as `ssh-keygen -Y sign -n git` makes them.

use jiff::Timestamp;
use oam_policy::{
    facts::{BadSignature, SignatureState, Unreadable},
    printable::Printable,
    snapshot::UserView,
};
use ssh_key::{Algorithm, Error, HashAlg, PublicKey, SshSig, public::KeyData};

use super::{bad, keyring::Keyring, object::Object, signers::When};

/// What git's signatures are for: one made for a file or a mail is none of a commit.
const NAMESPACE: &str = "git";
/// That somebody touched the security key.
const USER_PRESENT: u8 = 1;

pub(super) fn judge(
    text: &str,
    object: &Object<'_>,
    now: Timestamp,
    ring: &Keyring,
) -> Result<SignatureState, Unreadable> {
    let signature = match SshSig::from_pem(text) {
        Ok(signature) => signature,
        Err(error) => return Ok(unreadable(&error)),
    };
    let key = PublicKey::from(signature.public_key().clone());
    if let Err(state) = verify(&key, &signature, object.payload) {
        return Ok(state);
    }
    let fingerprint = key.fingerprint(HashAlg::Sha256);
    let files = ring.files.readable()?;
    if files.is_revoked(fingerprint) {
        return Ok(bad(BadSignature::KeyRevoked, fingerprint.to_string()));
    }
    let owners = ring.owners(fingerprint);
    // A time of the signer's own making: no later than now, at any rate.
    let made = object.made.map_or(now, |made| made.min(now));
    let mut out_of_time = None;
    let mut principals = Vec::new();
    for signer in files.signers(fingerprint) {
        match signer.is_valid_at(made) {
            Ok(()) => principals.push(&signer.principals),
            Err(when) => out_of_time = Some(when),
        }
    }
    let is_maker =
        |user: &&oam_policy::Username| object.maker.is_some_and(|email| ring.has_email(user, email));
    if let Some(by) = owners.iter().find(is_maker) {
        return Ok(SignatureState::Good { by: by.clone() });
    }
    if let Some(maker) = object.maker {
        for principals in &principals {
            let users = || ring.snapshot.users_with_email(maker);
            let is_named = |user: &UserView<'_>| principals.match_name(user.username());
            if principals.match_address(maker) || users().any(|user| is_named(&user)) {
                // Whoever has the address in the directory answers for it, one who is active before one who is not.
                let by = users().max_by_key(UserView::is_active);
                return Ok(match by {
                    Some(user) => SignatureState::Good { by: user.username().clone() },
                    None => SignatureState::GoodByAddress { address: maker.into() },
                });
            }
        }
    }
    // By somebody else, then.
    let of_file = || {
        let address = principals.first()?.to_string().into();
        Some(SignatureState::GoodByAddress { address })
    };
    let known = ring.good_by(owners, object.maker).or_else(of_file);
    Ok(known.unwrap_or_else(|| match out_of_time {
        Some(When::Over(at)) => bad(BadSignature::KeyExpired, format!("the key is allowed until {at}")),
        Some(When::NotYet(at)) => bad(BadSignature::KeyExpired, format!("the key is allowed from {at} on")),
        None => bad(BadSignature::KeyUnknown, fingerprint.to_string()),
    }))
}

/// Whether the signature is one of the payload for git, with that key.
fn verify(key: &PublicKey, signature: &SshSig, payload: &[u8]) -> Result<(), SignatureState> {
    if signature.namespace() != NAMESPACE {
        let namespace = Printable::new(signature.namespace()).to_string();
        let why = format!("it was made for `{namespace}`, not for `{NAMESPACE}`");
        return Err(bad(BadSignature::Invalid, why));
    }
    match key.key_data() {
        KeyData::Dsa(_) => return Err(bad(BadSignature::Invalid, "DSA is too weak")),
        KeyData::Rsa(rsa) if bits(rsa.n.as_positive_bytes()) < 2048 => {
            return Err(bad(BadSignature::Invalid, "an RSA key of less than 2048 bits is too weak"));
        }
        KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_) => {
            // The flags, and a counter of four bytes behind them.
            let flags = signature.signature_bytes().iter().rev().nth(4);
            if flags.is_none_or(|flags| flags & USER_PRESENT == 0) {
                return Err(bad(BadSignature::Invalid, "nobody touched the security key"));
            }
        }
        _ => {}
    }
    if matches!(signature.algorithm(), Algorithm::Rsa { hash: None }) {
        return Err(bad(BadSignature::Invalid, "SHA-1 is too weak"));
    }
    key.verify(NAMESPACE, payload, signature).map_err(|error| match error {
        Error::AlgorithmUnknown | Error::AlgorithmUnsupported { .. } => unreadable(&error),
        _ => bad(BadSignature::Invalid, "it does not fit what it stands in"),
    })
}

fn unreadable(error: &Error) -> SignatureState {
    match error {
        Error::AlgorithmUnknown | Error::AlgorithmUnsupported { .. } => {
            bad(BadSignature::KindUnknown, "an SSH signature of a kind that is not known")
        }
        _ => bad(BadSignature::Invalid, "it is malformed"),
    }
}

/// How many bits a number has.
fn bits(number: Option<&[u8]>) -> usize {
    let number = number.unwrap_or_default();
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}
