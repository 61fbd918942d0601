use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    decide::{Counted, Given, Lifted, Subject},
    name::{PrivilegeId, RoleId, RuleId},
    nonempty::NonEmpty,
    reason::{RefusalReason, UndecidedReason},
    request::Verb,
};

/// The answer to one push.
#[derive(Debug, Clone)]
pub struct Decision {
    subject: Subject<'static>,
    verdict: PushVerdict,
}

/// What was decided, and about what.
#[derive(Debug, Clone)]
pub enum PushVerdict {
    /// Refused for who asks, whatever the refs.
    Refused(NonEmpty<RefusalReason>),
    /// Nothing could be decided, whatever the refs.
    Undecided(NonEmpty<UndecidedReason>),
    /// One verdict for each ref update, in the order of the request.
    PerRef(NonEmpty<RefDecision>),
}

/// What was decided about one ref update.
#[derive(Debug, Clone)]
pub struct RefDecision {
    /// What was tried; `None` where an update and a force would have had the same verdict, so that it was not asked.
    pub verb: Option<Verb>,
    /// The verdict.
    pub verdict: Verdict,
    /// What rules in evaluate mode would have decided.
    pub shadow: Vec<Shadow>,
    /// How the approvals of its pull request were counted, for each role of which a rule asks some.
    pub approvals: Vec<Counted>,
}

/// The verdict on one ref update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Permitted(Permit),
    /// The policy says no.
    Refused(NonEmpty<RefusalReason>),
    /// It could not be checked.
    Undecided(NonEmpty<UndecidedReason>),
}

/// The proof that a ref update is permitted. Only this crate can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    grant: RuleId,
    /// The other grants that cover the changed paths together with it.
    others: Box<[RuleId]>,
    role: Option<RoleId>,
    elevation: Option<PrivilegeId>,
    /// Until when that is there.
    until: Option<Timestamp>,
    /// What had a part in it besides, of what the pusher was given for a while.
    beside: BTreeSet<PrivilegeId>,
    lifted: Vec<Lifted>,
}

impl Permit {
    pub(super) fn by_grant(grant: RuleId, role: Option<RoleId>, given: Option<Given<'_>>) -> Self {
        let (elevation, until) = given.map(|given| (given.id.clone(), given.to)).unzip();
        let others = Box::default();
        Self { grant, others, role, elevation, until, beside: BTreeSet::new(), lifted: Vec::new() }
    }

    /// The same together with other grants, each of which is of some paths.
    pub(super) fn with(self, others: impl IntoIterator<Item = RuleId>) -> Self {
        Self { others: others.into_iter().collect(), ..self }
    }

    /// The same with others that had a part in it, of what the pusher was given for a while.
    pub(super) fn beside(mut self, others: impl IntoIterator<Item = PrivilegeId>) -> Self {
        self.beside.extend(others);
        self
    }

    pub(super) fn lifting(self, lifted: Vec<Lifted>) -> Self {
        Self { lifted, ..self }
    }

    /// The grant that carried it; of several that cover the changed paths together, one.
    pub fn grant(&self) -> &RuleId {
        &self.grant
    }

    /// The other grants without which some changed path would not be covered, by id; mostly none.
    pub fn other_grants(&self) -> &[RuleId] {
        &self.others
    }

    /// The role through which [that grant](Self::grant) reached the pusher; `None` when it names them directly.
    pub fn role(&self) -> Option<&RoleId> {
        self.role.as_ref()
    }

    /// What the pusher was given for a while, where that carried it; `None` where it is a standing right.
    pub fn elevation(&self) -> Option<&PrivilegeId> {
        self.elevation.as_ref()
    }

    /// Until when what the pusher was given for a while is there, where that carried it.
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// All that had a part in it, of what the pusher was given for a while.
    pub fn given(&self) -> impl Iterator<Item = &PrivilegeId> {
        let beside = self.beside.iter().filter(|id| Some(*id) != self.elevation.as_ref());
        self.elevation.iter().chain(beside)
    }

    /// The rules that would have stood in the way, with the waivers that lifted them.
    pub fn lifted(&self) -> &[Lifted] {
        &self.lifted
    }
}

/// What a rule in evaluate mode would have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadow {
    /// The rule.
    pub rule: RuleId,
    /// What it would have done.
    pub would: WouldHave,
}

/// What a rule in evaluate mode would have done, were it enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WouldHave {
    /// It would have given the right.
    Granted,
    /// It would have forbidden it.
    Blocked,
    /// It depends on what could not be found out.
    Unclear,
}

impl WouldHave {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Blocked => "blocked",
            Self::Unclear => "perhaps blocked",
        }
    }
}

/// The three outcomes of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every ref update is permitted.
    Permitted,
    /// At least one ref update is refused.
    Refused,
    /// None is refused, and at least one could not be checked.
    Undecided,
}

impl Outcome {
    /// That of a push, from those of its refs.
    fn of_all(refs: impl Iterator<Item = Self>) -> Self {
        refs.fold(Self::Permitted, Self::with)
    }

    /// That of a push with one more ref. A refusal outweighs an inability to decide: it is certain, and the pusher has something
    /// to do.
    pub(super) fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Refused, _) | (_, Self::Refused) => Self::Refused,
            (Self::Undecided, _) | (_, Self::Undecided) => Self::Undecided,
            (Self::Permitted, Self::Permitted) => Self::Permitted,
        }
    }

    /// The outcome's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
        }
    }
}

impl PushVerdict {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Refused(_) => Outcome::Refused,
            Self::Undecided(_) => Outcome::Undecided,
            Self::PerRef(refs) => Outcome::of_all(refs.iter().map(|one| one.verdict.outcome())),
        }
    }
}

impl Verdict {
    /// The outcome for this ref alone.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Permitted(_) => Outcome::Permitted,
            Self::Refused(_) => Outcome::Refused,
            Self::Undecided(_) => Outcome::Undecided,
        }
    }
}

impl Decision {
    pub(super) fn new(subject: Subject<'_>, verdict: PushVerdict) -> Self {
        Self { subject: subject.into_owned(), verdict }
    }

    /// Who asked.
    pub fn subject(&self) -> &Subject<'static> {
        &self.subject
    }

    /// What was decided.
    pub fn verdict(&self) -> &PushVerdict {
        &self.verdict
    }

    /// The push stands or falls as a whole.
    pub fn outcome(&self) -> Outcome {
        self.verdict.outcome()
    }

    /// The decision when it could not be recorded: nobody may act on it, whatever it was.
    #[must_use]
    pub fn withheld(self, reason: UndecidedReason) -> Self {
        Self { subject: self.subject, verdict: PushVerdict::Undecided(NonEmpty::one(reason)) }
    }
}
