//! The words for a require that is not met.

use super::{listed, signatures::Signed};
use crate::{
    examples::Examples,
    name::TreePath,
    printable::Printable,
    reason::{Discounted, Doubtful, FaultyCommit, Shortfall, Unmet, WhyNot},
    rule::CommitCheck,
};

/// What is missing, and what to do.
pub(super) fn of(unmet: &Unmet) -> (String, String) {
    let (summary, hint) = of_shortfall(&unmet.shortfall);
    let summary = format!("By rule `{}`, {summary}.", unmet.rule);
    let help = unmet.help.as_deref().map(|help| Printable::new(help.trim()).to_string());
    (summary, help.into_iter().chain([hint]).collect::<Vec<_>>().join(" "))
}

fn of_shortfall(shortfall: &Shortfall) -> (String, String) {
    match shortfall {
        Shortfall::PullRequest => (
            "it is changed through pull requests only".to_owned(),
            "Push to another branch, and open a pull request.".to_owned(),
        ),
        Shortfall::Approvals { role, needed, given, doubtful, discounted, paths } => {
            let people = if *needed == 1 { "1 approval".to_owned() } else { format!("{needed} approvals") };
            let what_for = paths.as_ref().map(|paths| format!(" for {}", told(paths))).unwrap_or_default();
            let has = has(*given, doubtful.as_ref());
            let summary = format!("it takes {people} by the role `{role}`{what_for}, and has {has}");
            let more = needed.saturating_sub(*given);
            let why = doubtful.as_ref().map(|doubtful| {
                format!("Why nobody can tell: {}. ", Printable::new(doubtful.why.trim_end_matches('.')))
            });
            let hint = approvals_hint(role.as_str(), more, discounted.as_ref());
            (summary, why.unwrap_or_default() + &hint)
        }
        Shortfall::Commits { check, wanted, commits } => of_commits(*check, wanted.as_deref(), commits),
        Shortfall::TooManyCommits { max } => (
            format!(
                "one push may bring {} at most",
                if *max == 1 { "1 new commit".to_owned() } else { format!("{max} new commits") }
            ),
            "Push in smaller parts, an older commit first: `git push origin <commit>:<branch>`; or make fewer of them \
             with `git rebase -i`."
                .to_owned(),
        ),
        Shortfall::CommitSignatures { fault, commits } => (
            format!("{}: {}", Signed::Commits.wanted(*fault), commits.told(one)),
            Signed::Commits.hint(*fault),
        ),
        Shortfall::TagNotAnnotated => (
            "a tag must be a tag object, not a bare name for a commit".to_owned(),
            "Make it anew: `git tag -a -f` with the tag's name, or `git tag -s -f` to sign it.".to_owned(),
        ),
        Shortfall::TagSignature { fault, found } => (
            format!("{}{}", Signed::Tag.wanted(*fault), in_brackets(found.as_deref())),
            Signed::Tag.hint(*fault),
        ),
        Shortfall::Paths { check: CommitCheck::ForbidExtensions, paths } => (
            format!("files of such a kind may not be there: {}", told(paths)),
            "Take them out of your commits with `git rebase -i`, and push again.".to_owned(),
        ),
        Shortfall::Paths { paths, .. } => (
            format!("files may not be there: {}", told(paths)),
            "Take them out of your commits with `git rebase -i`, and push again.".to_owned(),
        ),
        Shortfall::Blobs { max, blobs } => (
            format!(
                "a file may have {} at most: {}",
                bytes(*max),
                blobs.told(|(path, size)| format!("`{path}` has {}", bytes(*size)))
            ),
            "Take it out of your commits with `git rebase -i`, or keep it with git LFS, and push again."
                .to_owned(),
        ),
    }
}

/// How many approvals there are: `0`, `1 beside 2 of which nobody can tell whether they count`.
fn has(given: u32, doubtful: Option<&Doubtful>) -> String {
    let of_which = match doubtful {
        None => return given.to_string(),
        Some(Doubtful { count: 1, .. }) => "1 of which nobody can tell whether it counts".to_owned(),
        Some(Doubtful { count, .. }) => format!("{count} of which nobody can tell whether they count"),
    };
    if given == 0 { of_which } else { format!("{given} beside {of_which}") }
}

