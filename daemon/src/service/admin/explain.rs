use std::collections::BTreeSet;

use oam_policy::{
    Decision, Question, RoleId, Username, Verdict,
    decide::PushVerdict,
    explain::{self, Depends, Fit, RuleTrace},
    rule::Asker,
};
use oam_proto::{decision_to_wire, v1};
use tonic::Status;

use super::{
    basis::{self, Basis, Wanted, invalid},
    circumstances,
    drafts::beside,
};
use crate::service::Live;

/// What would be decided about one change, and which rules had a part in it. Nothing is recorded as a push.
pub(super) async fn explain(live: &Live, asked: v1::ExplainRequest) -> Result<v1::Explanation, Status> {
    let circumstances = asked.circumstances.as_ref();
    let question =
        basis::question(&asked.repository, &asked.r#ref, &asked.verb, &asked.channel, circumstances)?;
    let asker = asker(&asked)?;
    let about = match &asker {
        Asker::User(name) => Some(name.clone()),
        Asker::Roles(_) => None,
    };
    let wanted =
        Wanted { files: asked.policy, generation: asked.generation, at_micros: asked.at_micros, about };
    match basis::find(live, wanted).await? {
        Ok(basis) => beside(move || explained(basis, &asker, &question)).await?,
        Err(faults) => Ok(v1::Explanation { faults: Some(faults), ..Default::default() }),
    }
}

/// It takes a while where there are many rules.
fn explained(basis: Basis, asker: &Asker, question: &Question) -> Result<v1::Explanation, Status> {
    let policy = basis.state.policy.as_deref();
    if let Some(policy) = policy
        && let Some(role) = explain::unknown_role(policy, asker)
    {
        let meant = explain::role_meant(policy, role).map(|meant| format!(": {meant}")).unwrap_or_default();
        return Err(Status::not_found(format!("the policy has no role `{role}`{meant}")));
    }
    let explanation = match explain::explain(&basis.state, asker, question, basis.at) {
        Ok(explanation) => explanation,
        Err(depends) => return Ok(depending(basis, &depends, question)),
    };
    let contact = policy.and_then(|policy| policy.contact());
    let to_wire = |decision| decision_to_wire(decision, &explanation.request, "", contact);
    let (grant, through_role) = carried_by(&explanation.decision);
    Ok(v1::Explanation {
        decision: Some(to_wire(&explanation.decision)),
        rules: explanation.rules.iter().map(trace).collect(),
        policy: basis.policy(),
        grant,
        through_role,
        otherwise: explanation.otherwise.as_ref().map(|decision| {
            let (grant, through_role) = carried_by(decision);
            v1::Otherwise { decision: Some(to_wire(decision)), grant, through_role }
        }),
        snapshot: basis.snapshot,
        commit_taken: circumstances::are_of_commit(question),
        ..v1::Explanation::default()
    })
}

/// All that there is to tell where there is no decision.
fn depending(basis: Basis, depends: &Depends, question: &Question) -> v1::Explanation {
    v1::Explanation {
        depends_on: depends.needed.told(),
        username: depends.username.as_str().to_owned(),
        roles: depends.roles.iter().map(ToString::to_string).collect(),
        rules: depends.rules.iter().map(trace).collect(),
        policy: basis.policy(),
        snapshot: basis.snapshot,
        commit_taken: circumstances::are_of_commit(question),
        ..v1::Explanation::default()
    }
}

/// Whom a question is about that everybody may ask about themselves: by what is in force, and no draft.
pub(super) fn own(asked: &v1::ExplainRequest) -> Option<&str> {
    (asked.policy.is_empty() && asked.generation == 0).then_some(asked.username.as_str())
}

fn asker(asked: &v1::ExplainRequest) -> Result<Asker, Status> {
    match (asked.username.as_str(), asked.roles.as_slice()) {
        ("", roles) => {
            let roles = roles.iter().map(|role| RoleId::parse(role)).collect::<Result<BTreeSet<_>, _>>();
            Ok(Asker::Roles(roles.map_err(|error| invalid("roles", &error))?))
        }
        (name, []) => Ok(Asker::User(Username::parse(name).map_err(|error| invalid("username", &error))?)),
        _ => Err(Status::invalid_argument("either a user is asked about or somebody with just these roles")),
    }
}

/// The grant that carried a permit, and the role through which it did.
fn carried_by(decision: &Decision) -> (String, String) {
    let PushVerdict::PerRef(refs) = decision.verdict() else { return Default::default() };
    let Verdict::Permitted(permit) = &refs.first().verdict else { return Default::default() };
    let role = permit.role().map(ToString::to_string).unwrap_or_default();
    (permit.grant().to_string(), role)
}

fn trace(rule: &RuleTrace) -> v1::RuleTrace {
    let finding = |finding: &explain::Finding| v1::Finding {
        dimension: finding.dimension.as_str().to_owned(),
        ok: finding.fit == Fit::Fits,
        detail: finding.detail.clone(),
        unknown: finding.fit == Fit::Unknown,
        supposed: false,
    };
    let condition = |condition: &explain::Condition| v1::Finding {
        dimension: String::new(),
        ok: condition.fit == Fit::Fits,
        detail: condition.detail.clone(),
        unknown: condition.fit == Fit::Unknown,
        supposed: condition.supposed,
    };
    v1::RuleTrace {
        kind: rule.kind.as_str().to_owned(),
        id: rule.id.to_string(),
        matched: rule.matched(),
        why_not: rule.why_not().unwrap_or_default().to_owned(),
        evaluate_only: rule.evaluate_only,
        findings: rule.findings.iter().map(finding).collect(),
        conditions: rule.conditions.iter().map(condition).collect(),
        lifted_by: rule.lifted_by.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use oam_proto::v1;
    use tonic::{Code, Status};

    use super::explain;
    use crate::replay::tests::live;

    /// What is decided depends on the paths, and supposes that commits are signed.
    const DRAFT: &str = r#"
version = 1
[[role]]
id = "developer"
any = ["s:eng"]
[[grant]]
id = "main"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/main"]
verbs = ["update"]
[[block]]
id = "secrets"
on = ["PAY/*"]
refs = ["refs/heads/main"]
paths = ["secrets/**"]
[[require]]
id = "signed"
on = ["PAY/*"]
refs = ["refs/heads/main"]
commits = { signed = true }
"#;

    pub(in crate::service::admin) fn draft() -> Vec<v1::PolicyFile> {
        vec![v1::PolicyFile { name: "policy.toml".into(), text: DRAFT.into() }]
    }

    /// About Alice, or somebody with just these roles.
    async fn explained(
        roles: &[&str],
        policy: Vec<v1::PolicyFile>,
        circumstances: v1::Circumstances,
    ) -> Result<v1::Explanation, Status> {
        let (live, _folder) = live().await;
        let asked = v1::ExplainRequest {
            username: if roles.is_empty() { "alice".into() } else { String::new() },
            roles: roles.iter().map(ToString::to_string).collect(),
            repository: "PAY/api".into(),
            r#ref: b"refs/heads/main".to_vec(),
            verb: "update".into(),
            policy,
            circumstances: Some(circumstances),
            ..v1::ExplainRequest::default()
        };
        explain(&live, asked).await
    }

    /// Whoever asks an older version would not know that it heard nothing of them.
    #[tokio::test(flavor = "multi_thread")]
    async fn that_it_heard_of_a_commit_is_answered() {
        let message = || Some("A-1 fix".to_owned());
        let said = [
            (v1::Circumstances::default(), false),
            (v1::Circumstances { commit_flaws: vec!["merge".into()], ..Default::default() }, false),
            (v1::Circumstances { commit_blob: 7, ..Default::default() }, true),
            (v1::Circumstances { commit_message: message(), ..Default::default() }, true),
        ];
        for (circumstances, taken) in said {
            assert_eq!(explained(&[], Vec::new(), circumstances).await.unwrap().commit_taken, taken);
        }
        // Also where there is no decision.
        let said = v1::Circumstances { commit_message: message(), ..Default::default() };
        let depends = explained(&[], draft(), said).await.unwrap();
        assert!(depends.decision.is_none() && depends.commit_taken, "{depends:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn where_it_depends_every_rule_is_told_and_who_asks() {
        let depends = explained(&[], draft(), v1::Circumstances::default()).await.unwrap();
        assert_eq!((depends.depends_on.as_str(), depends.username.as_str()), ("the changed paths", "alice"));
        let told: Vec<_> = depends.rules.iter().map(|rule| rule.id.as_str()).collect();
        assert!(["secrets", "main", "signed"].iter().all(|id| told.contains(id)), "{told:?}");
        let unknown = |rule: &v1::RuleTrace| rule.findings.iter().any(|finding| finding.unknown);
        assert!(depends.rules.iter().any(|rule| rule.id == "secrets" && unknown(rule)), "{depends:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_supposed_is_marked() {
        let none = v1::Circumstances { paths_given: true, ..Default::default() };
        let explained = explained(&[], draft(), none).await.unwrap();
        assert!(explained.decision.is_some(), "{explained:?}");
        let conditions = explained.rules.iter().flat_map(|rule| &rule.conditions);
        let supposed = conditions.filter(|one| one.ok && one.supposed).map(|one| one.detail.as_str());
        assert_eq!(supposed.collect::<Vec<_>>(), ["commits are signed by their committers"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_role_that_was_meant_is_told() {
        let refused = explained(&["developr"], draft(), v1::Circumstances::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound);
        assert!(refused.message().contains("did you mean `developer`?"), "{refused}");
    }
}
