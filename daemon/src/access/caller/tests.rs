use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use oam_policy::{
    Snapshot, State, Username,
    decide::Freshness,
    file::{self, PolicySource},
    snapshot::{Directory, Person, Revocation},
};
use serde_json::{Value, json};

use super::{AdminRole, Caller, Held, same_person};
use crate::{
    config::{Config, Overrides},
    oidc::{
        Issuers,
        tests::provider::{Provider, Signer},
    },
};

const POLICY: &str = r#"
version = 1
[[role]]
id = "boss"
any = ["okta:bosses"]
[[grant]]
id = "all"
to = ["boss"]
on = ["**"]
refs = ["refs/**"]
verbs = ["create"]
"#;

const ADMIN: &str = "[admin]\nadmin = ['role:boss', 'uid:7']\noperator = ['group:okta:ops', 'gid:50']\n\
                     auditor = ['token:corp:auditors']\n";

/// Alice is a boss, olaf an operator; bob is deactivated, carol cut off, and both are bosses.
fn state() -> State {
    let person = |name: &str, group: &str, active: bool| Person {
        username: name.parse().unwrap(),
        id: Some(format!("id-{name}")),
        display_name: None,
        emails: Vec::new(),
        keys: Default::default(),
        active,
        groups: [group.parse().unwrap()].into(),
    };
    let people = vec![
        person("alice", "okta:bosses", true),
        person("olaf", "okta:ops", true),
        person("bob", "okta:bosses", false),
        person("carol", "okta:bosses", true),
    ];
    let directory = Directory { people, groups: Default::default() };
    let revocation = Revocation { at: Timestamp::now(), by: "uid 0".into(), reason: String::new() };
    let revocations = BTreeMap::from([("carol".parse::<Username>().unwrap().key(), revocation)]);
    let snapshot = Snapshot::of_directory(1, Timestamp::now(), &directory, revocations).unwrap();
    let file = PolicySource { name: "policy.toml".into(), text: POLICY.into() };
    State {
        policy: Some(Arc::new(file::parse(&[file]).unwrap())),
        snapshot: Some(snapshot),
        ..State::default()
    }
}

struct Scene {
    signer: Signer,
    provider: Provider,
    config: Config,
}

impl Scene {
    async fn with(issuer: &str) -> Self {
        let signer = Signer::ed();
        let provider = Provider::start(&[signer.jwk("a")]).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("oamd.toml");
        let text = format!(
            "{ADMIN}[issuer.corp]\nurl = '{}'\naudience = 'oam'\nalgorithms = ['EdDSA']\nnetwork = 'loopback'\n\
             groups = 'groups'\n{issuer}\n",
            provider.url
        );
        std::fs::write(&file, text).unwrap();
        let config = Config::load(Some(&file), Overrides::default()).unwrap();
        Self { signer, provider, config }
    }

    /// What somebody holds whose token says this besides what each says.
    async fn held(&self, claims: Value, state: &State) -> (String, Held) {
        self.held_by(claims, state, &[]).await
    }

