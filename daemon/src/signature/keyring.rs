use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use oam_policy::{
    Digest, Snapshot, Username,
    facts::SignatureState,
    snapshot::{SshKey, UserView},
};
use ssh_key::{Fingerprint, HashAlg, PublicKey};

use super::{files::Files, openpgp::Certificate};

/// All keys, by what signatures name them by, at one state of the directory and of the files.
#[derive(Debug)]
pub(super) struct Keyring {
    of: Digest,
    pub(super) snapshot: Snapshot,
    pub(super) files: Files,
    ssh: BTreeMap<Fingerprint, Vec<Username>>,
    /// By the id and by the fingerprint of each key and subkey.
    openpgp: HashMap<Box<[u8]>, Vec<Arc<Certificate>>>,
}

impl Keyring {
    pub(super) fn of(snapshot: &Snapshot, files: Files) -> Self {
        let (mut ssh, mut openpgp) = (BTreeMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for user in snapshot.users() {
            for fingerprint in user.ssh_keys().iter().filter_map(|key| fingerprint(key, &user)) {
                ssh.entry(fingerprint).or_default().push(user.username().clone());
            }
            for certificate in certificates(&user) {
                for name in certificate.names() {
                    let of_name = openpgp.entry(name).or_default();
                    if of_name.last().is_none_or(|last| !Arc::ptr_eq(last, &certificate)) {
                        of_name.push(Arc::clone(&certificate));
                    }
                }
            }
        }
        Self { of: snapshot.version().digest, snapshot: snapshot.clone(), files, ssh, openpgp }
    }

    pub(super) fn is_of(&self, snapshot: &Snapshot, files: &Files) -> bool {
        self.of == snapshot.version().digest && self.files.are(files)
    }

    /// The people to whom the directory gives an SSH key.
    pub(super) fn owners(&self, key: Fingerprint) -> &[Username] {
        self.ssh.get(&key).map_or(&[], Vec::as_slice)
    }

    /// The OpenPGP keys that have a key or subkey with this id or fingerprint.
    pub(super) fn certificates(&self, name: &[u8]) -> &[Arc<Certificate>] {
        self.openpgp.get(name).map_or(&[], Vec::as_slice)
    }

    /// The state of a good signature, with a key of all of `owners`: one of them is told, if there is one the maker of
    /// what was signed.
    pub(super) fn good_by(&self, owners: &[Username], maker: Option<&str>) -> Option<SignatureState> {
        let is_maker = |owner: &&Username| maker.is_some_and(|email| self.has_email(owner, email));
        let by = owners.iter().find(is_maker).or_else(|| owners.first())?;
        Some(SignatureState::Good { by: by.clone() })
    }

    /// Whether it is an address of `user`. Addresses are compared without regard to ASCII case.
    pub(super) fn has_email(&self, user: &Username, email: &str) -> bool {
        let user = self.snapshot.user(&user.key());
        user.is_some_and(|user| user.emails().any(|known| known.eq_ignore_ascii_case(email)))
    }
}

fn fingerprint(key: &SshKey, of: &UserView<'_>) -> Option<Fingerprint> {
    let read = PublicKey::from_openssh(key.as_str());
    read.map(|key| key.fingerprint(HashAlg::Sha256))
        .inspect_err(|error| tracing::warn!(user = %of.username(), %error, "an SSH key cannot be used"))
        .ok()
}

fn certificates(user: &UserView<'_>) -> Vec<Arc<Certificate>> {
    let read = user.openpgp_keys().iter().filter_map(|key| {
        Certificate::read(user.username(), key.as_bytes())
            .inspect_err(
                |error| tracing::warn!(user = %user.username(), %error, "an OpenPGP key cannot be used"),
            )
            .ok()
    });
    read.map(Arc::new).collect()
}
