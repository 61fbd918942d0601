//! What came of a replay, as messages.

use jiff::Timestamp;
use oam_proto::v1;

use super::super::convert::micros;
use crate::{
    policy::LivePolicy,
    replay::{Effect, Ground, Group, Judgement, RuleUse, Summary, Untold, UntoldCount, Usage, Verdict},
};

/// What the answer is about.
pub(super) struct Frame<'a> {
    /// The policy that was decided by.
    pub(super) policy: String,
    pub(super) in_force: Option<&'a LivePolicy>,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    pub(super) uses_since: Option<Timestamp>,
}

pub(super) fn verdict(verdict: &Verdict) -> v1::ReplayVerdict {
    v1::ReplayVerdict {
        decision: verdict.decision.clone(),
        at_micros: micros(verdict.at),
        username: verdict.username.as_str().to_owned(),
        repository: verdict.repository.to_string(),
        channel: verdict.channel.to_owned(),
        r#ref: verdict.name.clone(),
        verb: verdict.verb.to_owned(),
        effect: verdict.effect.as_str().to_owned(),
        before: Some(judgement(&verdict.before)),
        after: Some(judgement(&verdict.after)),
        generation: verdict.generation.unwrap_or_default(),
        directory_then: verdict.directory_then,
        differs: verdict.differs.iter().map(|what| (*what).to_owned()).collect(),
    }
}

fn judgement(judgement: &Judgement) -> v1::ReplayJudgement {
    let reason = |ground: &Ground| v1::ReplayReason {
        code: ground.code.clone(),
        rule: ground.rule.clone().unwrap_or_default(),
    };
    v1::ReplayJudgement {
        outcome: judgement.outcome.to_owned(),
        grant: judgement.grant.clone().unwrap_or_default(),
        waiver: judgement.waiver.clone().unwrap_or_default(),
        reasons: judgement.reasons.iter().map(reason).collect(),
    }
}

/// Nothing for a group without an example, which there is none of.
pub(super) fn group(group: &Group) -> Option<v1::ReplayGroup> {
    let first = group.examples.first()?;
    Some(v1::ReplayGroup {
        effect: first.effect.as_str().to_owned(),
        before: Some(judgement(&first.before)),
        after: Some(judgement(&first.after)),
        refs: group.refs,
        pushes: group.pushes,
        examples: group.examples.iter().map(verdict).collect(),
    })
}

pub(super) fn done(summary: Summary, frame: Frame<'_>) -> v1::ReplayDone {
    let effect = |effect: Effect| summary.effects.get(&effect).copied().unwrap_or_default();
    let in_force = frame.in_force.map(|live| &live.version);
    v1::ReplayDone {
        policy: frame.policy,
        in_force: in_force.map(|version| version.digest.to_string()).unwrap_or_default(),
        in_force_since_micros: in_force.map(|version| micros(version.at)).unwrap_or_default(),
        since_micros: micros(frame.since),
        until_micros: micros(frame.until),
        pushes: summary.pushes,
        refs: summary.refs,
        unchanged: summary.unchanged,
        newly_permitted: effect(Effect::NewlyPermitted),
        newly_refused: effect(Effect::NewlyRefused),
        newly_undecided: effect(Effect::NewlyUndecided),
        other_grounds: effect(Effect::OtherGrounds),
        pushes_changed: summary.pushes_changed,
        by_directory_alone: summary.by_directory_alone,
        by_directory_then: summary.by_directory_then,
        by_directory_now: summary.by_directory_now,
        generation_now: summary.generation_now.unwrap_or_default(),
        refs_not_grouped: summary.refs_not_grouped,
        untold: summary.untold.iter().map(untold).collect(),
        rules: summary.rules.map(uses).unwrap_or_default(),
        in_force_rules: summary.in_force.map(uses).unwrap_or_default(),
        in_force_rules_since_micros: frame.uses_since.map(micros).unwrap_or_default(),
        log_begins_micros: summary.log_begins.map(micros).unwrap_or_default(),
    }
}

fn untold((why, count): (&Untold, &UntoldCount)) -> v1::ReplayUntold {
    v1::ReplayUntold {
        code: why.code().to_owned(),
        why: why.words(),
        doubt: why.is_doubt(),
        refs: count.refs,
        pushes: count.pushes,
        examples: count.examples.clone(),
    }
}

fn uses(usage: Usage) -> Vec<v1::RuleUse> {
    let one = |one: RuleUse| v1::RuleUse {
        kind: one.kind.to_owned(),
        id: one.id,
        evaluate_only: one.evaluate_only,
        decided: one.decided,
        would: one.would,
        last_micros: one.last.map(micros).unwrap_or_default(),
        beside_pushes: one.beside_pushes,
    };
    usage.uses().into_iter().map(one).collect()
}
