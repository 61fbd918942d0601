//! A repository of a million commits, and views of it with other refs and settings.

use std::{
    env,
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Write as _},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use oam_hook::{
    environment::Variables,
    git::{
        Git, Leash, NewCommits, Objects, Tips,
        ancestry::{History, Pair},
    },
    git_dir::Places,
};
use oam_policy::{ObjectId, rule::RefSet};

/// Commits on the main line.
const MAIN: usize = 1_000_000;
/// Where the other line leaves it.
const FORK: usize = 400_000;
/// Commits on the other line.
const OTHER: usize = 1_000;

/// The repository, its views and its landmarks.
pub(crate) struct World {
    /// With a commit-graph and a handful of refs.
    pub(crate) plain: View,
    /// Without a commit-graph.
    pub(crate) no_graph: View,
    /// With so many branches.
    pub(crate) refs_20_000: View,
    /// With so many branches.
    pub(crate) refs_200_000: View,
    /// Five new commits, in a quarantine.
    pub(crate) quarantine: Quarantine,
    /// The tip of the main line, what is before it, and half way down.
    pub(crate) tip: String,
    pub(crate) before: String,
    pub(crate) half: String,
    /// The tip of the other line.
    pub(crate) other: String,
    /// What is at the fork.
    pub(crate) fork: String,
}

/// A bare repository with the objects of the big one.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) path: PathBuf,
    variables: Vec<(&'static str, String)>,
}

/// Objects that are not in the repository yet.
pub(crate) struct Quarantine {
    folder: PathBuf,
    /// The newest of the new commits.
    pub(crate) new: String,
}

impl World {
    pub(crate) fn make() -> Self {
        let folder = env::temp_dir().join(format!("oam-bench-git-{MAIN}-{FORK}-{OTHER}"));
        let big = folder.join("big.git");
        if !folder.join("done").exists() {
            println!("building a repository of {MAIN} commits in {}", folder.display());
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
            build(&big);
            File::create(folder.join("done")).unwrap();
        }
        let plain = View::of(&big, &folder.join("plain.git"), 0, "");
        let at = |name: &str| plain.git(&["rev-parse", name]);
        let (tip, half) = (at("refs/heads/main"), at(&format!("refs/heads/main~{}", MAIN / 2)));
        let before = at("refs/heads/main~1");
        let (other, fork) = (at("refs/heads/other"), at(&format!("refs/heads/other~{OTHER}")));
        let quarantine = Quarantine::make(&plain, &folder.join("quarantine"), &tip);
        Self {
            no_graph: View::of(&big, &folder.join("no-graph.git"), 0, "[core]\n\tcommitGraph = false\n"),
            refs_20_000: View::of(&big, &folder.join("refs-20000.git"), 20_000, ""),
            refs_200_000: View::of(&big, &folder.join("refs-200000.git"), 200_000, ""),
            plain,
            quarantine,
            tip,
            before,
            half,
            other,
            fork,
        }
    }
}

fn build(big: &Path) {
    run(Command::new("git").args(["init", "-q", "--bare", "-b", "main"]).arg(big));
    let mut import = command(big).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stream = BufWriter::new(import.stdin.take().unwrap());
    let mut commit = |branch: &str, mark: usize, date: usize, from: usize, merge: Option<usize>| {
        let _ = write!(stream, "commit refs/heads/{branch}\nmark :{mark}\ncommitter c <c@example.com> ");
        let message = format!("commit number {mark}");
        let _ = write!(stream, "{date} +0000\ndata {}\n{message}\n", message.len());
        if from > 0 {
            let _ = writeln!(stream, "from :{from}");
        }
        if let Some(merge) = merge {
            let _ = writeln!(stream, "merge :{merge}");
        }
        let _ = writeln!(stream);
    };
    let date = |number: usize| 1_000_000_000 + number * 300;
    for number in 1..=MAIN {
        // Every hundredth is the merge of a short branch.
        let merged = (number % 100 == 0).then(|| {
            let mark = 2 * MAIN + number;
            commit("side", mark, date(number) - 100, number - 10, None);
            mark
        });
        commit("main", number, date(number), number - 1, merged);
    }
    for number in 1..=OTHER {
        let from = if number == 1 { FORK } else { MAIN + number - 1 };
        commit("other", MAIN + number, date(FORK + number) + 50, from, None);
    }
    drop(stream);
    assert!(import.wait().unwrap().success());
    run(command(big).args(["repack", "-adq", "--write-bitmap-index"]));
    run(command(big).args(["commit-graph", "write", "--reachable"]));
}

impl View {
    fn of(big: &Path, path: &Path, branches: usize, config: &str) -> Self {
        let view = Self { path: path.to_owned(), variables: Vec::new() };
        if !path.join("done").exists() {
            let _ = fs::remove_dir_all(path);
            fs::create_dir_all(path.join("refs")).unwrap();
            symlink(big.join("objects"), path.join("objects")).unwrap();
            fs::write(path.join("HEAD"), "ref: refs/heads/main\n").unwrap();
            fs::write(path.join("config"), format!("[core]\n\tbare = true\n{config}")).unwrap();
            fs::write(path.join("packed-refs"), packed(big, branches)).unwrap();
            File::create(path.join("done")).unwrap();
        }
        view
    }

