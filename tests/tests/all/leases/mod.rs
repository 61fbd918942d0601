//! Jobs that push: with tokens of a real provider, `oam ci lease`, and real pushes.

mod at_once;
mod narrowed;
mod shown;

use std::{fs, thread};

use oam_audit::entry::{Event, Outcome, PrivilegeEnd};
use oam_tests::{
    BareRepo, Daemon, Finished, HookConfig, Provider, Run as _, ScimClient, Verdict, WorkingCopy,
    daemon::Setup, sample, wait,
};
use serde_json::{Value, json};

const AUDIENCE: &str = "urn:oam:ci";
/// What tokens of leases say of where they are from.
const ISSUER: &str = "https://oam.example.com:8444";

/// What stands in the policy besides that of every test.
fn rules(issuer: &str) -> String {
    format!(
        r#"
[[role]]
id = "release-bot"
max_lease = "10m"

[[grant]]
id = "job-releases"
to = ["release-bot"]
on = ["DEMO/*"]
refs = ["refs/tags/r*"]
verbs = ["create"]

[[grant]]
id = "job-pages"
to = ["release-bot"]
on = ["DEMO/*"]
refs = ["refs/heads/pages"]
verbs = ["create", "update"]

[[workload]]
id = "app-release"
profile = "github"
issuer = "{issuer}"
claims = {{ repository_id = "74" }}
principal = "svc-release"
roles = ["release-bot"]
on = ["DEMO/app"]
refs = ["refs/tags/r*", "refs/heads/pages"]
uses = 2
"#
    )
}

struct World {
    provider: Provider,
    daemon: Daemon,
}

impl World {
    fn start() -> Self {
        Self::with("", Setup::default().directory)
    }

    /// The same with more of a configuration, and this directory.
    fn with(more: &str, directory: Option<String>) -> Self {
        let provider = Provider::start();
        let config = format!(
            "[exchange]\nlisten = \"127.0.0.1:0\"\nplaintext = \"loopback-only\"\nurl = \"{ISSUER}\"\n[issuer.ci]\nfor = \"workloads\"\n\
             url = \"{}\"\naudience = \"{AUDIENCE}\"\ntype = \"at+jwt\"\nnetwork = \"loopback\"\njwks_retry = \"0s\"\n{more}",
            provider.issuer
        );
        let policy = sample::POLICY.to_owned() + &rules(&provider.issuer);
        let daemon = Daemon::start_with(&Setup { config, policy, directory });
        Self { provider, daemon }
    }

    fn token(&self, repository: &str) -> String {
        self.provider.job_token(AUDIENCE, &json!({"repository_id": repository}))
    }

    /// Where the exchange listens.
    fn address(&self) -> String {
        wait::until("the daemon says where it listens", || {
            let text = fs::read_to_string(self.daemon.runtime().join("exchange.addr")).ok()?;
            (!text.trim().is_empty()).then(|| text.trim().to_owned())
        })
    }

    /// `oam ci lease` in a job that has this token.
    fn lease(&self, token: &str, arguments: &[&str]) -> Finished {
        self.lease_as(token, &[&["--json", "ci", "lease"], arguments].concat())
    }

    fn lease_as(&self, token: &str, arguments: &[&str]) -> Finished {
        let mut oam = self.daemon.oam_command();
        oam.env("OAM_ID_TOKEN", token).env("OAM_EXCHANGE", format!("http://{}", self.address()));
        oam.args(arguments).run()
    }

    fn leased(&self, arguments: &[&str]) -> String {
        let leased = self.lease(&self.token("74"), arguments).expect_success("oam ci lease");
        let lease: Value = serde_json::from_slice(&leased.stdout).unwrap();
        assert_eq!(lease["principal"], "svc-release");
        lease["id"].as_str().unwrap().to_owned()
    }

    fn events(&self) -> Vec<Event> {
        self.daemon.audit().entries.into_iter().map(|entry| entry.event).collect()
    }
}

fn push(work: &WorkingCopy, tag: &str) -> Verdict {
    work.push([format!("HEAD:refs/tags/{tag}")]).verdict()
}

#[track_caller]
fn denied(finished: &Finished, part: &str) {
    assert_eq!(finished.code, 5, "{finished:?}");
    assert!(finished.stderr_text().contains(part), "{finished:?}");
}

