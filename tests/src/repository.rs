//! A bare repository on the "server", with the hook installed.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{Daemon, Git, WorkingCopy, binaries, sample, temporary};

/// A bare repository, guarded by the hook. It lies in a folder of its own, where its working copies lie too.
#[derive(Debug)]
pub struct BareRepo {
    root: TempDir,
    git: Git,
}

/// The hook's configuration, `oam-hook.toml`.
#[derive(Debug, Clone)]
pub struct HookConfig {
    /// Where daemons are, in the order in which they are asked.
    pub endpoints: Vec<String>,
    /// How long the hook may take over all, as in `2s`.
    pub deadline: String,
    /// The lines of `[plain]`, for a git server other than Bitbucket.
    pub plain: Option<String>,
    /// More tables.
    pub more: String,
}

impl HookConfig {
    /// Asks `daemon` over its Unix socket. The deadline is long, because a slow machine is no failure.
    pub fn of(daemon: &Daemon) -> Self {
        Self {
            endpoints: vec![format!("unix:{}", daemon.hook_socket().display())],
            deadline: "30s".into(),
            plain: None,
            more: String::new(),
        }
    }

    /// The same, with the pusher in `REMOTE_USER` and `repository` as the repository's name.
    pub fn plain(daemon: &Daemon, repository: &str) -> Self {
        let plain = format!("principal_env = \"REMOTE_USER\"\nrepository = \"{repository}\"");
        Self { plain: Some(plain), ..Self::of(daemon) }
    }

    /// As the file holds it.
    pub fn to_toml(&self) -> String {
        let endpoints: Vec<_> = self.endpoints.iter().map(|endpoint| format!("\"{endpoint}\"")).collect();
        let plain = self.plain.as_ref().map_or_else(String::new, |lines| format!("\n[plain]\n{lines}\n"));
        format!(
            "endpoints = [{}]\ndeadline = \"{}\"\n{plain}\n{}",
            endpoints.join(", "),
            self.deadline,
            self.more
        )
    }
}

impl BareRepo {
    /// A bare repository whose hook asks `daemon`, under the name [`sample::REPOSITORY`].
    pub fn guarded_by(daemon: &Daemon) -> Self {
        Self::with(&HookConfig::plain(daemon, sample::REPOSITORY))
    }

    /// A bare repository whose hook has that configuration.
    pub fn with(config: &HookConfig) -> Self {
        let repository = Self::unguarded();
        repository.configure_hook(config);
        symlink(binaries::path("oam-hook"), repository.hook()).unwrap();
        repository
    }

    /// A bare repository without a hook.
    pub fn unguarded() -> Self {
        let root = temporary::folder();
        let git = Git::new(&root.path().join("home"));
        let repository = Self { root, git };
        let path = repository.path();
        let init = ["init", "--quiet", "--bare", "--template=", "--initial-branch=main"];
        repository.git.read(repository.root.path(), init.into_iter().chain([path.to_str().unwrap()]));
        fs::create_dir(path.join("hooks")).unwrap();
        for (key, value) in [("gc.auto", "0"), ("receive.autogc", "false"), ("maintenance.auto", "false")] {
            repository.git.read(&path, ["config", key, value]);
        }
        repository
    }

    /// The repository itself.
    pub fn path(&self) -> PathBuf {
        self.root.path().join("app.git")
    }

    /// The folder that holds it.
    pub fn folder(&self) -> &Path {
        self.root.path()
    }

    /// Where the hook is installed.
    pub fn hook(&self) -> PathBuf {
        self.path().join("hooks/pre-receive")
    }

    /// The git to look into it with.
    pub fn git(&self) -> &Git {
        &self.git
    }

    /// Writes the hook's configuration; it counts from the next push on.
    pub fn configure_hook(&self, config: &HookConfig) {
        fs::write(self.path().join("hooks/oam-hook.toml"), config.to_toml()).unwrap();
    }

    /// Replaces the hook by a script or program.
    pub fn install(&self, hook: &Path) {
        let _ = fs::remove_file(self.hook());
        symlink(hook, self.hook()).unwrap();
    }

    /// Installs the hook once more, to run after pushes.
    pub fn report_what_is_applied(&self) {
        symlink(binaries::path("oam-hook"), self.path().join("hooks/post-receive")).unwrap();
    }

    /// Takes the hook away and gives back what puts it there again. For what happens behind the hook's back.
    pub fn without_hook<T>(&self, act: impl FnOnce() -> T) -> T {
        let aside = self.path().join("hooks/aside");
        fs::rename(self.hook(), &aside).unwrap();
        let result = act();
        fs::rename(aside, self.hook()).unwrap();
        result
    }

    /// What a ref names, if it exists.
    pub fn tip(&self, name: &str) -> Option<String> {
        let found =
            self.git.run(&self.path(), ["rev-parse", "--verify", "--quiet", "--end-of-options", name]);
        found.success().then(|| found.stdout_text().trim().to_owned())
    }

    /// All refs, as `id name`, sorted by name.
    pub fn refs(&self) -> Vec<String> {
        let all = self.git.read(&self.path(), ["for-each-ref", "--format=%(objectname) %(refname)"]);
        all.lines().map(str::to_owned).collect()
    }

    /// A new working copy, without a commit, that pushes here over a local path.
    pub fn working_copy(&self) -> WorkingCopy {
        WorkingCopy::new(&self.git, self.root.path(), &self.path().display().to_string())
    }

    /// A new working copy that pushes to another address, such as a URL.
    pub fn working_copy_of(&self, address: &str) -> WorkingCopy {
        WorkingCopy::new(&self.git, self.root.path(), address)
    }
}
