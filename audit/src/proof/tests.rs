use super::*;
use crate::{
    entry::{AdminDenied, Event},
    keys::SigningKey,
    merkle::Frontier,
};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("oam.example.com/node-1".parse().unwrap(), &[seed; 32])
}

fn entry(seq: u64) -> Vec<u8> {
    let time = "2026-11-23T17:21:14.000000Z".parse().unwrap();
    let event = Event::AdminDenied(AdminDenied { actor: "mallory".into(), call: "x".into(), times: 1 });
    Entry::new(seq, time, "oam.example.com/node-1".parse().unwrap(), event).encode().unwrap()
}

fn leaves(size: u64) -> impl Iterator<Item = TreeHash> {
    (0..size).map(|seq| TreeHash::leaf(&entry(seq)))
}

fn checkpoint(size: u64, seed: u8) -> String {
    let mut tree = Frontier::new();
    tree.extend(leaves(size));
    SignedCheckpoint::sign(size, tree.root(), &key(seed)).to_string()
}

fn proof(index: u64, size: u64) -> EntryProof {
    let path = InclusionProof::build(index, size, leaves(size)).unwrap().path;
    EntryProof { entry: entry(index), index, path, checkpoint: checkpoint(size, 1) }
}

#[test]
fn an_entry_is_proved_by_a_text() {
    for (index, size) in [(0, 1), (0, 2), (4, 5), (6, 13)] {
        let text = proof(index, size).to_string();
        let read = EntryProof::parse(&text).unwrap();
        assert_eq!((read.to_string(), &read), (text, &proof(index, size)));
        let (entry, checkpoint) = read.verify(&[key(1).verifier().clone()]).unwrap();
        assert_eq!((entry.seq, checkpoint.size), (index, size));
    }
    let text = proof(0, 2).to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "c2sp.org/tlog-proof@v1");
    assert_eq!(lines[1], format!("extra {}", STANDARD.encode(entry(0))));
    assert_eq!(lines[2..5], ["index 0", &STANDARD.encode(leaves(2).last().unwrap().as_bytes()), ""]);
    assert_eq!(lines[5..].join("\n") + "\n", checkpoint(2, 1));
}

/// After a rotation there are two keys, and nobody needs to say which one has signed.
#[test]
fn one_of_several_keys_is_enough() {
    let (proof, [one, two]) = (proof(4, 13), [1, 2].map(|seed| key(seed).verifier().clone()));
    proof.verify(&[two.clone(), one]).unwrap();
    assert!(proof.verify(&[two]).is_err());
    assert!(proof.verify(&[]).is_err());
}

#[test]
fn a_false_proof_proves_nothing() {
    let good = proof(4, 13);
    let refused = |proof: &EntryProof| proof.verify(&[key(1).verifier().clone()]).unwrap_err().to_string();
    type Edit = fn(&mut EntryProof);
    let edits: [(&str, Edit); 7] = [
        ("another entry", |proof| proof.entry = entry(5)),
        ("another place", |proof| proof.index = 5),
        ("a place beyond the end", |proof| proof.index = 99),
        ("a hash less", |proof| proof.path.truncate(proof.path.len() - 1)),
        ("a hash more", |proof| proof.path.push(TreeHash::empty())),
        ("another key", |proof| proof.checkpoint = checkpoint(13, 2)),
        ("another tree", |proof| proof.checkpoint = checkpoint(12, 1)),
    ];
    for (what, edit) in edits {
        let mut proof = good.clone();
        edit(&mut proof);
        assert!(refused(&proof).contains(';'), "{what}: {}", refused(&proof));
    }
    let text = good.to_string();
    for cut in 0..text.len() {
        let Some(cut) = text.get(..cut) else { continue };
        let proved = EntryProof::parse(cut).and_then(|proof| proof.verify(&[key(1).verifier().clone()]));
        assert!(proved.is_err(), "{cut}");
    }
    for (from, to) in [
        ("index 4", "index 04"),
        ("index 4", "index +4"),
        ("@v1", "@v2"),
        ("extra ", "Extra "),
        ("\nindex", "\n\nindex"),
    ] {
        assert!(EntryProof::parse(&text.replacen(from, to, 1)).is_err(), "{to}");
    }
}

#[test]
fn growth_is_proved_by_a_text() {
    for (old_size, size) in [(0, 1), (1, 1), (3, 7), (4, 8), (7, 13)] {
        let path = ConsistencyProof::build(old_size, size, leaves(size)).unwrap().path;
        let proof = GrowthProof { old_size, path, checkpoint: checkpoint(size, 1) };
        let read = GrowthProof::parse(&proof.to_string()).unwrap();
        assert_eq!(read, proof);
        let signed = SignedCheckpoint::parse(&read.checkpoint).unwrap();
        let later = signed.verify(key(1).verifier()).unwrap();
        let mut old = Frontier::new();
        old.extend(leaves(old_size));
        read.verify(&old.root(), later).unwrap();
        assert!(read.verify(&TreeHash::leaf(b"x"), later).is_err());
    }
    for bad in [
        "",
        "old 1",
        "old 1\n",
        "old x\n\n",
        "old 1\nAAAA\n\n",
        &format!("old 1\n{}\n", "A".repeat(44)),
        "new 1\n\n",
    ] {
        assert!(GrowthProof::parse(bad).is_err(), "{bad:?}");
    }
    let many = format!("old 1\n{}\n", format!("{}\n", STANDARD.encode([0; 32])).repeat(65));
    assert!(matches!(GrowthProof::parse(&many), Err(ProofTextError::TooMany)));
}
