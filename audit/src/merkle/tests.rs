use proptest::prelude::*;

use super::{proof::ProofError, *};

/// The leaves and roots that the Certificate Transparency projects test RFC 6962 with.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn vector_leaves() -> Vec<TreeHash> {
    LEAVES.iter().map(|leaf| TreeHash::leaf(&hex::decode(leaf).unwrap())).collect()
}

/// RFC 6962, section 2.1, word for word.
fn naive_root(leaves: &[TreeHash]) -> TreeHash {
    match leaves {
        [] => TreeHash::empty(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(naive_split(leaves.len()));
            TreeHash::node(&naive_root(left), &naive_root(right))
        }
    }
}

fn naive_split(size: usize) -> usize {
    (0..).map(|bit| 1 << bit).take_while(|&power| power < size).last().unwrap()
}

/// RFC 6962, section 2.1.1.
fn naive_path(index: usize, leaves: &[TreeHash]) -> Vec<TreeHash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let k = naive_split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, sibling) =
        if index < k { (naive_path(index, left), right) } else { (naive_path(index - k, right), left) };
    path.push(naive_root(sibling));
    path
}

/// RFC 6962, section 2.1.2: SUBPROOF.
fn naive_subproof(old: usize, leaves: &[TreeHash], complete: bool) -> Vec<TreeHash> {
    if old == leaves.len() {
        return if complete { vec![] } else { vec![naive_root(leaves)] };
    }
    let k = naive_split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, sibling) = if old <= k {
        (naive_subproof(old, left, complete), right)
    } else {
        (naive_subproof(old - k, right, false), left)
    };
    proof.push(naive_root(sibling));
    proof
}

fn leaves(count: usize) -> Vec<TreeHash> {
    (0..count).map(|n| TreeHash::leaf(&n.to_be_bytes())).collect()
}

fn root(leaves: &[TreeHash]) -> TreeHash {
    let mut frontier = Frontier::new();
    frontier.extend(leaves.iter().copied());
    assert_eq!(frontier.size(), leaves.len() as u64);
    frontier.root()
}

#[test]
fn published_vectors_hold() {
    let leaves = vector_leaves();
    for (size, expected) in ROOTS.iter().enumerate() {
        assert_eq!(root(&leaves[..size]).to_string(), *expected, "size {size}");
    }
}

