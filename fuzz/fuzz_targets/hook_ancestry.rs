//! Raw commits and tags: what the hook says of a history is what git itself would say of it.
//!
//! The input is a list of objects with a zero byte between them. `$0` … `$9` stand for the ids of the objects before.
//! An object that begins with `object ` is a tag, any other one a commit.
#![no_main]

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::PathBuf,
    sync::{Arc, LazyLock},
};

use git2::{ObjectType, Oid, Repository};
use libfuzzer_sys::fuzz_target;
use oam_fuzz::{assert_plain, scratch};
use oam_hook::{
    environment::Variables,
    git::ancestry::{History, Pair, to_wire},
    git_dir::Places,
};
use oam_policy::ObjectId;
use tokio::runtime::{Builder, Runtime};

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| scratch("hook_ancestry"));
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

/// The objects that one input wrote.
#[derive(Default)]
struct Written {
    ids: Vec<Oid>,
    content: HashMap<Oid, (ObjectType, Vec<u8>)>,
}

impl Written {
    fn fill_in(&self, text: &[u8]) -> Vec<u8> {
        let mut filled = Vec::new();
        let mut rest = text;
        while let Some((byte, after)) = rest.split_first() {
            let digit = after.first().filter(|byte| byte.is_ascii_digit());
            let named = digit.and_then(|digit| self.ids.get(usize::from(digit - b'0')));
            match named.filter(|_| *byte == b'$') {
                Some(id) => {
                    filled.extend(id.to_string().bytes());
                    rest = &after[1..];
                }
                None => {
                    filled.push(*byte);
                    rest = after;
                }
            }
        }
        filled
    }

    /// The parents of a commit by git's rules (commit.c): they follow the tree's line at once. `None`: git gives up.
    fn parents(&self, id: &Oid) -> Option<Vec<Oid>> {
        let (ObjectType::Commit, data) = self.content.get(id)? else { return None };
        let (tree, mut rest) = (data.get(..46)?, data.get(46..)?);
        id_between(tree, b"tree ")?;
        let mut parents = Vec::new();
        while rest.len() > 48 && rest.starts_with(b"parent ") {
            parents.push(id_between(&rest[..48], b"parent ")?);
            rest = &rest[48..];
        }
        Some(parents)
    }

    /// The commit that an id names, tags peeled by git's rules (tag.c).
    fn peel(&self, id: &Oid) -> Option<Oid> {
        let (kind, data) = self.content.get(id)?;
        if *kind == ObjectType::Commit {
            return Some(*id);
        }
        let target = id_between(data.get(..48)?, b"object ")?;
        let rest = data.get(48..)?.strip_prefix(b"type ")?;
        let named = if rest.starts_with(b"commit\ntag ") {
            ObjectType::Commit
        } else if rest.starts_with(b"tag\ntag ") {
            ObjectType::Tag
        } else {
            return None;
        };
        (self.content.get(&target)?.0 == named).then_some(())?;
        self.peel(&target)
    }

    /// `None` where git could not read all of both histories.
    fn is_ancestor(&self, old: &Oid, new: &Oid) -> Option<bool> {
        let (old, new) = (self.peel(old)?, self.peel(new)?);
        let (mut seen, mut ahead) = (HashSet::new(), vec![new, old]);
        while let Some(id) = ahead.pop() {
            if seen.insert(id) {
                ahead.extend(self.parents(&id)?);
            }
        }
        let (mut seen, mut ahead) = (HashSet::new(), vec![new]);
        while let Some(id) = ahead.pop() {
            if seen.insert(id) {
                ahead.extend(self.parents(&id)?);
            }
        }
        Some(seen.contains(&old))
    }
}

fn id_between(line: &[u8], before: &[u8]) -> Option<Oid> {
    let hex = std::str::from_utf8(line.strip_prefix(before)?.strip_suffix(b"\n")?).ok()?;
    (hex.len() == 40).then(|| Oid::from_str(hex).ok()).flatten()
}

fn write(data: &[u8]) -> Written {
    let odb = Repository::init_bare(FOLDER.as_path()).unwrap();
    let odb = odb.odb().unwrap();
    let mut written = Written::default();
    for text in data.split(|byte| *byte == 0).take(10) {
        let content = written.fill_in(text);
        let kind = if content.starts_with(b"object ") { ObjectType::Tag } else { ObjectType::Commit };
        let id = odb.write(kind, &content).unwrap();
        written.ids.push(id);
        written.content.insert(id, (kind, content));
    }
    written
}

fuzz_target!(|data: &[u8]| {
    let written = write(data);
    let id = |oid: &Oid| ObjectId::from_bytes(oid.as_bytes()).unwrap();
    let new = written.ids.last().unwrap();
    let pairs = written.ids.iter().map(|old| Pair { old: id(old), new: id(new) }).collect();
    let objects = FOLDER.join("objects");
    let places = Places { object_dirs: Some(vec![objects.clone()]), ..Places::default() };
    let nothing: [(&str, &str); 0] = [];
    let history = History::new(Arc::new(places), Arc::new(nothing.into_iter().collect::<Variables>()));
    let answers = RUNTIME.block_on(history.are_ancestors(pairs));
    assert_eq!(answers.len(), written.ids.len());
    for (old, answer) in written.ids.iter().zip(&answers) {
        // What the hook cannot read itself is asked of git, so that only an answer can be wrong.
        if let (Ok(answer), Some(expected)) = (answer, written.is_ancestor(old, new)) {
            assert_eq!(*answer, expected, "{old} as an ancestor of {new}");
        }
        assert_plain(&to_wire(0, answer).why);
    }
    fs::remove_dir_all(objects).unwrap();
});
