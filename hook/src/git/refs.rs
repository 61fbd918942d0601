//! Where the existing refs point that a list of patterns matches.

use std::path::Path;

use oam_policy::{ObjectId, RefName, rule::RefSet};

use super::{Unreadable, child::Git, loose::Loose, packed};

/// How many refs may match.
const MAX_REFS: usize = 4_000_000;

/// What some refs point to, tags peeled where the repository has that written down.
#[derive(Debug, Default)]
pub struct Tips {
    /// Ascending, each once.
    ids: Vec<ObjectId>,
}

impl Tips {
    /// The tips of the refs of the repository that `refs` matches for `user`, as they are now.
    ///
    /// A ref that cannot be read makes all unreadable: it may be the very one that has a commit already, and whoever
    /// pushes that is not to be told that it is new.
    ///
    /// # Errors
    /// When a matching ref, or where the refs are, cannot be read.
    pub fn matching(git: &Git, refs: &RefSet, user: &str) -> Result<Self, Unreadable> {
        let mut found = Found { refs, user, ids: Vec::new() };
        if git.dir().join("reftable").exists() || git.dir().join("commondir").exists() {
            found.listed(git)?;
        } else {
            found.files(git.dir())?;
        }
        Ok(Self::of(found.ids))
    }

    /// Those tips.
    pub fn of(ids: impl IntoIterator<Item = ObjectId>) -> Self {
        let mut ids: Vec<_> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self { ids }
    }

    /// All of them, ascending.
    pub fn ids(&self) -> &[ObjectId] {
        &self.ids
    }

    /// Whether a ref points just there.
    pub fn contains(&self, id: ObjectId) -> bool {
        self.ids.binary_search(&id).is_ok()
    }
}

struct Found<'a> {
    refs: &'a RefSet,
    user: &'a str,
    ids: Vec<ObjectId>,
}

impl Found<'_> {
    fn matches(&self, name: &[u8]) -> bool {
        RefName::parse(name).is_ok_and(|name| self.refs.matches(&name, self.user))
    }

    fn add(&mut self, id: ObjectId) -> Result<(), Unreadable> {
        if self.ids.len() >= MAX_REFS {
            return Err(Unreadable::ManyRefs);
        }
        self.ids.push(id);
        Ok(())
    }

    /// Loose refs first, `packed-refs` second, as git does: a ref that is being packed is in both for a while.
    fn files(&mut self, git_dir: &Path) -> Result<(), Unreadable> {
        let mut loose = Loose::new(git_dir);
        for folder in folders(self.refs) {
            loose.walk(&folder, &mut |name| self.matches(name))?;
        }
        for id in &loose.ids {
            self.add(*id)?;
        }
        packed::each(git_dir, |name, id| {
            // What a symbolic ref points to is a tip whether it matches or not.
            if loose.targets.contains(name) || (self.matches(name) && !loose.names.contains(name)) {
                self.add(id)?;
            }
            Ok(())
        })
    }

    /// As git lists them, which knows where they are if they are not in files.
    fn listed(&mut self, git: &Git) -> Result<(), Unreadable> {
        let folders = folders(self.refs);
        let mut question = vec!["for-each-ref", "--format=%(objectname) %(refname)", "--"];
        question.extend(folders.iter().map(String::as_str));
        git.each_line(&question, [], |line| {
            let mut halves = line.splitn(2, |byte| *byte == b' ');
            let (id, name) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
            let id = ObjectId::parse_hex(id).map_err(|_| Unreadable::bad_ref(name, "it names no object"))?;
            if self.matches(name) { self.add(id) } else { Ok(()) }
        })
    }
}

/// The folders below which all that the patterns match must lie, none of them below another.
fn folders(refs: &RefSet) -> Vec<String> {
    let mut folders: Vec<String> = Vec::new();
    for source in refs.sources() {
        if source.starts_with('!') {
            continue;
        }
        let literal = source.split(['*', '?', '{', '[', '$', '\\']).next().unwrap_or_default();
        let folder = match literal.rsplit_once('/') {
            Some((folder, _)) if !source.starts_with("re:") => folder,
            _ => "refs",
        };
        folders.push(folder.to_owned());
    }
    folders.sort_unstable();
    let mut outermost: Vec<String> = Vec::new();
    for folder in folders {
        let is_below = |outer: &String| {
            folder.strip_prefix(outer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if !outermost.iter().any(is_below) {
            outermost.push(folder);
        }
    }
    outermost
}
