//! Faults at an exact place: `strace` makes a chosen system call of the daemon fail, or kills the daemon there.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{Daemon, wait};

/// How long `strace` may take to let go of the daemon. It sometimes never does: told to end while what it traces is
/// dying, it waits for the first thread, which cannot go before the others, which `strace` itself would have to bury.
const LETTING_GO: Duration = Duration::from_secs(5);

/// A fault that waits for its system call; it is gone with this value.
#[derive(Debug)]
pub struct Fault {
    strace: Child,
    trace: PathBuf,
}

impl Fault {
    /// Puts a fault into a running daemon, as in `fdatasync:error=EIO` or `write:signal=KILL:when=3`; see strace(1). With
    /// `only`, calls on other files go on as ever.
    ///
    /// Gives `None`, loudly, where `strace` is not installed or may not be used.
    pub fn into(daemon: &Daemon, fault: &str, only: Option<&Path>) -> Option<Self> {
        let log = daemon.folder().join("strace.log");
        let trace = daemon.folder().join("strace.trace");
        let mut strace = Command::new("strace");
        strace
            .args(["-f", "-p", &daemon.pid().to_string(), "-e", &format!("inject={fault}"), "-o"])
            .arg(&trace);
        if let Some(path) = only {
            strace.arg("-P").arg(path);
        }
        strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
        let Ok(mut child) = strace.spawn() else {
            eprintln!("SKIPPED: faults in system calls: install Debian's strace");
            return None;
        };
        let attached = wait::until("strace attaches or ends", || {
            if fs::read_to_string(&log).is_ok_and(|text| text.contains(" attached")) {
                return Some(true);
            }
            child.try_wait().unwrap().map(|_| false)
        });
        if !attached {
            eprintln!(
                "SKIPPED: faults in system calls: {}",
                fs::read_to_string(&log).unwrap_or_default().trim()
            );
            return None;
        }
        Some(Self { strace: child, trace })
    }

    /// Takes the fault away again; says whether it ever struck.
    pub fn remove(self) -> bool {
        let trace = self.trace.clone();
        drop(self);
        let trace = fs::read(trace).unwrap_or_default();
        let trace = String::from_utf8_lossy(&trace);
        trace.contains("(INJECTED)") || trace.contains("SIGKILL")
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        // Asked to end, it lets go of the daemon first; killed, the kernel does.
        let _ = kill(pid_of(&self.strace), Signal::SIGTERM);
        if !wait::at_most(LETTING_GO, || self.strace.try_wait().is_ok_and(|ended| ended.is_some())) {
            let _ = self.strace.kill();
        }
        let _ = self.strace.wait();
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BareRepo, Verdict};

    #[test]
    fn a_fault_goes_although_strace_hangs() {
        let daemon = Daemon::start();
        let repository = BareRepo::guarded_by(&daemon);
        let work = repository.working_copy().pushing_as("alice");
        work.commit("something");
        let Some(fault) = Fault::into(&daemon, "fdatasync:error=EIO", None) else { return };
        kill(pid_of(&fault.strace), Signal::SIGSTOP).unwrap();
        fault.remove();
        assert_eq!(work.push(["+HEAD:refs/heads/feature/x"]).verdict(), Verdict::Permitted);
    }
}