    /// The same where sources know somebody by these ids.
    async fn held_by(&self, claims: Value, state: &State, ids: &[&str]) -> (String, Held) {
        let ids: Vec<_> = ids.iter().map(|id| (*id).to_owned()).collect();
        let mut all = self.provider.claims();
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let token = self.signer.token(r#"{"alg":"EdDSA","kid":"a"}"#, &all.to_string());
        let token = Issuers::new(&self.config.issuers).unwrap().verify(&token).await.unwrap();
        let caller = Caller::Person(Box::new(token));
        (caller.to_string(), caller.held(&self.config, state, &ids, Timestamp::now()))
    }
}

#[tokio::test]
async fn roles_come_from_the_directory_and_the_token_and_never_against_the_directory() {
    let (scene, state) = (Scene::with("").await, state());
    for (name, groups, roles, bar) in [
        ("alice", json!([]), &[AdminRole::Admin][..], ""),
        ("ALICE", json!([]), &[AdminRole::Admin], ""),
        ("alice", json!(["auditors"]), &[AdminRole::Admin, AdminRole::Auditor], ""),
        ("olaf", json!([]), &[AdminRole::Operator], ""),
        // Not in the directory.
        ("zoe", json!(["auditors"]), &[AdminRole::Auditor], ""),
        ("zoe", json!(["Auditors", "boss", "okta:bosses", "admin"]), &[], ""),
        // Whatever the token says.
        ("bob", json!(["auditors"]), &[], "deactivated"),
        ("carol", json!(["auditors"]), &[], "cut off"),
    ] {
        let (_, held) = scene.held(json!({"preferred_username": name, "groups": groups}), &state).await;
        assert_eq!(held.roles.iter().copied().collect::<Vec<_>>(), roles, "{name} {groups}: {held:?}");
        assert!(
            held.bar.clone().unwrap_or_default().contains(bar) && held.bar.is_some() != bar.is_empty(),
            "{held:?}"
        );
        assert_eq!(held.username.unwrap().key(), name.parse::<Username>().unwrap().key());
    }
}

#[tokio::test]
async fn what_cannot_be_told_gives_no_role_and_is_said() {
    let (scene, good) = (Scene::with("").await, state());
    // Groups that were cut short.
    let overage = json!({"preferred_username": "zoe", "groups": null, "_claim_names": {"groups": "src1"}});
    let (_, held) = scene.held(overage, &good).await;
    assert!(held.roles.is_empty() && held.doubts[0].contains("points elsewhere"), "{held:?}");
    // A directory that is too old, or not there: only the token counts.
    let old = Freshness {
        source: "okta".into(),
        as_of: Some(Timestamp::UNIX_EPOCH),
        max_age: Some(Duration::ZERO),
        unheard: None,
    };
    let stale = State { sources: [old].into(), ..good.clone() };
    let none = State { snapshot: None, ..good.clone() };
    for state in [&stale, &none] {
        let (_, held) = scene.held(json!({"groups": ["auditors"]}), state).await;
        assert_eq!(held.roles, [AdminRole::Auditor].into(), "{held:?}");
        assert!(held.doubts[0].contains("cannot be told"), "{held:?}");
    }
    // Nobody can tell whether somebody without a name was cut off.
    let (actor, held) = scene.held(json!({"preferred_username": null, "groups": ["auditors"]}), &good).await;
    assert!(held.roles.is_empty() && held.username.is_none(), "{held:?}");
    assert!(held.bar.unwrap().contains("issuer.corp.username"));
    assert_eq!(actor, "corp:00u1");
}

#[tokio::test]
async fn a_name_that_was_given_to_another_opens_nothing() {
    let (scene, state) = (Scene::with("id = 'sub'").await, state());
    for (sub, name, holds) in
        [("id-alice", "alice", true), ("id-mallory", "alice", false), ("id-alice", "olaf", false)]
    {
        let (_, held) = scene.held(json!({"sub": sub, "preferred_username": name}), &state).await;
        assert_eq!(!held.roles.is_empty(), holds, "{held:?}");
        assert_eq!(held.username.is_some(), holds, "nor may they ask about the other: {held:?}");
    }
    // Two sources know alice, each by an id of its own, of which the directory keeps the first one's.
    for (sub, holds) in [("00u-alice", true), ("id-alice", true), ("00u-mallory", false)] {
        let claims = json!({"sub": sub, "preferred_username": "alice"});
        let (_, held) = scene.held_by(claims, &state, &["id-alice", "00u-alice"]).await;
        assert_eq!(!held.roles.is_empty(), holds, "{sub}: {held:?}");
    }
}

#[tokio::test]
async fn users_of_the_host_hold_what_is_said_of_them() {
    let (scene, state) = (Scene::with("").await, state());
    let held = |uid, gid| Caller::Host { uid, gid }.held(&scene.config, &state, &[], Timestamp::now()).roles;
    assert_eq!(held(0, 0), [AdminRole::Admin].into(), "root always");
    assert_eq!(held(7, 100), [AdminRole::Admin].into());
    assert_eq!(held(8, 50), [AdminRole::Operator].into());
    assert_eq!(held(50, 7), [].into());
}

#[tokio::test]
async fn one_person_is_one_person_whatever_they_are_called() {
    let (scene, state) = (Scene::with("").await, state());
    let (alice, _) = scene.held(json!({}), &state).await;
    let (renamed, _) = scene.held(json!({"preferred_username": "eve (x)"}), &state).await;
    let (other, _) = scene.held(json!({"sub": "00u2"}), &state).await;
    let (sly, _) = scene.held(json!({"sub": "00u1 (x)"}), &state).await;
    assert_eq!((alice.as_str(), renamed.as_str()), ("corp:00u1 (alice)", "corp:00u1 (eve (x))"));
    assert!(same_person(&alice, &renamed));
    assert!(!same_person(&alice, &other) && !same_person(&alice, &sly), "{sly}");
    assert!(!same_person("uid 1", "uid 10") && same_person("uid 1", "uid 1"));
}
