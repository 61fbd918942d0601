//! Canaries: that Bitbucket has stopped asking is noticed, whatever the cause, and not knowing is never taken for well.

use oam_audit::entry::{CanaryOutcome, CanaryTried, Event};
use oam_tests::{
    BitbucketServer,
    bitbucket_server::{Global, Permission},
    wait,
};

use crate::install::World;

fn every_second(server: &BitbucketServer, token: &str, more: &str) -> String {
    format!(
        "[bitbucket]\nurl = \"{}\"\ntoken_file = \"{token}\"\nnetwork = \"loopback\"\n\
         [bitbucket.canary]\nevery = \"1s\"\n{more}\n[http]\nlisten = \"127.0.0.1:0\"\n",
        server.url()
    )
}

fn guarded() -> World {
    World::installed(|server, token| every_second(server, token, ""))
}

impl World {
    /// What the audit log says of canaries in `DEMO/app`.
    fn canaries(&self) -> Vec<CanaryTried> {
        let entries = self.daemon.audit().entries;
        let canary = |event| match event {
            Event::CanaryTried(canary) if canary.repository == "DEMO/app" => Some(canary),
            _ => None,
        };
        entries.into_iter().filter_map(|entry| canary(entry.event)).collect()
    }

    fn until_the_last_is(&self, outcome: CanaryOutcome) -> CanaryTried {
        wait::until("a canary comes out so", || {
            self.canaries().last().filter(|last| last.outcome == outcome).cloned()
        })
    }

    fn daemon_status(&self) -> (i32, String) {
        let status = self.daemon.oam(["status"]);
        (status.code, status.stdout_text())
    }
}

#[test]
fn a_canary_is_refused_by_a_decision_in_our_log() {
    let world = guarded();
    let refused = world.until_the_last_is(CanaryOutcome::Refused);
    let audit = world.daemon.audit();
    let decisions = audit.decisions();
    let decision = decisions.iter().find(|one| Some(&one.decision.decision) == refused.decision.as_ref());
    let decision = decision.expect("the decision is in the log");
    assert_eq!(decision.updates[0].name.to_text(), refused.branch.as_str());
    assert_eq!(decision.updates[0].reasons[0].rule.as_deref(), Some("oam:canary"));
    assert_eq!(world.server.refs("DEMO/app"), ["refs/heads/main"]);
    assert_eq!(world.daemon_status().0, 0);
    let shown = world.status().stdout_text();
    assert!(shown.contains("canaries: last refused at"), "{shown}");
    // That it goes on is no news.
    assert_eq!(world.canaries().iter().filter(|one| one.outcome == CanaryOutcome::Refused).count(), 1);
}

#[test]
fn hook_scripts_that_silently_do_not_run_are_an_alarm_at_once() {
    let world = guarded();
    world.until_the_last_is(CanaryOutcome::Refused);
    world.server.feature_hook_scripts(false);
    let accepted = world.until_the_last_is(CanaryOutcome::Accepted);
    assert_eq!((accepted.decision, accepted.detail.as_deref()), (None, Some("it was deleted again")));
    let (code, status) = world.daemon_status();
    assert_eq!(code, 1, "{status}");
    assert!(status.contains("ALARM: CHANGES ARE NOT CHECKED in DEMO/app"), "{status}");
    let metrics = crate::observing::get(&world.daemon, "/metrics").1;
    assert!(metrics.contains("oam_canary_accepted 1"), "{metrics}");
    let tail = world.daemon.oam(["audit", "tail"]).stdout_text();
    assert!(tail.contains("canary: a forbidden branch in DEMO/app WENT IN"), "{tail}");

    world.server.feature_hook_scripts(true);
    world.until_the_last_is(CanaryOutcome::Refused);
    assert_eq!(world.daemon_status().0, 0);
    wait::until("no canary is left", || (world.server.refs("DEMO/app") == ["refs/heads/main"]).then_some(()));
}

