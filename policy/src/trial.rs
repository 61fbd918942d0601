//! The unit tests of a policy, run: each asks its question of the one function that decides pushes, and compares.
//!
//! A test without a time of its own runs at the time that is passed in, and a test by `user` by the directory that is
//! passed in; all others have the same result for ever.

mod supposed;

use std::borrow::Cow;

use jiff::Timestamp;

use crate::{
    decide::{Basis, PushVerdict, RefDecision, Subject, Verdict, judge_as, judge_in, told},
    facts::FactsNeeded,
    fault::{Collector, Fault, Faults},
    name::Username,
    nonempty::NonEmpty,
    reason::{RefusalReason, UndecidedReason},
    rule::{Asker, Because, Expectation, Policy, TestCase},
    snapshot::Snapshot,
    words,
};

/// A test, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// The test.
    pub case: TestCase,
    /// What came of it.
    pub outcome: TestOutcome,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestOutcome {
    /// It is as expected.
    Passed,
    /// It is not.
    Failed(Found),
    /// It could not be run; why, in words. A test that is not run keeps no policy from being loaded.
    NotRun(&'static str),
}

/// What would be decided instead of what is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Every answer that the test could have expected, as the language writes it; at least one.
    pub answers: Vec<String>,
    /// Why, one sentence or two for each reason.
    pub reasons: Vec<String>,
}

impl Found {
    /// The answers in a sentence.
    pub fn told(&self) -> String {
        self.answers.iter().map(|answer| format!("`{answer}`")).collect::<Vec<_>>().join(" and ")
    }
}

impl Policy {
    /// Runs the policy's tests, in order of their places.
    ///
    /// `now` is the time of every test that gives none.
    pub fn run_tests(&self, snapshot: Option<&Snapshot>, now: Timestamp) -> Vec<TestResult> {
        let run =
            |case: &TestCase| TestResult { case: case.clone(), outcome: run(self, snapshot, case, now) };
        self.tests().iter().map(run).collect()
    }
}

/// The tests that failed, as faults of the policy.
pub fn faults(results: &[TestResult]) -> Option<Faults> {
    let mut faults = Collector::new();
    for result in results {
        if let TestOutcome::Failed(found) = &result.outcome {
            faults.add(|| fault(&result.case, found));
        }
    }
    let none = faults.total() == 0;
    faults.finish(none.then_some(())).err()
}

fn fault(case: &TestCase, found: &Found) -> Fault {
    let message = format!(
        "`{}` ({}): expected `{}`, and it would be {}",
        case.push(),
        case.asker,
        case.expect,
        found.told()
    );
    let help = (!found.reasons.is_empty()).then(|| found.reasons.join(" "));
    case.place.fault(message, help)
}

fn run(policy: &Policy, snapshot: Option<&Snapshot>, case: &TestCase, now: Timestamp) -> TestOutcome {
    let at = case.at.unwrap_or(now);
    let question = &case.question;
    let asks_for_users = question.circumstances.approved_by.iter().any(|by| matches!(by, Asker::User(_)));
    let used = |by| question.waivers(policy, by, at);
    let supposed = &case.supposed;
    let decided = match (&case.asker, snapshot) {
        (Asker::User(_), None) => {
            return TestOutcome::NotRun("no directory is loaded that would say which roles the user holds");
        }
        (Asker::Roles(_), None) if asks_for_users => {
            return TestOutcome::NotRun(
                "no directory is loaded that would say which roles an approver holds",
            );
        }
        (Asker::User(user), Some(directory)) => {
            let (waivers, elevations, leases) =
                (&used(user), &supposed.elevations(policy, user, at), &supposed.leases(policy, user, at));
            let basis = Basis { policy, snapshot, waivers, elevations, leases, approvers: &[] };
            let request = question.request(user.clone());
            question.settle(|facts| judge_in(&basis, directory, &request, facts, at, told))
        }
        (Asker::Roles(roles), snapshot) => {
            let mut subject = Subject::holder(policy, roles);
            match supposed.accounts(policy).as_slice() {
                [] => {}
                [account] => subject.username = Cow::Borrowed(*account),
                [..] => return TestOutcome::Failed(several_accounts()),
            }
            let user: &Username = &subject.username;
            let request = question.request(user.clone());
            let (waivers, elevations, leases) =
                (&used(user), &supposed.elevations(policy, user, at), &supposed.leases(policy, user, at));
            let basis = Basis { policy, snapshot, waivers, elevations, leases, approvers: &[] };
            question.settle(|facts| judge_as(&basis, &subject, &request, facts, at, told))
        }
    };
    let decision = match decided {
        Ok(decision) => decision,
        Err(needed) => return TestOutcome::Failed(depends(&needed)),
    };
    match decision.verdict() {
        PushVerdict::PerRef(refs) => compared(case, refs.first()),
        PushVerdict::Refused(reasons) => refused(case, reasons),
        PushVerdict::Undecided(reasons) => TestOutcome::Failed(undecided(reasons)),
    }
}

