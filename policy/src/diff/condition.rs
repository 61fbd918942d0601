//! What it takes to do what is granted: conditions, which of them follow from others, and their words.

use std::{collections::BTreeSet, fmt};

use super::Effect;
use crate::{
    name::RoleId,
    printable::Printable,
    rule::{CommitChecks, Excluded, TagChecks},
};

/// One thing that requires ask for. Two that read alike are the same, whichever rules ask for them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// It goes through a pull request.
    PullRequest,
    /// Holders of a role approved the pull request.
    Approvals {
        /// The role.
        role: RoleId,
        /// How many of them.
        count: u32,
        /// Whose approval does not count.
        exclude: BTreeSet<Excluded>,
        /// Only approvals of the present head count.
        reset_on_push: bool,
    },
    /// The committer of each new commit is the pusher.
    CommitterIsPusher,
    /// Their authors are known to the directory.
    AuthorKnown,
    /// They are signed.
    Signed,
    /// The first lines of their messages are like this.
    Message(String),
    /// They are signed off.
    SignOff,
    /// No new file is larger, in bytes.
    MaxBlob(u64),
    /// The path that changes is no new or changed file.
    NoFile,
    /// No new or changed file has this extension.
    NoExtension(String),
    /// No new commit is a merge.
    Linear,
    /// None is a merge of foreign lines.
    NoForeignMerges,
    /// There are no more of them.
    MaxCommits(u64),
    /// A tag is a tag object.
    AnnotatedTag,
    /// A tag is a signed tag object.
    SignedTag,
}

impl Condition {
    /// Everything that checks of commits ask for, but for paths.
    pub(super) fn of_commits(checks: &CommitChecks) -> Vec<Self> {
        // A new check does not compile before it stands here.
        let CommitChecks {
            committer_is_pusher,
            author_known,
            signed,
            message,
            sign_off,
            max_blob,
            forbid_paths: _,
            forbid_extensions,
            linear,
            no_foreign_merges,
            max_commits,
        } = checks;
        let flags = [
            (*committer_is_pusher, Self::CommitterIsPusher),
            (*author_known, Self::AuthorKnown),
            (*signed, Self::Signed),
            (*sign_off, Self::SignOff),
            (*linear, Self::Linear),
            (*no_foreign_merges, Self::NoForeignMerges),
        ];
        let flags = flags.into_iter().filter_map(|(is_wanted, condition)| is_wanted.then_some(condition));
        // What every message is like asks for nothing.
        let message = message.as_ref().filter(|pattern| pattern.is_of_all() != Some(true));
        let message = message.map(|pattern| Self::Message(pattern.to_string()));
        let extensions = forbid_extensions.iter().cloned().map(Self::NoExtension);
        let sizes = max_blob.map(Self::MaxBlob).into_iter().chain(max_commits.map(Self::MaxCommits));
        flags.chain(message).chain(sizes).chain(extensions).collect()
    }

    /// Everything that checks of tags ask for.
    pub(super) fn of_tags(checks: TagChecks) -> impl Iterator<Item = Self> {
        let TagChecks { annotated, signed } = checks;
        let flags = [(annotated, Self::AnnotatedTag), (signed, Self::SignedTag)];
        flags.into_iter().filter_map(|(is_wanted, condition)| is_wanted.then_some(condition))
    }

    /// How much it is to keep, in words of some letters.
    pub(super) fn words(&self) -> usize {
        const LETTERS: usize = 64;
        match self {
            Self::Message(text) | Self::NoExtension(text) => 1 + text.len() / LETTERS,
            _ => 1,
        }
    }

    /// The pattern of messages, as it is written.
    pub(super) fn message(&self) -> Option<&str> {
        match self {
            Self::Message(pattern) => Some(pattern.as_str()),
            _ => None,
        }
    }

    /// Whether `other` is met wherever this is.
    pub(super) fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            // Nobody can approve a pull request that there is not.
            (Self::Approvals { .. }, Self::PullRequest) => true,
            (Self::MaxBlob(one), Self::MaxBlob(other)) => one <= other,
            (Self::MaxCommits(one), Self::MaxCommits(other)) => one <= other,
            (Self::SignedTag, Self::AnnotatedTag) => true,
            (Self::Linear, Self::NoForeignMerges) => true,
            (
                Self::Approvals { role, count, exclude, reset_on_push },
                Self::Approvals { role: role_2, count: count_2, exclude: exclude_2, reset_on_push: reset_2 },
            ) => {
                let more: Vec<_> = exclude_2.difference(exclude).collect();
                // There is one author, who can have given but one of the approvals; committers there may be many.
                let of_author = u32::from(more.contains(&&Excluded::Author));
                role == role_2
                    && (*reset_on_push || !reset_2)
                    && !more.contains(&&Excluded::Committers)
                    && count.saturating_sub(of_author) >= *count_2
            }
            _ => self == other,
        }
    }
}

