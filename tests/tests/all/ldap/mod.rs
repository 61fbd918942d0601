//! Real directory servers are followed by a real daemon, and what happens there is met by the next real push.

mod active_directory;
mod hostile;
mod openldap;
mod parts;
mod renamed;

use std::sync::atomic::{AtomicU32, Ordering};

use oam_tests::{BareRepo, Daemon, Verdict, daemon::Setup, sample, wait};
use serde_json::Value;

/// A daemon that follows a server as its source `corp`, and a repository that it guards.
pub(crate) struct Company {
    pub(crate) daemon: Daemon,
    repository: BareRepo,
    pushes: AtomicU32,
}

impl Company {
    /// A company whose developers are the group `eng` of the server.
    pub(crate) fn following(config: &str) -> Self {
        let company = Self::beginning(config, None);
        company.wait("everything is read", |source| !source["feed"]["last_load"].is_null());
        company
    }

    /// The same, before anything need have been read.
    pub(crate) fn beginning(config: &str, directory: Option<String>) -> Self {
        let policy = sample::POLICY.replace("any = [\"okta:eng\"]", "any = [\"corp:eng\"]");
        let daemon = Daemon::start_with(&Setup { config: config.into(), directory, policy });
        let repository = BareRepo::guarded_by(&daemon);
        Self { daemon, repository, pushes: AtomicU32::new(0) }
    }

    /// What is known of the source.
    pub(crate) fn source(&self) -> Value {
        serde_json::from_str(&self.daemon.oam(["--json", "source", "status", "corp"]).stdout_text()).unwrap()
    }

    /// Waits until the source is so.
    pub(crate) fn wait(&self, what: &str, mut is_so: impl FnMut(&Value) -> bool) {
        wait::until(what, || Some(()).filter(|()| is_so(&self.source())));
    }

    /// Waits until somebody is so.
    pub(crate) fn wait_for(&self, what: &str, user: &str, mut is_so: impl FnMut(&Value) -> bool) {
        wait::until(what, || {
            let shown = self.daemon.oam(["--json", "user", "show", user]).stdout_text();
            serde_json::from_str(&shown).ok().filter(|shown| is_so(shown)).map(|_| ())
        });
    }

    /// What the next real push of somebody to a branch of developers comes to, with the reason's code.
    pub(crate) fn push(&self, user: &str) -> (Verdict, String) {
        let work = self.repository.working_copy().pushing_as(user);
        // Each is another commit, or git would have nothing to push.
        let number = self.pushes.fetch_add(1, Ordering::Relaxed);
        work.commit(&format!("push {number} by {user}"));
        let output = work.push(["HEAD:refs/heads/feature/x", "-f"]);
        let decided = self.daemon.audit().last_decision();
        assert_eq!(decided.decision.principal.to_lowercase(), user.to_lowercase(), "{}", output.remote());
        (output.verdict(), decided.reason_codes().join(" "))
    }

    /// What the next real push of somebody is told.
    pub(crate) fn told(&self, user: &str) -> String {
        let work = self.repository.working_copy().pushing_as(user);
        let number = self.pushes.fetch_add(1, Ordering::Relaxed);
        work.commit(&format!("push {number} by {user}"));
        work.push(["HEAD:refs/heads/feature/x", "-f"]).remote()
    }

    #[track_caller]
    pub(crate) fn permits(&self, user: &str) {
        assert_eq!(self.push(user), (Verdict::Permitted, String::new()), "{user}");
    }

    #[track_caller]
    pub(crate) fn refuses(&self, user: &str, code: &str) {
        assert_eq!(self.push(user), (Verdict::Refused, code.into()), "{user}");
    }

    #[track_caller]
    pub(crate) fn does_not_decide(&self, user: &str) {
        assert_eq!(self.push(user), (Verdict::Undecided, "source-stale".into()), "{user}");
    }

    /// The groups of somebody, by their names.
    pub(crate) fn groups(&self, user: &str) -> Vec<String> {
        let shown = self.daemon.oam(["--json", "user", "show", user]).stdout_text();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        shown["groups"].as_array().unwrap().iter().map(|group| group.as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) fn is_active(user: &Value) -> bool {
    user["active"] == true
}

pub(crate) fn is_inactive(user: &Value) -> bool {
    user["active"] == false
}

pub(crate) fn has_no_group(user: &Value) -> bool {
    user["groups"].as_array().is_some_and(Vec::is_empty)
}

pub(crate) fn has_groups(user: &Value) -> bool {
    !has_no_group(user)
}
