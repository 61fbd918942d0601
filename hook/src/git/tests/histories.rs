//! Histories by chance, and the ways in which a repository may hold them.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write as _,
    fs,
};

use proptest::prelude::*;

use crate::testing::Git;

/// One commit: which of those before it are its parents, and its date.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    parents: Vec<usize>,
    date: u32,
}

/// A history, the refs on it, and what is pushed.
#[derive(Debug, Clone)]
pub(super) struct History {
    pub(super) commits: Vec<Commit>,
    /// What branches, lightweight tags and annotated tags point to.
    refs: Vec<(Ref, usize)>,
}

#[derive(Debug, Clone, Copy)]
enum Ref {
    Branch,
    Feature,
    Light,
    Annotated,
    /// A tag of an annotated tag.
    Nested,
}

/// How a repository holds it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Loose,
    Packed,
    /// Several packs with one index and a bitmap.
    MultiPackIndex,
    Graph,
    /// Written when half of the refs were there.
    OldGraph,
    /// A chain of three files.
    GraphChain,
    /// Only levels, no corrected dates.
    GraphVersion1,
    /// A chain of both.
    GraphMixed,
    Sha256,
    Sha256Graph,
    Reftable,
    /// Half of it in another repository, with a commit-graph there.
    Alternates,
}

pub(super) const LAYOUTS: [Layout; 12] = [
    Layout::Loose,
    Layout::Packed,
    Layout::MultiPackIndex,
    Layout::Graph,
    Layout::OldGraph,
    Layout::GraphChain,
    Layout::GraphVersion1,
    Layout::GraphMixed,
    Layout::Sha256,
    Layout::Sha256Graph,
    Layout::Reftable,
    Layout::Alternates,
];

pub(super) fn histories() -> impl Strategy<Value = History> {
    let commit = (prop::collection::vec(any::<prop::sample::Index>(), 0..4), 0_u32..40, 0..8_u8);
    let kind = prop_oneof![
        Just(Ref::Branch),
        Just(Ref::Feature),
        Just(Ref::Light),
        Just(Ref::Annotated),
        Just(Ref::Nested)
    ];
    let refs = prop::collection::vec((kind, any::<prop::sample::Index>()), 0..6);
    (prop::collection::vec(commit, 2..28), refs).prop_map(|(drawn, refs)| {
        let mut commits: Vec<Commit> = Vec::new();
        for (parents, date, line) in drawn {
            let count = commits.len();
            let mut chosen = BTreeSet::new();
            // Mostly a commit goes on from the last one; now and then it is a root.
            if line > 1 && count > 0 {
                chosen.insert(count - 1);
            }
            if count > 0 && line != 0 {
                chosen.extend(parents.iter().skip(usize::from(line % 3)).map(|index| index.index(count)));
            }
            commits.push(Commit {
                parents: chosen.into_iter().rev().collect(),
                date: 1_700_000_000 + date * 100,
            });
        }
        let count = commits.len();
        let refs = refs.into_iter().map(|(kind, index)| (kind, index.index(count))).collect();
        History { commits, refs }
    })
}

/// A repository with a history in it.
pub(super) struct Held {
    pub(super) git: Git,
    /// The ids of the commits, in their order.
    pub(super) ids: Vec<String>,
    /// The ref names, and what each leads to.
    pub(super) refs: Vec<(String, usize)>,
    /// Another repository, which holds a part.
    _origin: Option<Git>,
}

impl History {
    /// What a commit descends from, itself included.
    pub(super) fn reach(&self, from: usize) -> BTreeSet<usize> {
        let (mut seen, mut ahead) = (BTreeSet::new(), vec![from]);
        while let Some(at) = ahead.pop() {
            if seen.insert(at) {
                ahead.extend(&self.commits[at].parents);
            }
        }
        seen
    }

    pub(super) fn hold(&self, layout: Layout) -> Held {
        let git = Git::init(match layout {
            Layout::Sha256 | Layout::Sha256Graph => &["--object-format=sha256"],
            Layout::Reftable => &["--ref-format=reftable"],
            _ => &[],
        });
        let unpack = if layout == Layout::Packed { "1" } else { "1000000" };
        git.run(&["config", "fastimport.unpackLimit", unpack]);
        let origin = (layout == Layout::Alternates).then(|| Git::init(&[]));
        let mut ids: Vec<String> = Vec::new();
        let thirds = self.commits.len().div_ceil(3);
        let mut base = origin.as_ref().unwrap_or(&git);
        for (part, commits) in self.commits.chunks(thirds).enumerate() {
            ids.extend(import(base, &ids, commits, part * thirds));
            Self::arrange(base, layout, part, &ids);
            if let Some(origin) = origin.as_ref().filter(|_| part == 0) {
                let alternates = format!("{}\n", origin.path("objects").display());
                fs::write(git.path("objects/info/alternates"), alternates).unwrap();
                base = &git;
            }
        }
        let refs = self.make_refs(&git, &ids);
        match layout {
            Layout::Packed => {
                git.run(&["repack", "-adkq"]);
                git.run(&["pack-refs", "--all"]);
            }
            Layout::MultiPackIndex => {
                git.run(&["multi-pack-index", "write", "--bitmap"]);
                git.run(&["prune-packed"]);
            }
            Layout::Graph | Layout::Sha256Graph => write_graph(&git, &ids, &[]),
            Layout::GraphVersion1 => {
                git.run(&["config", "commitGraph.generationVersion", "1"]);
                write_graph(&git, &ids, &[]);
            }
            _ => {}
        }
        Held { git, ids, refs, _origin: origin }
    }

