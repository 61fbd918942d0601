//! What Bitbucket itself decides about a change to a ref: permission first, then its branch restrictions. Written from its
//! documentation, and from nothing else here: what an import makes of restrictions is compared with this, and so is what is
//! mirrored to Bitbucket.
//!
//! Where the documentation says two things, or where versions differ, the answer is [`Answer::Unclear`], with the [`Doubt`].
//! Whoever must not be wider than Bitbucket takes that for a no; whoever must not be stricter, for a yes.

mod pattern;
mod restricted;
mod rights;

use std::fmt;

use oam_policy::{Repository, Verb};

pub use pattern::Matches;
pub use restricted::{AtRef, at_ref};
pub use rights::Rights;

/// What Bitbucket says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// It lets the change in.
    Permitted,
    /// It does not.
    Refused,
    /// Nobody can tell without trying it.
    Unclear(Doubt),
}

/// What cannot be told of Bitbucket from its documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Whether a restriction that prevents all changes, or those without a pull request, prevents creating a ref.
    Creating,
    /// Whether one that prevents changes without a pull request prevents deleting a ref.
    Deleting,
    /// Whether one that prevents rewriting history prevents moving a tag forward.
    MovingTags,
    /// Whether somebody who is exempt from one restriction is bound by another of the same kind on the same ref.
    ExemptOnce,
    /// Whether a pattern matches: `**` at its end might match nothing, and within a segment it might cross `/`.
    Pattern,
    /// What a kind of restriction, or a kind of matcher, means that is not known here.
    UnknownKind,
    /// Which branch a branching model means, where it could not be read.
    NoModel,
}

impl Doubt {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Creating,
        Self::Deleting,
        Self::MovingTags,
        Self::ExemptOnce,
        Self::Pattern,
        Self::UnknownKind,
        Self::NoModel,
    ];

    /// What it is, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => {
                "whether `read-only` and `pull-request-only` prevent creating a ref: its documentation says both"
            }
            Self::Deleting => "whether `pull-request-only` prevents deleting a ref",
            Self::MovingTags => "whether `fast-forward-only` prevents moving a tag forward",
            Self::ExemptOnce => {
                "whether being exempt from one restriction is enough where another of the same kind applies"
            }
            Self::Pattern => "whether a pattern matches that ref: `**` at its end, or within a segment",
            Self::UnknownKind => "what that kind of restriction means",
            Self::NoModel => "which branch the branching model means",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A change to a ref, as Bitbucket sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What.
    pub verb: Verb,
    /// Whether it is the merge of a pull request.
    pub merged: bool,
}

impl Change {
    /// Every way to change a ref.
    pub const ALL: [Self; 5] = [
        Self { verb: Verb::Create, merged: false },
        Self { verb: Verb::Update, merged: false },
        Self { verb: Verb::Update, merged: true },
        Self { verb: Verb::Force, merged: false },
        Self { verb: Verb::Delete, merged: false },
    ];
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.merged { "merge" } else { self.verb.as_str() })
    }
}

/// Where a place's restrictions hold.
pub(crate) fn holds(place: &crate::permission::Place, repository: &Repository) -> bool {
    place.holds(&crate::permission::Place::Repository(repository.clone()))
}
