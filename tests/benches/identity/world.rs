//! A release daemon to which an identity provider pushes, and a repository whose hook can be run by itself.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use oam_tests::{BareRepo, Daemon, HookConfig, ScimClient, bitbucket::ZERO, daemon::Setup, sample};
use serde_json::{Value, json};

use crate::build::Built;

const CONFIG: &str = "[source.okta]\nkind = \"scim\"\n[source.hr]\nkind = \"file\"\n\n[scim]\nlisten = \"127.0.0.1:0\"\n\
                      plaintext = \"loopback-only\"\n";

/// Everything that is measured against.
pub(crate) struct World {
    pub(crate) daemon: Daemon,
    pub(crate) okta: ScimClient,
    pub(crate) repository: BareRepo,
    input: PathBuf,
}

impl World {
    pub(crate) fn start(built: &Built) -> Self {
        let daemon =
            Daemon::start_with(&Setup { config: CONFIG.into(), directory: None, ..Setup::default() });
        let okta = ScimClient::of(&daemon, "okta");
        let repository = BareRepo::unguarded();
        repository.configure_hook(&HookConfig::plain(&daemon, sample::REPOSITORY));
        repository.install(&built.hook);
        let commit = repository.working_copy().commit("something");
        let input = repository.folder().join("input");
        fs::write(&input, format!("{ZERO} {commit} refs/heads/feature/x\n")).unwrap();
        Self { daemon, okta, repository, input }
    }

    /// Makes a user in the group `eng`, or in none; gives their id.
    pub(crate) fn user(&self, name: &str) -> String {
        let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name});
        self.okta.post("/Users", &user).id(201)
    }

    /// Makes the group `eng` of these; gives its id.
    pub(crate) fn engineers(&self, ids: &[String]) -> String {
        let members: Vec<_> = ids.iter().map(|id| json!({"value": id})).collect();
        self.okta.post("/Groups", &json!({"displayName": "eng", "members": members})).id(201)
    }

    /// Lets the provider say whether somebody is active.
    pub(crate) fn set_active(&self, id: &str, active: bool) {
        let operations = json!([{"op": "replace", "path": "active", "value": active}]);
        self.okta.patch(&format!("/Users/{id}"), &patch(&operations)).expect(200);
    }

    /// Runs the hook as git would for a push of one ref; gives how long it took.
    ///
    /// # Panics
    /// When it ends otherwise.
    pub(crate) fn hook(&self, user: &str, permits: bool) -> Duration {
        let mut hook = Command::new(self.repository.hook());
        hook.current_dir(self.repository.path()).env_clear().env("PATH", "/usr/bin:/bin");
        hook.env("GIT_DIR", ".").env("REMOTE_USER", user);
        hook.stdin(fs::File::open(&self.input).unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let status = hook.status().unwrap();
        let time = started.elapsed();
        assert_eq!(status.success(), permits, "{user}: {status}");
        time
    }

    /// A figure of the daemon's process, such as `VmRSS`, in MiB.
    pub(crate) fn memory(&self, figure: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.daemon.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

pub(crate) fn patch(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// The value below which so much of them lies, 0.5 for the median.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}

/// Milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Prints a figure beside the most that it may be; gives 1 when it is missed.
pub(crate) fn judge(what: &str, figure: f64, most: f64) -> u32 {
    let met = figure <= most;
    println!("  {} {what}: {figure:.3} (<= {most})", if met { "met   " } else { "MISSED" });
    u32::from(!met)
}
