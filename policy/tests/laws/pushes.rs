//! How pushes come about by chance.

use proptest::{bool::weighted, collection::vec, option, prelude::*};

use crate::{
    chance::{EMAILS, NAMES, PATHS, REFS, REPOSITORIES, now, one, some, who},
    world::{Commit, Dark, History, Named, PullRequest, Push, Signature, Tip, Update, Who},
};

fn signature() -> impl Strategy<Value = Signature> {
    const CODES: [&str; 5] = [
        "signature-invalid",
        "signature-key-unknown",
        "signature-key-expired",
        "signature-key-revoked",
        "signature-kind-unknown",
    ];
    prop_oneof![
        1 => Just(Signature::Absent),
        4 => one(&CODES).prop_map(Signature::Bad),
        3 => one(&NAMES).prop_map(Signature::GoodBy),
        1 => one(&EMAILS).prop_map(Signature::GoodByAddress),
    ]
}

fn tip() -> impl Strategy<Value = Tip> {
    let tag = (one(&EMAILS).prop_map(Named::Email), signature());
    prop_oneof![
        2 => Just(Tip::Other),
        3 => tag.prop_map(|(tagger, signature)| Tip::Tag { tagger, signature }),
    ]
}

fn commit() -> impl Strategy<Value = Commit> {
    let email = || one(&EMAILS).prop_map(Named::Email);
    let subject = one(&["A-1 fix", "A-1 fix", "fix", "B-2 a/b", "AB-12 ", ""]);
    let changes = vec((one(&PATHS), option::weighted(0.8, one(&[1_u64, 10, 11, 30]))), 0..3);
    (subject, weighted(0.6), email(), email(), 1_usize..3, weighted(0.8), signature(), changes).prop_map(
        |(subject, signed_off, author, committer, parents, foreign, signature, changes)| Commit {
            subject,
            signed_off,
            author,
            committer,
            parents,
            foreign: foreign && parents > 1,
            signature,
            changes,
        },
    )
}

/// How many commits there are.
const COMMITS: [usize; 3] = [0, 1, 2];

pub(crate) fn update() -> impl Strategy<Value = Update> {
    let seldom = || weighted(0.15);
    let dark =
        (seldom(), seldom(), seldom(), seldom(), seldom()).prop_map(|(paths, files, commits, count, tip)| {
            // Commits that can be told can be counted.
            Dark { paths, files, commits: commits || count, count, tip }
        });
    let history = (some(&COMMITS, 3), some(&PATHS, 2)).prop_map(|(reach, net)| History::Graph { reach, net });
    let change = one(&["create", "move", "move", "move", "delete", "merge"]);
    (change, one(&REFS), option::weighted(0.85, any::<bool>()), history, dark, tip()).prop_map(
        |(change, name, forward, history, dark, tip)| {
            // Nobody asks whether a tag could be merged.
            let change = if change == "merge" && name.starts_with("refs/tags/") { "move" } else { change };
            Update { change, name, forward, history, tip, dark }
        },
    )
}

fn pull_request() -> impl Strategy<Value = PullRequest> {
    (weighted(0.15), option::of(one(&NAMES)), some(&EMAILS, 2), vec((who(), weighted(0.7)), 0..5))
        .prop_map(|(dark, author, committers, approvals)| PullRequest { dark, author, committers, approvals })
}

pub(crate) fn push() -> impl Strategy<Value = Push> {
    let channel = prop_oneof![
        one(&["push", "pull-request-merge", "pull-request-merge", "pull-request-dry-run"]),
        one(&["branch-create", "branch-delete", "tag-create", "tag-delete", "file-edit", "merge"])
    ];
    let pusher = prop_oneof![2 => Just("zoe"), 3 => one(&NAMES[..4]), 1 => one(&NAMES)];
    let existing = vec((one(&REFS), some(&COMMITS, 2)), 0..3);
    (
        pusher,
        one(&REPOSITORIES),
        channel,
        now(),
        vec(update(), 1..4),
        existing,
        vec(commit(), 3),
        pull_request(),
    )
        .prop_map(|(by, repository, channel, now, updates, existing, commits, pull_request)| Push {
            by: Who::Name(by),
            repository,
            channel,
            now,
            updates,
            existing,
            commits,
            pull_request,
        })
}
