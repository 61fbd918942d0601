//! Signatures by `gpg`.

use oam_proto::v1;
use pgp::{
    composed::{
        ArmorOptions, DetachedSignature, EncryptionCaps, KeyType, SecretKeyParamsBuilder, SignedPublicKey,
        SubkeyParamsBuilder,
    },
    crypto::hash::HashAlgorithm,
    types::{KeyVersion, Password},
};
use rand::thread_rng;

use crate::{
    World, altered,
    gpg::Home,
    repository::{Made, Repository},
    with_signature,
};

/// Ours, where git says so too of a commit.
fn both(world: &World, repository: &Repository, made: &Made) -> String {
    let (is_good, says) = repository.verdict(&[], "verify-commit", &made.id);
    let told = world.told(&made.signed);
    assert_eq!(told.starts_with("good"), is_good, "{told}, and git: {says}");
    told
}

#[test]
fn every_kind_of_key_is_verified() {
    let home = Home::new();
    for format in ["sha1", "sha256"] {
        let repository = Repository::new(format, Some(home.path()));
        for (who, kind) in [("ed", "ed25519"), ("rsa", "rsa2048"), ("p256", "nistp256"), ("p384", "nistp384")]
        {
            if format == "sha1" {
                home.key(who, kind, "sign", "never", None);
            }
            let key = home.fingerprints(who)[0].clone();
            let config = home.config(&key, "");
            let made = repository.signed_commit(&config, who);
            let world = World::default().person(who, &[], &[&home.public(&key)]);
            assert_eq!(both(&world, &repository, &made), format!("good by {who}"));
            let changed = repository.rewritten(&altered(&made.signed));
            assert_eq!(both(&world, &repository, &changed), "invalid", "{kind}");
            let tag = repository.signed_tag(&config, who, who);
            assert!(repository.verdict(&[], "verify-tag", &tag.id).0);
            assert_eq!(world.told(&tag.signed), format!("good by {who}"));
            assert_eq!(world.told(&altered(&tag.signed)), "invalid");
        }
    }
}

#[test]
fn whose_key_it_is_decides_by_whom_it_is() {
    let home = Home::new();
    let repository = Repository::new("sha1", Some(home.path()));
    let key = home.key("ann", "ed25519", "sign", "never", None);
    let public = home.public(&key);
    let made = repository.signed_commit(&home.config(&key, ""), "ann").signed;
    assert_eq!(World::default().told(&made), "unknown");
    assert_eq!(World::default().person("bob", &[], &[&public]).told(&made), "good by bob");
    let both = World::default().person("bob", &[], &[&public]).person("ann", &[], &[&public]);
    assert_eq!(both.told(&made), "good by ann");
}

#[test]
fn a_signature_that_was_changed_does_not_hold() {
    let home = Home::new();
    let repository = Repository::new("sha1", Some(home.path()));
    let key = home.key("ann", "ed25519", "sign", "never", None);
    let world = World::default().person("ann", &[], &[&home.public(&key)]);
    let made = repository.signed_commit(&home.config(&key, ""), "ann");
    let text = String::from_utf8(made.signed.signature.clone()).unwrap();
    for at in (30..text.len() - 30).step_by(13) {
        let mut bytes = text.clone().into_bytes();
        if !bytes[at].is_ascii_alphanumeric() {
            continue;
        }
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = repository.rewritten(&with_signature(&made.signed, bytes));
        let told = world.told(&changed.signed);
        // Some of it is not signed itself; git takes that as well.
        let (is_git_s, says) = repository.verdict(&[], "verify-commit", &changed.id);
        assert!(is_git_s || !told.starts_with("good"), "{at}: {told}, and git: {says}");
    }
    assert_eq!(world.told(&with_signature(&made.signed, format!("{text}and more"))), "invalid");
    assert_eq!(world.told(&with_signature(&made.signed, format!("{text}{text}"))), "invalid");
}

#[test]
fn keys_expire() {
    let home = Home::new();
    let repository = Repository::new("sha1", Some(home.path()));
    let key = home.key("ann", "ed25519", "sign", "2026-01-01", Some("20240101T000000"));
    let sign = |at: &str| {
        let config = home.config(&key, &format!("--faked-system-time={at}!"));
        repository.signed_commit(&config, "ann").signed
    };
    let (early, late) = (sign("20240701T000000"), sign("20250701T000000"));
    let until_2026 = World::default().person("ann", &[], &[&home.public(&key)]);
    // Made in time: git says no more than that the key has expired since.
    assert_eq!([&early, &late].map(|signed| until_2026.told(signed)), ["good by ann", "good by ann"]);
    home.run(&["--faked-system-time=20240201T000000!", "--quick-set-expire", &key, "2025-01-01"], "");
    let until_2025 = World::default().person("ann", &[], &[&home.public(&key)]);
    assert_eq!([&early, &late].map(|signed| until_2025.told(signed)), ["good by ann", "expired"]);
    let late = repository.rewritten(&late);
    let (is_good, says) = repository.verdict(&[], "verify-commit", &late.id);
    assert!(!is_good && says.contains("EXPKEYSIG"), "{says}");
}

