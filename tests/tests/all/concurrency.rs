//! Many at once.

use std::thread;

use oam_tests::{BareRepo, Daemon, HookConfig, Verdict};

#[test]
fn fifty_pushes_at_once_are_fifty_decisions() {
    const COUNT: usize = 50;
    let daemon = Daemon::start();
    let prepared: Vec<_> = (0..COUNT)
        .map(|number| {
            let repository = BareRepo::with(&HookConfig::plain(&daemon, &format!("DEMO/app-{number}")));
            let user = if number % 5 == 4 { "mallory" } else { "alice" };
            let work = repository.working_copy().pushing_as(user);
            let tip = work.commit(&format!("in {number}"));
            (repository, work, tip, user)
        })
        .collect();
    let outputs: Vec<_> = thread::scope(|scope| {
        let pushes: Vec<_> = prepared
            .iter()
            .map(|(_, work, ..)| scope.spawn(|| work.push(["HEAD:refs/heads/main", "HEAD:refs/tags/v1"])))
            .collect();
        pushes.into_iter().map(|push| push.join().unwrap()).collect()
    });
    let log = daemon.audit();
    assert_eq!(log.decisions().len(), COUNT);
    for (number, ((repository, _, tip, user), output)) in prepared.iter().zip(&outputs).enumerate() {
        let expected = if *user == "alice" { Verdict::Permitted } else { Verdict::Refused };
        assert_eq!(output.verdict(), expected, "{number}: {output:?}");
        let permitted = log.permits(&format!("DEMO/app-{number}"), "refs/heads/main", tip);
        assert_eq!(permitted, *user == "alice");
        assert_eq!(repository.tip("refs/heads/main").is_some(), *user == "alice");
    }
}

/// Somebody is cut off while pushes run: whatever was decided after the command came back is refused.
#[test]
fn a_deactivation_holds_for_every_push_after_it() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let copies: Vec<_> = (0..4)
        .map(|number| {
            let work = repository.working_copy().pushing_as("alice");
            work.commit(&format!("by {number}"));
            work
        })
        .collect();
    let cut_off = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for (number, work) in copies.iter().enumerate() {
            let cut_off = &cut_off;
            scope.spawn(move || {
                for round in 0..15 {
                    let was_cut_off = cut_off.load(std::sync::atomic::Ordering::SeqCst);
                    let output = work.push([format!("HEAD:refs/heads/feature/{number}-{round}")]);
                    match output.verdict() {
                        Verdict::Permitted => assert!(!was_cut_off, "pushed after being cut off: {output:?}"),
                        Verdict::Refused => {}
                        Verdict::Undecided => panic!("{output:?}"),
                    }
                }
            });
        }
        thread::sleep(std::time::Duration::from_millis(300));
        daemon.deactivate("alice").expect_success("oam user deactivate");
        cut_off.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    daemon.audit();
}
