use std::{cmp::Ordering, sync::OnceLock};

use oam_policy::Username;
use pgp::{
    composed::{Deserializable as _, SignedPublicKey, SignedPublicSubKey},
    errors::Error,
    packet::{Signature, SignatureType},
    types::{KeyDetails as _, KeyVersion, Tag, Timestamp},
};

use super::{
    component::{Component, says_what_for},
    is_strong,
};

/// The OpenPGP key of somebody: a primary key, its subkeys, and what it certifies of itself.
#[derive(Debug)]
pub(in super::super) struct Certificate {
    owner: Username,
    key: SignedPublicKey,
    /// Found out when it is first asked for: it takes a verification for each certification.
    checked: OnceLock<Checked>,
}

/// The primary key, and the subkeys in order.
#[derive(Debug)]
struct Checked {
    primary: Component,
    subkeys: Vec<Component>,
}

impl Certificate {
    /// Reads the packets of a key.
    pub(in super::super) fn read(owner: &Username, packets: &[u8]) -> Result<Self, Error> {
        let key = SignedPublicKey::from_bytes(packets)?;
        Ok(Self { owner: owner.clone(), key, checked: OnceLock::new() })
    }

    /// Whose it is.
    pub(super) fn owner(&self) -> &Username {
        &self.owner
    }

    /// What signatures may name it by: the ids and fingerprints of all its keys.
    pub(in super::super) fn names(&self) -> Vec<Box<[u8]>> {
        let primary = &self.key.primary_key;
        let mut names: Vec<Box<[u8]>> =
            vec![primary.legacy_key_id().as_ref().into(), primary.fingerprint().as_bytes().into()];
        for subkey in &self.key.public_subkeys {
            names.push(subkey.key.legacy_key_id().as_ref().into());
            names.push(subkey.key.fingerprint().as_bytes().into());
        }
        names
    }

    /// The key or subkey that made the signature of `payload`; `None`: none did.
    pub(super) fn signer(&self, signature: &Signature, payload: &[u8]) -> Option<&Component> {
        if signature.verify(&self.key.primary_key, payload).is_ok() {
            return Some(&self.checked().primary);
        }
        let subkeys = &self.key.public_subkeys;
        let place = subkeys.iter().position(|subkey| signature.verify(&subkey.key, payload).is_ok())?;
        self.checked().subkeys.get(place)
    }

    fn checked(&self) -> &Checked {
        self.checked.get_or_init(|| {
            let primary = self.primary();
            let subkeys = self.key.public_subkeys.iter().map(|subkey| self.subkey(subkey).below(&primary));
            Checked { subkeys: subkeys.collect(), primary }
        })
    }

    fn primary(&self) -> Component {
        let SignedPublicKey { primary_key, details, .. } = &self.key;
        let is_revoked = details.revocation_signatures.iter().any(|one| one.verify_key(primary_key).is_ok());
        let direct = details.direct_signatures.iter().filter(|one| one.typ() == Some(SignatureType::Key));
        let direct = direct.filter(|one| is_usable(one) && one.verify_key(primary_key).is_ok());
        let of_names = details.users.iter().flat_map(|user| {
            let holds = |one: &&Signature| {
                one.typ() != Some(SignatureType::CertRevocation)
                    && is_usable(one)
                    && one.verify_certification(primary_key, Tag::UserId, &user.id).is_ok()
            };
            user.signatures.iter().filter(holds)
        });
        // A key of version 6 is described by what it says of itself alone, and not of its names.
        let of_names = of_names.filter(|_| primary_key.version() != KeyVersion::V6);
        Component::of(primary_key, direct.chain(of_names).max_by(newest), is_revoked)
    }

    fn subkey(&self, subkey: &SignedPublicSubKey) -> Component {
        let primary = &self.key.primary_key;
        let holds = |one: &&Signature| one.verify_subkey_binding(primary, &subkey.key).is_ok();
        let of_type = |typ| subkey.signatures.iter().filter(move |one| one.typ() == Some(typ)).filter(holds);
        let is_revoked = of_type(SignatureType::SubkeyRevocation).next().is_some();
        let binding = of_type(SignatureType::SubkeyBinding).filter(|one| is_usable(one)).max_by(newest);
        let component = Component::of(&subkey.key, binding, is_revoked);
        // The subkey must say as well that it belongs to the key: else anybody could claim a foreign one.
        let is_claimed = binding.and_then(Signature::embedded_signature).is_some_and(|back| {
            is_usable(back) && back.verify_primary_key_binding(&subkey.key, primary).is_ok()
        });
        if is_claimed {
            component
        } else {
            component.unfit("its subkey does not say that it belongs to the key")
        }
    }
}

fn is_usable(signature: &Signature) -> bool {
    signature.hash_alg().is_some_and(is_strong)
}

/// The later one; of two at the same time, the one that says what the key is for.
fn newest(one: &&Signature, other: &&Signature) -> Ordering {
    let rank = |one: &Signature| (one.created().map(Timestamp::as_secs), says_what_for(one));
    rank(one).cmp(&rank(other))
}
