//! Where the existing refs point that a list of patterns matches.

use std::path::Path;

use oam_policy::{ObjectId, RefName, rule::RefSet};

use super::{Unreadable, child::Git, loose::Loose, packed::Packed};

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
        let prefixes = prefixes(self.refs);
        for prefix in &prefixes {
            loose.walk(prefix, &mut |name| self.matches(name))?;
        }
        for id in &loose.ids {
            self.add(*id)?;
        }
        let Some(mut packed) = Packed::open(git_dir)? else { return Ok(()) };
        for prefix in &prefixes {
            packed.below(prefix.as_bytes(), |name, id| {
                if self.matches(name) && !loose.names.contains(name) { self.add(id) } else { Ok(()) }
            })?;
        }
        // What a symbolic ref points to is a tip whether it matches or not.
        for target in &loose.targets {
            packed.below(target, |name, id| if name == target.as_slice() { self.add(id) } else { Ok(()) })?;
        }
        Ok(())
    }

    /// As git lists them, which knows where they are if they are not in files.
    fn listed(&mut self, git: &Git) -> Result<(), Unreadable> {
        let prefixes = prefixes(self.refs);
        let mut question = vec!["for-each-ref", "--format=%(objectname) %(refname)", "--"];
        question.extend(prefixes.iter().map(|prefix| folder(prefix)));
        git.each_line(&question, [], |line| {
            let mut halves = line.splitn(2, |byte| *byte == b' ');
            let (id, name) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
            let id = ObjectId::parse_hex(id).map_err(|_| Unreadable::bad_ref(name, "it names no object"))?;
            if self.matches(name) { self.add(id) } else { Ok(()) }
        })
    }
}

/// How the names of all that the patterns match must begin; none begins with another.
fn prefixes(refs: &RefSet) -> Vec<String> {
    let mut prefixes: Vec<String> = Vec::new();
    for source in refs.sources().iter().filter(|source| !source.starts_with('!')) {
        let prefix = match source.split(['*', '?', '{', '[', '$', '\\']).next() {
            Some(literal) if !source.starts_with("re:") => literal,
            _ => "refs/",
        };
        prefixes.push(prefix.to_owned());
    }
    prefixes.sort_unstable();
    prefixes.dedup_by(|longer, shorter| longer.starts_with(shorter.as_str()));
    prefixes
}

/// The folder that all names which begin so are below.
pub(super) fn folder(prefix: &str) -> &str {
    prefix.rsplit_once('/').map_or("refs", |(folder, _)| folder)
}
