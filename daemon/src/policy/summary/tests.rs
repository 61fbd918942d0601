use oam_audit::entry::{EncodedEvent, Event, MAX_EVENT_BYTES, PolicyChanged, PolicyOrigin};
use oam_policy::{
    Policy,
    file::{PolicySource, parse},
};

use super::in_words;
use crate::{access::AdminRole, config::AdminConfig};

fn policy(rules: &str) -> Policy {
    let text = format!("version = 1\n[[role]]\nid = \"developer\"\nany = [\"s:eng\"]\n{rules}");
    parse(&[PolicySource { name: "p.toml".into(), text }]).unwrap_or_else(|faults| panic!("{faults}"))
}

fn grant(id: &str, refs: &str) -> String {
    format!(
        "[[grant]]\nid = \"{id}\"\nto = [\"developer\"]\non = [\"PAY/*\"]\nrefs = [\"{refs}\"]\nverbs = [\"force\"]\n"
    )
}

#[test]
fn a_change_is_told_in_words() {
    let new = policy(&(grant("main", "refs/heads/main") + "[change]\napprovals = 1\n"));
    let told =
        in_words(&policy(""), &new, None, &AdminConfig::default(), "2026-01-01T00:00:00Z".parse().unwrap());
    assert!(told.exact && told.changes == 3, "{told:?}");
    assert_eq!(
        told.first,
        [
            "approvals that the next policy needs: 1, before 0",
            "given read: developer, users: 0; pay/*, for example PAY/a; before: nothing; after: main",
            "gains force: developer, users: 0; refs/heads/main in pay/*, for example force PAY/a refs/heads/main by \
             ${user}; before: no grant; after: granted by main",
        ]
    );
}

/// That somebody could replace the policy alone from now on is a change, be it the only one.
#[test]
fn other_approvals_are_a_change() {
    let [two, none] = ["[change]\napprovals = 2\n", ""].map(policy);
    let told = in_words(&two, &none, None, &AdminConfig::default(), "2026-01-01T00:00:00Z".parse().unwrap());
    assert!(told.exact && told.changes == 1, "{told:?}");
    assert_eq!(told.first, ["approvals that the next policy needs: 0, before 2"]);
}

#[test]
fn what_it_takes_and_what_may_be_lifted_is_told_too() {
    let rules = grant("main", "refs/heads/main")
        + "[[block]]\nid = \"freeze\"\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\npaths = [\"deploy/**\"]\n";
    let more = "[[require]]\nid = \"reviewed\"\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\n\
                approvals = [{ role = \"developer\" }]\n[[waiver]]\nid = \"hotfix\"\nlifts = [\"freeze\"]\n\
                to = [\"developer\"]\nmax_time = \"1h\"\n";
    let new = policy(&(rules.clone() + more));
    let told = in_words(
        &policy(&rules),
        &new,
        None,
        &AdminConfig::default(),
        "2026-01-01T00:00:00Z".parse().unwrap(),
    );
    assert!(told.exact, "{told:?}");
    assert_eq!(
        told.first,
        [
            "tightens force: developer, users: 0; refs/heads/main in ** and pay/*, changing nothing in deploy/**, for \
             example force PAY/a refs/heads/main changing a by ${user}; gone: nothing; new: 1 approval by `developer` \
             (reviewed)",
            "may-lift force: developer, users: 0; refs/heads/main in ** and pay/*, changing deploy/**, for example force \
             PAY/a refs/heads/main changing deploy/a by ${user}; before: blocked by freeze; after: blocked by freeze, \
             lifting `freeze` by `hotfix` (for up to 1 h, with a reason), then with 1 approval by `developer`",
        ]
    );
}

#[test]
fn what_may_be_asked_for_is_told_too() {
    let grants = grant("main", "refs/heads/main");
    let more = "[[elevation]]\nid = \"on-call\"\nroles = [\"developer\"]\nto = [\"developer\"]\non = [\"PAY/*\"]\n\
                max_time = \"4h\"\napproved_by = [\"developer\"]\n[[workload]]\nid = \"release\"\nprofile = \"gitlab\"\n\
                issuer = \"https://gitlab.example.com\"\nclaims = { project_id = \"7\" }\nprincipal = \"svc\"\n\
                roles = [\"developer\"]\non = [\"PAY/api\"]\nrefs = [\"refs/heads/main\"]\nverbs = [\"force\"]\n";
    let new = policy(&(grants.clone() + more));
    let told = in_words(
        &policy(&grants),
        &new,
        None,
        &AdminConfig::default(),
        "2026-01-01T00:00:00Z".parse().unwrap(),
    );
    // Without a directory nobody knows the account that pushes for the jobs.
    assert!(!told.exact && told.changes == 3, "{told:?}");
    assert_eq!(
        told.first,
        [
            "may-ask developer: developer, users: 0; refs/** in pay/*, for example PAY/a refs/a; before: nothing; after: \
             `on-call` (for up to 4 h, with a reason, with 1 approval by `developer`)",
            "may-approve developer: developer, users: 0; refs/** in pay/*, for example PAY/a refs/a; before: nothing; \
             after: what is asked for by `developer`",
            "may-lease developer to force: jobs of https://gitlab.example.com, project_id = 7; refs/heads/main in pay/api, \
             for example PAY/api refs/heads/main; before: nothing; after: `release` (as `svc`, for up to 5 min and 1 push)",
        ]
    );
}