#[test]
fn a_job_leases_what_it_pushes_and_nothing_else_goes_in() {
    let mut world = World::start();
    let repository = BareRepo::guarded_by(&world.daemon);
    let work = repository.working_copy().pushing_as("svc-release");
    let tip = work.commit("one");
    let refused = work.push(["HEAD:refs/tags/r1"]);
    assert_eq!(refused.verdict(), Verdict::Refused);
    let told = refused.remote().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("oam ci lease --repo DEMO/app --ref refs/tags/r1"), "{refused:?}");

    let place =
        ["--repo", "DEMO/app", "--ref", "refs/tags/r1", "--ref", "refs/tags/r2", "--ref", "refs/tags/r3"];
    let token = world.token("74");
    let lease = |more: &[&str]| world.lease(&token, &[&place[..], more].concat());
    denied(&lease(&["--uses", "3"]), "at most 2 pushes");
    denied(&lease(&["--for", "6m"]), "at most 5m");
    denied(&lease(&["--verb", "create", "--ref", "refs/heads/main"]), "not about `refs/heads/main`");
    denied(&world.lease(&token, &["--repo", "DEMO/other", "--ref", "refs/tags/r1"]), "not on `DEMO/other`");
    // What was denied took nothing of the token.
    lease(&["--uses", "2", "--commit", &tip]).expect_success("oam ci lease");
    denied(&lease(&[]), "shown before");

    for (other, tag) in [("mallory", "r1"), ("svc-release", "r4")] {
        let copy = repository.working_copy().pushing_as(other);
        copy.commit("by another");
        assert_eq!(push(&copy, tag), Verdict::Refused, "{other} {tag}");
    }
    let elsewhere = BareRepo::with(&HookConfig::plain(&world.daemon, "DEMO/other"));
    let copy = elsewhere.working_copy().pushing_as("svc-release");
    copy.commit("elsewhere");
    assert_eq!(push(&copy, "r1"), Verdict::Refused, "another repository");
    assert_eq!(push(&work, "r1"), Verdict::Permitted);
    work.commit("two");
    let refused = work.push(["HEAD:refs/tags/r2"]);
    assert_eq!(refused.verdict(), Verdict::Refused, "another commit");
    let told = refused.remote().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(&format!("of this account does not count: it is for the commit {tip}")), "{told}");

    // The same is live after a crash, and as much of it is used.
    world.daemon.kill();
    world.daemon.spawn();
    denied(&world.lease(&token, &place), "shown before");
    let listed = world.daemon.oam(["--json", "lease", "list"]).expect_success("oam lease list");
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(
        (listed["privileges"][0]["lease"]["used"].as_u64(), listed["privileges"].as_array().unwrap().len()),
        (Some(1), 1)
    );
    let tagged = |tag: &str| work.push([format!("{tip}:refs/tags/{tag}")]).verdict();
    assert_eq!(tagged("r2"), Verdict::Permitted);
    assert_eq!(tagged("r3"), Verdict::Refused, "used up");
    wait::until("it is written down that it is used up", || {
        world.events().into_iter().find_map(|event| match event {
            Event::PrivilegeEnded(ended) if ended.cause == PrivilegeEnd::UsedUp => Some(()),
            _ => None,
        })
    });
    assert_eq!(world.events().iter().filter(|event| matches!(event, Event::PrivilegeUsed(_))).count(), 2);
}

#[test]
fn tokens_that_are_not_these_jobs_get_nothing() {
    let world = World::start();
    let place = ["--repo", "DEMO/app", "--ref", "refs/tags/r1"];
    denied(&world.lease(&world.token("75"), &place), "no workload of the policy");
    let other = world.provider.job_token("urn:another", &json!({"repository_id": "74"}));
    denied(&world.lease(&other, &place), "audience is another one");
    let mut forged = world.token("74");
    forged.replace_range(forged.len() - 6.., "AAAAAA");
    denied(&world.lease(&forged, &place), "signature");
    denied(&world.lease("a.b.c", &place), "no token");
    world.provider.turn("clock?seconds=-7200");
    denied(&world.lease(&world.token("74"), &place), "expired");
    world.provider.turn("clock?seconds=0");
    let none = world
        .daemon
        .oam_command()
        .args(["ci", "lease", "--exchange", "http://127.0.0.1:1"])
        .args(place)
        .run();
    assert!(none.code == 2 && none.stderr_text().contains("no token of this job"), "{none:?}");
    assert_eq!(
        world.events().iter().filter(|event| matches!(event, Event::PrivilegeRequested(_))).count(),
        0
    );
}

