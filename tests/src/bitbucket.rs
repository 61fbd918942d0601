//! Runs the hook as Bitbucket Data Center runs a hook script: exactly the variables of each trigger and no others, a
//! working folder that means nothing, no arguments, and no `GIT_DIR`.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{BareRepo, Finished, HookConfig, Run, WorkingCopy, binaries, temporary};

/// The id that stands for "no object".
pub const ZERO: &str = "0000000000000000000000000000000000000000";

/// One line of the hook's standard input.
#[derive(Debug, Clone)]
pub struct RefLine {
    /// What the ref names; [`ZERO`] for nothing.
    pub old: String,
    /// What it is to name; [`ZERO`] for nothing.
    pub new: String,
    /// The full name of the ref.
    pub name: String,
}

/// What happens in Bitbucket.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// `git push`.
    Push(Vec<RefLine>),
    /// A branch made in the browser.
    BranchCreate(RefLine),
    /// A branch deleted in the browser.
    BranchDelete(RefLine),
    /// A tag made in the browser.
    TagCreate(RefLine),
    /// A tag deleted in the browser.
    TagDelete(RefLine),
    /// A file edited in the browser.
    FileEdit(RefLine),
    /// A pull request that is merged.
    PullRequestMerge(Merge),
    /// Somebody looks at the page of a pull request.
    PullRequestDryRun(Merge),
    /// A cascading merge, which has no pull request.
    CascadeMerge(Merge),
}

/// A merge of one branch into another of the same repository.
#[derive(Debug, Clone)]
pub struct Merge {
    /// The branch that is merged, without `refs/heads/`: Bitbucket gives display ids here.
    pub from: String,
    /// Its tip.
    pub from_hash: String,
    /// The branch merged into, without `refs/heads/`.
    pub to: String,
    /// Its tip.
    pub to_hash: String,
    /// The merge commit; it does not exist on a dry run.
    pub merge_hash: String,
}

/// A Bitbucket host: the hook lies at an absolute path of its own, far from any repository.
#[derive(Debug)]
pub struct Bitbucket {
    folder: TempDir,
    repository: PathBuf,
    quarantine: Option<PathBuf>,
}

/// One run of the hook, before it happens.
#[derive(Debug, Clone)]
pub struct Asking {
    hook: PathBuf,
    working_folder: PathBuf,
    variables: BTreeMap<String, String>,
    input: Vec<u8>,
}

impl Bitbucket {
    /// A host that serves `repository` as `DEMO/app`, with the hook so configured.
    pub fn serving(repository: &BareRepo, config: &HookConfig) -> Self {
        Self::running(&binaries::path("oam-hook"), repository, config)
    }

    /// The same, with this program as the hook.
    pub fn running(hook: &Path, repository: &BareRepo, config: &HookConfig) -> Self {
        let folder = temporary::folder();
        let home = folder.path().join("hook-scripts");
        fs::create_dir(&home).unwrap();
        fs::create_dir(folder.path().join("anywhere")).unwrap();
        symlink(hook, home.join("oam-hook")).unwrap();
        fs::write(home.join("oam-hook.toml"), config.to_toml()).unwrap();
        Self { folder, repository: repository.path(), quarantine: None }
    }

    /// Puts what `tip` needs and `known` has not into a quarantine, as git does with a push before its hook has said
    /// yes. The hook is then shown it by git's three variables, and by nothing else.
    pub fn quarantine(&mut self, work: &WorkingCopy, tip: &str, known: &[&str]) {
        let objects = self.repository.join("objects");
        let quarantine = objects.join("tmp_objdir-incoming-a1b2c3");
        fs::create_dir_all(quarantine.join("pack")).unwrap();
        let mut wanted = format!("{tip}\n");
        for known in known {
            wanted.push_str(&format!("^{known}\n"));
        }
        let mut pack = work.command();
        pack.args(["pack-objects", "--revs", "--stdout", "--quiet"]);
        let pack = pack.run_with(wanted.as_bytes()).expect_success("git pack-objects");
        let mut unpack = work.command();
        unpack.args(["unpack-objects", "-q"]).current_dir(&self.repository);
        unpack.env("GIT_OBJECT_DIRECTORY", &quarantine).env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &objects);
        unpack.run_with(&pack.stdout).expect_success("git unpack-objects");
        self.quarantine = Some(quarantine);
    }

    /// Prepares a run of the hook for `user`.
    pub fn asking(&self, user: &str, trigger: &Trigger) -> Asking {
        let mut asking = Asking {
            hook: self.folder.path().join("hook-scripts/oam-hook"),
            working_folder: self.folder.path().join("anywhere"),
            variables: BTreeMap::new(),
            input: Vec::new(),
        };
        asking.always(user, trigger);
        match trigger {
            Trigger::Push(lines) => asking.feed(lines),
            Trigger::BranchCreate(line)
            | Trigger::BranchDelete(line)
            | Trigger::TagCreate(line)
            | Trigger::TagDelete(line)
            | Trigger::FileEdit(line) => asking.feed(std::slice::from_ref(line)),
            Trigger::PullRequestMerge(merge) => {
                asking.pull_request();
                asking.merge(merge, &merge.merge_hash);
                asking.feed(&[merge.line()]);
            }
            Trigger::PullRequestDryRun(merge) => {
                asking.pull_request();
                asking.merge(merge, "");
                asking.set("BB_IS_DRY_RUN", "true");
            }
            Trigger::CascadeMerge(merge) => {
                asking.merge(merge, &merge.merge_hash);
                asking.feed(&[merge.line()]);
            }
        }
        asking.objects(&self.repository, self.quarantine.as_deref());
        asking
    }
}