/// Who asks by roles is one account.
fn several_accounts() -> Found {
    let reason = "The leases are of several accounts: write a test for each of them.".to_owned();
    Found { answers: vec!["undecided".into()], reasons: vec![reason] }
}

/// The test says too little.
fn depends(needed: &FactsNeeded) -> Found {
    let reason = format!("The answer depends on {}, and the test does not say: give `paths`.", needed.told());
    Found { answers: vec!["undecided".into()], reasons: vec![reason] }
}

fn compared(case: &TestCase, decision: &RefDecision) -> TestOutcome {
    let outcome = match &decision.verdict {
        Verdict::Permitted(permit) => {
            let meant = match &case.expect {
                Expectation::Permitted(None) => true,
                Expectation::Permitted(Some(grant)) => grant == permit.grant(),
                Expectation::Refused(_) => false,
            };
            if meant {
                return TestOutcome::Passed;
            }
            let through = permit.role().map(|role| format!(", through the role `{role}`"));
            let reason = format!("The grant `{}` gives it{}.", permit.grant(), through.unwrap_or_default());
            Found { answers: vec![format!("permitted:{}", permit.grant())], reasons: vec![reason] }
        }
        Verdict::Refused(reasons) => match refused(case, reasons) {
            TestOutcome::Failed(found) => found,
            other => return other,
        },
        Verdict::Undecided(reasons) => undecided(reasons),
    };
    let tried = decision.shadow.iter().map(|shadow| {
        format!(
            "Rule `{}` is in `evaluate` mode: it would have {} it, and decides nothing.",
            shadow.rule,
            shadow.would.as_str()
        )
    });
    let reasons = outcome.reasons.into_iter().chain(tried).collect();
    TestOutcome::Failed(Found { answers: outcome.answers, reasons })
}

fn undecided(reasons: &NonEmpty<UndecidedReason>) -> Found {
    Found {
        answers: vec!["undecided".into()],
        reasons: reasons.iter().map(|reason| words::of_undecided(reason).summary).collect(),
    }
}

fn refused(case: &TestCase, reasons: &NonEmpty<RefusalReason>) -> TestOutcome {
    let meant = match &case.expect {
        Expectation::Permitted(_) => false,
        Expectation::Refused(None) => true,
        Expectation::Refused(Some(because)) => reasons.iter().any(|reason| is(reason, because)),
    };
    if meant {
        return TestOutcome::Passed;
    }
    let answer = |reason: &RefusalReason| {
        let because = Because { code: reason.code(), rule: reason.rule().cloned() };
        Expectation::Refused(Some(because)).to_string()
    };
    let told = |reason: &RefusalReason| {
        let words = words::of_refusal(reason, Some(&case.question.name));
        words.hint.map_or(words.summary.clone(), |hint| format!("{} {hint}", words.summary))
    };
    TestOutcome::Failed(Found {
        answers: reasons.iter().map(answer).collect(),
        reasons: reasons.iter().map(told).collect(),
    })
}

fn is(reason: &RefusalReason, because: &Because) -> bool {
    reason.code() == because.code && because.rule.as_ref().is_none_or(|rule| reason.rule() == Some(rule))
}
