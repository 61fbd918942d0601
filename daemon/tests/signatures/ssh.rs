//! Signatures by `ssh-keygen`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    World, altered,
    repository::{Config, Made, Repository},
    with_signature,
};

/// A pair of keys in files.
pub(crate) struct Key(PathBuf);

impl Key {
    pub(crate) fn new(folder: &Path, name: &str, kind: &[&str]) -> Self {
        let path = folder.join(name);
        let output = Command::new("ssh-keygen")
            .args(["-q", "-N", "", "-C", "somebody", "-f"])
            .arg(&path)
            .args(kind)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(path)
    }

    pub(crate) fn public(&self) -> String {
        fs::read_to_string(self.0.with_extension("pub")).unwrap().trim().to_owned()
    }

    /// What makes git sign with it.
    pub(crate) fn config(&self) -> Config {
        vec!["gpg.format=ssh".into(), format!("user.signingKey={}", self.0.display())]
    }

    /// A signature of a file for another purpose, or with another hash.
    fn sign(&self, payload: &[u8], namespace: &str, options: &[&str]) -> String {
        let file = self.0.with_extension("payload");
        fs::write(&file, payload).unwrap();
        let signature = PathBuf::from(format!("{}.sig", file.display()));
        let _ = fs::remove_file(&signature);
        let output = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(&self.0)
            .args(options)
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read_to_string(signature).unwrap()
    }
}

pub(crate) fn repository() -> Repository {
    Repository::new("sha1", None)
}

/// Verdicts of ours and of git's, by the same file of allowed signers.
struct Both<'a> {
    folder: &'a Path,
    repository: &'a Repository,
}

impl Both<'_> {
    /// Ours, where git says that too.
    fn told(&self, allowed: &str, revoked: &str, made: &Made) -> String {
        let [signers, keys] = [("allowed", allowed), ("revoked", revoked)].map(|(name, text)| {
            let path = self.folder.join(name);
            fs::write(&path, text).unwrap();
            path
        });
        let config = vec![
            "gpg.format=ssh".to_owned(),
            format!("gpg.ssh.allowedSignersFile={}", signers.display()),
            format!("gpg.ssh.revocationFile={}", keys.display()),
        ];
        let (is_good, says) = self.repository.verdict(&config, "verify-commit", &made.id);
        let mut world = World::default();
        world.files.allowed_signers = Some(signers);
        world.files.revoked_keys = Some(keys);
        let told = world.told(&made.signed);
        assert_eq!(told.starts_with("good"), is_good, "{told}, and git: {says}");
        told
    }
}

#[test]
fn every_kind_of_key_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["sha1", "sha256"] {
        let repository = Repository::new(format, None);
        let both = Both { folder: folder.path(), repository: &repository };
        for (name, kind) in [
            ("ed25519", &["-t", "ed25519"][..]),
            ("p256", &["-t", "ecdsa", "-b", "256"]),
            ("p384", &["-t", "ecdsa", "-b", "384"]),
            ("p521", &["-t", "ecdsa", "-b", "521"]),
            ("rsa", &["-t", "rsa", "-b", "2048"]),
        ] {
            let key = Key::new(folder.path(), &format!("{format}-{name}"), kind);
            let made = repository.signed_commit(&key.config(), "ann");
            let allowed = format!("ann@example.com {}\n", key.public());
            assert_eq!(both.told(&allowed, "", &made), "good by <ann@example.com>", "{name}");
            // By the directory.
            let world = World::default().person("ann", &[&key.public()], &[]);
            assert_eq!(world.told(&made.signed), "good by ann", "{name}");
            assert_eq!(world.told(&altered(&made.signed)), "invalid", "{name}");
            let tag = repository.signed_tag(&key.config(), "ann", name);
            assert_eq!(world.told(&tag.signed), "good by ann", "{name}");
            assert_eq!(world.told(&altered(&tag.signed)), "invalid", "{name}");
            for hash in ["sha256", "sha512"] {
                let signature = key.sign(&made.signed.payload, "git", &["-O", &format!("hashalg={hash}")]);
                let again = repository.rewritten(&with_signature(&made.signed, signature));
                assert_eq!(both.told(&allowed, "", &again), "good by <ann@example.com>", "{name} {hash}");
            }
        }
    }
}

