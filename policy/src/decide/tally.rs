use super::{
    approvals::Counted,
    known::Known,
    verdict::{Permit, RefDecision, Shadow, Verdict, WouldHave},
    waivers::{Lifted, WaiverUse},
};
use crate::{
    facts::FactsNeeded,
    name::RuleId,
    nonempty::NonEmpty,
    reason::{RefusalReason, UndecidedReason},
    request::Verb,
};

/// What came of judging one ref.
pub(super) enum Judged {
    Decided(RefDecision),
    Needs(FactsNeeded),
}

/// What the rules say about one ref, one after the other.
#[derive(Default)]
pub(super) struct Tally {
    refusals: Option<NonEmpty<RefusalReason>>,
    hindrances: Vec<UndecidedReason>,
    needed: FactsNeeded,
    lifted: Vec<Lifted>,
    shadow: Vec<Shadow>,
    approvals: Vec<Counted>,
    /// What would tell more about rules that are only tried out.
    needed_for_shadow: FactsNeeded,
}

impl Tally {
    pub(super) fn is_refused(&self) -> bool {
        self.refusals.is_some()
    }

    /// Reasons to refuse it, if there are any.
    pub(super) fn refuse_if(&mut self, refusals: Known<impl IntoIterator<Item = RefusalReason>>) {
        match refusals {
            Known::Is(refusals) => {
                refusals.into_iter().for_each(|refusal| NonEmpty::push(&mut self.refusals, refusal));
            }
            Known::Needs(needed) => self.needed.add(needed),
            Known::Unreadable(lack) => {
                let reason = lack.reason();
                if !self.hindrances.contains(&reason) {
                    self.hindrances.push(reason);
                }
            }
        }
    }

    /// What a rule in evaluate mode would have done, if it would have done it.
    pub(super) fn try_out<T>(&mut self, rule: &RuleId, would: WouldHave, does: Known<Option<T>>) {
        let would = match does {
            Known::Is(None) => return,
            Known::Is(Some(_)) => would,
            Known::Needs(needed) => {
                self.needed_for_shadow.add(needed);
                WouldHave::Unclear
            }
            Known::Unreadable(_) => WouldHave::Unclear,
        };
        let of_rule = self.shadow.iter_mut().find(|shadow| shadow.rule == *rule);
        match of_rule {
            // Of several conditions, one that is surely missing says it all.
            Some(shadow) if shadow.would == WouldHave::Unclear => shadow.would = would,
            Some(_) => {}
            None => self.shadow.push(Shadow { rule: rule.clone(), would }),
        }
    }

    pub(super) fn lift(&mut self, rule: &RuleId, by: &WaiverUse) {
        let (waiver, by) = (by.waiver.clone(), by.id.clone());
        self.lifted.push(Lifted { rule: rule.clone(), waiver, by });
    }

    /// How approvals were counted.
    pub(super) fn counted(&mut self, counted: Counted) {
        self.approvals.push(counted);
    }

    /// The verdict, as far as it is certain. A refusal needs no more facts: it stays one whatever else is found out.
    pub(super) fn conclude(mut self, verb: Verb, permit: Option<Permit>) -> Judged {
        if self.refusals.is_none() {
            if self.hindrances.is_empty() {
                self.needed.add(self.needed_for_shadow);
            }
            if !self.needed.is_empty() {
                return Judged::Needs(self.needed);
            }
        }
        let verdict = if let Some(refusals) = self.refusals {
            Verdict::Refused(refusals)
        } else if let Some(hindrances) = NonEmpty::from_vec(self.hindrances) {
            Verdict::Undecided(hindrances)
        } else if let Some(permit) = permit {
            Verdict::Permitted(permit.lifting(self.lifted))
        } else {
            // There is always a reason where there is no grant; were there none, nothing would be permitted.
            let why = "no rule said anything".to_owned();
            Verdict::Undecided(NonEmpty::one(UndecidedReason::FactsUnreadable { why }))
        };
        let (shadow, approvals) = (self.shadow, self.approvals);
        Judged::Decided(RefDecision { verb: Some(verb), verdict, shadow, approvals })
    }
}
