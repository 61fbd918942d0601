//! Canaille, a real identity provider that pushes by SCIM, and is told what to do.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;

use crate::{ScimClient, binaries, temporary};

/// A running Canaille. It ends with this value.
#[derive(Debug)]
pub struct Canaille {
    folder: TempDir,
    child: Child,
    told: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Canaille {
    /// Starts one that pushes to a source; `None`, loudly, where it is not installed.
    ///
    /// # Panics
    /// When it does not start.
    pub fn pushing_to(source: &ScimClient) -> Option<Self> {
        let python = binaries::of_others("canaille/bin/python")?;
        let folder = temporary::folder();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut child = Command::new(python)
            .arg(binaries::workspace().join("tests/canaille/provider.py"))
            .arg(folder.path())
            .args([source.base(), source.token().to_owned()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("python runs");
        let told = child.stdin.take().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        let mut canaille = Self { folder, child, told, says };
        canaille.expect("ready");
        Some(canaille)
    }

    /// `create USER`, `join GROUP USER`, `leave GROUP USER`, `lock USER`, `unlock USER` or `delete USER`; it is pushed
    /// when this returns.
    ///
    /// # Panics
    /// When Canaille fails.
    pub fn tell(&mut self, what: &str) {
        writeln!(self.told, "{what}").unwrap();
        self.expect("done");
    }

    fn expect(&mut self, word: &str) {
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        assert_eq!(line.trim(), word, "{log}");
    }
}

impl Drop for Canaille {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
