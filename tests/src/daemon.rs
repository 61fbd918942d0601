//! A real `oamd` on a temporary folder.

use std::{
    fmt, fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use crate::{
    audit::AuditLog,
    binaries,
    process::{Finished, Run},
    sample, temporary, wait,
};

/// A running daemon with its folder; both end with this value.
pub struct Daemon {
    root: TempDir,
    child: Option<Child>,
}

/// What a daemon is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The policy, as TOML.
    pub policy: String,
    /// The directory file, as JSON; none is imported without.
    pub directory: Option<String>,
    /// More lines of the daemon's configuration.
    pub config: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self { policy: sample::POLICY.into(), directory: Some(sample::directory()), config: String::new() }
    }
}

impl Daemon {
    /// Starts a daemon with the [`sample`] policy and directory, ready to decide.
    pub fn start() -> Self {
        Self::start_with(&Setup::default())
    }

    /// Starts a daemon, ready to decide.
    pub fn start_with(setup: &Setup) -> Self {
        let root = temporary::folder();
        let mut daemon = Self { root, child: None };
        fs::create_dir(daemon.policy_folder()).unwrap();
        daemon.write_policy(&setup.policy);
        daemon.write_config(&setup.config);
        daemon.spawn();
        if let Some(directory) = &setup.directory {
            daemon.import(directory);
        }
        daemon
    }

    /// Everything of this daemon lies below this folder.
    pub fn folder(&self) -> &Path {
        self.root.path()
    }

    /// The folder of the state.
    pub fn state(&self) -> PathBuf {
        self.folder().join("state")
    }

    /// The folder of the policy that it follows.
    pub fn policy_folder(&self) -> PathBuf {
        self.folder().join("policy")
    }

    /// The folder of the sockets.
    pub fn runtime(&self) -> PathBuf {
        self.folder().join("run")
    }

    /// The socket that hooks ask.
    pub fn hook_socket(&self) -> PathBuf {
        self.runtime().join("hook.sock")
    }

    /// The socket that `oam` asks.
    pub fn admin_socket(&self) -> PathBuf {
        self.runtime().join("admin.sock")
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the daemon runs").id()
    }

    /// Writes the configuration; `more` follows the lines that every daemon here has. Takes effect at the next start.
    pub fn write_config(&self, more: &str) {
        let config = format!(
            "state = \"{}\"\nruntime = \"{}\"\nnode = \"test-node\"\n\n[policy]\npath = \"{}\"\n\n{more}\n",
            self.state().display(),
            self.runtime().display(),
            self.policy_folder().display(),
        );
        // The daemon's own default for HTTP is one fixed port, which tests at the same time cannot share.
        let http = if more.contains("[http]") { "" } else { "[http]\nlisten = \"off\"\n" };
        fs::write(self.config_file(), config + http).unwrap();
    }

    /// The file of the configuration.
    pub fn config_file(&self) -> PathBuf {
        self.folder().join("oamd.toml")
    }

    /// Writes the policy, whole or not at all, as an editor or a deployment does. The daemon sees it by itself.
    pub fn write_policy(&self, policy: &str) {
        let draft = self.folder().join("policy.draft");
        fs::write(&draft, policy).unwrap();
        fs::rename(draft, self.policy_folder().join("policy.toml")).unwrap();
    }

    /// Imports a directory file.
    ///
    /// # Panics
    /// When the daemon does not take it.
    pub fn import(&self, directory: &str) {
        let file = self.folder().join("directory.json");
        fs::write(&file, directory).unwrap();
        self.oam(["snapshot", "import", file.to_str().unwrap()]).expect_success("oam snapshot import");
    }

    /// Cuts a user off.
    pub fn deactivate(&self, user: &str) -> Finished {
        self.oam(["user", "deactivate", user, "--reason", "left the company"])
    }

    /// Runs `oam` against this daemon.
    pub fn oam<S: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Finished {
        self.oam_command().args(arguments).run()
    }

    /// `oam` against this daemon.
    pub fn oam_command(&self) -> Command {
        let mut oam = Command::new(binaries::path("oam"));
        oam.current_dir(self.folder()).env_clear().env("PATH", "/usr/bin:/bin");
        oam.arg("--socket").arg(self.admin_socket());
        oam
    }

    /// Starts the process on the folder as it is, and waits until it answers.
    ///
    /// # Panics
    /// When it ends instead.
    pub fn spawn(&mut self) {
        self.launch();
        wait::until("the daemon listens", || {
            let child = self.child.as_mut().unwrap();
            if let Some(status) = child.try_wait().unwrap() {
                panic!("oamd ended with {status} instead of serving:\n{}", self.log());
            }
            let listens = |socket: &Path| UnixStream::connect(socket).is_ok();
            (listens(&self.hook_socket()) && listens(&self.admin_socket())).then_some(())
        });
    }

    /// Starts the process on the folder as it is, and does not wait.
    pub fn launch(&mut self) {
        assert!(self.child.is_none(), "the daemon runs already");
        let log = fs::File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut oamd = Command::new(binaries::path("oamd"));
        oamd.current_dir(self.folder()).env_clear().env("HOME", self.folder()).env("PATH", "/usr/bin:/bin");
        oamd.arg("--config").arg(self.config_file());
        oamd.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(oamd.spawn().unwrap());
    }

    /// kill -9: the process gets no chance to tidy up. It may be dead already.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        let _ = child.wait();
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Panics
    /// When it does not end, or does not end well.
    pub fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let mut child = self.child.take().unwrap();
        let status = wait::until("the daemon ends on SIGTERM", || child.try_wait().unwrap());
        assert!(status.success(), "oamd ended with {status}:\n{}", self.log());
    }

    /// SIGHUP: it reads its policy again.
    pub fn reload(&self) {
        self.signal(Signal::SIGHUP);
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.pid()).unwrap()), signal).unwrap();
    }

    /// What the daemon has written to its log.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    /// The audit log, verified.
    pub fn audit(&self) -> AuditLog {
        AuditLog::verified(&self.state().join("audit"))
    }

    fn log_file(&self) -> PathBuf {
        self.folder().join("oamd.log")
    }
}

impl fmt::Debug for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Daemon").field("folder", &self.folder()).finish_non_exhaustive()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the daemon's log\n{}", self.log());
        }
    }
}