#[test]
fn published_proofs_hold() {
    let path = |hashes: &[&str]| hashes.iter().map(|hash| hash.parse().unwrap()).collect::<Vec<TreeHash>>();
    let proof = InclusionProof::build(5, 8, vector_leaves()).unwrap();
    let expected = [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(proof.path, path(&expected));

    let proof = ConsistencyProof::build(6, 8, vector_leaves()).unwrap();
    let expected = [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ];
    assert_eq!(proof.path, path(&expected));
}

/// Every index of every tree of up to 70 leaves, against the definitions.
#[test]
fn proofs_are_those_of_the_definition() {
    let all = leaves(70);
    for size in 1..=70 {
        let (leaves, n) = (&all[..size], size as u64);
        let root = root(leaves);
        assert_eq!(root, naive_root(leaves));
        for (index, leaf) in leaves.iter().enumerate() {
            let proof = InclusionProof::build(index as u64, n, all.clone()).unwrap();
            assert_eq!(proof.path, naive_path(index, leaves));
            proof.verify(leaf, &root).unwrap();
        }
        for old in 1..=size {
            let proof = ConsistencyProof::build(old as u64, n, all.clone()).unwrap();
            assert_eq!(proof.path, naive_subproof(old, leaves, true), "{old} of {size}");
            proof.verify(&naive_root(&leaves[..old]), &root).unwrap();
        }
        let from_nothing = ConsistencyProof::build(0, n, all.clone()).unwrap();
        from_nothing.verify(&TreeHash::empty(), &root).unwrap();
        assert!(from_nothing.verify(&root, &root).is_err());
    }
}

#[test]
fn impossible_proofs_are_errors() {
    let five = leaves(5);
    assert_eq!(
        InclusionProof::build(5, 5, five.clone()),
        Err(ProveError::IndexBeyondTree { index: 5, size: 5 })
    );
    assert_eq!(
        InclusionProof::build(0, 6, five.clone()),
        Err(ProveError::LeavesRanOut { leaves: 5, size: 6 })
    );
    assert_eq!(
        ConsistencyProof::build(6, 5, five.clone()),
        Err(ProveError::TreeShrinks { old_size: 6, size: 5 })
    );

    let root = root(&five);
    let shape = |hashes| Err(ProofError::Shape { hashes });
    assert_eq!(InclusionProof { index: 5, size: 5, path: vec![] }.verify(&root, &root), shape(0));
    assert_eq!(InclusionProof { index: 0, size: 0, path: vec![] }.verify(&root, &root), shape(0));
    let far = InclusionProof { index: u64::MAX - 1, size: u64::MAX, path: vec![root; 200] };
    assert_eq!(far.verify(&root, &root), shape(200));
    assert_eq!(ConsistencyProof { old_size: 6, size: 5, path: vec![] }.verify(&root, &root), shape(0));
    assert_eq!(ConsistencyProof { old_size: 5, size: 5, path: vec![root] }.verify(&root, &root), shape(1));
    assert_eq!(ConsistencyProof { old_size: 3, size: 5, path: vec![] }.verify(&root, &root), shape(0));
    assert!(ConsistencyProof { old_size: 5, size: 5, path: vec![] }.verify(&five[0], &root).is_err());
    let far = ConsistencyProof { old_size: 1 << 63, size: u64::MAX, path: vec![root; 200] };
    assert_eq!(far.verify(&root, &root), shape(200));
}

/// One of the ways in which a proof can be wrong.
fn spoil(path: &mut Vec<TreeHash>, at: prop::sample::Index, how: u8) {
    let other = TreeHash::leaf(b"other");
    match (how % 4, path.len()) {
        (0, n) if n > 0 => path[at.index(n)] = other,
        (1, n) if n > 0 => drop(path.remove(at.index(n))),
        (2, n) if n > 1 => path.swap(at.index(n), (at.index(n) + 1) % n),
        (_, n) => path.insert(at.index(n + 1), other),
    }
}

proptest! {
    #[test]
    fn spoilt_inclusion_proofs_fail(size in 1_usize..300, index: prop::sample::Index, at: prop::sample::Index, how: u8) {
        let all = leaves(size);
        let (index, root) = (index.index(size), naive_root(&all));
        let good = InclusionProof::build(index as u64, size as u64, all.clone()).unwrap();
        let leaf = all[index];
        prop_assert_eq!(good.verify(&leaf, &root), Ok(()));
        prop_assert!(good.verify(&TreeHash::leaf(b"other"), &root).is_err());
        prop_assert!(good.verify(&leaf, &TreeHash::empty()).is_err());

        let mut bad = good.clone();
        spoil(&mut bad.path, at, how);
        prop_assert!(bad.path == good.path || bad.verify(&leaf, &root).is_err());
        let elsewhere = InclusionProof { index: at.index(size) as u64, ..good.clone() };
        prop_assert!(elsewhere == good || elsewhere.verify(&leaf, &root).is_err());
    }

    #[test]
    fn spoilt_consistency_proofs_fail(size in 2_usize..300, old: prop::sample::Index, at: prop::sample::Index, how: u8) {
        let all = leaves(size);
        let old = 1 + old.index(size - 1);
        let (old_root, root) = (naive_root(&all[..old]), naive_root(&all));
        let good = ConsistencyProof::build(old as u64, size as u64, all).unwrap();
        prop_assert_eq!(good.verify(&old_root, &root), Ok(()));
        prop_assert!(good.verify(&TreeHash::empty(), &root).is_err());
        prop_assert!(good.verify(&old_root, &TreeHash::empty()).is_err());

        let mut bad = good.clone();
        spoil(&mut bad.path, at, how);
        prop_assert!(bad == good || bad.verify(&old_root, &root).is_err());
    }

    #[test]
    fn hashes_survive_their_text(bytes: [u8; 32]) {
        let hash = TreeHash::from_bytes(bytes);
        prop_assert_eq!(hash.to_string().parse::<TreeHash>().unwrap(), hash);
    }
}
