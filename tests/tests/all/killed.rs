//! kill -9 of the daemon while people push: whatever git took, the audit log permits, durably.

use std::{
    env,
    thread::{sleep, spawn},
    time::Duration,
};

use oam_tests::{BareRepo, Daemon, Verdict};

use crate::soak;

/// xorshift64*: enough to spread moments, and the same ones for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

#[test]
fn whatever_git_took_is_permitted_in_the_log() {
    let seed = env::var("OAM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_123);
    let mut random = Random(seed);
    let rounds = if soak() { 500 } else { 40 };
    let mut daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);

    // The moment of the kill homes in on the moment of the answer, however slow the machine is just now: later after a
    // push that the kill forestalled, earlier after one that it missed.
    let mut moment = 50_000;
    let mut verdicts = [0_u32; 2];
    for round in 0..rounds {
        let tip = work.commit(&format!("round {round}"));
        let mut push = work.command();
        push.args(["push", "--no-progress", "origin", "HEAD:refs/heads/main"]);
        push.arg(format!("HEAD:refs/heads/feature/{round}"));
        let pushing = spawn(move || oam_tests::PushOutput { git: oam_tests::Run::run(&mut push) });
        sleep(Duration::from_micros(moment / 2 + random.below(moment)));
        daemon.kill();
        let output = pushing.join().unwrap();
        daemon.spawn();

        let log = daemon.audit();
        match output.verdict() {
            Verdict::Permitted => {
                verdicts[0] += 1;
                moment = (moment * 4 / 5).max(500);
                for name in ["refs/heads/main", &format!("refs/heads/feature/{round}")] {
                    assert_eq!(repository.tip(name).as_deref(), Some(&*tip));
                    assert!(
                        log.permits("DEMO/app", name, &tip),
                        "seed {seed}, round {round}: {name} at {tip}"
                    );
                }
            }
            Verdict::Undecided => {
                verdicts[1] += 1;
                moment = (moment * 5 / 4).min(10_000_000);
            }
            Verdict::Refused => panic!("seed {seed}, round {round}: an outage is no refusal: {output:?}"),
        }
    }
    eprintln!("{rounds} kills: {} pushes permitted, {} undecided", verdicts[0], verdicts[1]);
    assert!(verdicts.iter().all(|count| *count > 0), "the kills hit nothing: {verdicts:?}");

    // After all that it goes on, and every ref there is has its entry.
    assert_eq!(work.push(["HEAD:refs/heads/feature/last"]).verdict(), Verdict::Permitted);
    let log = daemon.audit();
    for line in repository.refs() {
        let (tip, name) = line.split_once(' ').unwrap();
        assert!(log.permits("DEMO/app", name, tip), "{line}");
    }
    assert_eq!(
        daemon.oam(["audit", "verify", "--dir", daemon.state().join("audit").to_str().unwrap()]).code,
        0
    );
}

#[test]
fn a_graceful_stop_loses_nothing_either() {
    let mut daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    for round in 0..3 {
        let tip = work.commit(&format!("round {round}"));
        assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
        daemon.stop();
        assert!(daemon.audit().permits("DEMO/app", "refs/heads/main", &tip));
        assert_eq!(work.push(["HEAD:refs/heads/feature/x"]).verdict(), Verdict::Undecided);
        daemon.spawn();
    }
}

/// What a crash in the middle of a write leaves behind is cut off, told of, and not built upon.
#[test]
fn a_torn_last_line_of_the_audit_log_is_repaired() {
    use std::io::Write as _;
    let mut daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    let one = work.commit("one");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    daemon.kill();
    let log = oam_tests::audit::newest_segment(&daemon.state().join("audit"));
    let mut file = std::fs::File::options().append(true).open(log).unwrap();
    file.write_all(br#"{"v":1,"seq":99,"time":"2026"#).unwrap();
    drop(file);
    daemon.spawn();
    work.commit("two");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    let audit = daemon.audit();
    assert_eq!(audit.report.torn_tail_bytes, 0);
    assert!(audit.permits("DEMO/app", "refs/heads/main", &one));
    let repaired =
        |entry: &oam_audit::entry::Entry| matches!(entry.event, oam_audit::entry::Event::LogRepaired(_));
    assert!(audit.entries.iter().any(repaired), "the repair is recorded");
}
