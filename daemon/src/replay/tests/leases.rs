//! Leases are taken with the record of the permit: however many push at once, it is good for as many as it says. Made
//! again, each comes out as it did.

use oam_audit::entry::Outcome;
use serde_json::json;

use super::*;
use oam_policy::{
    facts::{LeaseFault, ShownLease},
    rule::PathSet,
};

use crate::{oidc::WorkloadToken, privilege::LeaseAsk};

const LEASED: &str = r#"
[[role]]
id = "release-bot"
max_lease = "15m"
[[grant]]
id = "releases"
to = ["release-bot"]
on = ["PAY/*"]
refs = ["refs/heads/release"]
verbs = ["create"]
[[workload]]
id = "api"
profile = "generic"
issuer = "https://ci"
claims = { project = "7" }
principal = "svc-release"
roles = ["release-bot"]
on = ["PAY/*"]
refs = ["refs/heads/release"]
uses = 7
"#;

impl Bench {
    async fn lease(&self, jti: &str, uses: u32) -> String {
        self.lease_with(jti, uses, |ask| ask).await
    }

    async fn lease_with(&self, jti: &str, uses: u32, with: impl FnOnce(LeaseAsk) -> LeaseAsk) -> String {
        let expires = Timestamp::now() + jiff::SignedDuration::from_hours(1);
        let token = WorkloadToken::sample("https://ci", jti, expires, &json!({"project": "7"}));
        let ask = LeaseAsk {
            repository: "PAY/api".parse().unwrap(),
            refs: vec![RefName::parse(b"refs/heads/release").unwrap()],
            verbs: None,
            role: None,
            commit: None,
            paths: None,
            by_token: false,
            uses: Some(uses),
            length: None,
        };
        let ask = with(ask);
        self.live.privileges.lease(&self.live.state(), &token, &ask).await.unwrap().id.to_string()
    }

    /// A push of the one ref, by the account, that shows a token and changes a path.
    async fn show(&self, shown: Option<ShownLease>, path: &str) {
        let updates = ["create refs/heads/release"];
        self.push_showing(Channel::Push, "svc-release", &updates, shown, &[path]).await;
    }

    /// Of each recorded push its outcome, and how often leases were used.
    fn recorded(&self) -> (Vec<Outcome>, usize) {
        let (mut outcomes, mut used) = (Vec::new(), 0);
        for line in self.live.audit.entries(0).unwrap() {
            match Entry::decode(&line.unwrap()).unwrap().event {
                Event::Decision(decision) => outcomes.push(decision.outcome),
                Event::PrivilegeUsed(_) => used += 1,
                _ => {}
            }
        }
        (outcomes, used)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_pushes_at_once_a_lease_permits_as_many_as_it_is_good_for() {
    for uses in [1, 7] {
        let bench = Arc::new(Bench::new().await);
        bench.apply(&format!("{POLICY}{LEASED}")).await;
        bench.lease("a", uses).await;
        let pushes: Vec<_> = (0..100)
            .map(|_| {
                let bench = Arc::clone(&bench);
                tokio::spawn(async move { bench.push("svc-release", &["create refs/heads/release"]).await })
            })
            .collect();
        for push in pushes {
            push.await.unwrap();
        }
        let (outcomes, used) = bench.recorded();
        let permitted = outcomes.iter().filter(|outcome| **outcome == Outcome::Permitted).count();
        let refused = outcomes.iter().filter(|outcome| **outcome == Outcome::Refused).count();
        let uses = usize::try_from(uses).unwrap();
        assert_eq!((permitted, refused, used), (uses, 100 - uses, uses));
        let (summary, verdicts) = run(bench.replay(Basis::Recorded));
        assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![]));
    }
}

#[tokio::test]
async fn what_is_refused_or_a_dry_run_takes_nothing() {
    let bench = Bench::new().await;
    bench.apply(&format!("{POLICY}{LEASED}")).await;
    bench.lease("a", 1).await;
    for updates in
        [&["create refs/heads/other"][..], &["create refs/heads/release", "create refs/heads/other"]]
    {
        bench.push("svc-release", updates).await;
    }
    bench.push_by(Channel::PullRequestDryRun, "svc-release", &["create refs/heads/release"]).await;
    bench.push("alice", &["create refs/heads/release"]).await;
    assert_eq!(bench.recorded(), (vec![Outcome::Refused; 3], 0));
    bench.push("svc-release", &["create refs/heads/release"]).await;
    bench.push("svc-release", &["create refs/heads/release"]).await;
    let (outcomes, used) = bench.recorded();
    assert_eq!((&outcomes[3..], used), (&[Outcome::Permitted, Outcome::Refused][..], 1));
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![]));
}