/// Somebody follows the alarm, and is faster than the daemon: what is gone need not be deleted, and the next canary is tried.
#[test]
fn a_canary_that_somebody_deletes_first_is_over() {
    let world = guarded();
    world.until_the_last_is(CanaryOutcome::Refused);
    world.server.delete_first(true);
    world.server.feature_hook_scripts(false);
    let accepted = world.until_the_last_is(CanaryOutcome::Accepted);
    assert_eq!(accepted.detail.as_deref(), Some("somebody deleted it"));
    world.server.feature_hook_scripts(true);
    world.until_the_last_is(CanaryOutcome::Refused);
    assert_eq!(world.daemon_status().0, 0);
}

#[test]
fn a_registration_that_vanished_is_an_alarm() {
    let world = guarded();
    world.until_the_last_is(CanaryOutcome::Refused);
    world.server.disable_all("DEMO");
    world.until_the_last_is(CanaryOutcome::Accepted);
    let status = world.status();
    assert_eq!(status.code, 1);
    assert!(status.stdout_text().contains("WENT IN"), "{}", status.stdout_text());
}

/// Where the canary's user may not even try, or Bitbucket is down, nothing is proved, and that is not well.
#[test]
fn what_cannot_be_tried_is_unknown_and_becomes_an_alarm() {
    let world = World::installed(|server, token| {
        // A repository that has no commit.
        server.add_repository("EMPTY/app");
        server.permit("kim", "EMPTY", Permission::Read);
        every_second(server, token, "alarm_after = \"1s\"")
    });
    world.until_the_last_is(CanaryOutcome::Refused);
    world.server.permit("kim", "DEMO", Permission::Read);
    let unknown = world.until_the_last_is(CanaryOutcome::Unknown);
    let why = unknown.detail.unwrap();
    assert!(why.contains("not asked") && why.contains("not permitted"), "{why}");
    wait::until("not knowing is an alarm", || {
        world.daemon_status().1.contains("nothing has proved that changes are checked").then_some(())
    });
    world.server.add_user("kim", Global::Admin);
    world.until_the_last_is(CanaryOutcome::Refused);
    world.server.answers(false);
    wait::until("a Bitbucket that is down is an alarm", || {
        world.daemon_status().1.contains("Bitbucket does not answer").then_some(())
    });
}

/// Whoever administers Bitbucket may take the daemon's right to look away, and the daemon may be started anew: a canary that went in
/// stays an alarm.
#[test]
fn an_alarm_is_silenced_neither_by_taking_a_right_away_nor_by_a_restart() {
    let mut world = guarded();
    world.until_the_last_is(CanaryOutcome::Refused);
    world.server.feature_hook_scripts(false);
    world.until_the_last_is(CanaryOutcome::Accepted);
    let (status, answer) =
        world.server.ask("root", "DELETE", "/projects/DEMO/permissions/users?name=kim", None);
    assert_eq!(status, 204, "{answer}");
    let both = |world: &World| {
        let text = world.daemon_status().1;
        let lost = text.contains("lists to the daemon's account no more, or never did: DEMO/app");
        (lost && text.contains("CHANGES ARE NOT CHECKED in DEMO/app")).then_some(())
    };
    wait::until("what is listed no more is an alarm", || both(&world));
    world.daemon.stop();
    world.daemon.spawn();
    wait::until("both are alarms after a restart", || both(&world));

    world.server.feature_hook_scripts(true);
    world.server.permit("kim", "DEMO", Permission::Write);
    world.until_the_last_is(CanaryOutcome::Refused);
    wait::until("all is well again", || (world.daemon_status().0 == 0).then_some(()));
}

/// Who is told by the log only learns of it as well.
#[test]
fn that_nothing_is_proved_for_long_is_told_in_the_log() {
    let world = World::installed(|server, token| every_second(server, token, "alarm_after = \"1s\""));
    world.until_the_last_is(CanaryOutcome::Refused);
    world.server.answers(false);
    let told = || {
        let entries = world.daemon.audit().entries.into_iter();
        let of_all = |event| match event {
            Event::CanaryTried(canary) if canary.repository == "**" => canary.detail,
            _ => None,
        };
        entries.filter_map(|entry| of_all(entry.event)).collect::<Vec<_>>()
    };
    wait::until("it is told", || told().last().filter(|why| why.contains("does not answer")).cloned());
}