fn approvals_hint(role: &str, more: u32, discounted: Option<&Examples<Discounted>>) -> String {
    let who = if more == 1 { "somebody".to_owned() } else { format!("{more} people") };
    let hint = format!("Have {who} with the role `{role}` approve the pull request, and merge it then.");
    match discounted {
        None => hint,
        Some(one) if one.total() == 1 => {
            format!("1 approval does not count: {}. {hint}", one.told(discounted_one))
        }
        Some(many) => {
            format!("{} approvals do not count: {}. {hint}", many.total(), many.told(discounted_one))
        }
    }
}

/// `carol (it was given before the last push)`
fn discounted_one(Discounted { by, why }: &Discounted) -> String {
    let by = by.as_ref().map_or_else(|| "somebody's".to_owned(), |by| format!("`{by}`"));
    let why = match why {
        WhyNot::Unknown => "not in the company directory",
        WhyNot::Inactive => "not active any more",
        WhyNot::WithoutRole => "does not hold the role",
        WhyNot::Author => "opened the pull request",
        WhyNot::Committer => "made a commit of it",
        WhyNot::Outdated => "approved before the last push",
    };
    format!("{by} ({why})")
}

fn of_commits(
    check: CommitCheck,
    wanted: Option<&str>,
    commits: &Examples<FaultyCommit>,
) -> (String, String) {
    let (what, hint) = match check {
        CommitCheck::CommitterIsPusher => (
            "the committer must be you",
            "Set `git config user.email` to the address that the company directory has of you, and commit again: \
             `git commit --amend --reset-author`, or `git rebase` for several.",
        ),
        CommitCheck::AuthorKnown => (
            "the author must be known to the company directory",
            "Set the address that the directory has of them: `git commit --amend --author=\"Name <address>\"`, or \
             `git rebase` for several.",
        ),
        CommitCheck::Message => (
            "the first line of a message must be",
            "Write it anew: `git commit --amend`, or `git rebase -i` with `reword` for several.",
        ),
        CommitCheck::SignOff => (
            "commits must be signed off",
            "Add the line: `git commit --amend -s`, or `git rebase --signoff` for several.",
        ),
        CommitCheck::Linear => {
            ("it has no merges", "Rebase onto it instead of merging: `git rebase`, and push again.")
        }
        CommitCheck::NoForeignMerges => (
            "it keeps its own line of commits: the first parent of a merge must be what it was",
            "Merge your work into it, not it into your work: `git rebase`, or merge the other way round.",
        ),
        // These have shortfalls of their own.
        CommitCheck::Signed
        | CommitCheck::MaxBlob
        | CommitCheck::ForbidPaths
        | CommitCheck::ForbidExtensions
        | CommitCheck::MaxCommits => ("commits must be otherwise", "Ask whoever keeps the policy."),
    };
    let wanted = wanted.map(|wanted| format!(" like `{}`", Printable::new(wanted))).unwrap_or_default();
    (format!("{what}{wanted}: {}", commits.told(one)), hint.to_owned())
}

/// `1a2b3c4d5e "Add x" (<a@b>)`
fn one(commit: &FaultyCommit) -> String {
    const ID: usize = 10;
    const SUBJECT: usize = 60;
    let id: String = commit.id.to_string().chars().take(ID).collect();
    let subject = Printable::new(&commit.subject).to_string();
    let short: String = subject.chars().take(SUBJECT).collect();
    let short = if short.len() < subject.len() { format!("{short}…") } else { short };
    format!("{id} \"{short}\"{}", in_brackets(commit.found.as_deref()))
}

fn in_brackets(found: Option<&str>) -> String {
    found.map(|found| format!(" ({})", Printable::new(found))).unwrap_or_default()
}

/// Some paths.
pub(super) fn told(paths: &Examples<TreePath>) -> String {
    match paths.shown() {
        [one, two] if paths.total() == 2 => listed(&[&format!("`{one}`"), &format!("`{two}`")], "and"),
        _ => paths.told(|path| format!("`{path}`")),
    }
}

/// A size in the largest unit in which it is at least 1, rounded up to a tenth: what is too large must not look like what
/// is allowed.
fn bytes(size: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let Some((name, unit)) = UNITS.into_iter().find(|(_, unit)| size >= *unit) else {
        return format!("{size} bytes");
    };
    let tenths = u128::from(size).saturating_mul(10).div_ceil(u128::from(unit));
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} {name}"),
        (whole, tenth) => format!("{whole}.{tenth} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_short() {
        for (size, told) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (5 << 20, "5 MiB"),
            ((5 << 20) + (1 << 19), "5.5 MiB"),
            ((1 << 20) + 1, "1.1 MiB"),
            (u64::MAX, "17179869184 GiB"),
        ] {
            assert_eq!(bytes(size), told);
        }
    }
}
