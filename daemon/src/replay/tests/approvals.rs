//! Merges that were decided by who approved.

use oam_audit::entry::{Approval, Said};
use oam_policy::{
    Merging,
    facts::{self, Learnt, PullRequest, Unreadable},
    rule::Asker,
};

use super::{stale::recorded_without_word_of, *};

const RULES: &str = r#"
[[grant]]
id = "merge"
to = ["developer"]
on = ["**"]
refs = ["refs/heads/main"]
verbs = ["update"]
[[require]]
id = "reviewed"
on = ["**"]
refs = ["refs/heads/main"]
approvals = [{ role = "developer", count = 1 }]
exclude = ["author", "committers"]
reset_on_push = true
"#;

const HEAD: ObjectId = ObjectId::Sha1([2; 20]);
const BEFORE: ObjectId = ObjectId::Sha1([3; 20]);

/// Alice's pull request.
fn pull_request(committers: &[&str], approvals: &[(&str, ObjectId)]) -> Learnt<PullRequest> {
    let approval = |(by, reviewed): &(&str, ObjectId)| facts::Approval {
        by: Asker::User(by.parse().unwrap()),
        of_head: *reviewed == HEAD,
        reviewed: Some(*reviewed),
    };
    Ok(PullRequest {
        author: Some("alice".parse().unwrap()),
        committers: Ok(committers.iter().map(|email| (*email).into()).collect()),
        approvals: approvals.iter().map(approval).collect(),
    })
}

impl Bench {
    async fn with_reviews(form: PeopleForm) -> Self {
        let bench = Self::with(100, form).await;
        bench.apply(&format!("{POLICY}{RULES}")).await;
        let person = |name: &str, active, groups: &[&str]| Person {
            username: name.parse().unwrap(),
            id: None,
            display_name: None,
            emails: vec![format!("{name}@example.com")],
            active,
            groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
            keys: Default::default(),
        };
        let eng = &["s:eng"];
        let people =
            [("alice", true, &eng[..]), ("bob", true, eng), ("carol", true, &[]), ("dave", false, eng)];
        let people = people.map(|(name, active, groups)| person(name, active, groups)).into();
        let directory = Directory { people, groups: Default::default() };
        let by = By { actor: "test".into(), reason: String::new() };
        bench.live.changes.import(directory, Timestamp::now(), by).await.unwrap();
        bench
    }

    /// Decides and records a merge by alice.
    async fn merge(&self, told: Learnt<PullRequest>) -> entry::Decision {
        let request = Request {
            repository: "PAY/api".parse().unwrap(),
            pusher: "alice".parse().unwrap(),
            channel: Channel::PullRequestMerge,
            updates: NonEmpty::one(ref_update("update refs/heads/main")),
        };
        let merging = Merging { number: 17, head: Some(HEAD) };
        let asked_by = AskedBy::Unix { uid: 0, pid: 1 };
        let (pull_request, received) = (Some(merging), Instant::now());
        let question = Question { request, pull_request, shown_lease: None, asked_by, received };
        let mut facts = Facts::none();
        facts.learn_ancestry(0, Ancestry::FastForward);
        facts.learn_pull_request(told);
        let Attempt::Decided(unrecorded) = authorize::attempt(&self.live, &question, &facts) else {
            panic!("nothing else is needed")
        };
        let claimed = authorize::claim(&self.live, &question, *unrecorded).unwrap();
        authorize::record(&self.live, &question, &facts, claimed).await;
        assert!(self.live.audit_works());
        self.last()
    }

    fn last(&self) -> entry::Decision {
        let line = self.live.audit.entries(self.live.audit.size() - 1).unwrap().next().unwrap().unwrap();
        let Event::Decision(decision) = self.live.audit.read(&line).unwrap().event else { panic!() };
        *decision
    }
}

