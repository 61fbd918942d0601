//! What a require asks for, in words.

use std::collections::BTreeSet;

use super::{
    lists::listed,
    trace::{Condition, Fit},
};
use crate::{
    decide::{Condition as Asked, Known, OneRef},
    printable::Printable,
    question::{ImaginedTag, Question},
    reason::{RefusalReason, Shortfall, Unmet},
    request::Verb,
    rule::{CommitCheck, CommitChecks, Excluded, Require, TagCheck, Via},
    words,
};

/// One condition, and what came of it.
pub(super) fn told(
    one: &OneRef<'_, '_>,
    require: &Require,
    asked: Asked<'_>,
    question: &Question,
) -> Condition {
    let is_supposed = is_supposed(one, require, asked, question);
    let wanted = wanted(require, asked);
    let (fit, detail) = match one.missing(require, asked) {
        Known::Is(missing) if missing.is_empty() => match asked {
            Asked::Approvals(_) if is_supposed => (Fit::Fits, format!("{wanted}: {}", of_approvers(require))),
            _ => (Fit::Fits, wanted),
        },
        Known::Is(missing) => {
            let instead: Vec<_> = missing.into_iter().map(|shortfall| instead(require, shortfall)).collect();
            (Fit::Differs, format!("{wanted}: {}", instead.join(" ")))
        }
        Known::Needs(needed) => {
            (Fit::Unknown, format!("{wanted}: it depends on {}, which are not said", needed.told()))
        }
        Known::Unreadable(lack) => (Fit::Unknown, format!("{wanted}: {}", Printable::new(lack.why()))),
    };
    Condition { fit, detail, supposed: fit == Fit::Fits && is_supposed }
}

/// What requires in force ask for and nothing is said of, so that it is taken to be so.
pub(crate) fn supposing(one: &OneRef<'_, '_>, question: &Question) -> BTreeSet<String> {
    let asked_for = one.asked_for(question.decided_verb());
    let conditions = asked_for
        .flat_map(|require| require.conditions().map(move |asked| told(one, require, asked, question)));
    conditions.filter(|condition| condition.supposed).map(|condition| condition.detail).collect()
}

/// Whether a question is silent on what a condition is about, so that it is taken to be met. Nobody can say of a commit that
/// it has no flaw, nor of a pull request whose it is, or what was pushed to it after somebody approved it.
fn is_supposed(one: &OneRef<'_, '_>, require: &Require, asked: Asked<'_>, question: &Question) -> bool {
    let said = &question.circumstances;
    let is_silent = match asked {
        Asked::Via(_) => false,
        // Also of a ref that is deleted: what is approved is the pull request.
        Asked::Approvals(wanted) => {
            let is_open = !require.exclude.is_empty() || require.reset_on_push;
            return is_open && one.rests_on_approvals(require, wanted);
        }
        Asked::Tags(_) => question.name.is_tag() && said.tag == ImaginedTag::Signed,
        Asked::Commits(CommitCheck::MaxCommits) => said.commits.is_none(),
        Asked::Commits(CommitCheck::Message) => {
            said.commit.as_ref().is_none_or(|commit| commit.message.is_none())
        }
        Asked::Commits(CommitCheck::MaxBlob) => said.commit.as_ref().is_none_or(|commit| commit.blob == 0),
        Asked::Commits(CommitCheck::ForbidPaths | CommitCheck::ForbidExtensions) => said.paths.is_none(),
        Asked::Commits(
            CommitCheck::CommitterIsPusher
            | CommitCheck::AuthorKnown
            | CommitCheck::Signed
            | CommitCheck::SignOff
            | CommitCheck::Linear
            | CommitCheck::NoForeignMerges,
        ) => true,
    };
    is_silent && question.verb != Verb::Delete
}

/// What is taken to be so of those who approved, where a rule asks for it.
fn of_approvers(require: &Require) -> String {
    let excluded = require.exclude.iter().map(|who| match who {
        Excluded::Author => "no approver is the author",
        Excluded::Committers => "no approver is a committer",
    });
    let fresh = require.reset_on_push.then_some("they approved the present head");
    excluded.chain(fresh).collect::<Vec<_>>().join(", ")
}

/// The words that a refused person would read.
fn instead(require: &Require, shortfall: Shortfall) -> String {
    let unmet = Unmet { rule: require.id.clone(), help: None, shortfall, lifted_by: Vec::new() };
    words::of_refusal(&RefusalReason::Unmet(unmet), None).summary
}

fn wanted(require: &Require, asked: Asked<'_>) -> String {
    match asked {
        Asked::Via(Via::PullRequest) => "through a pull request".to_owned(),
        Asked::Approvals(approvals) => {
            let paths = approvals.paths.as_ref();
            let paths = paths.map(|paths| format!(" where {} change", listed(&paths.sources())));
            let excluded: Vec<_> = require.exclude.iter().map(|who| without(*who)).collect();
            let fresh = require.reset_on_push.then_some(", of what is there now");
            format!(
                "{} by `{}`{}{}{}",
                if approvals.count.get() == 1 {
                    "1 approval".to_owned()
                } else {
                    format!("{} approvals", approvals.count)
                },
                approvals.role,
                excluded.join(""),
                fresh.unwrap_or_default(),
                paths.unwrap_or_default()
            )
        }
        Asked::Commits(check) => of_check(&require.commits, check),
        Asked::Tags(TagCheck::Annotated) => "a tag is a tag object".to_owned(),
        Asked::Tags(TagCheck::Signed) => "a tag is signed by its tagger".to_owned(),
    }
}

const fn without(who: Excluded) -> &'static str {
    match who {
        Excluded::Author => ", not the author",
        Excluded::Committers => ", no committer",
    }
}

fn of_check(checks: &CommitChecks, check: CommitCheck) -> String {
    let text = match check {
        CommitCheck::CommitterIsPusher => "the committer is the pusher",
        CommitCheck::AuthorKnown => "the author is known",
        CommitCheck::Signed => "commits are signed by their committers",
        CommitCheck::SignOff => "commits are signed off",
        CommitCheck::Linear => "no merges",
        CommitCheck::NoForeignMerges => "no foreign merges",
        CommitCheck::MaxCommits => {
            return format!("no more than {} new commits", checks.max_commits.unwrap_or_default());
        }
        CommitCheck::Message => {
            let pattern = checks.message.as_ref().map(ToString::to_string).unwrap_or_default();
            return format!("the first line of a message is like `{}`", Printable::new(&pattern));
        }
        CommitCheck::MaxBlob => {
            return format!("no file has more than {} bytes", checks.max_blob.unwrap_or_default());
        }
        CommitCheck::ForbidPaths => {
            let paths = checks.forbid_paths.as_ref().map(crate::rule::PathSet::sources).unwrap_or_default();
            return format!("no file is in {}", listed(&paths));
        }
        CommitCheck::ForbidExtensions => {
            let all: Vec<_> = checks.forbid_extensions.iter().cloned().collect();
            return format!("no file ends in {}", listed(&all));
        }
    };
    text.to_owned()
}