impl Asking {
    /// Runs the hook.
    pub fn run(&self) -> Finished {
        self.command().run_with(&self.input)
    }

    /// The hook, to be run.
    pub fn command(&self) -> Command {
        let mut hook = Command::new(&self.hook);
        hook.current_dir(&self.working_folder).env_clear().envs(&self.variables);
        hook
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Takes a variable away.
    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.variables.remove(name);
        self
    }

    /// Replaces the standard input.
    pub fn input(&mut self, input: &[u8]) -> &mut Self {
        self.input = input.into();
        self
    }

    /// Runs in another folder.
    pub fn within(&mut self, folder: &Path) -> &mut Self {
        self.working_folder = folder.into();
        self
    }

    /// The names of all variables that are set.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    fn always(&mut self, user: &str, trigger: &Trigger) {
        for (name, value) in [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("BB_HOOK_TRIGGER_ID", trigger.id()),
            ("BB_HOOK_TYPE", "PRE"),
            ("BB_IS_DRY_RUN", "false"),
            ("BB_PROJECT_KEY", "DEMO"),
            ("BB_REPO_SLUG", "app"),
            ("BB_REPO_IS_FORK", "false"),
            ("BB_REPO_IS_PUBLIC", "false"),
            ("BB_BASE_URL", "https://bitbucket.example.com"),
            ("BB_REPO_CLONE_SSH", "ssh://git@bitbucket.example.com:7999/demo/app.git"),
            ("BB_REPO_CLONE_HTTP", "https://bitbucket.example.com/scm/demo/app.git"),
            ("BB_USER_NAME", user),
            ("BB_USER_DISPLAY_NAME", "Somebody With A Name"),
            ("BB_USER_EMAIL", ""),
            ("BB_USER_PERMISSION", "SYS_ADMIN"),
        ] {
            self.set(name, value);
        }
    }

    fn pull_request(&mut self) {
        self.set("BB_PULL_REQUEST_ID", "17")
            .set("BB_PULL_REQUEST_AUTHOR_USER_NAME", "bob")
            .set("BB_PULL_REQUEST_AUTHOR_USER_DISPLAY_NAME", "Bob")
            .set("BB_PULL_REQUEST_AUTHOR_USER_EMAIL", "bob@example.com")
            .set("BB_PULL_REQUEST_AUTHOR_USER_PERMISSION", "REPO_WRITE");
    }

    fn merge(&mut self, merge: &Merge, merge_hash: &str) {
        self.set("BB_FROM_PROJECT_KEY", "DEMO")
            .set("BB_FROM_REPO_SLUG", "app")
            .set("BB_FROM_REPO_IS_FORK", "false")
            .set("BB_FROM_REPO_IS_PUBLIC", "false")
            .set("BB_FROM_REPO_CLONE_SSH", "ssh://git@bitbucket.example.com:7999/demo/app.git")
            .set("BB_FROM_REPO_CLONE_HTTP", "https://bitbucket.example.com/scm/demo/app.git")
            .set("BB_FROM_REF", &merge.from)
            .set("BB_FROM_HASH", &merge.from_hash)
            .set("BB_TO_REF", &merge.to)
            .set("BB_TO_HASH", &merge.to_hash)
            .set("BB_MERGE_HASH", merge_hash)
            .set("BB_MERGE_IS_CROSS_REPO", "false")
            .set("BB_MERGE_STRATEGY_ID", "no-ff");
    }

    /// On 8 and later the objects are all that the hook is shown of the repository.
    fn objects(&mut self, repository: &Path, quarantine: Option<&Path>) {
        let objects = repository.join("objects").display().to_string();
        match quarantine {
            Some(quarantine) => {
                let quarantine = quarantine.display().to_string();
                self.set("GIT_OBJECT_DIRECTORY", &quarantine).set("GIT_QUARANTINE_PATH", &quarantine);
                self.set("GIT_ALTERNATE_OBJECT_DIRECTORIES", &objects);
            }
            None => {
                self.set("GIT_OBJECT_DIRECTORY", &objects);
            }
        }
    }

    fn feed(&mut self, lines: &[RefLine]) {
        for line in lines {
            self.input.extend_from_slice(format!("{} {} {}\n", line.old, line.new, line.name).as_bytes());
        }
    }
}

impl Trigger {
    /// Bitbucket's name for it.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Push(_) => "push",
            Self::BranchCreate(_) => "branch-create",
            Self::BranchDelete(_) => "branch-delete",
            Self::TagCreate(_) => "tag-create",
            Self::TagDelete(_) => "tag-delete",
            Self::FileEdit(_) => "file-edit",
            Self::PullRequestMerge(_) | Self::PullRequestDryRun(_) => "pull-request-merge",
            Self::CascadeMerge(_) => "merge",
        }
    }
}

impl RefLine {
    /// A line.
    pub fn new(old: &str, new: &str, name: &str) -> Self {
        Self { old: old.into(), new: new.into(), name: name.into() }
    }
}

impl Merge {
    fn line(&self) -> RefLine {
        RefLine::new(&self.to_hash, &self.merge_hash, &format!("refs/heads/{}", self.to))
    }
}
