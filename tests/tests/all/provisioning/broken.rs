//! Whatever stops in the middle, and whoever asks too often or may not.

use std::{fs, process::Stdio};

use oam_audit::entry::{BitbucketChanged, ChangeStage};
use oam_tests::{
    Daemon,
    bitbucket_server::{CredentialKind, Permission},
    wait,
};

use super::{GIVEN, World, world};

/// Whoever is gone is gone, also where another source is late: nothing else is given or taken then.
#[test]
fn a_late_source_keeps_nobodys_doors_open() {
    let mut world = World::applied("");
    world.server.permit("ada", "WEB", Permission::Admin);
    world.server.add_credential("carl", CredentialKind::Ssh, "old", None);
    world.daemon.deactivate("carl").expect_success("cut off");
    let config = std::fs::read_to_string(world.daemon.config_file()).unwrap();
    std::fs::write(world.daemon.config_file(), config + "\n[directory]\nmax_age = \"1s\"\n").unwrap();
    world.daemon.stop();
    world.daemon.spawn();
    let plan = wait::until("the directory is stale", || {
        Some(world.plan()).filter(|plan| plan.contains("only those who are gone are: nobody can say"))
    });
    assert!(plan.contains("carl") && !plan.contains("ada") && !plan.contains("boss"), "{plan}");
    let drift = world.oam("drift", &[]);
    assert!(drift.code == 1 && drift.stderr_text().contains("drift is not looked for"), "{drift:?}");
    // Nor is what is not looked for a round that failed.
    let watched = world.oam("watch", &["--drift-every", "1s"]);
    assert!(watched.code == 0 && watched.stderr_text().contains("drift is not looked for"), "{watched:?}");
    let given = world.server.given();
    assert!(!given.iter().any(|one| one.contains(" carl ")), "{given:?}");
    assert!(given.contains(&"WEB ada Admin".into()) && given.contains(&"WEB lena Read".into()), "{given:?}");
    assert_eq!(world.server.credentials("carl"), 0);
}

#[test]
fn bitbucket_that_goes_away_in_the_middle_is_asked_again_for_what_is_left() {
    let world = world("");
    world.server.end_after(4);
    let broken = world.apply();
    assert_eq!(broken.code, 4, "{broken:?}");
    assert_eq!((world.ended(ChangeStage::Done), world.ended(ChangeStage::Unknown)), (4, 1));
    world.server.comes_back();
    assert_eq!(world.planned().len(), 7);
    // A node that only reads changes nothing, and says so.
    world.server.read_only(true);
    assert_eq!(world.apply().code, 3);
    world.server.comes_back();
    world.apply().expect_success("the rest");
    assert_eq!(world.server.given(), GIVEN);
    assert_eq!(world.ended(ChangeStage::Done), 11);
    // All of it is known to be ours, whatever was unknown in between.
    world.now(&[("Ada", true, &[]), ("bob", true, &[])]);
    assert_eq!(world.planned().len(), 6, "{:?}", world.planned());
}

#[test]
fn whoever_is_killed_in_the_middle_leaves_nothing_that_nobody_knows_of() {
    let mut world = world("");
    // The sixth change is made, and whoever asked for it is never answered.
    world.server.hold_after(5);
    let mut apply = world.command("apply", &[]);
    let mut apply = apply.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait::until("six changes were made", || (world.changes() == 6).then_some(()));
    apply.kill().unwrap();
    apply.wait().unwrap();
    world.server.comes_back();
    // The daemon, too.
    world.daemon.kill();
    world.daemon.spawn();
    let plan = world.plan();
    assert!(plan.contains("1 change was begun and interrupted"), "{plan}");
    let applied = world.apply().expect_success("what is left");
    assert_eq!(applied.stdout_text(), "5 changes made.\n");
    assert_eq!(world.server.given(), GIVEN);
    assert_eq!(world.ended(ChangeStage::Done), 11);
    let found = world.recorded().into_iter().filter_map(|(_, one)| one.detail).collect::<Vec<_>>();
    assert_eq!(found, ["found after an interruption"]);
}

/// Whatever was begun: what Bitbucket refused a short while ago is not tried again for that.
#[test]
fn after_a_round_that_was_killed_what_is_tried_once_a_day_is_not_tried_sooner() {
    let world = World::applied("");
    world.server.add_group("a-403", &["bob"]);
    world.server.group_is_read_only("a-403", 403);
    world.leave(&["bob"]);
    let file = world.folder.path().join("seen.json");
    let seen = ["--seen", file.to_str().unwrap(), "--seen-within", "1h"];
    assert_eq!(world.oam("watch", &seen).code, 1);
    world.leave(&["bob", "carl"]);
    let before = world.changes();
    world.server.hold_after(0);
    let mut watch = world.command("watch", &seen);
    let mut watch = watch.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait::until("a change was made", || (world.changes() == before + 1).then_some(()));
    watch.kill().unwrap();
    watch.wait().unwrap();
    world.server.comes_back();
    let watched = world.oam("watch", &seen);
    assert!(watched.code == 1 && world.has_nothing("carl"), "{watched:?}");
    let recorded = world.recorded();
    let found = |one: &BitbucketChanged| one.detail.as_deref() == Some("found after an interruption");
    assert!(recorded.iter().any(|(_, one)| found(one)), "{recorded:?}");
    let tries =
        |one: &BitbucketChanged| one.stage == ChangeStage::Begun && one.group.as_deref() == Some("a-403");
    assert_eq!(recorded.iter().filter(|(_, one)| tries(one)).count(), 1, "{watched:?}");
}

#[test]
fn too_much_asking_is_waited_for_and_a_token_that_may_not_is_told() {
    let world = world("");
    let asked = |world: &World| world.server.requests().len();
    let before = asked(&world);
    world.plan();
    let usual = u32::try_from(asked(&world) - before).unwrap();
    world.server.limit_rate(usual - 2);
    world.plan();
    world.server.says_when(false);
    world.server.limit_rate(usual - 2);
    world.plan();
    // Whoever may not administer is told so, and nothing is taken for missing that they are not shown.
    fs::write(world.folder.path().join("token"), world.server.token("ada")).unwrap();
    let refused = world.oam("plan", &[]);
    assert_eq!(refused.code, 5, "{refused:?}");
}

#[test]
fn what_rests_on_nothing_is_not_planned() {
    let world = world("");
    // A daemon that is told nothing of permissions keeps none.
    let other = Daemon::start();
    let token = world.folder.path().join("token");
    let token = token.to_str().unwrap();
    let task =
        ["bitbucket", "plan", "--url", world.server.url(), "--network", "loopback", "--token-file", token];
    let refused = other.oam(task);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr_text().contains("[bitbucket.provisioning]"), "{refused:?}");
}
