//! Random repositories, written by `git fast-import`.

use proptest::{collection::vec, prelude::*};

use crate::testing::Git;

/// What is done to a path in a commit.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Put { mode: &'static str, path: usize, content: u8 },
    Submodule { path: usize, content: u8 },
    Remove { path: usize },
    Move { from: usize, to: usize },
}

/// A commit upon earlier ones, as places in the list.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    pub(crate) parents: Vec<prop::sample::Index>,
    pub(crate) steps: Vec<Step>,
}

/// Paths that get in each other's way: files and folders of one name, names next to `/` in the order, names that differ
/// in case or normalisation only, names that are not text.
pub(crate) const PATHS: [&[u8]; 22] = [
    b"a",
    b"a/b",
    b"a/b/c",
    b"a/b/d",
    b"a/c",
    b"a-b",
    b"a.b",
    b"a0",
    b"A",
    b"A/b",
    b"caf\xc3\xa9",
    b"cafe\xcc\x81",
    b"\xff\xfe/\x80",
    b"\xff\xfe/\x81",
    b"with space/and\ttab",
    b"deep/er/and/deep/er/still/file",
    b"deep/er/and/deep/er/still/file2",
    b"deep/er/x",
    b".gitmodules",
    b"b\\c",
    b"z/z",
    b"z/z/z",
];

fn step() -> impl Strategy<Value = Step> {
    let path = 0..PATHS.len();
    prop_oneof![
        6 => (prop::sample::select(vec!["100644", "100755", "120000"]), path.clone(), 0..3_u8)
            .prop_map(|(mode, path, content)| Step::Put { mode, path, content }),
        1 => (path.clone(), 1..3_u8).prop_map(|(path, content)| Step::Submodule { path, content }),
        3 => path.clone().prop_map(|path| Step::Remove { path }),
        1 => (path.clone(), path).prop_map(|(from, to)| Step::Move { from, to }),
    ]
}

pub(crate) fn plan() -> impl Strategy<Value = Vec<Planned>> {
    let parents = prop_oneof![
        1 => Just(0_usize),
        6 => Just(1),
        4 => Just(2),
        2 => 3..5_usize,
    ];
    let planned = parents
        .prop_flat_map(|parents| (vec(any::<prop::sample::Index>(), parents), vec(step(), 0..6)))
        .prop_map(|(parents, steps)| Planned { parents, steps });
    vec(planned, 2..12)
}

/// Writes the commits; their ids, in the plan's order.
pub(crate) fn write(git: &Git, plan: &[Planned]) -> Vec<String> {
    let hash = git.run(&["hash-object", "-t", "tree", "/dev/null"]).len();
    let mut stream = Vec::new();
    for (place, planned) in plan.iter().enumerate() {
        let mut parents: Vec<usize> = Vec::new();
        if place > 0 {
            parents.extend(planned.parents.iter().map(|parent| parent.index(place)));
            parents.dedup();
        }
        // Each on a branch of its own: without `from` it is a root.
        let head = format!(
            "commit refs/heads/{place}\nmark :{}\ncommitter c <c> {place} +0000\ndata 1\nx\n",
            place + 1
        );
        stream.extend(head.into_bytes());
        for (rank, parent) in parents.iter().enumerate() {
            let word = if rank == 0 { "from" } else { "merge" };
            stream.extend(format!("{word} :{}\n", parent + 1).into_bytes());
        }
        for step in &planned.steps {
            say(&mut stream, step, hash);
        }
        stream.push(b'\n');
    }
    git.feed(&["fast-import", "--quiet", "--export-marks=marks"], &stream);
    (0..plan.len()).map(|place| git.run(&["rev-parse", &format!("refs/heads/{place}")])).collect()
}

fn say(stream: &mut Vec<u8>, step: &Step, hash: usize) {
    let line = |stream: &mut Vec<u8>, words: &str, path: usize| {
        stream.extend(words.bytes());
        stream.extend(quoted(PATHS[path]));
    };
    match step {
        Step::Put { mode, path, content } => {
            line(stream, &format!("M {mode} inline "), *path);
            stream.extend(format!("\ndata 1\n{content}\n").into_bytes());
        }
        Step::Submodule { path, content } => {
            line(stream, &format!("M 160000 {} ", content.to_string().repeat(hash)), *path);
            stream.push(b'\n');
        }
        Step::Remove { path } => {
            line(stream, "D ", *path);
            stream.push(b'\n');
        }
        // What a move is to git: an addition and a removal.
        Step::Move { from, to } => {
            line(stream, "M 100644 inline ", *to);
            stream.extend(b"\ndata 1\n1\nD ");
            stream.extend(quoted(PATHS[*from]));
            stream.push(b'\n');
        }
    }
}

fn quoted(path: &[u8]) -> Vec<u8> {
    let bytes = path.iter().flat_map(|byte| format!("\\{byte:03o}").into_bytes());
    [vec![b'"'], bytes.collect(), vec![b'"']].concat()
}
