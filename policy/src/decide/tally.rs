use super::{
    approvals::Counted,
    judgement::{Aside, Carried, Judged, JudgedRef, Refusal, Refusals, nothing_said},
    known::Known,
    verdict::{Shadow, WouldHave},
    waivers::{Lifted, WaiverUse},
};
use crate::{
    facts::FactsNeeded,
    name::RuleId,
    nonempty::NonEmpty,
    reason::{RefusalReason, UndecidedReason},
    request::Verb,
};

/// What the rules say about one ref, one after the other.
#[derive(Default)]
pub(super) struct Tally<'a> {
    refusals: Option<Refusals<'a>>,
    /// Apart, since most refs meet nothing of it.
    rest: Option<Box<Rest>>,
}

/// What comes besides refusals.
#[derive(Default)]
struct Rest {
    hindrances: Vec<UndecidedReason>,
    needed: FactsNeeded,
    lifted: Vec<Lifted>,
    aside: Aside,
    /// What would tell more about rules that are only tried out.
    needed_for_shadow: FactsNeeded,
}

impl<'a> Tally<'a> {
    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    pub(super) fn is_refused(&self) -> bool {
        self.refusals.is_some()
    }

    /// A reason to refuse it.
    pub(super) fn refuse(&mut self, refusal: Refusal<'a>) {
        Refusals::push(&mut self.refusals, refusal);
    }

    /// Reasons to refuse it that rest on facts, if there are any.
    pub(super) fn refuse_if(&mut self, refusals: Known<impl IntoIterator<Item = RefusalReason>>) {
        match refusals {
            Known::Is(refusals) => {
                refusals.into_iter().for_each(|refusal| self.refuse(Refusal::Told(Box::new(refusal))));
            }
            Known::Needs(needed) => self.rest().needed.add(needed),
            Known::Unreadable(lack) => {
                let (reason, hindrances) = (lack.reason(), &mut self.rest().hindrances);
                if !hindrances.contains(&reason) {
                    hindrances.push(reason);
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
                self.rest().needed_for_shadow.add(needed);
                WouldHave::Unclear
            }
            Known::Unreadable(_) => WouldHave::Unclear,
        };
        let tried = &mut self.rest().aside.shadow;
        let of_rule = tried.iter_mut().find(|shadow| shadow.rule == *rule);
        match of_rule {
            // Of several conditions, one that is surely missing says it all.
            Some(shadow) if shadow.would == WouldHave::Unclear => shadow.would = would,
            Some(_) => {}
            None => tried.push(Shadow { rule: rule.clone(), would }),
        }
    }

    /// A rule that somebody lifts, if it stands in the way; also where nobody can tell whether it does.
    pub(super) fn lift_if(&mut self, rule: &RuleId, by: &WaiverUse, stands_in_the_way: Known<bool>) {
        match stands_in_the_way {
            Known::Is(false) => {}
            Known::Needs(needed) => self.rest().needed.add(needed),
            Known::Is(true) | Known::Unreadable(_) => {
                let (waiver, by) = (by.waiver.clone(), by.id.clone());
                self.rest().lifted.push(Lifted { rule: rule.clone(), waiver, by });
            }
        }
    }

    /// How approvals were counted.
    pub(super) fn counted(&mut self, counted: Counted) {
        self.rest().aside.approvals.push(counted);
    }

    /// The verdict, as far as it is certain; or what it takes. A refusal needs no more facts: it stays one whatever else is
    /// found out.
    #[inline]
    pub(super) fn conclude(
        self,
        verb: Verb,
        carried: Option<Carried<'a>>,
    ) -> Result<JudgedRef<'a>, FactsNeeded> {
        let Self { refusals, rest } = self;
        let verb = Some(verb);
        let Some(rest) = rest else {
            let verdict = match (refusals, carried) {
                (Some(refusals), _) => Judged::Refused(refusals),
                (None, Some(carried)) => Judged::Permitted(carried),
                (None, None) => Judged::Undecided(nothing_said()),
            };
            return Ok(JudgedRef { verb, verdict, aside: None });
        };
        let Rest { hindrances, mut needed, lifted, aside, needed_for_shadow } = *rest;
        if refusals.is_none() {
            if hindrances.is_empty() {
                needed.add(needed_for_shadow);
            }
            if !needed.is_empty() {
                return Err(needed);
            }
        }
        let verdict = if let Some(refusals) = refusals {
            Judged::Refused(refusals)
        } else if let Some(hindrances) = NonEmpty::from_vec(hindrances) {
            Judged::Undecided(hindrances)
        } else if let Some(carried) = carried {
            Judged::Permitted(carried.lifting(lifted))
        } else {
            Judged::Undecided(nothing_said())
        };
        Ok(JudgedRef { verb, verdict, aside: Some(Box::new(aside)) })
    }
}
