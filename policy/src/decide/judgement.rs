//! What was decided, in terms of the rules that it rests on. Nothing of them is copied, and no reason is written out before
//! somebody wants to read it: most of those who ask want to know whether.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use super::{
    Counted, Decision, Evaluation, Lifted, OneRef, Outcome, Permit, PushVerdict, RefDecision, Scope, Shadow,
    Subject, Verdict, scope::Reach,
};
use crate::{
    facts::FactsNeeded,
    name::{PrivilegeId, RuleId},
    nonempty::NonEmpty,
    reason::{RefusalReason, UndecidedReason},
    request::{Request, Verb},
    rule::{Block, Grant},
};

/// What came of an attempt to decide; see [`super::judge`].
pub struct Judgement<'s, 'a>(pub(super) Came<'s, 'a>);

/// One verdict for each ref update, in the order of the request.
pub(super) type JudgedRefs<'a> = SmallVec<[JudgedRef<'a>; 1]>;

pub(super) enum Came<'s, 'a> {
    PerRef(&'s Scope<'a>, &'a Request, JudgedRefs<'a>),
    /// Decided, whatever the refs.
    Whole(Subject<'a>, PushVerdict),
    /// These facts would settle it.
    Needs(FactsNeeded),
}

/// What was judged of one ref update.
pub(super) struct JudgedRef<'a> {
    /// As in [`RefDecision::verb`].
    pub(super) verb: Option<Verb>,
    pub(super) verdict: Judged<'a>,
    /// What is to be told besides; mostly nothing.
    pub(super) aside: Option<Box<Aside>>,
}

/// What is to be told of a ref update besides its verdict, as in [`RefDecision`].
#[derive(Default)]
pub(super) struct Aside {
    pub(super) shadow: Vec<Shadow>,
    pub(super) approvals: Vec<Counted>,
}

/// The verdict on one ref update.
pub(super) enum Judged<'a> {
    Permitted(Carried<'a>),
    Refused(Refusals<'a>),
    Undecided(NonEmpty<UndecidedReason>),
}

/// By what a ref update is permitted.
pub(super) struct Carried<'a> {
    pub(super) grant: &'a Grant,
    pub(super) reach: Reach,
    /// What had a part in it besides; mostly nothing.
    with: Option<Box<With<'a>>>,
}

/// What a grant does not carry alone.
#[derive(Default, PartialEq)]
struct With<'a> {
    /// The other grants that cover the changed paths together with it.
    grants: BTreeSet<&'a RuleId>,
    /// Of what the pusher was given for a while.
    given: BTreeSet<PrivilegeId>,
    lifted: Vec<Lifted>,
}

/// Reasons to refuse a ref update: at least one.
pub(super) struct Refusals<'a> {
    first: Refusal<'a>,
    rest: SmallVec<[Refusal<'a>; 2]>,
}

/// A reason to refuse a ref update.
pub(super) enum Refusal<'a> {
    /// A block, whatever changes.
    Blocked(&'a Block, Verb),
    /// There is no grant.
    NoGrant { verb: Verb, blocked_too: bool },
    /// What rests on facts.
    Told(Box<RefusalReason>),
}

impl Judgement<'_, '_> {
    /// The outcome of the push; `None` where that depends on facts that are not known.
    #[inline]
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.0 {
            Came::PerRef(_, _, refs) => Some(Outcome::of_all(refs.iter().map(|one| one.verdict.outcome()))),
            Came::Whole(_, verdict) => Some(verdict.outcome()),
            Came::Needs(_) => None,
        }
    }
}

/// What was judged, with all that there is to tell.
pub(crate) fn told(judgement: Judgement<'_, '_>) -> Evaluation {
    match judgement.0 {
        Came::PerRef(scope, request, refs) => {
            let mut told = None;
            for ((index, update), one) in request.updates.iter().enumerate().zip(refs) {
                NonEmpty::push(&mut told, one.told(&OneRef { scope, index, update }));
            }
            let verdict = match told {
                Some(refs) => PushVerdict::PerRef(refs),
                None => PushVerdict::Undecided(nothing_said()),
            };
            Evaluation::Decided(Decision::new(scope.subject.clone(), verdict))
        }
        Came::Whole(subject, verdict) => Evaluation::Decided(Decision::new(subject, verdict)),
        Came::Needs(needed) => Evaluation::Needs(needed),
    }
}

/// The reason where there should be one: were there none, nothing would be permitted.
pub(super) fn nothing_said() -> NonEmpty<UndecidedReason> {
    NonEmpty::one(UndecidedReason::FactsUnreadable { why: "no rule said anything".to_owned() })
}

