//! What differs between a push as it was judged and as it is judged now.

use std::collections::BTreeMap;

use oam_audit::entry::{Change, Update, Verb};
use oam_policy::{Decision, Request};

use super::{
    again::Judged,
    approvals,
    directories::Directory,
    judgement::{Effect, Judgement},
    recorded::Recorded,
    tally::{Summary, Untold, Verdict},
};
use crate::authorize::{self, record};

/// A push, as it was judged and as it is.
pub(super) struct Found<'a> {
    pub(super) recorded: &'a Recorded,
    pub(super) request: &'a Request,
    pub(super) directory: &'a Directory,
    pub(super) before: &'a Judged,
    pub(super) after: &'a Judged,
}

impl Found<'_> {
    /// The refs that are judged otherwise, with their places; counts all of them.
    pub(super) fn compare(&self, summary: &mut Summary) -> Vec<(usize, Verdict)> {
        let mut changed = Vec::new();
        for place in self.told(summary) {
            match (self.before.judgement(place), self.after.judgement(place)) {
                (Some(before), Some(after)) if before != after => {
                    changed.extend(
                        self.verdict(place, before, after, Vec::new()).map(|verdict| (place, verdict)),
                    );
                }
                _ => summary.unchanged += 1,
            }
        }
        changed
    }

    /// The refs that do not come out as they are recorded, in anything; counts all of them.
    pub(super) fn differing(&self, made: &Decision, summary: &mut Summary) -> Vec<Verdict> {
        let decision = &self.recorded.decision;
        let counted = decision.pull_request.as_ref().map_or(&[][..], |one| &one.counts);
        let whole = [
            ("push-outcome", record::outcome(made.outcome()) != decision.outcome),
            ("roles", record::roles(made) != decision.roles),
            ("approvals", !approvals::are_alike(counted, &authorize::approvals::counts(made))),
            ("principal-kind", record::principal_kind(made.subject().kind) != decision.principal_kind),
        ];
        let mut differing = Vec::new();
        for (nth, place) in self.told(summary).into_iter().enumerate() {
            let updates = self.before.updates.get(place).zip(self.after.updates.get(place));
            let judgements = self.before.judgement(place).zip(self.after.judgement(place));
            let (Some((then, now)), Some((before, after))) = (updates, judgements) else { continue };
            let one = [
                ("outcome", before.outcome != after.outcome),
                ("grounds", before.outcome == after.outcome && before != after),
                ("verb", then.verb != now.verb),
                ("shadow", then.shadow != now.shadow),
            ];
            // What concerns the whole is told once, of its first ref.
            let all = whole.iter().filter(|_| nth == 0).chain(&one);
            let differs: Vec<_> = all.filter(|(_, differs)| *differs).map(|(what, _)| *what).collect();
            if differs.is_empty() {
                summary.unchanged += 1;
            } else {
                differing.extend(self.verdict(place, before, after, differs));
            }
        }
        differing
    }

    /// The places of the refs that can be told; counts them, and those that cannot.
    fn told(&self, summary: &mut Summary) -> Vec<usize> {
        summary.pushes += 1;
        match self.directory.then {
            true => summary.by_directory_then += 1,
            false => summary.by_directory_now += 1,
        }
        let mut lacking = BTreeMap::<&Untold, u64>::new();
        let mut told = Vec::new();
        for place in 0..self.request.updates.len() {
            match self.before.untold.get(&place).or(self.after.untold.get(&place)) {
                Some(why) => *lacking.entry(why).or_default() += 1,
                None => told.push(place),
            }
        }
        for (why, refs) in lacking {
            summary.untold(why.clone(), refs, &self.recorded.decision.decision);
        }
        summary.refs += told.len() as u64;
        told
    }

    fn verdict(
        &self,
        place: usize,
        before: Judgement,
        after: Judgement,
        differs: Vec<&'static str>,
    ) -> Option<Verdict> {
        let (then, now) = self.before.updates.get(place).zip(self.after.updates.get(place))?;
        Some(Verdict {
            decision: self.recorded.decision.decision.clone(),
            at: self.recorded.at,
            username: self.request.pusher.clone(),
            repository: self.request.repository.clone(),
            channel: self.request.channel.as_str(),
            name: then.name.as_bytes().to_vec(),
            verb: verb(then, now),
            effect: Effect::between(&before, &after),
            before,
            after,
            generation: self.directory.snapshot.as_ref().map(|snapshot| snapshot.version().generation),
            directory_then: self.directory.then,
            differs,
        })
    }
}

/// What was done to the ref, as far as one of the two found it out.
fn verb(then: &Update, now: &Update) -> &'static str {
    match (then.verb.or(now.verb), then.fast_forward, &then.change) {
        (Some(Verb::Create), _, _) | (None, _, Change::Create { .. }) => "create",
        (Some(Verb::Delete), _, _) | (None, _, Change::Delete { .. }) => "delete",
        (Some(Verb::Update), _, _) | (None, _, Change::WouldMerge { .. }) | (None, Some(true), _) => "update",
        (Some(Verb::Force), _, _) | (None, Some(false), _) => "force",
        (None, None, Change::Move { .. }) => "move",
    }
}
