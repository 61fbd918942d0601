use std::sync::Arc;

use jiff::Timestamp;
use oam_audit::entry::PolicyOrigin;
use oam_policy::{
    Policy,
    file::{self, PolicySource},
    lint,
};
use oam_proto::v1;
use tonic::Status;

use super::{
    convert,
    drafts::{CHECKS, DRAFTS, beside, fits, in_turn},
    proposal, unavailable,
};
use crate::{
    policy::{Applied, ApplyError, Change, HistoryError, Known, LivePolicy, Version},
    service::Live,
};

pub(super) async fn check(
    live: Arc<Live>,
    request: v1::CheckPolicyRequest,
) -> Result<v1::CheckPolicyResponse, Status> {
    let is_too_large = fits(&request.files).is_err();
    let files = sources(request.files)?;
    if is_too_large {
        // That is told as every fault is, and at once.
        return Ok(checked(&live, &files));
    }
    in_turn(&CHECKS, move || checked(&live, &files)).await
}

/// It takes seconds where there are many rules and tests.
fn checked(live: &Live, files: &[PolicySource]) -> v1::CheckPolicyResponse {
    let tested = match file::parse_and_test(files, live.snapshot().as_ref(), Timestamp::now()) {
        Ok(tested) => tested,
        Err(faults) => {
            return v1::CheckPolicyResponse {
                faults: Some(convert::faults(&faults)),
                ..v1::CheckPolicyResponse::default()
            };
        }
    };
    let tests = tested.tests.iter().map(oam_proto::test_outcome_to_wire).collect();
    let warnings = Some(warnings(live, live.policies.live().as_deref(), &tested.policy));
    match tested.passed() {
        Ok(policy) => {
            v1::CheckPolicyResponse { faults: None, warnings, policy: Some(counted(&policy)), tests }
        }
        Err(faults) => {
            v1::CheckPolicyResponse { faults: Some(convert::faults(&faults)), warnings, policy: None, tests }
        }
    }
}

pub(super) async fn apply(
    live: &Arc<Live>,
    author: String,
    request: v1::ApplyPolicyRequest,
) -> Result<v1::ApplyPolicyResponse, Status> {
    let reason = convert::required_reason(&request.reason)?;
    let files = sources(request.files)?;
    put_in_force(live, files, Change { origin: PolicyOrigin::Apply, author, reason }).await
}

pub(super) async fn roll_back(
    live: &Arc<Live>,
    author: String,
    request: v1::RollBackPolicyRequest,
) -> Result<v1::ApplyPolicyResponse, Status> {
    let reason = convert::required_reason(&request.reason)?;
    let (_, files) = live.policies.history().find(&request.digest).map_err(|error| not_found(&error))?;
    put_in_force(live, files, Change { origin: PolicyOrigin::Rollback, author, reason }).await
}

pub(super) async fn show(live: &Live, digits: &str) -> Result<v1::ShowPolicyResponse, Status> {
    let in_force = live.policies.live();
    let wanted = match (digits, &in_force) {
        ("", None) => {
            return Err(Status::failed_precondition("no policy is in force: `oam status` says why"));
        }
        ("", Some(live)) => live.policy.digest().to_string(),
        (digits, _) => digits.to_owned(),
    };
    let policies = Arc::clone(&live.policies);
    let found = beside(move || policies.find(&wanted)).await?;
    let (known, files) = found.map_err(|error| not_found(&error))?;
    let digest = match &known {
        Known::Version(version) => version.digest,
        Known::Proposal(proposal) => proposal.digest,
    };
    let (policy, files) = match in_force.filter(|live| live.policy.digest() == digest) {
        // Nothing is to be read, and nobody to be waited for.
        Some(live) => (Some(Arc::clone(&live.policy)), files),
        None => in_turn(&DRAFTS, move || (file::parse(&files).ok().map(Arc::new), files)).await?,
    };
    let info = match known {
        Known::Version(version) => info(live, &version, policy.as_deref()),
        Known::Proposal(proposal) => proposal::info(&proposal, policy.as_deref()),
    };
    let files = files.into_iter().map(|file| v1::PolicyFile { name: file.name, text: file.text }).collect();
    Ok(v1::ShowPolicyResponse { policy: Some(info), files })
}

pub(super) fn list(live: &Live) -> Result<v1::ListPoliciesResponse, Status> {
    let versions = live.policies.history().versions().map_err(|error| unavailable(&error))?;
    let policies = versions.iter().rev().map(|version| info(live, version, None)).collect();
    Ok(v1::ListPoliciesResponse { policies })
}

