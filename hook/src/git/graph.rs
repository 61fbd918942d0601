//! git's commit-graph files: parents and topological levels of most commits, without reading one.
//!
//! A commit-graph is closed under parents: with a commit, it has all of its history. And a commit's level is greater than
//! that of each of its ancestors. Both generations of git's files have these levels, so chains of both do as well.
//!
//! git writes no commit-graph while replacement refs, grafts or a shallow history change what parents a commit has, so
//! that a graph always tells of the objects as they are. None is used of a shallow repository, with grafts, or where
//! `core.commitGraph` is off. A graph that is not as it should be is not used at all.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use gix_commitgraph::{File, Position};
use gix_hash::oid;
use oam_policy::{ObjectId, name::ObjectFormat};

use super::{config, folders::with_alternates, objects::hash_of};
use crate::git_dir::Places;

/// The most files of a chain; git merges them long before.
const MAX_CHAIN: usize = 256;

/// A level that git gives to commits beyond it, too.
const CAPPED: u32 = 0x3fff_ffff;

/// A commit in one of the graphs. Only within one [`Graphs`], and for one commit always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node(u32);

impl Node {
    pub(super) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// A graph says what cannot be: none may be used.
#[derive(Debug)]
pub(super) struct Corrupt;

/// All commit-graphs of the object folders.
#[derive(Default)]
pub(crate) struct Graphs {
    all: Vec<Graph>,
}

struct Graph {
    file: gix_commitgraph::Graph,
    /// The node of its first commit.
    start: u32,
    count: u32,
}

impl Graphs {
    /// The graphs of the object folders of `places`; those that cannot be read are left out.
    pub(super) fn open(places: &Places, format: ObjectFormat) -> Self {
        let mut graphs = Self::default();
        if !is_wanted(places) {
            return graphs;
        }
        // A graph that is not found is only missed.
        let folders = with_alternates(places.object_dirs.as_deref().unwrap_or_default()).unwrap_or_default();
        let mut start = 0_u32;
        for folder in &folders {
            let Some(file) = open(folder, &folders, format) else { continue };
            let count = file.num_commits();
            let Some(end) = start.checked_add(count) else { break };
            graphs.all.push(Graph { file, start, count });
            start = end;
        }
        graphs
    }

    /// How many nodes there are, all graphs together.
    pub(crate) fn len(&self) -> usize {
        self.all.last().map_or(0, |last| Node(last.start.saturating_add(last.count)).index())
    }

    /// The node of a commit, if it is in a graph.
    pub(super) fn find(&self, id: &oid) -> Option<Node> {
        find_in(&self.all, id)
    }

    /// The level of a commit, and its parents, which are all in the graph as well, put into `parents`.
    pub(super) fn parents(&self, node: Node, parents: &mut Vec<(Node, u32)>) -> Result<u32, Corrupt> {
        parents.clear();
        let (place, graph) = self.graph_of(node)?;
        let commit = graph.file.commit_at(graph.position(node));
        let level = level(commit.generation())?;
        let mut highest = 0;
        for position in commit.iter_parents() {
            let position = position.map_err(|_| Corrupt)?;
            let parent = graph.file.commit_at(position);
            let below = self::level(parent.generation())?;
            highest = highest.max(below);
            let earlier = self.all.get(..place).unwrap_or_default();
            let known = if earlier.is_empty() { None } else { find_in(earlier, parent.id()) };
            parents.push((known.unwrap_or(graph.node(position)), below));
        }
        // Any other level would send a walk astray, or around in a circle.
        if level == highest.saturating_add(1) { Ok(level) } else { Err(Corrupt) }
    }

    pub(super) fn id(&self, node: Node) -> Result<ObjectId, Corrupt> {
        let (_, graph) = self.graph_of(node)?;
        let id = graph.file.id_at(graph.position(node));
        ObjectId::from_bytes(id.as_bytes()).map_err(|_| Corrupt)
    }

