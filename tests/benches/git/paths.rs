//! What a push changes, under a rule about paths: beside `git rev-list | git diff-tree`.

use std::{
    env,
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use oam_hook::{
    environment::Variables,
    git_dir::Places,
    history::{Asked, Histories},
};
use oam_policy::{ObjectId, RefChange, RefName, RefUpdate};
use oam_proto::v1;

use crate::{
    Effort,
    measure::{Case, Target, judge, medians, table},
    peak::{Peak, print_peak},
};

/// Commits of the repository, each of which changes two of 4,000 files.
const COMMITS: usize = 100_001;
const MARK: &str = "--peak-of-paths";

pub(crate) fn run(effort: Effort) -> u32 {
    let repository = repository();
    let mut misses = 0;
    for (pushed, runs) in [(1, effort.short), (1_000, effort.short), (100_000, effort.long)] {
        let title = format!("{pushed} commits under a rule about paths");
        let (old, new) = (name(&repository, pushed), name(&repository, 0));
        let by_git = |_| {
            let started = Instant::now();
            let mut list = git(&repository);
            let list = list.args(["rev-list", &new, "--not", &old]).stdout(Stdio::piped());
            let mut list = list.spawn().unwrap();
            let mut diff = git(&repository);
            let diff = diff.args(["diff-tree", "--stdin", "-r", "-c", "--name-only"]);
            let commits = list.stdout.take().unwrap();
            let status = diff.stdin(commits).stdout(Stdio::null()).status();
            assert!(status.unwrap().success() && list.wait().unwrap().success());
            started.elapsed()
        };
        let mut cases = [
            Case::new("git rev-list | git diff-tree --stdin", by_git),
            Case::new("in the hook's process", |_| {
                let started = Instant::now();
                let told = tell(&repository, pushed);
                let time = started.elapsed();
                assert!(told >= pushed.min(4_000), "{told} paths");
                time
            }),
        ];
        let medians = medians(&mut cases, runs);
        table(&title, &cases, &medians);
        misses += judge(&title, medians[1] / medians[0], Target::AtMost(1.0));
        misses += (peak(pushed) - peak(0)).judge();
    }
    misses
}

/// What the hook does; how many paths it tells.
fn tell(repository: &Path, pushed: usize) -> usize {
    let id = |back| ObjectId::parse_hex(name(repository, back).as_bytes()).unwrap();
    let update = RefUpdate {
        name: RefName::parse(b"refs/heads/main").unwrap(),
        change: RefChange::Move { old: id(pushed), new: id(0) },
    };
    let needed = v1::FactsNeeded {
        histories: vec![v1::HistoryNeeded { paths: true, ..v1::HistoryNeeded::default() }],
        covers: vec![v1::Cover { refs: vec![format!("refs/heads/back-{pushed}")] }],
        ..v1::FactsNeeded::default()
    };
    let asked = Arc::new(Asked::read(&needed, &[update]).unwrap());
    let variables: Variables =
        [("GIT_DIR", repository.to_str().unwrap().to_owned()), ("PATH", env::var("PATH").unwrap())]
            .into_iter()
            .collect();
    let places = Arc::new(Places::find(&variables, Path::new("/")).unwrap());
    let histories = Histories::new(places, Arc::new(variables), "alice");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (facts, mut messages) = tokio::sync::mpsc::channel::<v1::Facts>(2);
        let take = async {
            let mut paths = 0;
            while let Some(message) = messages.recv().await {
                let history = &message.histories[0];
                assert_eq!(history.unreadable, "");
                paths += history.paths.len();
            }
            paths
        };
        let give = async {
            let facts = facts;
            histories.tell(&asked, &facts).await;
        };
        tokio::join!(take, give).0
    })
}

/// The tip of the branch so many commits before the main one's, without asking git.
fn name(repository: &Path, back: usize) -> String {
    fs::read_to_string(repository.join(format!("refs/heads/back-{back}"))).unwrap().trim().to_owned()
}

fn git(repository: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", env::var_os("PATH").unwrap()).env("GIT_DIR", repository);
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").current_dir("/");
    command
}

fn repository() -> PathBuf {
    let folder = env::temp_dir().join(format!("oam-bench-paths-{COMMITS}"));
    let repository = folder.join("paths.git");
    if !folder.join("done").exists() {
        println!("building a repository of {COMMITS} commits in {}", folder.display());
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&repository).unwrap();
        build(&repository);
        File::create(folder.join("done")).unwrap();
    }
    repository
}

fn build(repository: &Path) {
    assert!(git(repository).args(["init", "-q", "--bare"]).status().unwrap().success());
    let mut import = git(repository).args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stream = BufWriter::new(import.stdin.take().unwrap());
    for number in 1..=COMMITS {
        let mut text = format!("commit refs/heads/main\nmark :{number}\ncommitter c <c@example.com> ");
        let _ = write!(text, "{} +0000\ndata 2\nm\n", 1_000_000_000 + number);
        for file in [number * 7 % 4_000, number * 13 % 4_000] {
            let (folder, inner) = (file % 20, file / 20 % 10);
            let content = number.to_string();
            let _ =
                write!(text, "M 100644 inline src/{folder}/{inner}/file-{file}\ndata {}\n", content.len());
            let _ = writeln!(text, "{content}");
        }
        stream.write_all(text.as_bytes()).unwrap();
    }
    drop(stream);
    assert!(import.wait().unwrap().success());
    for back in [0, 1, 1_000, 100_000] {
        let (branch, commit) = (format!("refs/heads/back-{back}"), format!("refs/heads/main~{back}"));
        assert!(git(repository).args(["update-ref", &branch, &commit]).status().unwrap().success());
    }
    assert!(git(repository).args(["repack", "-adq"]).status().unwrap().success());
    let graph = git(repository).args(["commit-graph", "write", "--reachable"]).status();
    assert!(graph.unwrap().success());
}

/// The most memory that it takes, in a process of its own: this program again.
fn peak(pushed: usize) -> Peak {
    let mut own = Command::new(env::current_exe().unwrap());
    own.args([MARK, &pushed.to_string()]);
    Peak::told_by(own)
}

/// Whether this process is one that is measured; then it has done its work.
pub(crate) fn is_child(arguments: &[String]) -> bool {
    let [mark, pushed] = arguments else { return false };
    if mark != MARK {
        return false;
    }
    let pushed: usize = pushed.parse().unwrap();
    print_peak(|| {
        if pushed > 0 {
            tell(&repository(), pushed);
        }
    });
    true
}
