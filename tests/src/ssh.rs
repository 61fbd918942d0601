//! A git server over ssh: a real `sshd` on the loopback with its own configuration, host key and accounts.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{BareRepo, Git, Run, WorkingCopy, wait};

const SSHD: &str = "/usr/sbin/sshd";

/// A running `sshd`; it ends with this value.
#[derive(Debug)]
pub struct SshServer {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl SshServer {
    /// Serves `repository` to `users`, each with a key of their own; their key says who they are.
    ///
    /// Gives `None`, loudly, where `sshd` is not installed.
    pub fn serving(repository: &BareRepo, users: &[&str]) -> Option<Self> {
        if !Path::new(SSHD).exists() {
            eprintln!("SKIPPED: pushes over ssh: {SSHD} is missing; install Debian's openssh-server");
            return None;
        }
        let folder = repository.folder().join("ssh");
        fs::create_dir(&folder).unwrap();
        // Run by root, sshd insists on this folder, which Debian makes when the service is started.
        if nix::unistd::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        generate_key(&folder.join("host"));
        write_command(&folder, repository.git());
        let accounts: String = users.iter().map(|user| account(&folder, user)).collect();
        fs::write(folder.join("authorized_keys"), accounts).unwrap();
        let (port, child) = start(&folder);
        Some(Self { child, folder, port })
    }

    /// A working copy that pushes here as `user`.
    pub fn working_copy(&self, repository: &BareRepo, user: &str) -> WorkingCopy {
        let account = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
        let path = repository.path();
        let address = format!("ssh://{account}@127.0.0.1:{}{}", self.port, path.display());
        let ssh = format!(
            "ssh -F /dev/null -i {} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=accept-new \
             -o UserKnownHostsFile={} -o LogLevel=ERROR",
            self.folder.join(user).display(),
            self.folder.join("known_hosts").display(),
        );
        repository.working_copy_of(&address).with("GIT_SSH_COMMAND", ssh)
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the log of sshd\n{}", self.log());
        }
    }
}

fn generate_key(path: &Path) {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(path);
    keygen.run().expect_success("ssh-keygen");
}

/// One line of `authorized_keys`: whatever the client asks for, this is run, and it knows who asks.
fn account(folder: &Path, user: &str) -> String {
    let key = folder.join(user);
    generate_key(&key);
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    format!("command=\"{} {user}\",restrict {public}", folder.join("serve").display())
}

fn write_command(folder: &Path, git: &Git) {
    let mut script = String::from("#!/bin/sh\n");
    for (name, value) in git.environment() {
        script.push_str(&format!("export {name}='{value}'\n"));
    }
    script.push_str("export REMOTE_USER=\"$1\"\nexec git shell -c \"$SSH_ORIGINAL_COMMAND\"\n");
    let path = folder.join("serve");
    fs::write(&path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// sshd takes no port 0: a free port is found first. Somebody may take it in between, so it is tried a few times.
fn start(folder: &Path) -> (u16, Child) {
    for _ in 0..5 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\n\
             PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nMaxStartups 100\n",
            folder = folder.display(),
        );
        let file = folder.join("sshd_config");
        fs::write(&file, config).unwrap();
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut sshd = Command::new(SSHD);
        sshd.arg("-D").arg("-e").arg("-f").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = sshd.spawn().unwrap();
        let up = wait::until("sshd listens or ends", || {
            if child.try_wait().unwrap().is_some() {
                return Some(false);
            }
            greets(port).then_some(true)
        });
        if up {
            return (port, child);
        }
    }
    panic!("sshd does not start:\n{}", fs::read_to_string(folder.join("log")).unwrap_or_default());
}

fn greets(port: u16) -> bool {
    let Ok(connection) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut greeting = String::new();
    BufReader::new(connection).read_line(&mut greeting).is_ok() && greeting.starts_with("SSH-")
}
