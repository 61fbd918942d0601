//! What a require asks for, as the naive implementation understands it.

use crate::{
    matching,
    oracle::{Maybe, Oracle, same_name},
    world::{Approvals, Checks, Commit, Conditions, Named, Rule, Signature, Tip, Update, Who},
};

type Missing = Vec<(&'static str, Maybe)>;

/// The code of each condition, and whether it is not met.
pub(crate) fn missing(oracle: &Oracle<'_>, update: &Update, rule: &Rule, asked: &Conditions) -> Missing {
    let has_pull_request = ["pull-request-merge", "pull-request-dry-run"].contains(&oracle.push.channel);
    let mut all = Vec::new();
    if asked.via {
        all.push(("pull-request-required", Some(!has_pull_request)));
    }
    // That nobody approved what is no pull request goes without saying, where a pull request is missing.
    let approvals = asked.approvals.iter().filter(|_| has_pull_request || !asked.via);
    for approvals in approvals {
        let wanted = oracle.touches(rule, &approvals.paths, update);
        let lacking = if !has_pull_request {
            Some(true)
        } else if oracle.blind || oracle.push.pull_request.dark {
            None
        } else {
            let (sure, perhaps) = approvers(oracle, approvals, asked);
            match sure + perhaps < approvals.count {
                true => Some(true),
                false => (sure >= approvals.count).then_some(false),
            }
        };
        all.push(("approval-missing", both(wanted, lacking)));
    }
    all.extend(of_commits(oracle, update, rule, &asked.commits));
    all.extend(of_tag(oracle, update, asked));
    all
}

fn both(one: Maybe, other: Maybe) -> Maybe {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// How many people approved whose approval counts, each person once; and of how many others nobody can tell, since a commit is
/// by somebody whom the directory does not know.
fn approvers(oracle: &Oracle<'_>, approvals: &Approvals, asked: &Conditions) -> (usize, usize) {
    let (world, pull_request) = (oracle.world, &oracle.push.pull_request);
    let is_of_nobody =
        |email: &&'static str| world.people.iter().all(|person| !is_among(email, &person.emails));
    let some_stranger = asked.not_committers && pull_request.committers.iter().any(is_of_nobody);
    let mut people: Vec<&Who> = Vec::new();
    for (who, of_head) in &pull_request.approvals {
        let excluded = match who {
            Who::Holding(_) => false,
            Who::Name(name) => {
                let emails = world.person(name).map(|person| person.emails.clone()).unwrap_or_default();
                let is_author = pull_request.author.is_some_and(|author| same_name(author, name));
                let committed = pull_request.committers.iter().any(|email| is_among(email, &emails));
                (asked.not_author && is_author) || (asked.not_committers && committed)
            }
        };
        let again = people.iter().any(|other| match (who, other) {
            (Who::Name(one), Who::Name(other)) => same_name(one, other),
            _ => false,
        });
        let holds = world.roles_that_count(who).contains(&approvals.role);
        if holds && !excluded && !again && (*of_head || !asked.reset) {
            people.push(who);
        }
    }
    let (named, nameless): (Vec<&Who>, Vec<&Who>) =
        people.iter().partition(|who| matches!(who, Who::Name(_)));
    if some_stranger { (nameless.len(), named.len()) } else { (named.len() + nameless.len(), 0) }
}

fn is_among(email: &str, emails: &[&str]) -> bool {
    emails.iter().any(|one| one.eq_ignore_ascii_case(email))
}

fn of_commits(oracle: &Oracle<'_>, update: &Update, rule: &Rule, checks: &Checks) -> Missing {
    let mut all = Vec::new();
    let commits = oracle.commits(update, &rule.refs);
    let mut some_commit = |asked: bool, code, is_wrong: &dyn Fn(&Commit) -> bool| {
        if asked {
            all.push((code, commits.as_ref().map(|commits| commits.iter().any(is_wrong))));
        }
    };
    let pusher = oracle.pusher();
    let is_pusher = |named: &Named| match named {
        Named::Email(email) => is_among(email, &pusher.emails),
        Named::Pusher => true,
        Named::Stranger => false,
    };
    some_commit(checks.committer_is_pusher, "committer-not-pusher", &|commit| !is_pusher(&commit.committer));
    some_commit(checks.author_known, "author-unknown", &|commit| !is_known(oracle, &commit.author));
    for code in SIGNATURES {
        some_commit(checks.signed, code, &|commit| {
            faulty(oracle, &commit.signature, &commit.committer) == Some(code)
        });
    }
    some_commit(checks.message.is_some(), "message-not-matching", &|commit| {
        checks.message.is_some_and(|pattern| !matching::one(pattern, commit.subject, ""))
    });
    some_commit(checks.sign_off, "sign-off-missing", &|commit| !commit.signed_off);
    some_commit(checks.linear, "merge-commit", &|commit| commit.parents > 1);
    some_commit(checks.no_foreign_merges, "foreign-merge", &|commit| commit.foreign);
    let files = oracle.files(update, &rule.refs);
    let mut some_file = |asked: bool, code, is_wrong: &dyn Fn(&(&str, u64)) -> bool| {
        if asked {
            all.push((code, files.as_ref().map(|files| files.iter().any(is_wrong))));
        }
    };
    some_file(checks.max_blob.is_some(), "blob-too-large", &|(_, size)| {
        checks.max_blob.is_some_and(|max| *size > max)
    });
    some_file(checks.forbid_paths.is_some(), "path-forbidden", &|(path, _)| {
        checks.forbid_paths.as_ref().is_some_and(|forbidden| matching::any(forbidden, path, ""))
    });
    some_file(!checks.forbid_extensions.is_empty(), "extension-forbidden", &|(path, _)| {
        let lower = path.to_ascii_lowercase();
        checks.forbid_extensions.iter().any(|extension| lower.ends_with(&format!(".{extension}")))
    });
    if let Some(max) = checks.max_commits {
        let count = oracle.count(update, &rule.refs);
        all.push(("too-many-commits", count.map(|count| count as u64 > max)));
    }
    all
}

fn of_tag(oracle: &Oracle<'_>, update: &Update, asked: &Conditions) -> Missing {
    let is_idle = update.change == "delete" || !update.name.starts_with("refs/tags/");
    if is_idle || !(asked.annotated_tag || asked.signed_tag) {
        return Missing::new();
    }
    let tip = oracle.tip(update);
    let mut all = vec![("tag-not-annotated", tip.map(|tip| *tip == Tip::Other))];
    for code in SIGNATURES.into_iter().filter(|_| asked.signed_tag) {
        let is_faulty = |tip: &Tip| match tip {
            Tip::Other => false,
            Tip::Tag { tagger, signature } => faulty(oracle, signature, tagger) == Some(code),
        };
        all.push((code, tip.map(is_faulty)));
    }
    all
}

fn is_known(oracle: &Oracle<'_>, author: &Named) -> bool {
    match author {
        Named::Email(email) => {
            let mut people = oracle.world.people.iter();
            people.any(|person| oracle.world.is_active(person.name) && is_among(email, &person.emails))
        }
        Named::Pusher => true,
        Named::Stranger => false,
    }
}

const SIGNATURES: [&str; 7] = [
    "signature-missing",
    "signature-invalid",
    "signature-key-unknown",
    "signature-key-expired",
    "signature-key-revoked",
    "signature-by-other",
    "signature-kind-unknown",
];

/// The code of what is wrong with a signature of what `maker` made.
fn faulty(oracle: &Oracle<'_>, signature: &Signature, maker: &Named) -> Option<&'static str> {
    match signature {
        Signature::Absent => Some("signature-missing"),
        Signature::Bad(code) => Some(code),
        Signature::GoodByCommitter => None,
        Signature::GoodByAddress(address) => match maker {
            Named::Email(email) if email.eq_ignore_ascii_case(address) => None,
            _ => Some("signature-by-other"),
        },
        Signature::GoodBy(name) => {
            let person = oracle.world.person(name);
            let is_theirs = match maker {
                Named::Email(email) => person.is_some_and(|person| is_among(email, &person.emails)),
                Named::Pusher => same_name(name, &oracle.pusher().name),
                Named::Stranger => false,
            };
            match (is_theirs, oracle.world.is_active(name)) {
                (false, _) => Some("signature-by-other"),
                (true, false) => Some("signature-key-revoked"),
                (true, true) => None,
            }
        }
    }
}
