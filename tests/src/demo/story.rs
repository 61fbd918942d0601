//! What the demo shows, in order.

use super::{
    Failed,
    playground::{Playground, quoted},
};
use crate::{PushOutput, Run, Verdict, push::verdict_in};

/// Tells the story.
pub(super) fn tell(playground: &mut Playground) -> Result<(), Failed> {
    set_up(playground)?;
    permitted(playground)?;
    refused(playground)?;
    cut_off(playground)?;
    undecided(playground)?;
    verified(playground)
}

fn set_up(playground: &mut Playground) -> Result<(), Failed> {
    playground.step("A daemon, with no configuration at all");
    playground.start_daemon()?;
    println!("   It has written itself a starter policy, which permits nothing yet.");

    playground.step("A policy and a directory of people");
    playground.show_socket();
    playground.oam(&["policy", "apply", "tests/demo/policy.toml", "--reason", "the demo"])?;
    playground.oam(&["snapshot", "import", "tests/demo/directory.json"])?;
    playground.oam(&["status"])?;

    playground.step("A bare repository with the hook");
    git(playground, "", &["init", "--quiet", "--bare", "--initial-branch=main", "app.git"])?;
    playground.install_hook()?;
    git(playground, "", &["init", "--quiet", "--initial-branch=main", "work"])?;
    git(playground, "work", &["remote", "add", "origin", "../app.git"])?;
    git(playground, "work", &["commit", "--quiet", "--allow-empty", "-m", "The beginning"])
}

fn permitted(playground: &mut Playground) -> Result<(), Failed> {
    playground.step("Alice, a developer, pushes to main: permitted");
    push(playground, "alice", &["main"], Verdict::Permitted)?;
    git(playground, "work", &["commit", "--quiet", "--allow-empty", "-m", "A feature"])?;
    push(playground, "alice", &["main"], Verdict::Permitted)?;

    playground.step("Bob, a release manager, makes a tag: permitted");
    git(playground, "work", &["tag", "v1.0.0"])?;
    push(playground, "bob", &["v1.0.0"], Verdict::Permitted)
}

fn refused(playground: &mut Playground) -> Result<(), Failed> {
    playground.step("Alice rewrites main: refused");
    git(playground, "work", &["commit", "--quiet", "--allow-empty", "--amend", "-m", "Another feature"])?;
    push(playground, "alice", &["--force", "main"], Verdict::Refused)?;

    playground.step("Alice deletes main: refused");
    push(playground, "alice", &["--delete", "main"], Verdict::Refused)?;

    playground.step("Bob, who may do anything with tags, moves one: refused by a block");
    git(playground, "work", &["tag", "--force", "v1.0.0"])?;
    push(playground, "bob", &["--force", "v1.0.0"], Verdict::Refused)?;

    playground.step("Why? Everybody can ask");
    playground.oam_ending(&["explain", "alice", "DEMO/app", "refs/heads/main", "force"], 1).map(drop)
}

fn cut_off(playground: &mut Playground) -> Result<(), Failed> {
    playground.step("Bob leaves: refused on the very next push");
    git(playground, "work", &["branch", "--force", "feature/bob", "HEAD"])?;
    push(playground, "bob", &["feature/bob"], Verdict::Permitted)?;
    playground.oam(&["user", "deactivate", "bob", "--reason", "left the company"])?;
    git(playground, "work", &["commit", "--quiet", "--allow-empty", "-m", "One more"])?;
    push(playground, "bob", &["HEAD:feature/bob"], Verdict::Refused)
}

fn undecided(playground: &mut Playground) -> Result<(), Failed> {
    playground.step("The daemon is killed: nothing is decided, and nothing goes in");
    playground.kill_daemon();
    push(playground, "alice", &["HEAD:feature/late"], Verdict::Undecided)?;

    playground.step("It comes back with all it knew");
    playground.start_daemon()?;
    push(playground, "alice", &["HEAD:feature/late"], Verdict::Permitted)?;
    push(playground, "bob", &["HEAD:feature/bob"], Verdict::Refused)
}

fn verified(playground: &mut Playground) -> Result<(), Failed> {
    playground.step("The audit log is whole, and anybody can check it");
    playground.oam(&["audit", "tail", "--lines", "3"])?;
    let log = playground.path("state/audit");
    playground.oam(&["audit", "verify", "--dir", &log]).map(drop)
}

fn git(playground: &Playground, folder: &str, arguments: &[&str]) -> Result<(), Failed> {
    let mut git = playground.git.command(&playground.folder.join(folder));
    git.args(arguments);
    let shown = format!("git -C {} {}", playground.path(folder), quoted(arguments));
    playground.run(&shown, &mut git, 0).map(drop)
}

/// Pushes as `user`, and checks what came of it.
fn push(playground: &Playground, user: &str, what: &[&str], expected: Verdict) -> Result<(), Failed> {
    let mut push = playground.git.command(&playground.folder.join("work"));
    push.args(["push", "--no-progress", "origin"]).args(what).env("REMOTE_USER", user);
    println!("$ REMOTE_USER={user} git -C {} push origin {}", playground.path("work"), quoted(what));
    let output = PushOutput { git: push.run() };
    for line in output.git.stderr_text().split(['\n', '\r']).filter(|line| !line.trim().is_empty()) {
        println!("  | {}", line.trim_end());
    }
    let actual = match output.accepted() {
        true => Some(Verdict::Permitted),
        false => verdict_in(&output.remote()),
    };
    if actual == Some(expected) {
        println!("   {}, as it should be.", word(expected));
        return Ok(());
    }
    let actual = actual.map_or("neither refused nor undecided", word);
    Err(playground.failed(format_args!("the push was {actual}, and should have been {}", word(expected))))
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Permitted => "permitted",
        Verdict::Refused => "refused",
        Verdict::Undecided => "undecided",
    }
}