    /// The level of a commit.
    pub(super) fn level(&self, node: Node) -> Result<u32, Corrupt> {
        let (_, graph) = self.graph_of(node)?;
        level(graph.file.commit_at(graph.position(node)).generation())
    }

    /// Which of the graphs a node is in.
    pub(super) fn graph(&self, node: Node) -> Result<usize, Corrupt> {
        Ok(self.graph_of(node)?.0)
    }

    /// For each graph, whether it has a commit. What is in a graph without it does not descend from it.
    pub(super) fn with(&self, id: &oid) -> Vec<bool> {
        self.all.iter().map(|graph| graph.file.lookup(id).is_some()).collect()
    }

    fn graph_of(&self, node: Node) -> Result<(usize, &Graph), Corrupt> {
        let mut graphs = self.all.iter().enumerate();
        graphs.find(|(_, graph)| node.0 < graph.start.saturating_add(graph.count)).ok_or(Corrupt)
    }
}

impl Graph {
    fn position(&self, node: Node) -> Position {
        Position(node.0.saturating_sub(self.start))
    }

    fn node(&self, position: Position) -> Node {
        Node(self.start.saturating_add(position.0))
    }
}

fn find_in(graphs: &[Graph], id: &oid) -> Option<Node> {
    graphs.iter().find_map(|graph| graph.file.lookup(id).map(|position| graph.node(position)))
}

/// Level 0 is that of files which were written before git knew levels.
fn level(generation: u32) -> Result<u32, Corrupt> {
    if (1..CAPPED).contains(&generation) { Ok(generation) } else { Err(Corrupt) }
}

fn is_wanted(places: &Places) -> bool {
    let Some(git_dir) = &places.git_dir else { return !places.shallow };
    !places.shallow && !git_dir.join("info/grafts").exists() && config::commit_graph(git_dir)
}

/// The graph of one object folder: one file, or else a chain of files.
fn open(folder: &Path, folders: &[PathBuf], format: ObjectFormat) -> Option<gix_commitgraph::Graph> {
    let files = match File::at(folder.join("info/commit-graph")) {
        Ok(file) => vec![file],
        Err(error) if error.is_not_found() => chain(folder, folders, format)?,
        Err(_) => return None,
    };
    let fits = |file: &File| file.object_hash() == hash_of(format);
    if files.is_empty() || !files.iter().all(fits) || !is_chain(&files) {
        return None;
    }
    gix_commitgraph::Graph::new(files).ok()
}

/// `commit-graph-chain` names the files, the base first. They may lie in any of the folders.
fn chain(folder: &Path, folders: &[PathBuf], format: ObjectFormat) -> Option<Vec<File>> {
    let below = Path::new("info/commit-graphs");
    let digits = hash_of(format).len_in_hex();
    let mut list = String::new();
    let longest = u64::try_from(MAX_CHAIN.saturating_mul(digits.saturating_add(1))).ok()?;
    let file = fs::File::open(folder.join(below).join("commit-graph-chain")).ok()?;
    file.take(longest).read_to_string(&mut list).ok()?;
    let mut files = Vec::new();
    for hash in list.lines() {
        let id = ObjectId::parse_hex(hash.as_bytes()).ok()?;
        let name = below.join(format!("graph-{hash}.graph"));
        let mut places = std::iter::once(folder).chain(folders.iter().map(PathBuf::as_path));
        let file = places.find_map(|place| File::at(place.join(&name)).ok())?;
        if file.checksum().as_bytes() != id.as_bytes() {
            return None;
        }
        files.push(file);
    }
    Some(files)
}

/// Whether each file is made for just those before it: positions of parents count through all of them.
fn is_chain(files: &[File]) -> bool {
    files.iter().enumerate().all(|(place, file)| {
        usize::from(file.base_graph_count()) == place
            && file.iter_base_graph_ids().zip(files).all(|(base, before)| base == before.checksum())
    })
}