#[test]
fn a_revoked_key_has_never_been_good() {
    let home = Home::new();
    let repository = Repository::new("sha1", Some(home.path()));
    let key = home.key("ann", "ed25519", "sign", "never", None);
    let made = repository.signed_commit(&home.config(&key, ""), "ann");
    let before = World::default().person("ann", &[], &[&home.public(&key)]);
    assert_eq!(both(&before, &repository, &made), "good by ann");
    home.revoke(&key);
    let after = World::default().person("ann", &[], &[&home.public(&key)]);
    assert_eq!(both(&after, &repository, &made), "revoked");
}

#[test]
fn subkeys_sign_for_their_key() {
    let home = Home::new();
    let repository = Repository::new("sha1", Some(home.path()));
    let key = home.key("ann", "ed25519", "cert", "never", None);
    home.run(&["--quick-add-key", &key, "ed25519", "sign", "never"], "");
    home.run(&["--quick-add-key", &key, "rsa2048", "sign", "never"], "");
    let [_, first, second] = home.fingerprints("ann").try_into().unwrap();
    let [of_first, of_second] =
        [&first, &second].map(|key| repository.signed_commit(&home.config(key, ""), "ann"));
    let world = World::default().person("ann", &[], &[&home.public(&key)]);
    assert_eq!(
        [&of_first, &of_second].map(|made| both(&world, &repository, made)),
        ["good by ann", "good by ann"]
    );
    let commands = "key 1\nrevkey\ny\n0\n\ny\nsave\n";
    home.run(&["--command-fd", "0", "--edit-key", &key], commands);
    let world = World::default().person("ann", &[], &[&home.public(&key)]);
    assert_eq!(
        [&of_first, &of_second].map(|made| both(&world, &repository, made)),
        ["revoked", "good by ann"]
    );
    home.revoke(&key);
    let world = World::default().person("ann", &[], &[&home.public(&key)]);
    assert_eq!([&of_first, &of_second].map(|made| both(&world, &repository, made)), ["revoked", "revoked"]);
}

#[test]
fn what_is_weak_or_more_than_one_is_not_relied_upon() {
    let home = Home::new();
    let repository = Repository::new("sha1", Some(home.path()));
    let [ann, bob] = ["ann", "bob"].map(|who| home.key(who, "rsa2048", "sign", "never", None));
    let world =
        World::default().person("ann", &[], &[&home.public(&ann)]).person("bob", &[], &[&home.public(&bob)]);
    for (options, says) in [
        ("--digest-algo SHA512", "good by ann"),
        ("--digest-algo SHA1", "invalid"),
        ("--digest-algo SHA224", "invalid"),
        (&format!("-u {bob}"), "invalid"),
    ] {
        let made = repository.signed_commit(&home.config(&ann, options), "ann");
        assert_eq!(world.told(&made.signed), says, "{options}");
    }
    let weak = home.key("weak", "rsa1024", "sign", "never", None);
    let made = repository.signed_commit(&home.config(&weak, ""), "weak");
    assert_eq!(World::default().person("weak", &[], &[&home.public(&weak)]).told(&made.signed), "invalid");
}

/// No gpg of today makes these, so they are made here.
#[test]
fn keys_of_version_6_are_verified() {
    let signing = || {
        SubkeyParamsBuilder::default()
            .version(KeyVersion::V6)
            .key_type(KeyType::Ed25519)
            .can_sign(true)
            .can_encrypt(EncryptionCaps::None)
            .build()
            .unwrap()
    };
    let key = SecretKeyParamsBuilder::default()
        .version(KeyVersion::V6)
        .key_type(KeyType::Ed25519)
        .can_certify(true)
        .can_sign(false)
        .can_encrypt(EncryptionCaps::None)
        .primary_user_id("Ann <ann@example.com>".into())
        .subkeys(vec![signing()])
        .build()
        .unwrap()
        .generate(thread_rng())
        .unwrap();
    let public = SignedPublicKey::from(key.clone()).to_armored_string(ArmorOptions::default()).unwrap();
    let world = World::default().person("ann", &[], &[&public]);
    let payload = b"tree 1\ncommitter Ann <ann@example.com> 1767225600 +0000\n\nAdd a thing\n".to_vec();
    let sign = |key: &dyn Fn() -> DetachedSignature| {
        let signature = key().to_armored_string(ArmorOptions::default()).unwrap().into();
        v1::Signed { signature, payload: payload.clone(), too_large: false }
    };
    let (none, hash) = (Password::empty(), HashAlgorithm::Sha512);
    let by_subkey = sign(&|| {
        let subkey = &key.secret_subkeys[0].key;
        DetachedSignature::sign_binary_data(thread_rng(), subkey, &none, hash, &payload[..]).unwrap()
    });
    assert_eq!(world.told(&by_subkey), "good by ann");
    assert_eq!(world.told(&altered(&by_subkey)), "invalid");
    assert_eq!(World::default().told(&by_subkey), "unknown");
    // The primary key of this one certifies only.
    let by_primary = sign(&|| {
        let primary = &key.primary_key;
        DetachedSignature::sign_binary_data(thread_rng(), primary, &none, hash, &payload[..]).unwrap()
    });
    assert_eq!(world.told(&by_primary), "invalid");
}
