//! Transmitters of shared signals tell a real daemon of people, and what they tell is met by the next real push.

mod blind;
mod hostile;
mod polled;
mod pushed;

use std::{
    fs,
    sync::atomic::{AtomicU32, Ordering},
};

use oam_audit::entry::{Event, SignalEffect, SignalReceived};
use oam_tests::{
    BareRepo, Daemon, ScimClient, Transmitter, Verdict,
    daemon::Setup,
    sample,
    transmitter::{AUDIENCE, ORIGIN, TOKEN},
    wait,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A daemon that a transmitter tells of the people of the source `okta`, and a repository that it guards.
struct Company {
    daemon: Daemon,
    repository: BareRepo,
    idp: Transmitter,
    pushes: AtomicU32,
    /// With the token of the transmitter's API, which the daemon reads whenever it asks.
    _folder: TempDir,
}

impl Company {
    fn new(delivery: &str, idp: Transmitter, more: &str) -> Self {
        let company = Self::of_nobody(delivery, idp, more);
        company.hire();
        company
    }

    /// The same before its source has said anything.
    fn of_nobody(delivery: &str, idp: Transmitter, more: &str) -> Self {
        Self::of_nobody_by(sample::POLICY, delivery, idp, more)
    }

    /// The same, by this policy.
    fn of_nobody_by(policy: &str, delivery: &str, idp: Transmitter, more: &str) -> Self {
        let folder = oam_tests::temporary::folder();
        let token = folder.path().join("token");
        fs::write(&token, format!("{TOKEN}\n")).unwrap();
        let config = format!(
            "[source.okta]\nkind = \"scim\"\n\n[scim]\nlisten = \"127.0.0.1:0\"\nplaintext = \"loopback-only\"\nurl = \
             \"{ORIGIN}\"\n\n[signals.idp]\nissuer = \"{}\"\naudience = \"{AUDIENCE}\"\nsource = \"okta\"\ndelivery = \
             \"{delivery}\"\ntoken_file = \"{}\"\nalgorithms = [\"EdDSA\"]\nnetwork = \"loopback\"\nsubjects.iss_sub = \
             \"id\"\nsubjects.email = \"email\"\n{more}\n",
            idp.issuer(),
            token.display()
        );
        let daemon = Daemon::start_with(&Setup { config, directory: None, policy: policy.to_owned() });
        let repository = BareRepo::guarded_by(&daemon);
        idp.reach(&daemon);
        Self { daemon, repository, idp, pushes: AtomicU32::new(0), _folder: folder }
    }

    /// Has the source tell of its people.
    fn hire(&self) {
        self.hire_elsewhere("okta", &["alice", "bob", "carol"]);
    }

    /// Has a source tell of these people, who are its group `eng`.
    fn hire_elsewhere(&self, source: &str, names: &[&str]) {
        let okta = ScimClient::of(&self.daemon, source);
        let users: Vec<_> = names.iter().map(|name| okta.post("/Users", &user(name)).id(201)).collect();
        let members: Vec<_> = users.iter().map(|id| json!({"value": id})).collect();
        let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "eng", "members": members});
        okta.post("/Groups", &group).expect(201);
    }

    /// The same with the stream set up.
    fn listening(delivery: &str, idp: Transmitter) -> Self {
        let company = Self::new(delivery, idp, "");
        company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
        company
    }

    /// What the next real push of somebody comes to, with the reason's code.
    fn push(&self, user: &str) -> (Verdict, String) {
        let work = self.repository.working_copy().pushing_as(user);
        let number = self.pushes.fetch_add(1, Ordering::Relaxed);
        work.commit(&format!("push {number} by {user}"));
        let output = work.push(["HEAD:refs/heads/feature/x", "-f"]);
        (output.verdict(), self.daemon.audit().last_decision().reason_codes().join(" "))
    }

    #[track_caller]
    fn permits(&self, user: &str) {
        assert_eq!(self.push(user), (Verdict::Permitted, String::new()), "{user}");
    }

    #[track_caller]
    fn refuses(&self, user: &str) {
        assert_eq!(self.push(user), (Verdict::Refused, "revoked".into()), "{user}");
    }

    /// The claims of a signal that says that somebody is disabled.
    fn disabled(&self, user: &str) -> Value {
        let details = json!({"reason": "hijacking"});
        self.idp.claims("risc/event-type/account-disabled", &self.subject(user), &details)
    }

    /// Somebody as the transmitter names them: by what SCIM calls `externalId`.
    fn subject(&self, user: &str) -> Value {
        json!({"format": "iss_sub", "iss": self.idp.issuer(), "sub": format!("ext-{user}")})
    }

    fn signals(&self) -> Vec<SignalReceived> {
        let signal = |event: &Event| match event {
            Event::SignalReceived(signal) => Some(signal.clone()),
            _ => None,
        };
        self.daemon.audit().entries.iter().filter_map(|entry| signal(&entry.event)).collect()
    }

    fn effects(&self) -> Vec<SignalEffect> {
        self.signals().into_iter().map(|signal| signal.effect).collect()
    }

    fn status(&self) -> Value {
        let shown = self.daemon.oam(["--json", "signals", "status", "idp"]);
        serde_json::from_str(&shown.stdout_text()).unwrap()
    }

    fn alarms(&self) -> String {
        self.daemon.oam(["status"]).stdout_text()
    }

    /// Waits until a sign of life came.
    fn verified(&self) -> Value {
        wait::until("a sign of life", || Some(self.status()).filter(|status| status["verified"].is_string()))
    }
}

fn user(name: &str) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true,
        "externalId": format!("ext-{name}"), "emails": [{"value": format!("{name}@example.com"), "primary": true}]})
}