    /// The same repository, with more variables.
    pub(crate) fn with(&self, variables: &[(&'static str, String)]) -> Self {
        Self { variables: [&self.variables, variables].concat(), ..self.clone() }
    }

    /// A view in a process that was started with its [`Self::more_variables`].
    pub(crate) fn from_environment(path: &str) -> Self {
        let names = ["GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH", "GIT_ALTERNATE_OBJECT_DIRECTORIES"];
        let variables = names.into_iter().filter_map(|name| Some((name, env::var(name).ok()?))).collect();
        Self { path: path.into(), variables }
    }

    /// The variables that a hook would see besides `GIT_DIR`.
    pub(crate) fn more_variables(&self) -> Vec<(&'static str, String)> {
        self.variables.clone()
    }

    /// A git child as the hook would run it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(&self.path);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).stdout(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn variables(&self) -> Variables {
        let own = self.variables.iter().map(|(name, value)| (*name, value.clone()));
        let git = ("GIT_DIR", self.path.to_str().unwrap().to_owned());
        own.chain([git, ("PATH", env::var("PATH").unwrap())]).collect()
    }

    pub(crate) fn places(&self) -> Places {
        Places::find(&self.variables(), Path::new("/")).unwrap()
    }

    fn asked(&self) -> (Git, Leash) {
        Git::new(&self.path, Arc::new(self.variables()))
    }

    /// What the hook does to answer.
    pub(crate) fn is_ancestor(&self, old: &str, new: &str) -> bool {
        let history = History::new(Arc::new(self.places()), Arc::new(self.variables()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answers = runtime.block_on(history.are_ancestors(vec![Pair { old: id(old), new: id(new) }]));
        *answers[0].as_ref().unwrap()
    }

    /// What the hook does to find how many commits are new.
    pub(crate) fn new_commits(&self, new: &str, cover: &str) -> usize {
        let objects = Objects::open(&self.places()).unwrap();
        let (git, _leash) = self.asked();
        let refs = RefSet::new([RefSet::parse_one(cover).unwrap()]).unwrap();
        let tips = Tips::matching(&git, &refs, "alice").unwrap();
        let new = NewCommits::new(&objects, &git, &tips, id(new));
        new.map(Result::unwrap).count()
    }
}

impl Quarantine {
    fn make(view: &View, folder: &Path, upon: &str) -> Self {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir(folder).unwrap();
        let quarantine = Self { folder: folder.to_owned(), new: String::new() };
        let view = quarantine.of(view);
        let tree = view.git(&["rev-parse", &format!("{upon}^{{tree}}")]);
        let mut new = upon.to_owned();
        for number in 0..5 {
            let message = format!("new {number}");
            let mut make = view.command(&["commit-tree", &tree, "-p", &new, "-m", &message]);
            let date = format!("{} +0000", 1_900_000_000 + number);
            make.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
            for who in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"] {
                make.env(who, "c");
            }
            let output = make.stdout(Stdio::piped()).output().unwrap();
            assert!(output.status.success());
            new = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        }
        Self { new, ..quarantine }
    }

    /// A repository seen from a hook while these objects are pushed.
    pub(crate) fn of(&self, view: &View) -> View {
        let quarantine = self.folder.to_str().unwrap().to_owned();
        view.with(&[
            ("GIT_OBJECT_DIRECTORY", quarantine.clone()),
            ("GIT_QUARANTINE_PATH", quarantine),
            ("GIT_ALTERNATE_OBJECT_DIRECTORIES", view.path.join("objects").to_str().unwrap().to_owned()),
        ])
    }
}

pub(crate) fn id(hex: &str) -> ObjectId {
    ObjectId::parse_hex(hex.as_bytes()).unwrap()
}

/// The refs of the big repository, and so many branches spread over the younger half of the main line.
fn packed(big: &Path, branches: usize) -> String {
    let list = |arguments: &[&str]| {
        let output = command(big).args(arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let mut lines = Vec::new();
    for line in list(&["for-each-ref", "--format=%(objectname) %(refname)"]).lines() {
        lines.push(line.split_once(' ').map(|(id, name)| (name.to_owned(), id.to_owned())).unwrap());
    }
    if branches > 0 {
        let commits = list(&["rev-list", "--first-parent", "refs/heads/main"]);
        let commits: Vec<&str> = commits.lines().take(MAIN / 2).collect();
        for branch in 0..branches {
            let id = commits[branch * (commits.len() / branches)];
            lines.push((format!("refs/heads/team/{branch:06}"), id.to_owned()));
        }
    }
    lines.sort_unstable();
    let mut text = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    for (name, id) in lines {
        let _ = writeln!(text, "{id} {name}");
    }
    text
}

fn command(git_dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", env::var_os("PATH").unwrap()).env("GIT_DIR", git_dir);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").current_dir("/");
    command
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
