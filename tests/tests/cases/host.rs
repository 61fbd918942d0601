//! People who ask for what a case says that they have, at a real daemon: each is a user of this host.

use std::{
    collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, os::unix::process::CommandExt as _,
    process::Command,
};

use oam_policy::{Policy, RuleId};
use oam_tests::{Daemon, Finished, Run as _, binaries};
use serde_json::Value;

use crate::{
    case::Case,
    file::CaseFile,
    held::{Elevation, Waiver},
};

/// User ids that nobody has.
const FIRST: u32 = 12_500;

/// `oam` says so where it waits for somebody else…
const WAITS: i32 = 6;
/// …and so where somebody may not.
const NO: [i32; 2] = [1, 5];
/// And so of a command line that is wrong: a reason that says nothing is one. Any other would be a fault of this harness, and
/// must not pass for an answer.
const USAGE: i32 = 2;

/// Who is which user of this host.
pub(crate) struct Host(BTreeMap<String, u32>);

impl Host {
    /// Those who ask for something or approve it in a file, where this process can become them.
    pub(crate) fn of(file: &CaseFile) -> Option<Self> {
        let is_needed = file.cases.iter().any(Case::holds_something);
        let people = file.people.iter().flatten().map(|(name, _)| name.clone());
        (is_needed && nix::unistd::geteuid().is_root()).then(|| Self(people.zip(FIRST..).collect()))
    }

    /// Why nobody can have what a case says at a daemon, as far as this process can ask for it.
    pub(crate) fn cannot(case: &Case) -> Option<&'static str> {
        Self::cannot_as(case, nix::unistd::geteuid().is_root())
    }

    /// The same for a process that is root, or is not.
    pub(crate) fn cannot_as(case: &Case, is_root: bool) -> Option<&'static str> {
        if !case.holds_something() && !case.leases_something() {
            None
        } else if case.began_long_ago() || (case.leases_something() && case.at.is_some()) {
            Some("what somebody asks for begins now")
        } else if !case.holds_something() {
            None
        } else if !is_root {
            Some("SKIPPED: asking as another user: only root can become one")
        } else {
            None
        }
    }

    /// What the daemon is told of them.
    pub(crate) fn config(&self) -> String {
        let people: Vec<_> = self.0.iter().map(|(name, uid)| format!("{uid} = {name:?}")).collect();
        format!("[admin]\npeople = {{ {} }}\n", people.join(", "))
    }

    /// They run `oam` from the folder of the daemon.
    pub(crate) fn move_in(daemon: &Daemon) {
        fs::set_permissions(daemon.folder(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::copy(binaries::path("oam"), daemon.folder().join("oam")).unwrap();
    }

    /// Asks for all that a case says, and gives the ids of what is in force now. What nobody gets is not in force: that is
    /// what such a case is about.
    pub(crate) fn ask(&self, daemon: &Daemon, policy: &Policy, case: &Case) -> Vec<String> {
        let waivers = case.waivers.iter().map(|one| {
            let Waiver { id, by, reason, approved_by, .. } = one;
            let rules = policy.waivers().iter().find(|rule| rule.id.as_str() == id).expect("a waiver");
            let rules = rules.lifts.iter().map(RuleId::as_str);
            let words: Vec<&str> = ["breakglass"].into_iter().chain(rules).collect();
            let approvers: Vec<_> = approved_by.iter().collect();
            self.ask_one(daemon, case, &words, (by.0.as_str(), reason), &approvers)
        });
        let elevations = case.elevations.iter().map(|one| {
            let Elevation { role, by, reason, approved_by, .. } = one;
            let approvers: Vec<_> = approved_by.iter().collect();
            let words = ["grant", "request", "--role", role];
            self.ask_one(daemon, case, &words, (by.0.as_str(), reason), &approvers)
        });
        waivers.chain(elevations).flatten().collect()
    }

    fn ask_one(
        &self,
        daemon: &Daemon,
        case: &Case,
        words: &[&str],
        (by, reason): (&str, &str),
        approvers: &[&crate::value::Pusher],
    ) -> Option<String> {
        let name = case.lines()[0].name.to_string();
        let place = ["--on", case.repository().as_str(), "--refs", &name, "--for", "1m", "--reason", reason];
        let mut answer = self.oam(daemon, by, &[words, &place].concat());
        if NO.contains(&answer.code) || (answer.code == USAGE && reason.trim().is_empty()) {
            return None;
        }
        let id = json(&answer)["id"].as_str().expect("an id").to_owned();
        for approver in approvers {
            assert_eq!(answer.code, WAITS, "nobody need approve it: {answer:?}");
            let approved = self.oam(daemon, approver.0.as_str(), &["grant", "approve", &id]);
            if NO.contains(&approved.code) {
                return None;
            }
            answer = approved;
        }
        (json(&answer)["stage"] == "live").then_some(id)
    }

    /// Ends it, so that the next case begins anew.
    pub(crate) fn end(daemon: &Daemon, ids: &[String]) {
        for id in ids {
            daemon
                .oam(["grant", "revoke", id, "--reason", "the case is over"])
                .expect_success("oam grant revoke");
        }
    }

    fn oam(&self, daemon: &Daemon, name: &str, arguments: &[&str]) -> Finished {
        let uid = self.0.get(name).copied().unwrap_or_else(|| panic!("`{name}` is nobody of the file"));
        let mut oam = Command::new(daemon.folder().join("oam"));
        oam.current_dir(daemon.folder()).env_clear().arg("--json").arg("--socket").arg(daemon.admin_socket());
        oam.args(arguments).uid(uid).gid(uid).run()
    }
}

fn json(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}
