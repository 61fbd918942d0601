//! The daemon dies, or its disk fails, at an exact system call of a push.

use oam_tests::{BareRepo, Daemon, Verdict, faults::Fault};

use crate::soak;

/// What a push makes the daemon do: take the connection, read the question, hand work from thread to thread, write the
/// log, make it durable, answer, close; and beside it write a checkpoint.
const CALLS: [&str; 11] = [
    "accept4",
    "recvfrom",
    "epoll_wait",
    "futex",
    "write",
    "fdatasync",
    "writev",
    "close",
    "shutdown",
    "fsync",
    "rename",
];

#[test]
fn killed_at_every_call_of_a_push() {
    let deepest = if soak() { 60 } else { 6 };
    let mut daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    let mut killed = 0;
    let mut killed_and_permitted = 0;
    for call in CALLS {
        for when in 1..=deepest {
            let tip = work.commit(&format!("{call} {when}"));
            let Some(fault) = Fault::into(&daemon, &format!("{call}:signal=KILL:when={when}"), None) else {
                return;
            };
            let output = work.push(["+HEAD:refs/heads/feature/x"]);
            fault.remove();
            let alive = daemon.is_alive();
            if !alive {
                killed += 1;
                daemon.kill();
                daemon.spawn();
            }
            let verdict = output.verdict();
            assert_ne!(verdict, Verdict::Refused, "{call} {when}: an outage is no refusal: {output:?}");
            if verdict == Verdict::Permitted {
                let recorded = daemon.audit().permits("DEMO/app", "refs/heads/feature/x", &tip);
                assert!(recorded, "killed at {call} {when}, and yet git took what nobody recorded");
                killed_and_permitted += u32::from(!alive);
            } else {
                assert!(!alive, "{call} {when}: {output:?}");
            }
            if alive {
                break;
            }
        }
    }
    eprintln!("killed at {killed} places; at {killed_and_permitted} of them the answer was out already");
    assert!(killed >= 5, "hardly a kill hit: {killed}");
}

/// The kernel may say of any write that the disk is broken: then nothing was recorded, and nothing is permitted.
#[test]
fn what_is_not_durable_is_not_permitted() {
    let mut daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    let log = oam_tests::audit::newest_segment(&daemon.state().join("audit"));
    for fault in ["fdatasync:error=EIO", "write:error=ENOSPC", "write:error=EIO"] {
        let before = work.commit(&format!("before {fault}"));
        assert_eq!(work.push(["+HEAD:refs/heads/feature/x"]).verdict(), Verdict::Permitted);
        let Some(injected) = Fault::into(&daemon, fault, Some(&log)) else { return };
        work.commit(fault);
        let output = work.push(["+HEAD:refs/heads/feature/x"]);
        assert_eq!(output.verdict(), Verdict::Undecided, "{fault}: {output:?}");
        assert_eq!(repository.tip("refs/heads/feature/x"), Some(before), "{fault}");
        assert!(output.remote().contains("audit-unavailable"), "{fault}: {output:?}");
        assert!(injected.remove(), "{fault} never struck");
        // Whatever it needs to go on, a restart is enough, and the log is in order.
        daemon.kill();
        daemon.spawn();
        let tip = work.commit(&format!("after {fault}"));
        assert_eq!(work.push(["+HEAD:refs/heads/feature/x"]).verdict(), Verdict::Permitted, "{fault}");
        assert!(daemon.audit().permits("DEMO/app", "refs/heads/feature/x", &tip));
    }
}
