//! Running a program to its end: fed, read and bounded in time.

use std::{
    env, fmt,
    io::{Read, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

/// How long one program may run unless told otherwise: git alone takes minutes to write 100,000 refs to a slow disk.
pub fn limit() -> Duration {
    Duration::from_secs(if env::var_os("OAM_SOAK").is_some() { 1_200 } else { 120 })
}

/// What a program did.
#[derive(Clone)]
pub struct Finished {
    /// Its exit code; 128 + the signal when one ended it, as shells have it.
    pub code: i32,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
}

impl Finished {
    /// Whether it ended with exit code 0.
    pub fn success(&self) -> bool {
        self.code == 0
    }

    /// Its standard output as text.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Its standard error as text.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Itself, when it succeeded.
    ///
    /// # Panics
    /// With everything it said, when it did not.
    #[track_caller]
    pub fn expect_success(self, what: &str) -> Self {
        assert!(self.success(), "{what} failed: {self:?}");
        self
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit code {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            self.stdout_text(),
            self.stderr_text()
        )
    }
}

/// Runs commands to their end.
pub trait Run {
    /// Runs it with nothing on its standard input.
    fn run(&mut self) -> Finished {
        self.run_with(b"")
    }

    /// Runs it with `input` on its standard input.
    fn run_with(&mut self, input: &[u8]) -> Finished {
        self.run_within(input, limit())
    }

    /// Runs it with `input` on its standard input, and ends it and all its children after `limit`.
    fn run_within(&mut self, input: &[u8], limit: Duration) -> Finished;
}

impl Run for Command {
    fn run_within(&mut self, input: &[u8], limit: Duration) -> Finished {
        let name = format!("{self:?}");
        self.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = self.spawn().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let input = input.to_vec();
        let mut stdin = child.stdin.take().unwrap();
        // A program may end without having read all: that is for its exit code to tell.
        thread::spawn(move || stdin.write_all(&input));
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let code = wait(&mut child, &name, limit);
        Finished { code, stdout: stdout.recv().unwrap(), stderr: stderr.recv().unwrap() }
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

fn wait(child: &mut Child, name: &str, limit: Duration) -> i32 {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        }
        if Instant::now() > deadline {
            let _ = killpg(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGKILL);
            let _ = child.wait();
            panic!("{name} ran longer than {limit:?} and was ended");
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}
