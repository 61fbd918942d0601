use super::*;
use crate::{
    keys::{CosigningKey, SigningKey},
    merkle::{ConsistencyProof, Frontier},
};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("oam.example.com/node-1".parse().unwrap(), &[seed; 32])
}

/// A log whose entries are numbers, from some index on other ones.
fn leaves(size: u64, forked_at: u64) -> impl Iterator<Item = TreeHash> {
    (0..size).map(move |n| TreeHash::leaf(format!("{n} {}", n >= forked_at).as_bytes()))
}

fn root(size: u64, forked_at: u64) -> TreeHash {
    let mut tree = Frontier::new();
    tree.extend(leaves(size, forked_at));
    tree.root()
}

fn request(old_size: u64, size: u64, forked_at: u64, seed: u8) -> GrowthProof {
    let path = match ConsistencyProof::build(old_size, size, leaves(size, forked_at)) {
        Ok(proof) => proof.path,
        Err(_) => Vec::new(),
    };
    let checkpoint = SignedCheckpoint::sign(size, root(size, forked_at), &key(seed)).to_string();
    GrowthProof { old_size, path, checkpoint }
}

const HONEST: u64 = u64::MAX;

fn judged(request: &GrowthProof, size: u64) -> Result<u64, u16> {
    let seen = Seen { size, root: root(size, HONEST), key: None };
    let judged = judge(request, &[key(1).verifier().clone()], |_| seen);
    judged.map(|(_, seen)| seen.size).map_err(|refusal| refusal.status())
}

#[test]
fn only_what_continues_is_cosigned() {
    for (old, new) in [(0, 1), (0, 9), (1, 1), (1, 8), (5, 9), (8, 16), (9, 9)] {
        assert_eq!(judged(&request(old, new, HONEST, 1), old), Ok(new), "{old} to {new}");
    }
    assert_eq!(judged(&request(0, 0, HONEST, 1), 0), Ok(0));
    assert_eq!(judged(&request(5, 9, HONEST, 1), 7), Err(409), "it has seen more");
    assert_eq!(judged(&request(5, 5, HONEST, 1), 7), Err(409), "a rollback");
    assert_eq!(judged(&request(7, 5, HONEST, 1), 7), Err(400), "a rollback that says so");
    assert_eq!(judged(&request(7, 7, 3, 1), 7), Err(409), "a fork of the same size");
    assert_eq!(judged(&request(7, 9, 3, 1), 7), Err(422), "a fork that grew");
    assert_eq!(judged(&request(0, 9, HONEST, 2), 0), Err(403), "another key");
    let mut more = request(0, 9, HONEST, 1);
    more.path.push(TreeHash::empty());
    assert_eq!(judged(&more, 0), Err(422), "a proof where none belongs");
    let mut less = request(5, 9, HONEST, 1);
    less.path.pop();
    assert_eq!(judged(&less, 5), Err(422));
    let other = SigningKey::from_seed("other".parse().unwrap(), &[1; 32]);
    let checkpoint = SignedCheckpoint::sign(1, root(1, HONEST), &other).to_string();
    assert_eq!(judged(&GrowthProof { old_size: 0, path: vec![], checkpoint }, 0), Err(404));
    assert_eq!(judged(&GrowthProof { old_size: 0, path: vec![], checkpoint: String::new() }, 0), Err(400));
}

/// Keys of one log are given in their order.
#[test]
fn a_key_that_was_given_up_is_of_no_use() {
    let keys = [1, 2].map(|seed| key(seed).verifier().clone());
    let seen = |size, seed: Option<usize>| Seen {
        size,
        root: root(size, HONEST),
        key: seed.map(|seed| keys[seed - 1].clone()),
    };
    let judged = |request: &GrowthProof, seen: &Seen| {
        judge(request, &keys, |_| seen.clone()).map(|(_, seen)| seen.key).map_err(|refusal| refusal.status())
    };
    let by = |seed: usize| Ok(Some(keys[seed - 1].clone()));
    assert_eq!(judged(&request(0, 5, HONEST, 1), &seen(0, None)), by(1));
    assert_eq!(judged(&request(5, 7, HONEST, 1), &seen(5, Some(1))), by(1));
    assert_eq!(judged(&request(5, 7, HONEST, 2), &seen(5, Some(1))), by(2), "the next one");
    assert_eq!(judged(&request(5, 7, HONEST, 2), &seen(5, Some(2))), by(2));
    assert_eq!(judged(&request(5, 7, HONEST, 1), &seen(5, Some(2))), Err(403), "and not back");
    let both = SignedCheckpoint::sign(7, root(7, HONEST), &key(1)).and_sign(&key(2)).to_string();
    let both = GrowthProof { checkpoint: both, ..request(5, 7, HONEST, 1) };
    assert_eq!(judged(&both, &seen(5, Some(1))), by(2), "the later one counts");
}

#[test]
fn cosignatures_are_added_and_verified() {
    let witness = |name: &str, seed| CosigningKey::from_seed(name.parse().unwrap(), &[seed; 32]);
    let (one, two, stranger) = (witness("w1.example", 1), witness("w2.example", 2), witness("w3.example", 3));
    let known = [one.verifier().clone(), two.verifier().clone()];
    let signed = SignedCheckpoint::sign(9, root(9, HONEST), &key(1));
    let lines = [&one, &stranger, &two].map(|key| key.cosign(&signed, 1_700_000_000)).concat();
    let cosigned = signed.with_cosignatures(&lines, &known).unwrap();
    let read = SignedCheckpoint::parse(&cosigned.to_string()).unwrap();
    assert_eq!(read.verify(key(1).verifier()).unwrap().size, 9, "still the log's");
    for key in &known {
        assert_eq!(read.cosigned_by(key).unwrap(), 1_700_000_000);
    }
    assert!(read.cosigned_by(stranger.verifier()).is_err(), "nobody asked for that one");
    assert_eq!(read.to_string().matches("w1.example").count(), 1);
    let again = read.with_cosignatures(&one.cosign(&signed, 1_700_000_001), &known).unwrap();
    assert_eq!(again.cosigned_by(one.verifier()).unwrap(), 1_700_000_001, "the later one counts");
    assert_eq!(again.to_string().matches("w1.example").count(), 1);

    let other = SignedCheckpoint::sign(8, root(8, HONEST), &key(1));
    assert!(other.with_cosignatures(&lines, &known).is_err(), "of another checkpoint");
    assert!(signed.with_cosignatures("nonsense", &known).is_err());
    let moved = one.cosign(&signed, 1).replace("w1.example", "w2.example");
    assert!(signed.with_cosignatures(&moved, &known).unwrap().cosigned_by(two.verifier()).is_err());
}

#[test]
fn keys_of_witnesses_are_not_those_of_logs() {
    let witness = CosigningKey::from_seed("w1.example".parse().unwrap(), &[1; 32]);
    let text = witness.verifier().to_string();
    assert_eq!(text.parse::<crate::keys::CosignerKey>().unwrap(), *witness.verifier());
    assert!(text.parse::<VerifierKey>().is_err());
    let secret = witness.expose_secret_text();
    assert_eq!(secret.parse::<CosigningKey>().unwrap().verifier(), witness.verifier());
    assert!(secret.parse::<SigningKey>().is_err());
    assert!(!format!("{witness:?}").contains(secret.rsplit('+').next().unwrap()));
}
