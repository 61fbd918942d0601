//! The folder in which the demo happens, and the processes that run there.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::{fs::symlink, net::UnixStream, process::CommandExt},
    path::{Path, PathBuf, absolute},
    process::{Child, Command, Stdio},
};

use super::Failed;
use crate::{Finished, Git, Run, binaries, wait};

/// Marks a folder as one that the demo made, and so may remove.
const MARK: &str = ".oam-playground";

/// The longest path that a Unix socket can have, less the socket's own name.
const LONGEST_RUNTIME: usize = 90;

/// Where the daemon serves metrics and health unless told otherwise.
const DEFAULT_HTTP: &str = "127.0.0.1:9473";

/// The playground.
pub(super) struct Playground {
    pub(super) folder: PathBuf,
    pub(super) git: Git,
    binaries: PathBuf,
    runtime: PathBuf,
    daemon: Option<Child>,
    step: String,
}

impl Playground {
    /// Builds the binaries and makes an empty playground.
    pub(super) fn new(folder: &Path) -> Result<Self, Failed> {
        let binaries = build()?;
        let folder = absolute(folder).map_err(|error| error.to_string())?;
        if folder.join("run/admin.sock").exists()
            && UnixStream::connect(folder.join("run/admin.sock")).is_ok()
        {
            let pid = fs::read_to_string(folder.join("oamd.pid")).unwrap_or_default();
            return Err(format!(
                "a playground is still running in {}: `kill {}` first",
                folder.display(),
                pid.trim()
            ));
        }
        if folder.exists() {
            if !folder.join(MARK).exists() {
                return Err(format!("{} exists, and the demo did not make it", folder.display()));
            }
            fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        fs::write(folder.join(MARK), "made by `cargo demo`, which may remove it\n").unwrap();
        let git = Git::new(&folder.join("home"));
        let runtime = runtime(&folder);
        Ok(Self { folder, git, binaries, runtime, daemon: None, step: String::new() })
    }

    /// Begins a step: whatever fails from here on is its failure.
    pub(super) fn step(&mut self, title: &str) {
        self.step = title.to_owned();
        println!("\n== {title}");
    }

    pub(super) fn failed(&self, what: impl std::fmt::Display) -> Failed {
        format!("at \"{}\": {what}", self.step)
    }

    /// Shows a command, runs it, shows what it printed, and checks its exit code.
    pub(super) fn run(&self, shown: &str, command: &mut Command, code: i32) -> Result<Finished, Failed> {
        println!("$ {shown}");
        let done = command.run();
        show(&done.stdout);
        show(&done.stderr);
        if done.code == code {
            Ok(done)
        } else {
            Err(self.failed(format_args!("`{shown}` ended with exit code {} and not {code}", done.code)))
        }
    }

    /// Shows where `oam` finds the daemon.
    pub(super) fn show_socket(&self) {
        println!("$ export OAM_SOCKET={}", typed(&self.runtime.join("admin.sock")));
    }

    /// Runs `oam` against the playground's daemon.
    pub(super) fn oam(&self, arguments: &[&str]) -> Result<Finished, Failed> {
        self.oam_ending(arguments, 0)
    }

    /// The same for a command whose answer is another exit code than 0.
    pub(super) fn oam_ending(&self, arguments: &[&str], code: i32) -> Result<Finished, Failed> {
        let mut oam = Command::new(self.binary("oam"));
        oam.current_dir(binaries::workspace()).env("OAM_SOCKET", self.runtime.join("admin.sock"));
        oam.args(arguments);
        self.run(&format!("oam {}", quoted(arguments)), &mut oam, code)
    }

    pub(super) fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    pub(super) fn socket(&self, name: &str) -> PathBuf {
        self.runtime.join(name)
    }

    /// The path of something in the playground, as one would type it.
    pub(super) fn path(&self, name: &str) -> String {
        typed(&self.folder.join(name))
    }

    /// Installs the hook in a bare repository, as an administrator would.
    pub(super) fn install_hook(&self) -> Result<(), Failed> {
        let hooks = self.folder.join("app.git/hooks");
        let config = format!(
            "endpoints = [\"unix:{}\"]\n\n# Another git server than Bitbucket: it says who pushes in this variable.\n\
             [plain]\nprincipal_env = \"REMOTE_USER\"\nrepository = \"DEMO/app\"\n",
            self.socket("hook.sock").display()
        );
        let install = || {
            fs::create_dir_all(&hooks)?;
            symlink(self.binary("oam-hook"), hooks.join("pre-receive"))?;
            fs::write(hooks.join("oam-hook.toml"), &config)
        };
        println!("$ ln -s {} {}", typed(&self.binary("oam-hook")), self.path("app.git/hooks/pre-receive"));
        println!("$ cat {}", self.path("app.git/hooks/oam-hook.toml"));
        show(config.as_bytes());
        install().map_err(|error| self.failed(error))
    }

    /// Starts the daemon as systemd would: two folders in the environment, and no configuration.
    pub(super) fn start_daemon(&mut self) -> Result<(), Failed> {
        let log = fs::File::options().create(true).append(true).open(self.folder.join("oamd.log"));
        let log = log.map_err(|error| self.failed(error))?;
        let mut oamd = Command::new(self.binary("oamd"));
        oamd.env("STATE_DIRECTORY", self.folder.join("state")).env("RUNTIME_DIRECTORY", &self.runtime);
        oamd.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
        let shown =
            format!("STATE_DIRECTORY={} RUNTIME_DIRECTORY={} oamd", self.path("state"), typed(&self.runtime));
        if TcpListener::bind(DEFAULT_HTTP).is_ok() {
            println!("$ {shown} &");
        } else {
            let config = self.folder.join("oamd.toml");
            fs::write(&config, "[http]\nlisten = \"off\"\n").map_err(|error| self.failed(error))?;
            println!("   ({DEFAULT_HTTP} is taken on this machine: this daemon goes without metrics)");
            println!("$ {shown} --config {} &", typed(&config));
            oamd.arg("--config").arg(config);
        }
        let child = oamd.spawn().map_err(|error| self.failed(error))?;
        let _ = fs::write(self.folder.join("oamd.pid"), format!("{}\n", child.id()));
        let child = self.daemon.insert(child);
        let socket = self.runtime.join("admin.sock");
        let up = wait::until("the daemon listens or ends", || {
            if child.try_wait().ok().flatten().is_some() {
                return Some(false);
            }
            UnixStream::connect(&socket).is_ok().then_some(true)
        });
        if up {
            return Ok(());
        }
        show(&fs::read(self.folder.join("oamd.log")).unwrap_or_default());
        Err(self.failed("the daemon ended instead of serving"))
    }

    /// kill -9.
    pub(super) fn kill_daemon(&mut self) {
        if let Some(mut child) = self.daemon.take() {
            println!("$ kill -9 {}", child.id());
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Leaves everything as it is, and says what can be done with it.
    pub(super) fn keep(mut self) {
        let Some(daemon) = self.daemon.take() else { return };
        println!("\n== The playground is yours");
        println!("The daemon runs as process {}; everything lies in {}.", daemon.id(), self.path(""));
        self.how_to_push();
        println!("\nWatch, ask, and change:");
        println!("  export OAM_SOCKET={}", self.runtime.join("admin.sock").display());
        println!("  {} status", typed(&self.binary("oam")));
        println!("  {} explain alice DEMO/app refs/heads/main force", typed(&self.binary("oam")));
        println!("  {} user reactivate bob --reason \"back again\"", typed(&self.binary("oam")));
        println!("  $EDITOR {}      # in force as soon as it is saved", self.path("state/policy"));
        println!("\nWhen you have seen enough:");
        println!("  kill {}; rm -r {}", daemon.id(), self.path(""));
    }

    /// Ends the daemon and takes everything away.
    pub(super) fn remove(mut self) {
        self.end_daemon();
        let _ = fs::remove_dir_all(&self.folder);
        println!("\n== That was it");
        println!(
            "Everything was as it should be. The playground is gone; `cargo demo --keep` leaves one running."
        );
        println!("There you push by hand like this:");
        self.how_to_push();
    }

    fn end_daemon(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }

    fn how_to_push(&self) {
        println!("\nPush as anybody: REMOTE_USER is what a git server would say of who they are.");
        println!("  cd {}", self.path("work"));
        println!("  git switch -c feature/mine && git commit --allow-empty -m \"Something new\"");
        println!("  REMOTE_USER=alice git push origin feature/mine          # permitted");
        println!("  REMOTE_USER=carol git push origin feature/mine:feature/hers   # refused: in no group");
        println!("  REMOTE_USER=alice git push origin :main                 # refused");
    }
}

impl Drop for Playground {
    /// Whatever happened, no process is left behind. The folder stays, to look into what failed.
    fn drop(&mut self) {
        self.end_daemon();
    }
}

/// Shows what a program printed, set in.
fn show(bytes: &[u8]) {
    for line in String::from_utf8_lossy(bytes).split(['\n', '\r']).filter(|line| !line.trim().is_empty()) {
        println!("  | {}", line.trim_end());
    }
}

/// A path as one would type it here: below the current folder it is short.
fn typed(path: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    let shown = path.strip_prefix(&here).unwrap_or(path).display().to_string();
    shown.trim_end_matches('/').to_owned()
}

/// Arguments as one would type them.
pub(super) fn quoted(arguments: &[&str]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@".contains(c);
    let quote = |argument: &&str| match argument.chars().all(plain) && !argument.is_empty() {
        true => (*argument).to_owned(),
        false => format!("'{argument}'"),
    };
    arguments.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// The sockets lie in the playground, unless its path is too long for a socket.
fn runtime(folder: &Path) -> PathBuf {
    let beside = folder.join("run");
    if beside.as_os_str().len() <= LONGEST_RUNTIME {
        return beside;
    }
    env::temp_dir().join(format!("oam-playground-{}", std::process::id()))
}

fn build() -> Result<PathBuf, Failed> {
    if let Some(given) = env::var_os("OAM_BIN_DIR") {
        println!("\n== The binaries of {}", Path::new(&given).display());
        return Ok(given.into());
    }
    println!(
        "\n== Building the daemon, the hook and the command line (dev profile: quick to build, slow to run)"
    );
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(binaries::workspace()).args(["build", "--locked"]);
    for package in binaries::PACKAGES {
        cargo.args(["-p", package]);
    }
    println!("$ cargo build --locked -p {}", binaries::PACKAGES.join(" -p "));
    match cargo.status() {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("cargo build ended with {status}")),
        Err(error) => return Err(format!("cargo does not start: {error}")),
    }
    let own = env::current_exe().map_err(|error| error.to_string())?;
    let target = own.ancestors().nth(2).ok_or("this program lies in no target folder")?;
    Ok(target.join("debug"))
}