    fn arrange(git: &Git, layout: Layout, part: usize, ids: &[String]) {
        match layout {
            // A pack each.
            Layout::MultiPackIndex => {
                git.feed_text(
                    &["pack-objects", "-q", "--revs", "objects/pack/pack"],
                    &(ids.join("\n") + "\n"),
                );
            }
            Layout::OldGraph if part == 0 => write_graph(git, ids, &[]),
            Layout::Alternates if part == 0 => write_graph(git, ids, &[]),
            Layout::Alternates if part == 1 => write_graph(git, ids, &[]),
            Layout::GraphChain => write_graph(git, ids, &["--split=no-merge"]),
            Layout::GraphMixed => {
                let version = if part == 1 { "2" } else { "1" };
                git.run(&["config", "commitGraph.generationVersion", version]);
                write_graph(git, ids, &["--split=no-merge"]);
            }
            _ => {}
        }
    }

    fn make_refs(&self, git: &Git, ids: &[String]) -> Vec<(String, usize)> {
        let mut made = Vec::new();
        for (number, (kind, at)) in self.refs.iter().enumerate() {
            let id = &ids[*at];
            let name = match kind {
                Ref::Branch => format!("refs/heads/{number}"),
                Ref::Feature => format!("refs/heads/feature/{number}/x"),
                Ref::Light => format!("refs/tags/light/{number}"),
                Ref::Annotated | Ref::Nested => format!("refs/tags/made/{number}"),
            };
            match kind {
                Ref::Branch | Ref::Feature | Ref::Light => {
                    git.run(&["update-ref", &name, id]);
                }
                Ref::Annotated | Ref::Nested => {
                    git.run(&["tag", "-am", "x", name.trim_start_matches("refs/tags/"), id]);
                    if matches!(kind, Ref::Nested) {
                        let tag = git.run(&["rev-parse", &name]);
                        git.run(&["tag", "-fam", "y", name.trim_start_matches("refs/tags/"), &tag]);
                    }
                }
            }
            made.push((name, *at));
        }
        made
    }
}

/// Imports some commits behind those that are there; their ids.
fn import(git: &Git, before: &[String], commits: &[Commit], first: usize) -> Vec<String> {
    let mut stream = String::new();
    for (place, commit) in commits.iter().enumerate() {
        let (mark, date) = (first + place + 1, commit.date);
        let message = format!("{mark}");
        let _ = write!(
            stream,
            "commit refs/import\nmark :{mark}\ncommitter c <c> {date} +0000\ndata {}\n{message}\n",
            message.len()
        );
        let name =
            |parent: &usize| before.get(*parent).cloned().unwrap_or_else(|| format!(":{}", parent + 1));
        let mut parents = commit.parents.iter();
        match parents.next() {
            Some(parent) => {
                let _ = writeln!(stream, "from {}", name(parent));
            }
            // A root of its own.
            None => stream.insert_str(stream.rfind("commit refs/import").unwrap(), "reset refs/import\n"),
        }
        for parent in parents {
            let _ = writeln!(stream, "merge {}", name(parent));
        }
        let _ = writeln!(stream, "M 100644 inline {mark}\ndata 1\nx\n");
    }
    // Nothing of it stays but the objects.
    stream.push_str("reset refs/import\nfrom 0000000000000000000000000000000000000000\n");
    let zeros = if git.run(&["rev-parse", "--show-object-format"]) == "sha256" { 64 } else { 40 };
    let stream =
        stream.replace(&format!("from {}\n", "0".repeat(40)), &format!("from {}\n", "0".repeat(zeros)));
    let marks = git.path("marks");
    git.feed_text(
        &["fast-import", "--quiet", "--force", &format!("--export-marks={}", marks.display())],
        &stream,
    );
    let marks = fs::read_to_string(marks).unwrap();
    let marks: HashMap<usize, String> = marks
        .lines()
        .map(|line| line.strip_prefix(':').unwrap().split_once(' ').unwrap())
        .map(|(mark, id)| (mark.parse().unwrap(), id.to_owned()))
        .collect();
    (0..commits.len()).map(|place| marks[&(first + place + 1)].clone()).collect()
}

fn write_graph(git: &Git, ids: &[String], options: &[&str]) {
    let arguments = [&["commit-graph", "write", "--stdin-commits"], options].concat();
    git.feed_text(&arguments, &(ids.join("\n") + "\n"));
}