#[test]
fn a_lease_ends_at_once_when_it_is_taken_away_or_its_workload_is() {
    let world = World::start();
    let repository = BareRepo::guarded_by(&world.daemon);
    let work = repository.working_copy().pushing_as("svc-release");
    work.commit("one");
    let id = world.leased(&["--repo", "DEMO/app", "--ref", "refs/tags/r1"]);
    world.daemon.oam(["lease", "revoke", &id, "--reason", "leaked"]).expect_success("oam lease revoke");
    assert_eq!(push(&work, "r1"), Verdict::Refused);

    let id = world.leased(&["--repo", "DEMO/app", "--ref", "refs/tags/r1"]);
    let other = rules(&world.provider.issuer).replace("\"74\"", "\"740\"");
    world.daemon.write_policy(&(sample::POLICY.to_owned() + &other));
    wait::until("the lease of a workload that is another one ends", || {
        let ended = |event: &Event| matches!(event, Event::PrivilegeEnded(ended) if ended.id == id);
        world.events().iter().any(ended).then_some(())
    });
    world.daemon.write_policy(&(sample::POLICY.to_owned() + &rules(&world.provider.issuer)));
    assert_eq!(push(&work, "r1"), Verdict::Refused, "what ended does not come back");
}

#[test]
fn a_lease_ends_when_its_account_is_deactivated_and_is_not_there_when_it_is_back() {
    let scim =
        "[source.okta]\nkind = \"scim\"\n[scim]\nlisten = \"127.0.0.1:0\"\nplaintext = \"loopback-only\"\n";
    let world = World::with(scim, None);
    let okta = ScimClient::of(&world.daemon, "okta");
    let schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"];
    let account = json!({"schemas": schemas, "userName": "svc-release", "active": true});
    let account = okta.post("/Users", &account).id(201);
    let say_active = |active: bool| {
        let operations = json!([{"op": "replace", "path": "active", "value": active}]);
        let patch =
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
        okta.patch(&format!("/Users/{account}"), &patch).expect(200);
    };
    let repository = BareRepo::guarded_by(&world.daemon);
    let work = repository.working_copy().pushing_as("svc-release");
    work.commit("one");
    let id = world.leased(&["--repo", "DEMO/app", "--ref", "refs/tags/r1"]);
    say_active(false);
    // No waiting: it is over when that is answered.
    let is_end = |event: &Event| matches!(event, Event::PrivilegeEnded(ended) if ended.id == id && ended.cause == PrivilegeEnd::NotAllowed);
    assert!(world.events().iter().any(is_end));
    say_active(true);
    assert_eq!(push(&work, "r1"), Verdict::Refused, "what ended does not come back");
    world.leased(&["--repo", "DEMO/app", "--ref", "refs/tags/r1"]);
    assert_eq!(push(&work, "r1"), Verdict::Permitted);
}

#[test]
fn of_many_pushes_at_once_one_takes_the_lease() {
    const COUNT: usize = 12;
    let world = World::start();
    let prepared: Vec<_> = (0..COUNT)
        .map(|_| {
            let repository = BareRepo::with(&HookConfig::plain(&world.daemon, "DEMO/app"));
            let work = repository.working_copy().pushing_as("svc-release");
            work.commit("one");
            (repository, work)
        })
        .collect();
    world.leased(&["--repo", "DEMO/app", "--ref", "refs/tags/r1"]);
    let verdicts: Vec<_> = thread::scope(|scope| {
        let pushes: Vec<_> = prepared.iter().map(|(_, work)| scope.spawn(|| push(work, "r1"))).collect();
        pushes.into_iter().map(|push| push.join().unwrap()).collect()
    });
    let permitted = verdicts.iter().filter(|verdict| **verdict == Verdict::Permitted).count();
    let refused = verdicts.iter().filter(|verdict| **verdict == Verdict::Refused).count();
    assert_eq!((permitted, refused), (1, COUNT - 1), "{verdicts:?}");
    let recorded = world
        .events()
        .into_iter()
        .filter(|event| matches!(event, Event::Decision(decision) if decision.outcome == Outcome::Permitted));
    assert_eq!(recorded.count(), 1);
}
