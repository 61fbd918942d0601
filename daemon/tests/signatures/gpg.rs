//! gpg, with a home of its own.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::repository::Config;

/// A home with keys, and an agent that ends with it.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        // A short path: the agent's socket lies in it.
        let home = tempfile::Builder::new().prefix("g").tempdir_in("/tmp").unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        Self(home)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> String {
        let mut gpg = Command::new("gpg")
            .args(["--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""])
            .args(arguments)
            .env("GNUPGHOME", self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        gpg.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = gpg.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A new key of somebody at `example.com`; its fingerprint. `at` may be years ago.
    pub(crate) fn key(&self, who: &str, kind: &str, usage: &str, expires: &str, at: Option<&str>) -> String {
        let user = format!("{who} <{who}@example.com>");
        let faked = at.map(|at| format!("--faked-system-time={at}!"));
        let mut arguments: Vec<&str> = faked.as_deref().into_iter().collect();
        arguments.extend(["--quick-gen-key", &user, kind, usage, expires]);
        self.run(&arguments, "");
        self.fingerprints(who)[0].clone()
    }

    /// The fingerprints of somebody's newest key and its subkeys.
    pub(crate) fn fingerprints(&self, who: &str) -> Vec<String> {
        let listed = self.run(&["--with-colons", "--list-keys", &format!("{who}@example.com")], "");
        let lines = listed.lines().filter_map(|line| line.strip_prefix("fpr:"));
        lines.map(|line| line.trim_matches(':').to_owned()).collect()
    }

    pub(crate) fn public(&self, fingerprint: &str) -> String {
        self.run(&["--armor", "--export", fingerprint], "")
    }

    /// Revokes a key with the certificate that gpg made beside it.
    pub(crate) fn revoke(&self, fingerprint: &str) {
        let file = self.path().join("openpgp-revocs.d").join(format!("{fingerprint}.rev"));
        let certificate = fs::read_to_string(file).unwrap().replace(":-----BEGIN", "-----BEGIN");
        self.run(&["--import"], &certificate);
    }

    /// What makes git sign with a key; `options` are of gpg.
    pub(crate) fn config(&self, fingerprint: &str, options: &str) -> Config {
        let program: PathBuf = self.path().join(format!("gpg-{}", options.len()));
        let script = format!("#!/bin/sh\nexec gpg --batch --pinentry-mode loopback {options} \"$@\"\n");
        fs::write(&program, script).unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        vec![format!("gpg.program={}", program.display()), format!("user.signingKey={fingerprint}!")]
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", self.path()).output();
    }
}
