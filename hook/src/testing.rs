//! Real repositories for tests, untouched by the machine's configuration of git.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use tempfile::TempDir;

/// When things happen, in seconds since 1970.
const DATE: usize = 1_700_000_000;

/// A bare repository.
pub(crate) struct Git {
    folder: Arc<TempDir>,
    variables: Vec<(String, String)>,
}

impl Git {
    pub(crate) fn init(options: &[&str]) -> Self {
        let git = Self { folder: Arc::new(tempfile::tempdir().unwrap()), variables: Vec::new() };
        git.run(&[&["init", "-q", "--bare", "-b", "main"], options].concat());
        git
    }

    /// The same repository, with more variables for git.
    pub(crate) fn with(&self, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { folder: Arc::clone(&self.folder), variables: variables.collect() }
    }

    pub(crate) fn dir(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// The trimmed output of a git that must succeed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments, DATE, b"");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The raw output of a git that must succeed, for that input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.output(arguments, DATE, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Stores an object as it stands, be it malformed.
    pub(crate) fn store(&self, kind: &str, content: &[u8]) -> String {
        let stored = self.feed(&["hash-object", "-w", "--literally", "--stdin", "-t", kind], content);
        String::from_utf8(stored).unwrap().trim().to_owned()
    }

    pub(crate) fn succeeds(&self, arguments: &[&str]) -> bool {
        self.output(arguments, DATE, b"").status.success()
    }

    pub(crate) fn commit(&self, message: &str, parents: &[&str]) -> String {
        self.commit_at(message, parents, DATE)
    }

    pub(crate) fn commit_at(&self, message: &str, parents: &[&str], date: usize) -> String {
        let tree = self.output(&["mktree"], DATE, b"").stdout;
        let tree = String::from_utf8(tree).unwrap();
        let mut arguments = vec!["commit-tree", tree.trim(), "-m", message];
        for parent in parents {
            arguments.extend(["-p", *parent]);
        }
        let output = self.output(&arguments, date, b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A line of commits upon another; the last one's id.
    pub(crate) fn line_of_commits(&self, upon: &str, count: usize) -> String {
        let mut stream = String::new();
        for step in 0..count {
            let from = if step == 0 { format!("from {upon}\n") } else { String::new() };
            let date = DATE + 1 + step;
            stream.push_str(&format!(
                "commit refs/heads/line\ncommitter c <c> {date} +0000\ndata 1\nx\n{from}\n"
            ));
        }
        let output = self.output(&["fast-import", "--quiet"], DATE, stream.as_bytes());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.run(&["rev-parse", "refs/heads/line"])
    }

    /// The trimmed output of a git that must succeed, for that text.
    pub(crate) fn feed_text(&self, arguments: &[&str], input: &str) -> String {
        String::from_utf8(self.feed(arguments, input.as_bytes())).unwrap().trim().to_owned()
    }

    fn output(&self, arguments: &[&str], date: usize, input: &[u8]) -> Output {
        let date = format!("{date} +0000");
        let mut child = Command::new("git")
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("GIT_DIR", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs(
                ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"]
                    .map(|v| (v, "c")),
            )
            .envs(["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"].map(|name| (name, &date)))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A thread of its own: git may answer before it has read everything.
        let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_owned());
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        let _ = writer.join().unwrap();
        output
    }
}
