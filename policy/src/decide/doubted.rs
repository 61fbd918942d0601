//! What somebody has for a while by the word of others of whom nobody can tell whether they may still give it.

use jiff::Timestamp;

use super::{
    Basis, ElevationUse, Freshness, OneRef, WaiverUse,
    judgement::{Judged, JudgedRef},
    verdict::Outcome,
};
use crate::{
    facts::FactsNeeded,
    name::{Username, UsernameKey},
    nonempty::NonEmpty,
    reason::UndecidedReason,
    rule::Asker,
};

/// What is left of it without those whom only a source knows that is too old.
pub(super) struct Doubted {
    waivers: Vec<WaiverUse>,
    elevations: Vec<ElevationUse>,
    /// Why something is in doubt, with whoever has it.
    doubts: Vec<(UsernameKey, UndecidedReason)>,
}

/// Those who approved something, with the sources that know them.
struct Approvers<'a> {
    known: &'a [(UsernameKey, Box<[Freshness]>)],
    now: Timestamp,
}

impl Approvers<'_> {
    /// Why nobody can tell whether somebody may still do what they did; `None`: what knows them is fresh enough.
    fn doubt(&self, user: &Username) -> Option<UndecidedReason> {
        let key = user.key();
        let (_, sources) = self.known.iter().find(|(one, _)| *one == key)?;
        sources.iter().find_map(|source| source.staleness(self.now))
    }

    fn doubt_of(&self, asker: &Asker) -> Option<UndecidedReason> {
        match asker {
            Asker::User(user) => self.doubt(user),
            Asker::Roles(_) => None,
        }
    }
}

impl Doubted {
    /// What is in doubt; `None`: nothing is.
    #[inline]
    pub(super) fn of(basis: &Basis<'_>, now: Timestamp) -> Option<Box<Self>> {
        if basis.approvers.is_empty() {
            return None;
        }
        let approvers = Approvers { known: basis.approvers, now };
        let mut doubts = Vec::new();
        let mut is_sure = |of: &Username, asker: &Asker| {
            let doubt = approvers.doubt_of(asker);
            let is_sure = doubt.is_none();
            doubts.extend(doubt.map(|why| (of.key(), why)));
            is_sure
        };
        let waivers = basis.waivers.iter().map(|one| {
            // Where nobody need approve it, it does not matter who did.
            let of_rule = basis.policy.waivers().iter().find(|waiver| waiver.id == one.waiver);
            let counts = of_rule.is_some_and(|waiver| !waiver.second_person.is_empty());
            let approved_by = one.approved_by.clone().filter(|by| !counts || is_sure(&one.by, by));
            WaiverUse { approved_by, ..one.clone() }
        });
        let waivers = waivers.collect();
        let elevations = basis.elevations.iter().map(|one| {
            let of_rule = basis.policy.elevations().iter().find(|rule| rule.id == one.elevation);
            let approval = of_rule.and_then(|rule| rule.approval.as_ref());
            // Most stay what they were when they were approved.
            let counts = approval.is_some_and(|approval| approval.ends_with_approver);
            let sure = one.approved_by.iter().filter(|by| !counts || is_sure(&one.by, by));
            let approved_by = sure.cloned().collect();
            ElevationUse { approved_by, ..one.clone() }
        });
        let elevations = elevations.collect();
        (!doubts.is_empty()).then(|| Box::new(Self { waivers, elevations, doubts }))
    }

    /// What is sure.
    pub(super) fn without<'a>(&'a self, basis: &Basis<'a>) -> Basis<'a> {
        Basis { waivers: &self.waivers, elevations: &self.elevations, ..*basis }
    }

    /// What a verdict is worth that was made without what is in doubt: a refusal is one only if it were one with it, too. To
    /// whoever has nothing that is in doubt what others have makes no difference.
    pub(super) fn weigh<'a>(
        &self,
        judged: Result<JudgedRef<'a>, FactsNeeded>,
        with_all: &OneRef<'_, '_>,
    ) -> Result<JudgedRef<'a>, FactsNeeded> {
        let refused = match judged {
            Ok(one) if one.verdict.outcome() == Outcome::Refused => one,
            other => return other,
        };
        let pusher = with_all.scope.subject.username.key();
        let Some((_, why)) = self.doubts.iter().find(|(of, _)| *of == pusher) else { return Ok(refused) };
        if with_all.judge()?.verdict.outcome() == Outcome::Refused {
            return Ok(refused);
        }
        Ok(JudgedRef { verdict: Judged::Undecided(NonEmpty::one(why.clone())), ..refused })
    }
}
