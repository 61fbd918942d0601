//! A repository in which real git makes commits and tags, and verifies them.

use std::{
    ffi::OsStr,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use oam_proto::v1;
use tempfile::TempDir;

/// A repository with one file.
pub(crate) struct Repository {
    folder: TempDir,
    /// Of gpg, as the variable `GNUPGHOME`.
    gnupg: Option<String>,
}

/// A signed object, and what it is called.
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) signed: v1::Signed,
}

/// Settings of git, `key=value`.
pub(crate) type Config = Vec<String>;

impl Repository {
    pub(crate) fn new(format: &str, gnupg: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gnupg = gnupg.map(|path| path.display().to_string());
        let repository = Self { folder, gnupg };
        repository.git(&[], &["init", "-q", "--object-format", format, "."]);
        fs::write(repository.folder.path().join("file"), "content").unwrap();
        repository.git(&[], &["add", "file"]);
        repository
    }

    fn command(&self, config: &[String], arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut git = Command::new("git");
        config.iter().for_each(|setting| {
            git.args(["-c", setting]);
        });
        git.args(arguments).current_dir(self.folder.path()).env("HOME", self.folder.path());
        for (key, value) in [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")] {
            git.env(key, value);
        }
        if let Some(gnupg) = &self.gnupg {
            git.env("GNUPGHOME", gnupg);
        }
        git
    }

    fn run(&self, config: &[String], arguments: &[impl AsRef<OsStr>]) -> Output {
        self.command(config, arguments).output().unwrap()
    }

    fn git(&self, config: &[String], arguments: &[&str]) -> Vec<u8> {
        let output = self.run(config, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn id(&self, name: &str) -> String {
        String::from_utf8(self.git(&[], &["rev-parse", name])).unwrap().trim().to_owned()
    }

    /// A commit by somebody at `example.com`, signed as `config` says.
    pub(crate) fn signed_commit(&self, config: &[String], who: &str) -> Made {
        self.signed_commit_at(config, who, "2026-11-01T12:00:00Z")
    }

    pub(crate) fn signed_commit_at(&self, config: &[String], who: &str, at: &str) -> Made {
        let mut git =
            self.command(config, &["commit", "-q", "-S", "--allow-empty", "-m", "Add a thing\n\nBody"]);
        let output = Self::as_person(&mut git, who, at).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.commit(&self.id("HEAD"))
    }

    fn as_person<'c>(git: &'c mut Command, who: &str, at: &str) -> &'c mut Command {
        for role in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{role}_NAME"), who);
            git.env(format!("GIT_{role}_EMAIL"), format!("{who}@example.com"));
            git.env(format!("GIT_{role}_DATE"), at);
        }
        git
    }

    fn commit(&self, id: &str) -> Made {
        let raw = self.git(&[], &["cat-file", "commit", id]);
        Made { id: id.to_owned(), signed: of_commit(&raw) }
    }

    /// A tag object by somebody, on the last commit.
    pub(crate) fn signed_tag(&self, config: &[String], who: &str, name: &str) -> Made {
        let mut git = self.command(config, &["tag", "-s", "-m", "Release", name]);
        let output = Self::as_person(&mut git, who, "2026-11-02T12:00:00Z").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let raw = self.git(&[], &["cat-file", "tag", name]);
        Made { id: self.id(name), signed: of_tag(&raw) }
    }

    /// Makes git verify a commit or a tag; what it says on its status lines.
    pub(crate) fn verdict(&self, config: &[String], what: &str, id: &str) -> (bool, String) {
        let output = self.run(config, &[what, "--raw", id]);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// The same commit with another signature or payload, as an object of its own.
    pub(crate) fn rewritten(&self, signed: &v1::Signed) -> Made {
        let header = if self.id("HEAD").len() == 64 { "gpgsig-sha256" } else { "gpgsig" };
        let payload = String::from_utf8(signed.payload.clone()).unwrap();
        let signature = String::from_utf8(signed.signature.clone()).unwrap();
        let (headers, message) = payload.split_once("\n\n").unwrap();
        let signature = signature.trim_end().replace('\n', "\n ");
        let raw = format!("{headers}\n{header} {signature}\n\n{message}");
        let mut git = self.command(&[], &["hash-object", "-t", "commit", "-w", "--stdin"]);
        let mut git = git.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        git.stdin.take().unwrap().write_all(raw.as_bytes()).unwrap();
        let output = git.wait_with_output().unwrap();
        assert!(output.status.success());
        self.commit(String::from_utf8(output.stdout).unwrap().trim())
    }
}

/// A commit apart: its signature stands in a header, each line behind a space.
fn of_commit(raw: &[u8]) -> v1::Signed {
    let raw = std::str::from_utf8(raw).unwrap();
    let (headers, message) = raw.split_once("\n\n").unwrap();
    let (mut payload, mut signature, mut is_in) = (String::new(), String::new(), false);
    for line in headers.lines() {
        let begun = line.strip_prefix("gpgsig ").or_else(|| line.strip_prefix("gpgsig-sha256 "));
        if let Some(first) = begun {
            is_in = true;
            signature += first;
            signature.push('\n');
        } else if let (true, Some(more)) = (is_in, line.strip_prefix(' ')) {
            signature += more;
            signature.push('\n');
        } else {
            is_in = false;
            payload += line;
            payload.push('\n');
        }
    }
    let payload = format!("{payload}\n{message}").into_bytes();
    v1::Signed { signature: signature.into_bytes(), payload, too_large: false }
}

/// A tag object apart: its signature stands at its end.
fn of_tag(raw: &[u8]) -> v1::Signed {
    let raw = std::str::from_utf8(raw).unwrap();
    let at = raw.rfind("\n-----BEGIN ").unwrap() + 1;
    let (payload, signature) = raw.split_at(at);
    v1::Signed { signature: signature.into(), payload: payload.into(), too_large: false }
}