/// Conditions without those that follow from another one, in order: so two lists take the same when they are equal.
pub(super) fn reduced(conditions: &BTreeSet<Condition>) -> Vec<Condition> {
    let follows = |one: &Condition| conditions.iter().any(|other| other != one && other.implies(one));
    conditions.iter().filter(|one| !follows(one)).cloned().collect()
}

/// How what it takes becomes otherwise; `None`: it does not.
pub(super) fn effect(before: &[Condition], after: &[Condition]) -> Option<Effect> {
    let takes = |some: &[Condition], all: &[Condition]| {
        all.iter().all(|one| some.iter().any(|other| other.implies(one)))
    };
    way(takes(after, before), takes(before, after))
}

/// The same, by whether what it takes after has all in it that it took before, and the other way round.
pub(super) fn way(after_has_all: bool, before_has_all: bool) -> Option<Effect> {
    match (after_has_all, before_has_all) {
        (true, true) => None,
        (true, false) => Some(Effect::Tightens),
        (false, true) => Some(Effect::Loosens),
        (false, false) => Some(Effect::Changes),
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PullRequest => f.write_str("a pull request"),
            Self::Approvals { role, count, exclude, reset_on_push } => {
                let plural = if *count == 1 { "" } else { "s" };
                write!(f, "{count} approval{plural} by `{role}`")?;
                let exclude: Vec<_> = exclude.iter().map(|who| format!("the {}", who.as_str())).collect();
                if !exclude.is_empty() {
                    write!(f, " other than {}", exclude.join(" or "))?;
                }
                f.write_str(if *reset_on_push { " since the last push" } else { "" })
            }
            Self::CommitterIsPusher => f.write_str("the pusher is the committer"),
            Self::AuthorKnown => f.write_str("known authors"),
            Self::Signed => f.write_str("signed commits"),
            Self::Message(pattern) => write!(f, "messages like `{}`", Printable::new(pattern)),
            Self::SignOff => f.write_str("signed-off commits"),
            Self::MaxBlob(size) => write!(f, "no file above {}", in_units(*size, "bytes", &SIZES)),
            Self::NoFile => f.write_str("no file there, new or changed"),
            Self::NoExtension(extension) => write!(f, "no `.{}` file", Printable::new(extension)),
            Self::Linear => f.write_str("no merges"),
            Self::NoForeignMerges => f.write_str("no foreign merges"),
            Self::MaxCommits(1) => f.write_str("1 new commit at most"),
            Self::MaxCommits(max) => write!(f, "{max} new commits at most"),
            Self::AnnotatedTag => f.write_str("annotated tags"),
            Self::SignedTag => f.write_str("signed tags"),
        }
    }
}

const SIZES: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// A number in the largest of some units in which it is whole, so that two that differ read differently.
pub(super) fn in_units(number: u64, smallest: &str, units: &[(&str, u64)]) -> String {
    let whole = units.iter().find(|(_, unit)| number >= *unit && number.is_multiple_of(*unit));
    match whole {
        Some((name, unit)) => format!("{} {name}", number / unit),
        None => format!("{number} {smallest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, Effect, effect, reduced};
    use crate::rule::Excluded;

    fn approvals(count: u32, exclude: &[Excluded], reset_on_push: bool) -> Condition {
        let exclude = exclude.iter().copied().collect();
        Condition::Approvals { role: "developer".parse().unwrap(), count, exclude, reset_on_push }
    }

    #[test]
    fn what_follows_from_something_else_is_left_out() {
        use Excluded::{Author, Committers};
        let all = [
            approvals(2, &[], false),
            approvals(1, &[Author], false),
            approvals(1, &[], true),
            approvals(1, &[Committers], false),
            Condition::PullRequest,
            Condition::Linear,
            Condition::NoForeignMerges,
            Condition::MaxBlob(2 << 20),
            Condition::MaxBlob(1025),
            Condition::Message("a*".into()),
        ];
        let told: Vec<_> = reduced(&all.into()).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "1 approval by `developer` since the last push",
                "1 approval by `developer` other than the committers",
                "2 approvals by `developer`",
                "messages like `a*`",
                "no file above 1025 bytes",
                "no merges",
            ]
        );
    }

    #[test]
    fn one_direction_or_the_other_or_neither() {
        let (one, two) = ([approvals(1, &[], false)], [approvals(2, &[], false)]);
        let authors = [approvals(2, &[Excluded::Author], false)];
        assert_eq!(effect(&one, &one), None);
        assert_eq!(effect(&one, &two), Some(Effect::Tightens));
        assert_eq!(effect(&two, &one), Some(Effect::Loosens));
        assert_eq!(effect(&two, &[Condition::Signed]), Some(Effect::Changes));
        assert_eq!(effect(&[], &[Condition::Signed]), Some(Effect::Tightens));
        // Of two approvals one at most is the author's.
        assert_eq!(effect(&two, &[approvals(1, &[Excluded::Author], false)]), Some(Effect::Loosens));
        assert_eq!(effect(&two, &authors), Some(Effect::Tightens));
    }
}