/// Merges of every kind that the rule tells apart.
fn merges() -> Vec<Learnt<PullRequest>> {
    let alices = ["alice@example.com"];
    vec![
        pull_request(&alices, &[("bob", HEAD)]),
        pull_request(&alices, &[("bob", BEFORE)]),
        pull_request(&alices, &[("Bob", BEFORE), ("bob", HEAD)]),
        pull_request(&alices, &[("alice", HEAD), ("carol", HEAD), ("dave", HEAD), ("eve", HEAD)]),
        pull_request(&[], &[]),
        pull_request(&["who@example.com"], &[("bob", HEAD)]),
        pull_request(&alices, &[("bob", HEAD)])
            .map(|told| PullRequest { committers: Err(Unreadable { why: "a doubt".into() }), ..told }),
        Err(Unreadable { why: "Bitbucket is down".into() }),
    ]
}

#[tokio::test]
async fn who_approved_at_which_commit_and_what_it_was_worth_is_recorded() {
    let bench = Bench::with_reviews(PeopleForm::Names).await;
    let merged = bench.merge(pull_request(&["alice@example.com"], &[("bob", HEAD), ("carol", BEFORE)])).await;
    let recorded = merged.pull_request.unwrap();
    assert_eq!((recorded.number, recorded.head.as_deref()), (Some(17), Some(&*HEAD.to_string())));
    let Said::Known { author, approvals, committers } = &recorded.said else { panic!() };
    let approval = |by: &str, of: ObjectId| Approval { by: by.into(), commit: Some(of.to_string()) };
    assert_eq!(author, "alice");
    assert_eq!(approvals.all, Some(vec![approval("bob", HEAD), approval("carol", BEFORE)]));
    assert_eq!(committers.all, Some(vec!["alice@example.com".to_owned()]));
    let [count] = &recorded.counts[..] else { panic!() };
    let worth: Vec<_> = count.approvals.all.iter().flatten().map(|one| (&*one.by, &*one.worth)).collect();
    assert_eq!((&*count.rule, &*count.role, count.needed, count.given), ("reviewed", "developer", 1, 1));
    assert_eq!(worth, [("bob", "counts"), ("carol", "without-role")]);
    // Where no rule asked, nothing is there.
    bench.push("alice", &["create refs/heads/t/x"]).await;
    assert_eq!(bench.last().pull_request, None);
}

#[tokio::test]
async fn they_come_out_as_they_are_recorded_and_a_draft_is_tried_on_them() {
    let bench = Bench::with_reviews(PeopleForm::Names).await;
    let mut outcomes = Vec::new();
    for told in merges() {
        outcomes.push(bench.merge(told).await.outcome);
    }
    use entry::Outcome::{Permitted, Refused, Undecided};
    assert_eq!(outcomes, [Permitted, Refused, Permitted, Refused, Refused, Undecided, Undecided, Undecided]);
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![]));
    assert_eq!(summary.unchanged, outcomes.len() as u64);

    // Approvals of what was there before would do, and authors' would.
    let rules =
        RULES.replace("reset_on_push = true", "").replace(r#""author", "committers""#, r#""committers""#);
    let (summary, verdicts) = run(bench.by(&format!("{POLICY}{rules}")));
    assert_eq!(
        told(&verdicts),
        ["newly-permitted update refs/heads/main: refused approval-missing/reviewed -> permitted main"]
    );
    assert_eq!(untold(&summary), vec![]);
}

#[tokio::test]
async fn of_a_merge_without_them_it_is_said_and_not_guessed() {
    let bench = Bench::with_reviews(PeopleForm::Names).await;
    bench.apply(POLICY).await;
    bench.push_by(Channel::PullRequestMerge, "alice", &["update refs/heads/main"]).await;
    let (summary, verdicts) = run(bench.by(&format!("{POLICY}{RULES}")));
    assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![("approvals-not-recorded", 1)]));
}

/// Counts that were made up are found.
#[tokio::test]
async fn who_is_said_to_have_counted_must_have() {
    let bench = Bench::with_reviews(PeopleForm::Names).await;
    let mut merged = bench.merge(pull_request(&[], &[("bob", HEAD), ("carol", HEAD)])).await;
    for count in merged.pull_request.iter_mut().flat_map(|one| &mut one.counts) {
        count.approvals.all.iter_mut().flatten().for_each(|one| one.worth = "counts".into());
    }
    let forged = crate::audit_log::Batch::new(&Event::Decision(Box::new(merged))).unwrap();
    bench.live.audit.append(forged).await.unwrap();
    let (_, verdicts) = run(bench.replay(Basis::Recorded));
    let differs: Vec<_> = verdicts.iter().map(|one| one.differs.clone()).collect();
    assert_eq!(differs, [["approvals"]]);
}