#[tokio::test]
async fn a_change_does_not_wait_for_ever_to_be_told_of() {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let never = move || -> oam_audit::entry::PolicyDiff {
        let _ = wait.recv();
        panic!("nobody waits for this")
    };
    let told = super::within(std::time::Duration::from_millis(1), never).await;
    drop(done);
    assert!(!told.exact && told.changes == 0);
    assert_eq!(told.first, ["it was not computed within its bound: `oam policy diff` tells"]);
}

#[test]
fn who_is_made_an_administrator_and_who_comes_to_approve_is_told() {
    let old = policy(
        &(grant("main", "refs/heads/main")
            + "[[require]]\nid = \"reviewed\"\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\n\
           approvals = [{ role = \"developer\" }]\n"),
    );
    let admin = "[[grant]]\nid = \"oops\"\nto = [\"developer\"]\non = [\"**\"]\nverbs = [\"admin\"]\n";
    let new = policy(admin);
    let told =
        in_words(&policy(""), &new, None, &AdminConfig::default(), "2026-01-01T00:00:00Z".parse().unwrap());
    assert!(told.exact && told.changes == 2, "{told:?}");
    assert_eq!(
        told.first,
        ["admin", "read"].map(|right| format!(
            "given {right}: developer, users: 0; **, for example A/a; before: nothing; after: oops"
        ))
    );
    let person = |name: &str, group: &str| oam_policy::snapshot::Person {
        username: name.parse().unwrap(),
        id: None,
        display_name: None,
        emails: Vec::new(),
        active: true,
        groups: [group.parse().unwrap()].into(),
        keys: Default::default(),
    };
    let directory = oam_policy::snapshot::Directory {
        people: vec![person("ada", "s:eng"), person("bo", "s:all")],
        groups: Default::default(),
    };
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let snapshot =
        oam_policy::Snapshot::of_directory(1, now, &directory, std::collections::BTreeMap::new()).unwrap();
    let text = "version = 1\n[[role]]\nid = \"developer\"\nany = [\"s:eng\", \"s:all\"]\n[[require]]\nid = \"reviewed\"\n\
                on = [\"**\"]\nrefs = [\"refs/heads/main\"]\napprovals = [{ role = \"developer\" }]\n";
    let wider = parse(&[PolicySource {
        name: "p.toml".into(),
        text: text.to_owned() + &grant("main", "refs/heads/main"),
    }]);
    let wider = wider.unwrap();
    let told = in_words(&old, &wider, Some(&snapshot), &AdminConfig::default(), now);
    assert_eq!(
        told.first[0],
        "role developer: 1 held it before, 2 after; gained by bo; lost by nobody; it approves for `reviewed`; is granted \
         `main`"
    );
}

#[test]
fn a_role_that_is_in_no_rule_may_administer_the_daemon_all_the_same() {
    let role = |groups: &str| {
        let text = format!("version = 1\n[[role]]\nid = \"platform\"\nany = [{groups}]\n");
        parse(&[PolicySource { name: "p.toml".into(), text }]).unwrap_or_else(|faults| panic!("{faults}"))
    };
    let ada = oam_policy::snapshot::Person {
        username: "ada".parse().unwrap(),
        id: None,
        display_name: None,
        emails: Vec::new(),
        active: true,
        groups: ["s:eng".parse().unwrap()].into(),
        keys: Default::default(),
    };
    let directory = oam_policy::snapshot::Directory { people: vec![ada], groups: Default::default() };
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let snapshot =
        oam_policy::Snapshot::of_directory(1, now, &directory, std::collections::BTreeMap::new()).unwrap();
    let holders = vec!["role:platform".parse().unwrap()];
    let by_it = AdminConfig { roles: [(AdminRole::Admin, holders)].into(), ..AdminConfig::default() };
    let (old, new) = (role("\"s:ops\""), role("\"s:ops\", \"s:eng\""));
    let first = |admin: &AdminConfig| in_words(&old, &new, Some(&snapshot), admin, now).first.remove(0);
    let gained = "role platform: 0 held it before, 1 after; gained by ada; lost by nobody; it";
    assert_eq!(first(&by_it), format!("{gained} administers the daemon as `admin`"));
    assert_eq!(first(&AdminConfig::default()), format!("{gained} is in no rule"));
}

/// However much changes, an entry holds what is told of it.
#[test]
fn it_fits_an_entry() {
    let long = |id: usize| grant(&format!("g{id}"), &format!("refs/heads/{}/{id}/**", "ä".repeat(1_500)));
    let new = policy(&(0..50).map(long).collect::<String>());
    let told =
        in_words(&policy(""), &new, None, &AdminConfig::default(), "2026-01-01T00:00:00Z".parse().unwrap());
    assert!(told.changes >= 1 && told.first.iter().all(|text| text.len() < 700), "{told:?}");
    let changed = PolicyChanged {
        digest: "0".repeat(64),
        previous: Some("0".repeat(64)),
        origin: PolicyOrigin::Apply,
        author: "uid 4294967295".into(),
        reason: Some("\u{1}".repeat(1_000)),
        approved_by: vec!["uid 4294967295".into(); 16],
        unapproved: true,
        diff: Some(told),
    };
    assert!(EncodedEvent::new(&Event::PolicyChanged(changed)).unwrap().size() < MAX_EVENT_BYTES);
}