#[test]
fn what_is_not_to_be_relied_upon_git_does_not_rely_upon_either() {
    let folder = tempfile::tempdir().unwrap();
    let repository = repository();
    let both = Both { folder: folder.path(), repository: &repository };
    let [ann, bob] = ["ann", "bob"].map(|name| Key::new(folder.path(), name, &["-t", "ed25519"]));
    let made = repository.signed_commit(&ann.config(), "ann");
    let allowed = |options: &str| format!("ann@example.com {options}{}\n", ann.public());
    assert_eq!(both.told(&allowed(""), "", &made), "good by <ann@example.com>");
    assert_eq!(both.told(&format!("bob@example.com {}\n", bob.public()), "", &made), "unknown");
    assert_eq!(both.told(&allowed(""), &format!("{}\n", ann.public()), &made), "revoked");
    assert_eq!(
        both.told(&allowed(""), &format!("# old\n{}\n", bob.public()), &made),
        "good by <ann@example.com>"
    );
    // It claims to be made on 2026-11-01.
    assert_eq!(both.told(&allowed("valid-before=\"20260601\" "), "", &made), "expired");
    assert_eq!(both.told(&allowed("valid-before=\"20261201\" "), "", &made), "good by <ann@example.com>");
    assert_eq!(both.told(&allowed("valid-after=\"20261101120001Z\" "), "", &made), "expired");
    assert_eq!(both.told(&allowed("namespaces=\"file\" "), "", &made), "unknown");
    assert_eq!(both.told(&allowed("namespaces=\"file,git\" "), "", &made), "good by <ann@example.com>");
    let changed = repository.rewritten(&altered(&made.signed));
    assert_eq!(both.told(&allowed(""), "", &changed), "invalid");
    let for_files = with_signature(&made.signed, ann.sign(&made.signed.payload, "file", &[]));
    assert_eq!(both.told(&allowed(""), "", &repository.rewritten(&for_files)), "invalid");
    let text = String::from_utf8(made.signed.signature.clone()).unwrap();
    for more in ["x", &text] {
        let longer = repository.rewritten(&with_signature(&made.signed, format!("{text}{more}")));
        assert_eq!(World::default().person("ann", &[&ann.public()], &[]).told(&longer.signed), "invalid");
    }
    for at in (60..text.len() - 40).step_by(17) {
        let mut bytes = text.clone().into_bytes();
        if bytes[at].is_ascii_alphanumeric() {
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        }
        if bytes == text.as_bytes() {
            continue;
        }
        let flipped = repository.rewritten(&with_signature(&made.signed, bytes));
        let told = both.told(&allowed(""), "", &flipped);
        assert!(!told.starts_with("good"), "{at}: {told}");
    }
}

#[test]
fn whose_key_it_is_decides_by_whom_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let repository = repository();
    let [ann, bob] = ["ann", "bob"].map(|name| Key::new(folder.path(), name, &["-t", "ed25519"]));
    let by_ann = repository.signed_commit(&ann.config(), "ann").signed;
    let by_bob_as_ann = repository.signed_commit(&bob.config(), "ann").signed;
    let world = World::default().person("ann", &[&ann.public()], &[]).person(
        "bob",
        &[&bob.public(), &ann.public()],
        &[],
    );
    // Of several who have the key, the committer.
    assert_eq!(world.told(&by_ann), "good by ann");
    assert_eq!(world.told(&by_bob_as_ann), "good by bob");
    let told = |allowed: String, world: World| {
        let file = folder.path().join("allowed");
        fs::write(&file, allowed).unwrap();
        let files = oam_daemon::signature::SignatureFiles { allowed_signers: Some(file), revoked_keys: None };
        World { files, ..world }.told(&by_ann)
    };
    let person = || World::default().person("ann", &[], &[]);
    // An address or a name of somebody in the directory is theirs.
    assert_eq!(told(format!("ANN@example.com {}\n", ann.public()), person()), "good by ann");
    assert_eq!(told(format!("ann {}\n", ann.public()), person()), "good by ann");
    assert_eq!(told(format!("*@example.com {}\n", ann.public()), person()), "good by ann");
    assert_eq!(
        told(format!("*@example.com {}\n", ann.public()), World::default()),
        "good by <ann@example.com>"
    );
    let but_ann = format!("*@example.com,!ann@example.com {}\n", ann.public());
    assert_eq!(told(but_ann, person()), "good by <*@example.com,!ann@example.com>");
    assert_eq!(told(format!("ci@example.com {}\n", ann.public()), person()), "good by <ci@example.com>");
}

#[test]
fn weak_keys_are_not_relied_upon() {
    let folder = tempfile::tempdir().unwrap();
    let repository = repository();
    let weak = Key::new(folder.path(), "weak", &["-t", "rsa", "-b", "1024"]);
    let made = repository.signed_commit(&weak.config(), "ann");
    assert_eq!(World::default().told(&made.signed), "invalid");
    assert!(oam_policy::snapshot::SshKey::parse(&weak.public()).is_err());
}
