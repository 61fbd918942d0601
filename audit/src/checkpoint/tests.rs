use proptest::prelude::*;

use super::*;
use crate::entry::strategies;

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name.parse().unwrap(), &[7; 32])
}

fn signed() -> SignedCheckpoint {
    SignedCheckpoint::sign(42, TreeHash::empty(), &key("oam.example.com/node-1"))
}

#[test]
fn checkpoints_read_well() {
    insta::assert_snapshot!(signed().to_string(), @"
    oam.example.com/node-1
    42
    47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=

    — oam.example.com/node-1 oJaLVFuW1y9Ak0BgVc5e3h+UdW7s3t0eZv1bJRMt27G5xFlRdN761m3ydPVUtyWyvyXfijDrKF/m9ijiLOSS5mmQvwg=
    ");
    insta::assert_snapshot!(key("oam.example.com/node-1").verifier().to_string(), @"oam.example.com/node-1+a0968b54+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs");
}

/// Body by body, signed as it stands.
#[test]
fn bodies_are_strict() {
    let good = signed().claimed.to_text();
    let parse =
        |text: String| SignedCheckpoint::parse(&Note::sign(text, &key("log")).to_string()).map(|_| ());
    assert_eq!(parse(good.clone()), Ok(()));
    let edits = [
        ("\n42\n", "\n042\n"),
        ("\n42\n", "\n+42\n"),
        ("\n42\n", "\n-42\n"),
        ("\n42\n", "\n42 \n"),
        ("\n42\n", "\n\n"),
        ("\n42\n", "\n18446744073709551616\n"),
        ("\n42\n", "\n"),
        ("47DE", "47D"),
        ("uFU=", "uFU"),
        ("uFU=", "uFV="),
        ("uFU=\n", "uFU=\nextension\n"),
        ("uFU=\n", "uFU=\n\n"),
        ("oam.", "oam "),
        ("oam.example.com/node-1", ""),
    ];
    for (from, to) in edits {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from:?}");
        assert!(parse(bad.clone()).is_err(), "{bad:?}");
    }
}

#[test]
fn a_key_speaks_for_its_own_log_only() {
    let other = key("other");
    let text = signed().claimed.to_text();
    let borrowed = SignedCheckpoint::parse(&Note::sign(text, &other).to_string()).unwrap();
    let error = borrowed.verify(other.verifier()).unwrap_err();
    assert!(matches!(error, CheckpointError::Origin { .. }), "{error}");
    let error = signed().verify(other.verifier()).unwrap_err();
    assert!(matches!(error, CheckpointError::Signature(SignatureError::Missing { .. })), "{error}");
}

proptest! {
    #[test]
    fn checkpoints_survive_the_round_trip(size: u64, root: [u8; 32], seed: [u8; 32], name in strategies::name()) {
        let key = SigningKey::from_seed(name, &seed);
        let signed = SignedCheckpoint::sign(size, TreeHash::from_bytes(root), &key);
        let parsed = SignedCheckpoint::parse(&signed.to_string()).unwrap();
        prop_assert_eq!(&parsed, &signed);
        let verifier: VerifierKey = key.verifier().to_string().parse().unwrap();
        let checkpoint = parsed.verify(&verifier).unwrap();
        prop_assert_eq!((checkpoint.size, checkpoint.root), (size, TreeHash::from_bytes(root)));
        let again: SigningKey = key.expose_secret_text().parse().unwrap();
        prop_assert_eq!(again.verifier(), &verifier);
    }

    /// No single byte of a checkpoint can be changed unseen.
    #[test]
    fn every_byte_counts(at: prop::sample::Index, byte: u8) {
        let good = signed().to_string();
        let mut bytes = good.clone().into_bytes();
        bytes[at.index(good.len())] = byte;
        if let Ok(text) = String::from_utf8(bytes) && text != good {
            let taken = SignedCheckpoint::parse(&text)
                .is_ok_and(|parsed| parsed.verify(key("oam.example.com/node-1").verifier()).is_ok());
            prop_assert!(!taken, "{}", text);
        }
    }

    #[test]
    fn bytes_from_outside_never_panic(text: String) {
        let _ = SignedCheckpoint::parse(&text);
        let _ = text.parse::<VerifierKey>();
    }
}