impl JudgedRef<'_> {
    fn told(self, one: &OneRef<'_, '_>) -> RefDecision {
        let Self { verb, verdict, aside } = self;
        let Aside { shadow, approvals } = aside.map(|aside| *aside).unwrap_or_default();
        let verdict = match verdict {
            Judged::Permitted(carried) => Verdict::Permitted(carried.told(one.scope)),
            Judged::Refused(refusals) => Verdict::Refused(refusals.told(one)),
            Judged::Undecided(reasons) => Verdict::Undecided(reasons),
        };
        RefDecision { verb, verdict, shadow, approvals }
    }
}

impl Judged<'_> {
    pub(super) const fn outcome(&self) -> Outcome {
        match self {
            Self::Permitted(_) => Outcome::Permitted,
            Self::Refused(_) => Outcome::Refused,
            Self::Undecided(_) => Outcome::Undecided,
        }
    }
}

impl<'a> Carried<'a> {
    pub(super) fn by(grant: &'a Grant, reach: Reach) -> Self {
        Self { grant, reach, with: None }
    }

    /// The same together with other grants, each of which is of some paths.
    pub(super) fn with(mut self, grants: impl IntoIterator<Item = &'a Grant>) -> Self {
        let mut others =
            grants.into_iter().map(|grant| &grant.id).filter(|id| **id != self.grant.id).peekable();
        if others.peek().is_some() {
            self.with.get_or_insert_default().grants.extend(others);
        }
        self
    }

    /// The same with others that had a part in it, of what the pusher was given for a while.
    pub(super) fn beside(mut self, others: impl IntoIterator<Item = PrivilegeId>) -> Self {
        let mut others = others.into_iter().peekable();
        if others.peek().is_some() {
            self.with.get_or_insert_default().given.extend(others);
        }
        self
    }

    /// The same where rules that would stand in the way are lifted, besides those that were known to be.
    pub(super) fn lifting(mut self, lifted: Vec<Lifted>) -> Self {
        if !lifted.is_empty() {
            let known = &mut self.with.get_or_insert_default().lifted;
            let others: Vec<_> = lifted.into_iter().filter(|one| !known.contains(one)).collect();
            known.extend(others);
        }
        self
    }

    /// The rules that would have stood in the way.
    pub(super) fn lifted(&self) -> &[Lifted] {
        self.with.as_ref().map_or(&[], |with| &with.lifted)
    }

    /// All that had a part in it, of what the pusher was given for a while.
    pub(super) fn given<'s>(&'s self, scope: &'s Scope<'s>) -> impl Iterator<Item = PrivilegeId> {
        let beside = self.with.iter().flat_map(|with| &with.given);
        scope.given(self.reach).into_iter().chain(beside).cloned()
    }

    pub(super) fn told(self, scope: &Scope<'_>) -> Permit {
        let Self { grant, reach, with } = self;
        let With { grants, given, lifted } = with.map(|with| *with).unwrap_or_default();
        let permit = Permit::by_grant(grant.id.clone(), scope.role(reach), scope.told(reach));
        permit.with(grants.into_iter().cloned()).beside(given).lifting(lifted)
    }
}

/// Whether the same carries both.
impl PartialEq for Carried<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.grant.id == other.grant.id && self.reach == other.reach && self.with == other.with
    }
}

impl<'a> Refusals<'a> {
    pub(super) fn one(first: Refusal<'a>) -> Self {
        Self { first, rest: SmallVec::new() }
    }

    /// Adds one more to `refusals`, of which there may have been none.
    pub(super) fn push(refusals: &mut Option<Self>, last: Refusal<'a>) {
        match refusals {
            Some(refusals) => refusals.rest.push(last),
            None => *refusals = Some(Self::one(last)),
        }
    }

    pub(super) fn told(self, one: &OneRef<'_, '_>) -> NonEmpty<RefusalReason> {
        let rest = self.rest.into_iter().map(|refusal| refusal.told(one));
        rest.fold(NonEmpty::one(self.first.told(one)), NonEmpty::and)
    }
}

impl Refusal<'_> {
    fn told(self, one: &OneRef<'_, '_>) -> RefusalReason {
        match self {
            Self::Blocked(block, verb) => RefusalReason::Blocked(one.blocked(block, verb, None)),
            Self::NoGrant { verb, blocked_too } => RefusalReason::NoGrant(one.no_grant(verb, blocked_too)),
            Self::Told(reason) => *reason,
        }
    }
}
