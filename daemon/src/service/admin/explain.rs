use jiff::Timestamp;
use oam_policy::{
    Channel, Decision, Evaluation, Facts, NonEmpty, ObjectId, RefChange, RefName, RefUpdate, Repository,
    Request, Username, Verb, Verdict, decide,
    decide::PushVerdict,
    explain::{self, RuleTrace},
    facts::Ancestry,
};
use oam_proto::{decision_to_wire, v1};
use tonic::Status;

use super::convert;
use crate::service::Live;

/// What would be decided about one change, and which rules had a part in it. Nothing is recorded as a push.
pub(super) fn explain(live: &Live, asked: &v1::ExplainRequest) -> Result<v1::Explanation, Status> {
    let at = match asked.at_micros {
        0 => Timestamp::now(),
        micros => Timestamp::from_microsecond(micros).map_err(|error| invalid("at_micros", &error))?,
    };
    let (request, verb, facts) = question(asked)?;
    let state = live.state();
    let Evaluation::Decided(decision) = decide(&state, &request, &facts, at) else {
        return Err(Status::internal("a question with all its facts was not decided"));
    };
    let rules = explain::explain(&state, &request, verb, at);
    let (grant, through_role) = carried_by(&decision);
    let contact = state.policy.as_ref().and_then(|policy| policy.contact());
    Ok(v1::Explanation {
        decision: Some(decision_to_wire(&decision, &request, "", contact)),
        rules: rules.iter().map(trace).collect(),
        policy: state.policy.as_ref().map(|policy| policy.digest().to_string()).unwrap_or_default(),
        snapshot: live.directory.current().map(|loaded| convert::snapshot_info(&loaded.info)),
        grant,
        through_role,
    })
}

/// The question with made-up object ids: a decision rests on names and verbs only.
fn question(asked: &v1::ExplainRequest) -> Result<(Request, Verb, Facts), Status> {
    let verb = Verb::parse(&asked.verb)
        .filter(|verb| !matches!(verb, Verb::Read | Verb::Admin))
        .ok_or_else(|| Status::invalid_argument("the verb is `create`, `update`, `force` or `delete`"))?;
    let (old, new) = (ObjectId::Sha1([1; 20]), ObjectId::Sha1([2; 20]));
    let change = match verb {
        Verb::Create => RefChange::Create { new },
        Verb::Delete => RefChange::Delete { old },
        Verb::Update | Verb::Force | Verb::Read | Verb::Admin => RefChange::Move { old, new },
    };
    let mut facts = Facts::none();
    let ancestry = if verb == Verb::Force { Ancestry::Diverged } else { Ancestry::FastForward };
    facts.learn_ancestry(0, ancestry);
    let name = RefName::parse(&asked.r#ref).map_err(|error| invalid("ref", &error))?;
    let request = Request {
        repository: Repository::parse(&asked.repository).map_err(|error| invalid("repository", &error))?,
        pusher: Username::parse(&asked.username).map_err(|error| invalid("username", &error))?,
        channel: Channel::Push,
        updates: NonEmpty::one(RefUpdate { name, change }),
    };
    Ok((request, verb, facts))
}

/// The grant that carried a permit, and the role through which it did.
fn carried_by(decision: &Decision) -> (String, String) {
    let PushVerdict::PerRef(refs) = decision.verdict() else { return Default::default() };
    let Verdict::Permitted(permit) = &refs.first().verdict else { return Default::default() };
    let role = permit.role().map(ToString::to_string).unwrap_or_default();
    (permit.grant().to_string(), role)
}

fn trace(rule: &RuleTrace) -> v1::RuleTrace {
    v1::RuleTrace {
        kind: rule.kind.as_str().to_owned(),
        id: rule.id.to_string(),
        matched: rule.matched,
        why_not: rule.why_not.clone().unwrap_or_default(),
        evaluate_only: rule.evaluate_only,
    }
}

fn invalid(field: &str, error: &dyn std::fmt::Display) -> Status {
    Status::invalid_argument(format!("{field}: {error}"))
}
