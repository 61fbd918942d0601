use std::{collections::HashMap, path::PathBuf, rc::Rc};

use git2::{ObjectType, Odb, Oid};

/// How many tags of tags are followed.
const MAX_TAGS: usize = 16;

/// What is needed of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) parents: Vec<Oid>,
    /// Seconds since 1970; 0 where the commit has no proper date. It only orders the walk.
    pub(super) committed: i64,
}

/// The commits in a set of object directories, each read at most once, and no more than a number of them.
pub(super) struct Commits {
    odb: Odb<'static>,
    read: HashMap<Oid, Rc<Commit>>,
    left: usize,
}

/// What an id names, tags peeled.
pub(super) enum Peeled {
    Commit(Oid),
    Other,
}

impl Commits {
    /// Opens the directories, of which `budget` commits may be read.
    pub(super) fn open(object_dirs: &[PathBuf], budget: usize) -> Result<Self, String> {
        let odb = Odb::new().map_err(text)?;
        for folder in object_dirs {
            let folder = folder.to_str().ok_or("an object directory's path is not UTF-8")?;
            odb.add_disk_alternate(folder).map_err(text)?;
        }
        Ok(Self { odb, read: HashMap::new(), left: budget })
    }

    pub(super) fn get(&mut self, id: Oid) -> Result<Rc<Commit>, String> {
        if let Some(commit) = self.read.get(&id) {
            return Ok(Rc::clone(commit));
        }
        self.left = self.left.checked_sub(1).ok_or("the history is long")?;
        let object = self.odb.read(id).map_err(text)?;
        if object.kind() != ObjectType::Commit {
            return Err(format!("{id} is no commit"));
        }
        let commit =
            Rc::new(parse_commit(object.data()).ok_or_else(|| format!("the commit {id} is malformed"))?);
        self.read.insert(id, Rc::clone(&commit));
        Ok(commit)
    }

    pub(super) fn peel(&self, mut id: Oid) -> Result<Peeled, String> {
        for _ in 0..MAX_TAGS {
            let object = self.odb.read(id).map_err(text)?;
            id = match object.kind() {
                ObjectType::Commit => return Ok(Peeled::Commit(id)),
                ObjectType::Tag => {
                    tagged(object.data()).ok_or_else(|| format!("the tag {id} is malformed"))?
                }
                _ => return Ok(Peeled::Other),
            };
        }
        Err("it is a tag of a tag of a tag".into())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "errors are given away")]
fn text(error: git2::Error) -> String {
    error.message().to_owned()
}

/// `tree …`, `parent …` any number of times, `author …`, `committer … <seconds> <zone>`. As for git, a parent is one
/// only directly behind the tree or another parent: else a commit could claim, to us alone, to descend from anything.
pub(super) fn parse_commit(data: &[u8]) -> Option<Commit> {
    let mut lines = data.split(|byte| *byte == b'\n');
    lines.next()?.strip_prefix(b"tree ")?;
    let mut commit = Commit { parents: Vec::new(), committed: 0 };
    let mut among_parents = true;
    for line in lines.take_while(|line| !line.is_empty()) {
        let parent = line.strip_prefix(b"parent ").filter(|_| among_parents);
        among_parents = parent.is_some();
        if let Some(parent) = parent {
            commit.parents.push(oid(parent)?);
        } else if let Some(committer) = line.strip_prefix(b"committer ") {
            commit.committed = date(committer).unwrap_or(0);
            break;
        }
    }
    Some(commit)
}

fn date(committer: &[u8]) -> Option<i64> {
    let after = committer.rsplit(|byte| *byte == b'>').next()?.trim_ascii();
    let seconds = after.split(|byte| *byte == b' ').next()?;
    std::str::from_utf8(seconds).ok()?.parse().ok()
}

/// `object …` is a tag's first line.
pub(super) fn tagged(data: &[u8]) -> Option<Oid> {
    oid(data.split(|byte| *byte == b'\n').next()?.strip_prefix(b"object ")?)
}

fn oid(hex: &[u8]) -> Option<Oid> {
    let hex = std::str::from_utf8(hex).ok().filter(|hex| hex.len() == 40)?;
    Oid::from_str(hex).ok()
}