#[tokio::test]
async fn what_was_shown_is_shown_again_and_a_draft_is_told_what_it_would_make_of_it() {
    let bench = Bench::new().await;
    bench.apply(&format!("{POLICY}{LEASED}")).await;
    let docs = || PathSet::new([PathSet::parse_one("docs/**").unwrap()]).unwrap();
    let id = bench.lease_with("a", 2, |ask| LeaseAsk { paths: Some(docs()), by_token: true, ..ask }).await;
    let of_it = || Some(ShownLease::Of(id.parse().unwrap()));
    bench.show(None, "docs/a").await;
    bench.show(of_it(), "src/a").await;
    bench.show(of_it(), "docs/a").await;
    bench.show(Some(ShownLease::NotAccepted(LeaseFault::NotOurs)), "docs/a").await;
    bench.show(of_it(), "docs/b").await;
    bench.show(of_it(), "docs/c").await;
    use Outcome::{Permitted, Refused};
    assert_eq!(bench.recorded(), (vec![Refused, Refused, Permitted, Refused, Permitted, Refused], 2));
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![]));
    // By another account nothing of it is good.
    let (summary, verdicts) =
        run(bench
            .by(&format!("{POLICY}{LEASED}")
                .replace("principal = \"svc-release\"", "principal = \"svc-other\"")));
    assert_eq!(untold(&summary), []);
    assert_eq!(
        told(&verdicts).iter().filter(|told| told.starts_with("newly-refused")).count(),
        2,
        "{verdicts:?}"
    );
    // By a role that is granted it for a path only, what the lease covers and the grant does not is refused.
    let narrower = format!("{POLICY}{LEASED}").replace(
        "refs = [\"refs/heads/release\"]\nverbs",
        "refs = [\"refs/heads/release\"]\npaths = [\"docs/a\"]\nverbs",
    );
    let (_, verdicts) = run(bench.by(&narrower));
    assert_eq!(
        told(&verdicts),
        ["newly-refused create refs/heads/release: permitted releases -> refused paths-not-granted"]
    );
}

/// What of it is the first is by chance: whoever looks for the other finds the push as well.
#[tokio::test]
async fn whatever_carries_an_update_together_is_on_record() {
    let bench = Bench::new().await;
    bench.apply(&format!("{POLICY}{LEASED}")).await;
    let of = |path: &str| PathSet::new([PathSet::parse_one(path).unwrap()]).unwrap();
    let docs = bench.lease_with("a", 1, |ask| LeaseAsk { paths: Some(of("docs/**")), ..ask }).await;
    let code = bench.lease_with("b", 1, |ask| LeaseAsk { paths: Some(of("src/**")), ..ask }).await;
    let (updates, paths) = (["create refs/heads/release"], ["docs/a", "src/a"]);
    bench.push_showing(Channel::Push, "svc-release", &updates, None, &paths).await;
    assert_eq!(bench.recorded(), (vec![Outcome::Permitted], 2));
    let recorded = bench.live.audit.entries(0).unwrap().find_map(|line| {
        match Entry::decode(&line.unwrap()).unwrap().event {
            Event::Decision(decision) => decision.updates.into_iter().next(),
            _ => None,
        }
    });
    let update = recorded.unwrap();
    let named: std::collections::BTreeSet<_> =
        update.privilege.into_iter().chain(update.privileges_beside).collect();
    assert_eq!(named, [docs.clone(), code.clone()].into());
    for id in [docs, code] {
        let one = bench.live.privileges.find(&id.parse().unwrap()).unwrap();
        let report = crate::privilege::Report::read(&bench.live.audit, &one).unwrap();
        assert_eq!((report.total, report.pushes.len()), (1, 1), "{id}");
    }
    let (summary, verdicts) = run(bench.replay(Basis::Recorded));
    assert_eq!((told(&verdicts), untold(&summary)), (vec![], vec![]));
}
