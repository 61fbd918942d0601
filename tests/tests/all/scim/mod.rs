//! Identity providers push to a real daemon, and what they do is met by the next real push.

mod canaille;
mod durable;
mod entra;
pub(crate) mod for_a_while;
mod okta;
mod partly;
mod queries;
mod scim_sim;
mod sources;
mod tester;
mod tokens;

use std::sync::atomic::{AtomicU32, Ordering};

use oam_tests::{BareRepo, Daemon, ScimClient, Verdict, daemon::Setup};
use serde_json::{Value, json};

/// A source `okta` that pushes in the clear on this host.
const OKTA: &str =
    "[source.okta]\nkind = \"scim\"\n\n[scim]\nlisten = \"127.0.0.1:0\"\nplaintext = \"loopback-only\"\n";

/// A daemon to which a provider pushes, and a repository that it guards.
struct Company {
    daemon: Daemon,
    repository: BareRepo,
    okta: ScimClient,
    pushes: AtomicU32,
}

impl Company {
    fn new() -> Self {
        Self::with(&Setup { config: OKTA.into(), directory: None, ..Setup::default() })
    }

    fn with(setup: &Setup) -> Self {
        let daemon = Daemon::start_with(setup);
        let repository = BareRepo::guarded_by(&daemon);
        let okta = ScimClient::of(&daemon, "okta");
        Self { daemon, repository, okta, pushes: AtomicU32::new(0) }
    }

    /// What the next real push of somebody to a branch of developers comes to, with the reason's code.
    fn push(&self, user: &str) -> (Verdict, String) {
        let work = self.repository.working_copy().pushing_as(user);
        // Each is another commit, or git would have nothing to push.
        let number = self.pushes.fetch_add(1, Ordering::Relaxed);
        work.commit(&format!("push {number} by {user}"));
        let output = work.push(["HEAD:refs/heads/feature/x", "-f"]);
        let decided = self.daemon.audit().last_decision();
        assert_eq!(decided.decision.principal.to_lowercase(), user.to_lowercase(), "{}", output.remote());
        (output.verdict(), decided.reason_codes().join(" "))
    }

    #[track_caller]
    fn permits(&self, user: &str) {
        assert_eq!(self.push(user), (Verdict::Permitted, String::new()), "{user}");
    }

    #[track_caller]
    fn refuses(&self, user: &str, code: &str) {
        assert_eq!(self.push(user), (Verdict::Refused, code.into()), "{user}");
    }

    /// Makes users who are in the group `eng`; tells their ids and that of the group.
    fn developers(&self, names: &[&str]) -> (Vec<String>, String) {
        let ids: Vec<_> = names.iter().map(|name| self.okta.post("/Users", &user(name)).id(201)).collect();
        let members: Vec<_> = ids.iter().map(|id| json!({"value": id})).collect();
        let group = json!({"schemas": [GROUP], "displayName": "eng", "members": members});
        let group = self.okta.post("/Groups", &group).id(201);
        (ids, group)
    }
}

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn user(name: &str) -> Value {
    json!({"schemas": [USER], "userName": name, "active": true, "externalId": format!("ext-{name}")})
}

fn patch(operations: &Value) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}