/// The policy in force, for the status.
pub(super) fn in_force(live: &Live) -> Option<v1::PolicyInfo> {
    live.policies.live().map(|policy| of_live(live, &policy))
}

async fn put_in_force(
    live: &Arc<Live>,
    files: Vec<PolicySource>,
    change: Change,
) -> Result<v1::ApplyPolicyResponse, Status> {
    let applied = match live.policies.apply(&files, change).await {
        Ok(applied) => applied,
        Err(error) => return not_applied(&error),
    };
    let live = Arc::clone(live);
    beside(move || {
        let same = match &applied {
            Applied::InForce { live, changed: false, .. } => Some(Arc::clone(live)),
            Applied::InForce { .. } | Applied::Proposed { .. } => None,
        };
        let mut answer = answer(&live, applied);
        if same.is_some() {
            // By the files: where only an `allow` is new, the policy in force is another with the same rules.
            let policy = file::parse(&files).ok();
            answer.warnings = policy.map(|policy| warnings(&live, same.as_deref(), &policy));
        }
        answer
    })
    .await
}

/// What came of a policy that was offered or approved. It takes a while where there are many rules.
pub(super) fn answer(live: &Live, applied: Applied) -> v1::ApplyPolicyResponse {
    match applied {
        Applied::InForce { live: policy, changed, before } => v1::ApplyPolicyResponse {
            warnings: Some(warnings(live, before.as_deref(), &policy.policy)),
            policy: Some(of_live(live, &policy)),
            changed,
            ..Default::default()
        },
        Applied::Proposed { proposal, policy, needed } => v1::ApplyPolicyResponse {
            warnings: Some(warnings(live, live.policies.live().as_deref(), &policy)),
            proposal: Some(proposal::to_wire(&proposal, needed)),
            ..Default::default()
        },
    }
}

/// Why it was not taken: faults are an answer.
pub(super) fn not_applied(error: &ApplyError) -> Result<v1::ApplyPolicyResponse, Status> {
    match error {
        ApplyError::Faulty(faults) => {
            Ok(v1::ApplyPolicyResponse { faults: Some(convert::faults(faults)), ..Default::default() })
        }
        ApplyError::Followed(_) | ApplyError::TooManyWait(_) => {
            Err(Status::failed_precondition(error.to_string()))
        }
        _ => Err(unavailable(error)),
    }
}

/// Policy files from outside: a name is one path component, so that it can be kept as a file.
pub(super) fn sources(files: Vec<v1::PolicyFile>) -> Result<Vec<PolicySource>, Status> {
    if files.is_empty() {
        return Err(Status::invalid_argument("a policy has at least one file"));
    }
    let mut names = std::collections::BTreeSet::new();
    for file in &files {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
        let is_toml = file.name.to_ascii_lowercase().ends_with(".toml");
        let good = is_toml && !file.name.starts_with('.') && file.name.chars().all(plain);
        if !good || file.name.len() > 200 {
            let name = oam_policy::printable::Printable::new(&file.name);
            return Err(Status::invalid_argument(format!(
                "`{name}` is no name for a policy file: letters, digits, `-`, `_`, `.` and the ending `.toml`"
            )));
        }
        if !names.insert(file.name.as_str()) {
            return Err(Status::invalid_argument(format!("the file `{}` is given twice", file.name)));
        }
    }
    Ok(files.into_iter().map(|file| PolicySource { name: file.name, text: file.text }).collect())
}

fn warnings(live: &Live, before: Option<&LivePolicy>, policy: &Policy) -> v1::PolicyWarnings {
    let snapshot = live.snapshot();
    let found = lint::lint(policy, snapshot.as_ref(), Timestamp::now());
    let of_change = proposal::warnings(live, before, policy);
    v1::PolicyWarnings { of_change, ..oam_proto::warnings_to_wire(found) }
}

fn of_live(live: &Live, policy: &LivePolicy) -> v1::PolicyInfo {
    info(live, &policy.version, Some(&policy.policy))
}

fn info(live: &Live, version: &Version, policy: Option<&Policy>) -> v1::PolicyInfo {
    let now = live.policies.live();
    v1::PolicyInfo {
        digest: version.digest.to_string(),
        loaded_micros: convert::micros(version.at),
        origin: crate::policy::origin_code(version.origin).to_owned(),
        author: version.author.clone(),
        reason: version.reason.clone(),
        path: live.policies.place().path().display().to_string(),
        in_force: now.is_some_and(|now| now.version == *version),
        approved_by: version.approved_by.clone(),
        unapproved: version.unapproved,
        ..policy.map(counted).unwrap_or_default()
    }
}

