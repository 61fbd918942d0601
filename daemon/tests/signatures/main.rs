//! Signatures made by real git, ssh-keygen and gpg, judged here and by git.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails loudly, at the place where it fails"
)]

mod gpg;
mod openpgp;
mod repository;
mod ssh;

use std::fs;

use jiff::Timestamp;
use oam_daemon::signature::{SignatureFiles, Signatures};
use oam_policy::{
    Snapshot,
    facts::{BadSignature, SignatureState},
    snapshot::{Directory, Keys, OpenPgpKey, Person, SshKey},
};
use oam_proto::v1;

/// What came of a signature, in a word or two.
fn told(state: &SignatureState) -> String {
    match state {
        SignatureState::Absent => "absent".into(),
        SignatureState::Good { by } => format!("good by {by}"),
        SignatureState::GoodByAddress { address } => format!("good by <{address}>"),
        SignatureState::GoodByCommitter => "good in a question".into(),
        SignatureState::Bad { cause, .. } => match cause {
            BadSignature::Invalid => "invalid",
            BadSignature::KeyUnknown => "unknown",
            BadSignature::KeyExpired => "expired",
            BadSignature::KeyRevoked => "revoked",
            BadSignature::KindUnknown => "kind unknown",
        }
        .into(),
    }
}

/// People with their keys, beside files about keys.
#[derive(Default)]
struct World {
    people: Vec<Person>,
    files: SignatureFiles,
}

impl World {
    /// Somebody at `example.com`.
    fn person(mut self, name: &str, ssh: &[&str], openpgp: &[&str]) -> Self {
        self.people.push(Person {
            username: name.parse().unwrap(),
            id: None,
            display_name: None,
            emails: vec![format!("{name}@example.com")],
            active: true,
            groups: Default::default(),
            keys: Keys {
                ssh: ssh.iter().map(|key| SshKey::parse(key).unwrap()).collect(),
                openpgp: openpgp.iter().map(|key| OpenPgpKey::parse(key).unwrap()).collect(),
            },
        });
        self
    }

    fn snapshot(&self) -> Snapshot {
        let directory = Directory { people: self.people.clone(), groups: Default::default() };
        Snapshot::of_directory(1, Timestamp::now(), &directory, Default::default()).unwrap()
    }

    fn judge(&self, signed: &v1::Signed) -> SignatureState {
        let signatures = Signatures::start(self.files.clone());
        let judge = signatures.judge(self.snapshot(), Timestamp::now());
        judge.judge(Some(signed)).unwrap_or_else(|unreadable| panic!("{unreadable:?}"))
    }

    fn told(&self, signed: &v1::Signed) -> String {
        told(&self.judge(signed))
    }
}

/// The same with one byte of what is signed otherwise.
fn altered(signed: &v1::Signed) -> v1::Signed {
    let mut altered = signed.clone();
    *altered.payload.last_mut().unwrap() ^= 1;
    altered
}

/// The same with another signature.
fn with_signature(signed: &v1::Signed, signature: impl Into<Vec<u8>>) -> v1::Signed {
    v1::Signed { signature: signature.into(), ..signed.clone() }
}

#[test]
fn what_is_no_signature_is_told() {
    let world = World::default();
    let signed = v1::Signed { payload: b"tree 1\n\n".to_vec(), ..v1::Signed::default() };
    for (signature, says) in [
        (b"".to_vec(), "kind unknown"),
        (b"x".to_vec(), "kind unknown"),
        (vec![0xff; 10], "invalid"),
        (vec![b'x'; (16 << 10) + 1], "invalid"),
        (b"-----BEGIN SIGNED MESSAGE-----\nMIA\n-----END SIGNED MESSAGE-----".to_vec(), "kind unknown"),
        (b"-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----".to_vec(), "kind unknown"),
        (b"-----BEGIN SSH SIGNATURE-----\n".to_vec(), "invalid"),
        (b"-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----".to_vec(), "invalid"),
        (b"-----BEGIN PGP SIGNATURE-----\n".to_vec(), "invalid"),
        (b"-----BEGIN PGP SIGNATURE-----\n\nwsAA\n-----END PGP SIGNATURE-----".to_vec(), "invalid"),
    ] {
        let shown = String::from_utf8_lossy(&signature).into_owned();
        assert_eq!(world.told(&with_signature(&signed, signature)), says, "{shown}");
    }
    assert_eq!(world.told(&v1::Signed { too_large: true, ..signed }), "invalid");
    let judge = Signatures::start(SignatureFiles::default()).judge(world.snapshot(), Timestamp::now());
    assert_eq!(judge.judge(None).unwrap(), SignatureState::Absent);
}

#[tokio::test]
async fn a_push_with_too_many_signatures_is_not_judged() {
    let world = World::default();
    let judge = Signatures::start(SignatureFiles::default()).judge(world.snapshot(), Timestamp::now());
    let some = |count| vec![Some(v1::Signed::default()); count];
    let most = oam_daemon::signature::MAX_SIGNATURES;
    assert_eq!(judge.judge_all(some(most)).await.unwrap().len(), most);
    // What is not signed takes no time.
    assert_eq!(judge.judge_all(vec![None]).await.unwrap(), [SignatureState::Absent]);
    let error = judge.judge_all(some(1)).await.unwrap_err();
    assert!(error.why.contains("push in smaller parts"), "{error:?}");
}

#[test]
fn a_file_that_was_never_read_makes_nothing_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let (key, repository) = (ssh::Key::new(folder.path(), "k", &["-t", "ed25519"]), ssh::repository());
    let signed = repository.signed_commit(&key.config(), "ann");
    let missing = SignatureFiles { allowed_signers: Some(folder.path().join("gone")), ..Default::default() };
    let signatures = Signatures::start(missing);
    assert!(signatures.warnings()[0].contains("cannot be read"), "{:?}", signatures.warnings());
    let judge = signatures.judge(World::default().snapshot(), Timestamp::now());
    assert!(judge.judge(Some(&signed.signed)).unwrap_err().why.contains("cannot be read"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_followed_and_a_fault_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (key, repository) = (ssh::Key::new(folder.path(), "k", &["-t", "ed25519"]), ssh::repository());
    let signed = repository.signed_commit(&key.config(), "ann").signed;
    let file = folder.path().join("allowed");
    fs::write(&file, "# nobody yet\n").unwrap();
    let signatures =
        Signatures::start(SignatureFiles { allowed_signers: Some(file.clone()), ..Default::default() });
    let following = tokio::spawn(signatures.clone().follow(Default::default()));
    let snapshot = World::default().snapshot();
    let judged = || told(&signatures.judge(snapshot.clone(), Timestamp::now()).judge(Some(&signed)).unwrap());
    let until = async |is_so: &dyn Fn() -> bool| {
        while !is_so() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    assert_eq!(judged(), "unknown");
    fs::write(&file, format!("ann@example.com {}\n", key.public())).unwrap();
    until(&|| judged() == "good by <ann@example.com>").await;
    fs::write(&file, "ann@example.com nonsense\n").unwrap();
    until(&|| !signatures.warnings().is_empty()).await;
    assert_eq!(judged(), "good by <ann@example.com>");
    assert!(signatures.warnings()[0].contains("line 1"), "{:?}", signatures.warnings());
    fs::write(&file, "").unwrap();
    until(&|| judged() == "unknown").await;
    assert!(signatures.warnings().is_empty());
    following.abort();
}
