//! The commits of which a case tells, made for real by git's own plumbing.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use oam_tests::{Run as _, WorkingCopy};

use crate::{
    case::Case,
    facts::{Commit, Tag},
    keys,
    value::Pusher,
};

/// Where a history begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Onto<'a> {
    /// With nothing before it: its first commit has no parent.
    Nothing,
    /// On this commit.
    Tip(&'a str),
}

/// Makes the new commits of a case, the files in the first one; gives the id of the last.
pub(crate) fn make(work: &WorkingCopy, case: &Case, onto: Onto<'_>) -> String {
    let count = case.commit_count.map_or(1, |count| usize::try_from(count).unwrap());
    let plain: Vec<_> = (0..count).map(|_| Commit::default()).collect();
    let commits = case.commits.as_deref().unwrap_or(&plain);
    let tree = tree(work, case);
    let first = match onto {
        Onto::Nothing => None,
        Onto::Tip(tip) => Some(tip.to_owned()),
    };
    let tip = commits.iter().fold(first, |before, commit| {
        Some(commit_tree(work, case, commit, &tree, &parents(work, commit, before)))
    });
    let tip = tip.expect("a case has at least one new commit");
    match &case.tag {
        Some(tag) if !tag.lightweight => make_tag(work, case, tag, &tip),
        Some(_) | None => tip,
    }
}

/// Makes a tag object; gives its id.
fn make_tag(work: &WorkingCopy, case: &Case, tag: &Tag, tip: &str) -> String {
    let mut git = signing(work, tag.signed_by.as_ref());
    git.env("GIT_COMMITTER_EMAIL", email(case, &tag.tagger));
    git.args(["tag", "--force", if tag.signed_by.is_some() { "--sign" } else { "--annotate" }]);
    git.args(["--message", "a tag", "case", tip]).run().expect_success("git tag");
    work.git(["rev-parse", "refs/tags/case"])
}

/// git, set up to sign with somebody's key.
fn signing(work: &WorkingCopy, signer: Option<&Pusher>) -> Command {
    let mut git = work.command();
    if let Some(signer) = signer {
        let key = keys::private(signer.0.as_str());
        git.args(["-c", "gpg.format=ssh", "-c"]).arg(format!("user.signingKey={}", key.display()));
    }
    git
}

fn email(case: &Case, given: &Option<String>) -> String {
    given.clone().unwrap_or_else(|| format!("{}@example.com", case.who.0))
}

/// The tree with the files of the case, and nothing else.
fn tree(work: &WorkingCopy, case: &Case) -> String {
    let mut listed = String::new();
    for file in case.files().unwrap_or_default() {
        let mut hash = work.command();
        hash.args(["hash-object", "-w", "--stdin"]);
        let content = vec![b'x'; usize::try_from(file.size).unwrap()];
        let blob = hash.run_with(&content).expect_success("git hash-object").stdout_text();
        write!(listed, "100644 {}\t{}\0", blob.trim(), file.path).unwrap();
    }
    let index = index(work.path());
    let in_index = |arguments: &[&str], input: &str| {
        let mut git = work.command();
        git.env("GIT_INDEX_FILE", &index).args(arguments);
        git.run_with(input.as_bytes()).expect_success(&format!("{git:?}")).stdout_text().trim().to_owned()
    };
    in_index(&["read-tree", "--empty"], "");
    in_index(&["update-index", "-z", "--index-info"], &listed);
    in_index(&["write-tree"], "")
}

/// An index beside the working copy's own.
fn index(work: &Path) -> PathBuf {
    work.join(".git/index-of-case")
}

/// The parents of one commit behind `before`: more than one are completed with what is there already, and for a foreign
/// merge that comes first.
fn parents(work: &WorkingCopy, commit: &Commit, before: Option<String>) -> Vec<String> {
    let Some(before) = before else { return Vec::new() };
    let wanted = commit.parents.unwrap_or(1);
    if wanted < 2 {
        return vec![before];
    }
    let there = work.git(["rev-list", "--max-parents=0", &before]);
    let mut parents = vec![before];
    parents.resize(wanted, there);
    if commit.foreign {
        parents.reverse();
    }
    parents
}

fn commit_tree(work: &WorkingCopy, case: &Case, commit: &Commit, tree: &str, parents: &[String]) -> String {
    let (author, committer) = (email(case, &commit.author), email(case, &commit.committer));
    let mut git = signing(work, commit.signed_by.as_ref());
    git.env("GIT_AUTHOR_EMAIL", &author).env("GIT_COMMITTER_EMAIL", &committer).args(["commit-tree", tree]);
    if commit.signed_by.is_some() {
        git.arg("-S");
    }
    for parent in parents {
        git.args(["-p", parent]);
    }
    let trailer =
        if commit.signed_off { format!("\nSigned-off-by: C <{committer}>\n") } else { String::new() };
    let message = format!("{}\n{trailer}", commit.message);
    git.run_with(message.as_bytes()).expect_success("git commit-tree").stdout_text().trim().to_owned()
}