#[tokio::test]
async fn who_is_erased_has_approved_nothing_that_anybody_can_tell() {
    let bench = Bench::with_reviews(PeopleForm::Aliases).await;
    let alices = ["alice@example.com"];
    bench.merge(pull_request(&alices, &[("bob", HEAD)])).await;
    let line = bench.live.audit.entries(bench.live.audit.size() - 1).unwrap().next().unwrap().unwrap();
    let raw = String::from_utf8_lossy(&line).into_owned();
    assert!(
        !raw.contains("\"bob\"") && !raw.contains("alice") && raw.contains("\"worth\":\"counts\""),
        "{raw}"
    );
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![]));
    bench.live.audit.people().unwrap().forget(&["bob".into()]).unwrap();
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![("approvals-not-recorded", 1)]));
}

/// A merge is never left undecided since its record does not fit.
#[tokio::test]
async fn what_is_too_long_for_the_log_is_told_by_its_digest() {
    for form in [PeopleForm::Names, PeopleForm::Aliases] {
        let bench = Bench::with_reviews(form).await;
        // So many that they fit by their names, and not sealed; and more.
        for many in [500, 5_000] {
            let emails: Vec<_> = (0..many).map(|number| format!("{number}@example.com")).collect();
            let emails: Vec<_> = emails.iter().map(String::as_str).collect();
            let people: Vec<_> = (0..many / 10).map(|number| format!("p{number}")).collect();
            let people: Vec<_> = people.iter().map(|name| (name.as_str(), HEAD)).collect();
            let merged = bench.merge(pull_request(&emails, &people)).await;
            let recorded = merged.pull_request.unwrap();
            let Said::Known { committers, .. } = &recorded.said else { panic!() };
            assert_eq!(committers.told, many);
            assert_eq!(committers.all.is_some(), many == 500 && form == PeopleForm::Names, "{many}");
            assert_eq!(committers.sha256.is_some(), committers.all.is_none());
        }
        let (summary, _) = run(bench.replay(Basis::Recorded));
        let lost = if form == PeopleForm::Names { 1 } else { 2 };
        assert_eq!(untold(&summary), [("approvals-not-recorded", lost)]);
    }
}

#[tokio::test]
async fn an_approver_whom_a_silent_source_knew_is_no_doing_of_a_draft() {
    let bench = Bench::with_reviews(PeopleForm::Names).await;
    let rules = format!("{POLICY}{RULES}");
    bench.merge(pull_request(&["alice@example.com"], &[("bob", HEAD)])).await;
    let recorded = recorded_without_word_of(&bench, "bob").await;
    assert_eq!(recorded.outcome, entry::Outcome::Undecided);
    for replay in [bench.by(&rules), bench.replay(Basis::Recorded)] {
        let (summary, verdicts) = run(replay);
        assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![("undecided-then", 1)]));
        assert_eq!(summary.unchanged, 1, "as it was decided when the source was heard");
    }
    // What a draft does is told beside what is in force.
    let two = rules.replace("count = 1", "count = 2");
    let (_, verdicts) = run(Replay { against_in_force: true, ..bench.by(&two) });
    assert_eq!(verdicts.len(), 2);
}

/// Where it made no difference that nobody could tell, the push was decided, and is decided so again.
#[tokio::test]
async fn that_nobody_could_tell_of_an_approver_is_no_other_count() {
    let bench = Bench::with_reviews(PeopleForm::Names).await;
    bench.apply(&format!("{POLICY}{}", RULES.replace("count = 1", "count = 2"))).await;
    bench.merge(pull_request(&["alice@example.com"], &[("bob", HEAD)])).await;
    let recorded = recorded_without_word_of(&bench, "bob").await;
    assert_eq!(recorded.outcome, entry::Outcome::Refused);
    assert_eq!(recorded.pull_request.unwrap().counts[0].given, 0);
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), untold(&summary), summary.unchanged), (vec![], vec![], 2));
}
