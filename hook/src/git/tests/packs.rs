//! Packs of real git, read as git reads them.

use std::fs;

use gix_pack::index;
use proptest::prelude::*;

use super::{Raw, id, places};
use crate::{
    git::{Objects, pack_index::lookup},
    testing::Git,
};

/// A file that changes from commit to commit, so that its trees are deltas of each other; the last commit's id.
fn changing(git: &Git, commits: usize) -> String {
    let mut stream = String::new();
    for number in 0..commits {
        let content = number.to_string();
        stream.push_str(&format!(
            "commit refs/heads/main\ncommitter c <c> {} +0000\ndata 1\nx\nM 100644 inline {}/{}\ndata {}\n{content}\n",
            1_700_000_000 + number,
            number % 7,
            number % 40,
            content.len(),
        ));
    }
    git.feed(&["fast-import", "--quiet"], stream.as_bytes());
    git.run(&["rev-parse", "main"])
}

#[test]
fn whatever_the_deltas_objects_are_those_of_git() {
    for (format, depth) in [("sha1", "250"), ("sha1", "1"), ("sha256", "50")] {
        let git = Git::init(&[&format!("--object-format={format}")]);
        git.run(&["config", "fastimport.unpackLimit", "1"]);
        changing(&git, 400);
        git.run(&["repack", "-adfq", "--depth", depth]);
        for many in [false, true] {
            if many {
                git.run(&["multi-pack-index", "write"]);
            }
            let raw = Raw::of(&git);
            let objects = Objects::open(&places(&git, &[])).unwrap();
            let mut buffer = Vec::new();
            let mut read = 0;
            for (id, content) in &raw.0 {
                // Blobs are not read.
                let Ok(kind) = objects.read(*id, &mut buffer) else { continue };
                assert_eq!(buffer, **content, "{id}");
                let (again, shared) = objects.share(*id).unwrap();
                assert_eq!((again, &shared[..]), (kind, &content[..]), "{id}");
                assert_eq!(objects.size(*id).unwrap(), (kind, content.len() as u64));
                read += 1;
            }
            assert!(read > 1_000, "{read}");
        }
    }
}

#[test]
fn an_index_is_searched_as_gitoxide_searches_it() {
    let git = Git::init(&[]);
    git.run(&["config", "fastimport.unpackLimit", "1"]);
    changing(&git, 700);
    git.run(&["repack", "-adq"]);
    let mut files = fs::read_dir(git.path("objects/pack")).unwrap().map(|file| file.unwrap().path());
    let path = files.find(|path| path.extension().is_some_and(|end| end == "idx")).unwrap();
    let file = index::File::at(path, gix_hash::Kind::Sha1).unwrap();
    assert!(file.num_objects() > 2_000);
    for entry in 0..file.num_objects() {
        let there = file.oid_at_index(entry).to_owned();
        assert_eq!(lookup(&file, &there), Some(entry));
        for place in [0, 1, 10, 19] {
            let mut beside = there;
            beside.as_mut_slice()[place] ^= 1;
            assert_eq!(lookup(&file, &beside), file.lookup(beside), "{beside}");
        }
    }
    for id in ["0".repeat(40), "f".repeat(40)] {
        assert_eq!(lookup(&file, &gix_hash::ObjectId::from_hex(id.as_bytes()).unwrap()), None);
    }
}

/// Ids that are not spread evenly at all.
#[test]
fn an_index_that_is_lopsided_is_searched_as_well() {
    proptest!(ProptestConfig::with_cases(64), |(mut firsts in prop::collection::vec((0_u8..3, any::<u8>()), 0..300))| {
        firsts.sort_unstable();
        firsts.dedup();
        let file = index_of(&firsts);
        for (first, second) in (0..=3).flat_map(|first| (0..=255).map(move |second| (first, second))) {
            let expected = firsts.binary_search(&(first, second)).ok().map(|at| u32::try_from(at).unwrap());
            assert_eq!(lookup(&file, &oid(first, second)), expected);
        }
    });
}

fn oid(first: u8, second: u8) -> gix_hash::ObjectId {
    let mut bytes = [7; 20];
    (bytes[0], bytes[19]) = (first, second);
    gix_hash::ObjectId::Sha1(bytes)
}

/// The index of a pack with these ids; it is never checked against one.
fn index_of(ids: &[(u8, u8)]) -> index::File {
    let mut data = vec![0xff, b't', b'O', b'c', 0, 0, 0, 2];
    for byte in 0..=255_u8 {
        let count = u32::try_from(ids.iter().filter(|(first, _)| *first <= byte).count()).unwrap();
        data.extend(count.to_be_bytes());
    }
    ids.iter().for_each(|(first, second)| data.extend(oid(*first, *second).as_slice()));
    data.extend(vec![0; ids.len() * 8 + 40]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack.idx");
    fs::write(&path, data).unwrap();
    index::File::at(path, gix_hash::Kind::Sha1).unwrap()
}

#[test]
fn the_place_of_an_object_is_its_own() {
    let git = Git::init(&[]);
    git.run(&["config", "fastimport.unpackLimit", "1"]);
    let first = changing(&git, 50);
    git.run(&["repack", "-dq"]);
    let second = git.line_of_commits(&first, 50);
    git.run(&["repack", "-dq"]);
    let loose = git.commit("loose", &[&second]);
    let objects = Objects::open(&places(&git, &[])).unwrap();
    let mut seen = std::collections::HashSet::new();
    for name in git.run(&["rev-list", "--objects", "--no-object-names", "--all"]).lines() {
        let place = objects.place(id(name)).unwrap().unwrap();
        assert!(seen.insert((place.folder, place.at)), "{name}");
        assert_eq!(objects.place(id(name)).unwrap(), Some(place));
    }
    assert!(seen.len() > 100);
    assert_eq!(objects.place(id(&loose)).unwrap(), None);
    assert!(objects.place(id(&"1".repeat(40))).is_err());
}

/// Trees that are too large to be kept as links, in a chain.
#[test]
fn large_trees_upon_each_other_are_read_as_well() {
    let git = Git::init(&[]);
    git.run(&["config", "fastimport.unpackLimit", "1"]);
    let mut stream = String::new();
    for number in 0..6 {
        stream.push_str(&format!("commit refs/heads/main\ncommitter c <c> {number} +0000\ndata 1\nx\n"));
        let files = if number == 0 { 0..20_000 } else { number..number + 1 };
        for file in files {
            let name = format!("{file:06}-{}", "n".repeat(80));
            stream.push_str(&format!("M 100644 inline {name}\ndata 1\n{}\n", number % 10));
        }
    }
    git.feed(&["fast-import", "--quiet"], stream.as_bytes());
    let objects = Objects::open(&places(&git, &[])).unwrap();
    let mut buffer = Vec::new();
    for back in 0..6 {
        let tree = git.run(&["rev-parse", &format!("main~{back}^{{tree}}")]);
        objects.read(id(&tree), &mut buffer).unwrap();
        assert!(buffer.len() > 2 << 20, "{}", buffer.len());
        assert_eq!(buffer, git.feed(&["cat-file", "tree", &tree], b""), "{back}");
    }
}
