//! git, asked from a thread that may block.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use super::Unreadable;
use crate::{
    environment::Variables,
    git_child::{self, GitError, Output},
};

/// The longest line that git may answer with.
const MAX_LINE: u64 = 1 << 16;

/// How much of git's complaints is read.
const MAX_COMPLAINT: u64 = 1 << 12;

/// The git of one repository. Its children are killed when the [`Leash`] is let go.
pub struct Git {
    git_dir: PathBuf,
    variables: Arc<Variables>,
    running: Arc<Mutex<Running>>,
}

/// Held by whoever waits for the blocking thread: when it is dropped, at the deadline, the git child that runs for the
/// thread is killed, and no other one is started.
pub struct Leash(Arc<Mutex<Running>>);

#[derive(Default)]
struct Running {
    child: Option<Child>,
    is_over: bool,
}

impl Git {
    /// git for a repository, and the leash on it.
    pub fn new(git_dir: &Path, variables: Arc<Variables>) -> (Self, Leash) {
        let running = Arc::new(Mutex::new(Running::default()));
        let leash = Leash(Arc::clone(&running));
        (Self { git_dir: git_dir.to_owned(), variables, running }, leash)
    }

    /// The repository.
    pub fn dir(&self) -> &Path {
        &self.git_dir
    }

    /// Asks git, with lines on its standard input, and takes its answer line by line.
    ///
    /// # Errors
    /// When git cannot be run, fails, or `take` does.
    pub(super) fn each_line(
        &self,
        arguments: &[impl AsRef<OsStr>],
        input: impl IntoIterator<Item = String>,
        mut take: impl FnMut(&[u8]) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        let mut command = git_child::command(&self.git_dir, &self.variables);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(GitError::from)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(Unreadable::BrokenOff);
        };
        self.hold(child)?;
        // git reads all of it before it answers. Where it gives up early, its complaint says why.
        let mut stdin = BufWriter::new(stdin);
        let _ = input.into_iter().try_for_each(|line| writeln!(stdin, "{line}"));
        drop(stdin);
        let taken = take_lines(BufReader::new(stdout), &mut take);
        let mut complaint = Vec::new();
        if taken.is_ok() {
            let _ = stderr.take(MAX_COMPLAINT).read_to_end(&mut complaint);
        }
        let child = self.lock().child.take();
        let mut child = child.ok_or(Unreadable::BrokenOff)?;
        if taken.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(GitError::from)?;
        taken?;
        if status.success() {
            return Ok(());
        }
        Err(Unreadable::Failed(Output { status, stdout: Vec::new(), stderr: complaint }.complaint()))
    }

    fn hold(&self, mut child: Child) -> Result<(), Unreadable> {
        let mut running = self.lock();
        if running.is_over {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Unreadable::BrokenOff);
        }
        running.child = Some(child);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.is_over = true;
        if let Some(child) = &mut running.child {
            let _ = child.kill();
        }
    }
}

fn take_lines(
    mut answer: impl std::io::BufRead,
    take: &mut impl FnMut(&[u8]) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if answer.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(GitError::from)? == 0 {
            return Ok(());
        }
        let Some(line) = line.strip_suffix(b"\n") else {
            return Err(Unreadable::Failed("it broke off within a line".into()));
        };
        take(line)?;
    }
}