pub(super) fn counted(policy: &Policy) -> v1::PolicyInfo {
    v1::PolicyInfo {
        digest: policy.digest().to_string(),
        roles: policy.roles().len() as u64,
        grants: policy.grants().len() as u64,
        blocks: policy.blocks().len() as u64,
        requires: policy.requires().len() as u64,
        waivers: policy.waivers().len() as u64,
        approvals: policy.change().approvals.into(),
        ..Default::default()
    }
}

pub(super) fn not_found(error: &HistoryError) -> Status {
    match error {
        HistoryError::Unknown(_) => Status::not_found(error.to_string()),
        HistoryError::Ambiguous(_) => Status::invalid_argument(error.to_string()),
        HistoryError::Io { .. } => unavailable(error),
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, fmt::Write as _, sync::Arc, time::Duration};

    use oam_audit::entry::PolicyOrigin;
    use oam_policy::file::{self, PolicySource};
    use oam_proto::v1;
    use tokio::time::timeout;

    use super::{CHECKS, Change, DRAFTS, check, show, sources};
    use crate::replay::tests::{POLICY, live};

    /// More than any of these takes, and less than anybody waits for a turn.
    const LONG: Duration = Duration::from_secs(20);

    /// On a runtime of one thread, whoever asks meanwhile is answered before it is done.
    #[tokio::test]
    async fn while_a_draft_is_checked_others_are_served() {
        let (live, _folder) = live().await;
        let mut text = POLICY.to_owned();
        for number in 0..500 {
            let on = format!(
                "to = [\"developer\"]\non = [\"PAY/r{number}\"]\nrefs = [\"refs/heads/x{number}/**\"]"
            );
            writeln!(text, "[[grant]]\nid = \"g{number}\"\n{on}\nverbs = [\"create\"]").unwrap();
        }
        let files = vec![v1::PolicyFile { name: "policy.toml".into(), text }];
        let order = RefCell::new(Vec::new());
        let draft = async {
            let checked = check(live, v1::CheckPolicyRequest { files }).await.unwrap();
            order.borrow_mut().push("checked");
            checked
        };
        let other = async {
            order.borrow_mut().push("answered");
        };
        let (checked, ()) = tokio::join!(draft, other);
        assert_eq!(checked.policy.unwrap().grants, 503);
        assert_eq!(order.into_inner(), ["answered", "checked"]);
    }
    fn asked(text: &str) -> v1::CheckPolicyRequest {
        v1::CheckPolicyRequest {
            files: vec![v1::PolicyFile { name: "policy.toml".into(), text: text.into() }],
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_checks_or_shows_what_is_in_force_waits_for_no_one_who_compares() {
        let (live, _folder) = live().await;
        let comparing = DRAFTS.take().await.unwrap();
        let shown = timeout(LONG, show(&live, "")).await.unwrap().unwrap();
        assert_eq!(shown.policy.unwrap().grants, 3);
        let checked = timeout(LONG, check(Arc::clone(&live), asked(POLICY))).await.unwrap().unwrap();
        assert_eq!(checked.policy.unwrap().grants, 3);
        // One that is to be read does.
        let digest = live.policies.live().unwrap().policy.digest().to_string();
        let change = Change { origin: PolicyOrigin::Apply, author: "uid 0".into(), reason: "r".into() };
        let other = PolicySource { name: "policy.toml".into(), text: format!("contact = \"c\"\n{POLICY}") };
        live.policies.apply(&[other], change).await.unwrap();
        let mut waiting = Box::pin(show(&live, &digest));
        assert!(timeout(Duration::from_millis(200), waiting.as_mut()).await.is_err());
        drop(comparing);
        assert_eq!(timeout(LONG, waiting).await.unwrap().unwrap().policy.unwrap().grants, 3);
    }

    #[tokio::test]
    async fn what_is_too_large_is_a_fault_and_waits_for_no_turn() {
        let (live, _folder) = live().await;
        let _checking = CHECKS.take().await.unwrap();
        let large = asked(&"#".repeat(file::MAX_BYTES + 1));
        let checked = timeout(LONG, check(live, large)).await.unwrap().unwrap();
        assert!(checked.faults.is_some());
    }

    /// What a folder's reader takes for a file of a policy, `oam` sends.
    #[test]
    fn a_policy_file_ends_in_toml_in_any_case() {
        let named = |name: &str| sources(vec![v1::PolicyFile { name: name.into(), text: String::new() }]);
        assert!(named("a.toml").is_ok() && named("FREEZE.TOML").is_ok());
        for name in ["a", "a.txt", ".a.toml", "../a.toml", "toml"] {
            assert!(named(name).is_err(), "{name}");
        }
    }
}
