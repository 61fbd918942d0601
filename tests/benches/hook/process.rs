//! The hook as a process alone, fed what git would feed it.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use oam_tests::{BareRepo, bitbucket::ZERO};

use crate::{
    Effort,
    measure::{Case, Target, judge, medians, peak_mib, process, table},
    peers::World,
};

/// A guarded repository with two commits, one upon the other.
struct Guarded {
    repository: BareRepo,
    old: String,
    new: String,
}

impl Guarded {
    fn new(world: &World) -> Self {
        let repository = world.guarded();
        let work = repository.working_copy().pushing_as("alice");
        let old = work.commit("old");
        let new = work.commit("new");
        let output = work.push(["HEAD:refs/heads/main"]);
        assert!(output.accepted(), "{output:?}");
        Self { repository, old, new }
    }

    /// A file of `count` lines that change branches from `old` to the new commit.
    fn input(&self, old: &str, count: usize) -> PathBuf {
        let kind = if old == ZERO { "create" } else { "update" };
        let path = self.repository.folder().join(format!("{kind}-{count}"));
        let mut lines = String::new();
        for number in 0..count {
            let _ = writeln!(lines, "{old} {} refs/heads/shared/{number:06}", self.new);
        }
        fs::write(&path, lines).unwrap();
        path
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.repository.path()).env_clear();
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("GIT_DIR", ".").env("REMOTE_USER", "alice");
        command
    }

    fn case<'a>(&self, name: &str, program: &Path, input: &Path) -> Case<'a> {
        let (mut command, input) = (self.command(program), input.to_owned());
        Case::new(name, move |_| process(&mut command, &input, 0))
    }
}

/// One ref on standard input.
pub(crate) fn run(world: &World, effort: Effort) -> u32 {
    let guarded = Guarded::new(world);
    let hook = guarded.repository.hook();
    let (create, update) = (guarded.input(ZERO, 1), guarded.input(&guarded.old, 1));
    let mut is_ancestor = guarded.command(Path::new("git"));
    is_ancestor.args(["merge-base", "--is-ancestor", &guarded.old, &guarded.new]);
    let mut version = guarded.command(&hook);
    version.arg("--version");
    let (nothing, nothing_too) = (update.clone(), update.clone());
    let mut cases = vec![
        guarded.case("/bin/true", Path::new("/bin/true"), &create),
        guarded.case("oam-hook", &hook, &create),
        guarded.case("oam-hook with the force check", &hook, &update),
        guarded.case("sh, cat", &world.sh(), &create),
        Case::new("oam-hook --version: the process by itself", move |_| {
            process(&mut version, &nothing_too, 0)
        }),
        Case::new("git merge-base --is-ancestor", move |_| process(&mut is_ancestor, &nothing, 0)),
    ];
    cases.extend(world.python().map(|python| guarded.case("python3", &python, &create)));
    let medians = medians(&mut cases, effort.processes);
    table("The hook's process alone, one ref", &cases, &medians);
    let mut elapsed: Vec<_> =
        world.daemon.audit().decisions().iter().map(|one| one.decision.elapsed_us).collect();
    elapsed.sort_unstable();
    println!("  (of which the daemon, up to the verdict: {} us)", elapsed[elapsed.len() / 2]);
    judge("without the force check, x /bin/true", medians[1] / medians[0], Target::AtMost(1.2))
        + judge("with the force check, x /bin/true", medians[2] / medians[0], Target::AtMost(1.5))
        + judge("with the force check, x sh", medians[2] / medians[3], Target::AtMost(1.0))
}

/// Very many refs on standard input.
pub(crate) fn run_large(world: &World, effort: Effort) -> u32 {
    let guarded = Guarded::new(world);
    let hook = guarded.repository.hook();
    let many = |old: &str, count| guarded.input(old, count);
    let (ten, hundred) = (many(&guarded.old, 10_000), many(&guarded.old, 100_000));
    let mut cases = vec![
        guarded.case("/bin/true", Path::new("/bin/true"), &ten),
        guarded.case("10,000 creates", &hook, &many(ZERO, 10_000)),
        guarded.case("10,000 updates with ancestry", &hook, &ten),
        guarded.case("100,000 creates", &hook, &many(ZERO, 100_000)),
        guarded.case("100,000 updates with ancestry", &hook, &hundred),
    ];
    let medians = medians(&mut cases, effort.large);
    table("The hook's process alone, very many refs", &cases, &medians);
    let peak = |input: &Path| peak_mib(&hook, &guarded.repository.path(), "alice", input);
    judge("10,000 updates, x /bin/true", medians[2] / medians[0], Target::AtMost(80.0))
        + judge("100,000 creates, x 10,000 (linear: 10)", medians[3] / medians[1], Target::AtMost(12.0))
        + judge("100,000 updates, x 10,000 (linear: 10)", medians[4] / medians[2], Target::AtMost(12.0))
        + judge("100,000 creates, peak MiB", peak(&many(ZERO, 100_000)), Target::AtMost(64.0))
        + judge("100,000 updates, peak MiB", peak(&hundred), Target::AtMost(64.0))
}
