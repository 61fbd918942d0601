//! A whole `git push` over a local path, with one hook or another.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use oam_tests::{BareRepo, WorkingCopy};

use crate::{
    Effort,
    measure::{Case, Target, judge, medians, table},
    peers::World,
};

/// One server with one hook, and somebody who pushes one commit after the other to it.
struct Server {
    _repository: BareRepo,
    work: WorkingCopy,
    commits: Vec<String>,
}

impl Server {
    fn new(repository: BareRepo, environment: &[(&str, String)], commits: usize) -> Self {
        let mut work = repository.working_copy().pushing_as("alice");
        for (name, value) in environment {
            work = work.with(name, value);
        }
        let commits = chain(&work, commits);
        Self { _repository: repository, work, commits }
    }

    /// Pushes the commit of that number to `count` branches.
    fn push(&self, number: usize, count: usize) -> Duration {
        let commit = &self.commits[number];
        let mut push = self.work.command();
        push.args(["push", "--quiet", "origin"]);
        match count {
            1 => {
                push.arg(format!("{commit}:refs/heads/main"));
            }
            _ => {
                push.args((0..count).map(|branch| format!("{commit}:refs/heads/shared/{branch:03}")));
            }
        }
        push.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let status = push.status().unwrap();
        let time = started.elapsed();
        assert!(status.success(), "{push:?}");
        time
    }
}

/// Makes that many commits, one upon the other, in one go.
fn chain(work: &WorkingCopy, count: usize) -> Vec<String> {
    use oam_tests::Run as _;
    let mut stream = String::new();
    for number in 0..count {
        stream.push_str(&format!(
            "commit refs/heads/chain\ncommitter C <c@example.com> {} +0000\ndata 1\nx\n\
             M 100644 inline file\ndata 7\n{number:07}\n",
            1_767_323_045 + number
        ));
    }
    work.command()
        .args(["fast-import", "--quiet"])
        .run_with(stream.as_bytes())
        .expect_success("git fast-import");
    let list = work.git(["rev-list", "--reverse", "refs/heads/chain"]);
    list.lines().map(str::to_owned).collect()
}

/// One commit to one branch, and one commit to a hundred.
pub(crate) fn run(world: &World, effort: Effort) -> u32 {
    let one = compare(world, 1, effort.pushes, "A whole push of one commit to one branch, local path");
    let mut misses =
        judge("with oam-hook, x the push with /bin/true", one.ours / one.nothing, Target::AtMost(1.05));
    misses += judge("with oam-hook, x the push with sh", one.ours / one.sh, Target::AtMost(1.0));
    if let Some(gitolite) = one.gitolite {
        misses += judge("with gitolite, x the push with oam-hook", gitolite / one.ours, Target::AtLeast(2.9));
    }
    let wide =
        compare(world, 100, effort.wide_pushes, "A whole push of one commit to 100 branches, local path");
    if let Some(gitolite) = wide.gitolite {
        // Both over the push without any hook; ours may drown in the noise.
        let (theirs, ours) = (gitolite - wide.none, (wide.ours - wide.none).max(0.01));
        println!("  added at 100 branches: gitolite {theirs:.1} ms, oam-hook {ours:.1} ms");
        misses += judge("what gitolite adds, x what oam-hook adds", theirs / ours, Target::AtLeast(400.0));
    }
    misses
}

/// Medians in milliseconds.
struct Compared {
    nothing: f64,
    none: f64,
    ours: f64,
    sh: f64,
    gitolite: Option<f64>,
}

fn compare(world: &World, count: usize, runs: usize, title: &str) -> Compared {
    let commits = runs + 1;
    let server = |repository| Server::new(repository, &[], commits);
    let mut servers = vec![
        ("hook = /bin/true", server(World::hooked(Path::new("/bin/true")))),
        ("no hook", server(BareRepo::unguarded())),
        ("oam-hook", server(world.guarded())),
        ("sh, cat", server(World::hooked(&world.sh()))),
    ];
    servers.extend(world.python().map(|python| ("python3", server(World::hooked(&python)))));
    let gitolite = world.gitolite();
    if let Some(gitolite) = &gitolite {
        let server = Server::new(gitolite.repository(), &gitolite.environment(), commits);
        servers.push(("gitolite's update hook, 1,000 rules", server));
    }
    let mut cases: Vec<_> = servers
        .iter()
        .map(|(name, server)| Case::new(name, move |number| server.push(number, count)))
        .collect();
    let medians = medians(&mut cases, runs);
    table(title, &cases, &medians);
    Compared {
        nothing: medians[0],
        none: medians[1],
        ours: medians[2],
        sh: medians[3],
        gitolite: gitolite.and(medians.last().copied()),
    }
}
