//! Small worlds: a policy, people, and a push, in which collisions are common. Nothing here is a type of the engine.

use std::fmt;

use crate::{elevated::Elevated, leased::Leased};

/// Roles, as they are declared.
pub(crate) const ROLES: [&str; 3] = ["r0", "r1", "r2"];
pub(crate) const GROUPS: [&str; 3] = ["s:g0", "s:g1", "s:g2"];

#[derive(Clone, PartialEq)]
pub(crate) struct World {
    pub(crate) roles: Vec<Role>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) people: Vec<Person>,
    /// Who was cut off by command.
    pub(crate) cut_off: Vec<&'static str>,
    pub(crate) uses: Vec<Use>,
    /// Rules that let people ask for a role, each with what one of them was given by it.
    pub(crate) elevated: Vec<Elevated>,
    /// Workloads, each with what one of its jobs has leased when it pushes.
    pub(crate) leased: Vec<Leased>,
    /// The token of a lease that is shown with every push.
    pub(crate) shown: Option<Shown>,
}

/// The token of a lease.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shown {
    /// Of the lease of that number; there may be none.
    Of(usize),
    /// It does not count, for this reason.
    Not(&'static str),
}

/// The three ways to hold the role of that number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Role {
    pub(crate) any: Vec<&'static str>,
    pub(crate) all: Vec<&'static str>,
    pub(crate) service: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) active: bool,
    pub(crate) groups: Vec<&'static str>,
    pub(crate) emails: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) evaluate: bool,
    pub(crate) on: Vec<&'static str>,
    pub(crate) refs: Vec<&'static str>,
    pub(crate) verbs: Vec<&'static str>,
    pub(crate) live: Live,
    /// `to` of a grant or a waiver, `except` of a block or a require.
    pub(crate) roles: Vec<&'static str>,
    pub(crate) says: Says,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Says {
    Grant { user: Option<&'static str>, paths: Paths },
    Block { absolute: bool, paths: Paths },
    Require(Conditions),
    Waiver { lifts: Vec<String>, minutes: i64, reason: bool, second_person: Vec<&'static str> },
}

/// Patterns over paths, if it is about some only.
pub(crate) type Paths = Option<Vec<&'static str>>;

/// In minutes since [`crate::written::EPOCH`].
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Live {
    pub(crate) from: Option<i64>,
    pub(crate) to: Option<i64>,
    pub(crate) weekly: Option<(&'static str, &'static str, &'static str)>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Conditions {
    pub(crate) via: bool,
    pub(crate) approvals: Vec<Approvals>,
    pub(crate) not_author: bool,
    pub(crate) not_committers: bool,
    pub(crate) reset: bool,
    pub(crate) commits: Checks,
    pub(crate) annotated_tag: bool,
    pub(crate) signed_tag: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Approvals {
    pub(crate) role: &'static str,
    pub(crate) count: usize,
    pub(crate) paths: Paths,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Checks {
    pub(crate) committer_is_pusher: bool,
    pub(crate) author_known: bool,
    pub(crate) signed: bool,
    pub(crate) message: Option<&'static str>,
    pub(crate) sign_off: bool,
    pub(crate) max_blob: Option<u64>,
    pub(crate) forbid_paths: Paths,
    pub(crate) forbid_extensions: Vec<&'static str>,
    pub(crate) linear: bool,
    pub(crate) no_foreign_merges: bool,
    pub(crate) max_commits: Option<u64>,
}

/// One use of a waiver.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Use {
    pub(crate) waiver: String,
    pub(crate) lifts: Vec<String>,
    pub(crate) by: &'static str,
    pub(crate) on: Option<&'static str>,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) reason: &'static str,
    pub(crate) approved_by: Option<Who>,
}

/// Somebody by name, or somebody who holds just these roles.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Who {
    Name(&'static str),
    Holding(Vec<&'static str>),
}

/// A push, and all that is true about it whether or not anybody asks.
#[derive(Clone)]
pub(crate) struct Push {
    pub(crate) by: Who,
    pub(crate) repository: &'static str,
    pub(crate) channel: &'static str,
    pub(crate) now: i64,
    pub(crate) updates: Vec<Update>,
    /// The refs that exist, with the commits that are reachable from each.
    pub(crate) existing: Vec<(&'static str, Vec<usize>)>,
    pub(crate) commits: Vec<Commit>,
    pub(crate) pull_request: PullRequest,
}

#[derive(Debug, Clone)]
pub(crate) struct Update {
    /// `create`, `move`, `delete`, or `merge`: one that is only being looked at.
    pub(crate) change: &'static str,
    pub(crate) name: &'static str,
    /// Whether a move is a fast-forward; `None`: nobody can tell.
    pub(crate) forward: Option<bool>,
    pub(crate) history: History,
    pub(crate) tip: Tip,
    /// The parts of the history that nobody can read.
    pub(crate) dark: Dark,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Dark {
    pub(crate) paths: bool,
    pub(crate) files: bool,
    pub(crate) commits: bool,
    pub(crate) count: bool,
    pub(crate) tip: bool,
}

/// What a ref is to name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tip {
    Tag { tagger: Named, signature: Signature },
    Other,
}

#[derive(Debug, Clone)]
pub(crate) enum History {
    /// The commits reachable from the new tip, and the paths that differ between the old tip and the new.
    Graph { reach: Vec<usize>, net: Vec<&'static str> },
    /// As a question tells it, in view of whatever refs.
    Told { paths: Vec<&'static str>, files: Vec<(&'static str, u64)>, commits: Vec<Commit>, count: usize },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Commit {
    pub(crate) subject: &'static str,
    pub(crate) signed_off: bool,
    pub(crate) author: Named,
    pub(crate) committer: Named,
    pub(crate) parents: usize,
    pub(crate) foreign: bool,
    pub(crate) signature: Signature,
    /// The paths that it changes, with the size of what is there now, or nothing where it took the file away.
    pub(crate) changes: Vec<(&'static str, Option<u64>)>,
}

/// Whom a commit names; the last two in questions only.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Named {
    Email(&'static str),
    Pusher,
    Stranger,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Signature {
    Absent,
    /// With the code of the reason.
    Bad(&'static str),
    GoodBy(&'static str),
    GoodByAddress(&'static str),
    GoodByCommitter,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct PullRequest {
    pub(crate) dark: bool,
    pub(crate) author: Option<&'static str>,
    pub(crate) committers: Vec<&'static str>,
    /// Who approved, and whether that was of the present head.
    pub(crate) approvals: Vec<(Who, bool)>,
}

impl Rule {
    pub(crate) fn is_grant(&self) -> bool {
        matches!(self.says, Says::Grant { .. })
    }

    pub(crate) fn is_waiver(&self) -> bool {
        matches!(self.says, Says::Waiver { .. })
    }
}

impl Push {
    /// The same push of one of its updates only.
    pub(crate) fn only(&self, index: usize) -> Self {
        Self { updates: vec![self.updates[index].clone()], ..self.clone() }
    }

    /// The same push with everything about it readable.
    pub(crate) fn readable(&self) -> Self {
        let mut push = self.clone();
        push.pull_request.dark = false;
        for update in &mut push.updates {
            update.dark = Dark::default();
            update.forward.get_or_insert(true);
        }
        push
    }
}

/// As a counterexample is best read: the policy as it is written, and the rest a line each.
impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.sections().join("\n"))?;
        for person in &self.people {
            writeln!(f, "{person:?}")?;
        }
        for one in &self.uses {
            writeln!(f, "{one:?}")?;
        }
        for one in &self.elevated {
            writeln!(f, "{one:?}")?;
        }
        for one in &self.leased {
            writeln!(f, "{one:?}")?;
        }
        writeln!(f, "cut off: {:?}; shown: {:?}", self.cut_off, self.shown)
    }
}

impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by, repository, channel, now, updates, existing, commits, pull_request } = self;
        writeln!(f, "\n{by:?} to {repository} by {channel} at {}", crate::written::moment(*now))?;
        for update in updates {
            writeln!(f, "{update:?}")?;
        }
        for (number, commit) in commits.iter().enumerate() {
            writeln!(f, "{number}: {commit:?}")?;
        }
        writeln!(f, "existing: {existing:?}\n{pull_request:?}")
    }
}
