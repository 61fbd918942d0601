//! Whoever keeps Bitbucket without being asked is missed when they stop, also by a daemon that was started anew.

use std::{fs, process::Stdio};

use oam_audit::entry::Event;
use oam_tests::{bitbucket_server::CredentialKind, wait};

use super::World;

impl World {
    /// What `oam status` says of whoever keeps Bitbucket.
    fn missed(&self) -> Option<String> {
        let status = self.daemon.oam(["status"]).stdout_text();
        status.lines().find(|line| line.contains("has done no round since")).map(str::to_owned)
    }

    /// While `oam bitbucket watch` runs.
    fn watches(&self, meanwhile: impl FnOnce(&Self)) {
        let mut oam = self.command("watch", &["--every", "1h"]);
        let mut watch = oam.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        meanwhile(self);
        watch.kill().unwrap();
        watch.wait().unwrap();
    }

    /// How often it was told that they are missed.
    fn told_as_missed(&self) -> usize {
        let entries = self.daemon.audit().entries.into_iter();
        let found = entries.filter_map(|entry| match entry.event {
            Event::BitbucketDrift(drift) => Some(drift.found),
            _ => None,
        });
        found.flatten().filter(|one| one.finding == "watch-overdue").count()
    }
}

#[test]
fn a_watch_that_stopped_is_missed_and_one_that_runs_is_not() {
    let mut world = World::applied("[http]\nlisten = \"127.0.0.1:0\"\n");
    // Who comes once, by hand or by a timer, is not expected.
    world.oam("watch", &[]).expect_success("oam bitbucket watch");
    let file = world.daemon.state().join("watched");
    assert!(!file.exists() && world.missed().is_none());

    world.watches(|world| {
        wait::until("a round is done", || file.exists().then_some(()));
        assert_eq!(world.missed(), None);
    });
    assert!(fs::read_to_string(&file).unwrap().contains(r#""every":3600,"told":false"#));

    // Four hours later, the daemon was away meanwhile.
    world.daemon.kill();
    let text = fs::read_to_string(&file).unwrap();
    let at: i64 = text.split([':', ',']).nth(1).unwrap().parse().unwrap();
    fs::write(&file, text.replace(&at.to_string(), &(at - 4 * 3_600).to_string())).unwrap();
    world.daemon.spawn();
    let missed = world.missed().expect("a warning");
    assert!(missed.contains("was to do one every 3600 seconds: nobody takes what leavers have"), "{missed}");
    wait::until("it is told", || (world.told_as_missed() == 1).then_some(()));
    let overdue = |world: &World| {
        let metrics = crate::observing::get(&world.daemon, "/metrics").1;
        let line = metrics.lines().find(|line| line.starts_with("oam_bitbucket_watch_overdue_seconds "));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).expect("the metric")
    };
    assert!(overdue(&world) > 3_000.0);
    // It stays so over another start, and is told once.
    world.daemon.kill();
    world.daemon.spawn();
    assert!(world.missed().is_some());
    world.watches(|world| {
        wait::until("it is back", || world.missed().is_none().then_some(()));
        assert!(overdue(world) < 1.0);
    });
    assert_eq!(world.told_as_missed(), 1);
}

/// What is too much at once stands in a journal that nobody reads: whoever is gone has what they had, round after round.
#[test]
fn leavers_whom_a_round_left_are_told_until_they_are_out() {
    let world = World::applied("[http]\nlisten = \"127.0.0.1:0\"\n");
    let gone = ["Ada", "bob", "carl", "lena"];
    for user in gone {
        world.server.add_credential(&user.to_lowercase(), CredentialKind::Token, "ci", None);
    }
    world.now(&gone.map(|name| (name, false, &[][..])));
    let alarm = |world: &World| {
        let status = world.daemon.oam(["status"]).stdout_text();
        status.lines().find(|line| line.contains("WHO IS GONE IS NOT OUT")).map(str::to_owned)
    };
    let told = |world: &World| {
        let entries = world.daemon.audit().entries.into_iter();
        let found = entries.filter_map(|entry| match entry.event {
            Event::BitbucketDrift(drift) => Some(drift.found),
            _ => None,
        });
        found.flatten().filter(|one| one.finding == "watch-left").map(|one| one.detail).collect::<Vec<_>>()
    };
    assert_eq!(alarm(&world), None);
    world.watches(|world| {
        let alarm = wait::until("a round is done", || alarm(world));
        assert!(
            alarm.starts_with("ALARM: ") && alarm.contains("left something to 4 who are gone."),
            "{alarm}"
        );
        let told = wait::until("it is told", || Some(told(world)).filter(|told| !told.is_empty()));
        assert!(told.len() == 1 && told[0].contains("left something to 4 who are gone."), "{told:?}");
    });
    let metrics = crate::observing::get(&world.daemon, "/metrics").1;
    assert!(
        metrics.contains("oam_bitbucket_watch_left 4") && metrics.contains("oam_bitbucket_watch_unread 0"),
        "{metrics}"
    );
    world.oam("apply", &["--yes-really"]);
    world.watches(|world| wait::until("they are out", || alarm(world).is_none().then_some(())));
    assert_eq!(told(&world).len(), 1);
}

/// A round that ends early leaves them as well.
#[test]
fn leavers_whom_a_round_left_that_ended_early_are_told() {
    let world = World::applied("max_removed = \"100%\"");
    let gone = ["ada", "bob", "carl", "lena"];
    for user in gone {
        world.server.add_credential(user, CredentialKind::Token, "ci", None);
    }
    world.leave(&["Ada", "bob", "carl", "lena"]);
    world.server.stumble_at("DELETE /rest/access-tokens", 403);
    world.watches(|world| {
        wait::until("it is told", || {
            let status = world.daemon.oam(["status"]).stdout_text();
            status.contains("left something to 4 who are gone.").then_some(())
        });
    });
    assert!(gone.iter().all(|user| world.server.credentials(user) == 1), "it ended early");
}

#[test]
fn nobody_is_expected_so_seldom_that_nobody_would_be_missed() {
    let world = World::applied("");
    let mut oam = world.command("watch", &["--every", "30d"]);
    let said = world.folder.path().join("said");
    oam.stdout(Stdio::null()).stderr(fs::File::create(&said).unwrap());
    let mut watch = oam.spawn().unwrap();
    wait::until("it is said", || {
        let text = fs::read_to_string(&said).unwrap();
        text.contains("a round is expected at least every 7 days").then_some(())
    });
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert!(!world.daemon.state().join("watched").exists());
}
