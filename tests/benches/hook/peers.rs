//! The release daemon with a policy of 1,000 rules, and the hooks that ours is compared with.

use std::{
    env,
    fmt::Write as _,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use oam_tests::{BareRepo, Daemon, HookConfig, Run, daemon::Setup, sample, temporary};
use tempfile::TempDir;

use crate::build::Built;

/// How many rules stand beside those that matter, for us and for gitolite.
const RULES: usize = 1_000;

/// Everything that is measured against.
pub(crate) struct World {
    /// The daemon.
    pub(crate) daemon: Daemon,
    /// Our hook.
    pub(crate) hook: PathBuf,
    /// Where scripts and gitolite's home lie.
    folder: TempDir,
}

impl World {
    /// Starts the daemon.
    pub(crate) fn start(built: &Built) -> Self {
        // The harness finds the binaries there. Nothing else runs in this process yet.
        oam_tests::binaries::use_folder(&built.folder);
        let mut policy = sample::POLICY.to_owned();
        for number in 0..RULES {
            let _ = write!(
                policy,
                "\n[[grant]]\nid = \"team-{number}\"\nto = [\"developer\"]\non = [\"DEMO/*\"]\n\
                 refs = [\"refs/heads/team-{number}/**\"]\nverbs = [\"create\", \"update\"]\n"
            );
        }
        let daemon = Daemon::start_with(&Setup { policy, ..Setup::default() });
        let folder = temporary::folder();
        Self { daemon, hook: built.hook.clone(), folder }
    }

    /// A repository with our hook.
    pub(crate) fn guarded(&self) -> BareRepo {
        let repository = BareRepo::unguarded();
        repository.configure_hook(&HookConfig::plain(&self.daemon, sample::REPOSITORY));
        repository.install(&self.hook);
        repository
    }

    /// A repository whose hook is another program.
    pub(crate) fn hooked(hook: &Path) -> BareRepo {
        let repository = BareRepo::unguarded();
        repository.install(hook);
        repository
    }

    /// A hook in sh that reads its input and says yes.
    pub(crate) fn sh(&self) -> PathBuf {
        self.script("hook.sh", "#!/bin/sh\ncat >/dev/null\nexit 0\n")
    }

    /// A hook in Python that reads its input and says yes.
    pub(crate) fn python(&self) -> Option<PathBuf> {
        let python = Path::new("/usr/bin/python3");
        let text =
            "#!/usr/bin/python3\nimport sys\nfor line in sys.stdin:\n    old, new, name = line.split()\n";
        python.exists().then(|| self.script("hook.py", text))
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// gitolite with as many rules, in a home of its own; `None`, loudly, where it is not installed.
    pub(crate) fn gitolite(&self) -> Option<Gitolite> {
        let share = PathBuf::from("/usr/share/gitolite3");
        if !share.join("lib").exists() {
            eprintln!("SKIPPED: gitolite: install Debian's gitolite3 to compare with it");
            return None;
        }
        let home = tempfile::Builder::new().prefix("gitolite").tempdir_in(self.folder.path()).unwrap().keep();
        let gitolite = Gitolite { home, share };
        gitolite.command(&["setup", "-a", "admin"]);
        let mut conf = String::from("repo testing\n");
        for number in 0..RULES {
            let _ = writeln!(conf, "    RW  team-{number}/ = @all");
        }
        conf.push_str("    RW  main$ = @all\n    RW  shared/ = @all\n");
        fs::write(gitolite.home.join(".gitolite/conf/gitolite.conf"), conf).unwrap();
        gitolite.command(&["compile"]);
        Some(gitolite)
    }
}

/// A gitolite of our own.
pub(crate) struct Gitolite {
    home: PathBuf,
    share: PathBuf,
}

impl Gitolite {
    fn command(&self, arguments: &[&str]) {
        let mut gitolite = Command::new("/usr/bin/gitolite");
        gitolite.args(arguments).env_clear().env("HOME", &self.home).env("USER", "git");
        gitolite.env("PATH", env::var_os("PATH").unwrap_or_default());
        gitolite.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        gitolite.run().expect_success("gitolite");
    }

    /// A repository with gitolite's update hook.
    pub(crate) fn repository(&self) -> BareRepo {
        let repository = BareRepo::unguarded();
        let hook = self.home.join("repositories/testing.git/hooks/update");
        symlink(hook, repository.path().join("hooks/update")).unwrap();
        repository
    }

    /// What its hook needs to know.
    pub(crate) fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("HOME", self.home.display().to_string()),
            ("GL_USER", "alice".into()),
            ("GL_REPO", "testing".into()),
            ("GL_BINDIR", self.share.display().to_string()),
            ("GL_LIBDIR", self.share.join("lib").display().to_string()),
        ]
    }
}
