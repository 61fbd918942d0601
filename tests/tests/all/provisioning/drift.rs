//! What others change in Bitbucket.

use oam_audit::entry::{BitbucketDrift, Event};
use oam_tests::bitbucket_server::{CredentialKind, Permission};

use super::World;

impl World {
    /// What was found that had not been there before, as the audit log has it.
    fn drifted(&self) -> Vec<BitbucketDrift> {
        let entries = self.daemon.audit().entries.into_iter();
        let drift = entries.filter_map(|entry| match entry.event {
            Event::BitbucketDrift(drift) => Some(drift),
            _ => None,
        });
        drift.collect()
    }
}

#[test]
fn what_a_careless_administrator_does_is_told_and_mended_as_far_as_it_is_ours() {
    let world = World::applied("");
    world.server.permit("backup", "WEB", Permission::Admin);
    world.server.permit("boss", "WEB", Permission::Write);
    world.server.permit("ada", "WEB", Permission::Admin);
    let plan = world.plan();
    // What we gave and somebody raised is ours to lower; what somebody gave is theirs; what is ignored is not looked at.
    assert_eq!(
        world.planned(),
        ["~ WEB: user:ada gets read in place of admin (rule `see`, role `developer`)"]
    );
    assert!(plan.contains("WEB: user:boss has write, and is granted nothing"), "{plan}");
    assert!(!plan.contains("backup"), "{plan}");
    // A plan that was kept does nothing else than it says.
    let file = world.folder.path().join("plan.json");
    let file = file.to_str().unwrap();
    world.oam("plan", &["--out", file]).expect_success("a plan that is kept");
    world.server.permit("ada", "PAY", Permission::Read);
    let before = world.changes();
    let refused = world.oam("apply", &[file]);
    assert_eq!((refused.code, world.changes()), (1, before), "{refused:?}");
    assert!(refused.stderr_text().contains("PAY: user:ada gets write in place of read"), "{refused:?}");
    world.oam("plan", &["--out", file]).expect_success("another plan");
    world.oam("apply", &[file]).expect_success("the plan that was read");
    assert!(world.planned().is_empty());
    let given = world.server.given();
    assert!(
        given.contains(&"WEB boss Write".into()) && given.contains(&"WEB backup Admin".into()),
        "{given:?}"
    );
}

#[test]
fn what_bitbucket_has_beside_the_policy_is_found() {
    let world = World::applied("");
    // `root` and the first administrator of PAY were there before OAM was, and no source knows either.
    let drift = |more: &[&str]| world.oam("drift", more);
    let found = drift(&[]);
    assert_eq!(found.code, 1, "{found:?}");
    assert_eq!(found.stdout_text().lines().filter(|line| line.starts_with("  ")).count(), 4, "{found:?}");
    world.server.permit_everybody("WEB", Permission::Write);
    world.server.restrict("PAY", "read-only", "refs/heads/main", &[]);
    world.server.restrict("PAY/api", "no-deletes", "refs/heads/**", &["boss"]);
    world.server.permit("ada", "PAY", Permission::Read);
    world.server.add_credential("ada", CredentialKind::Token, "ci", None);
    world.server.add_credential("bob", CredentialKind::Ssh, "laptop", Some(30));
    world.server.last_used("bob", "laptop", 1_750_000_000_000);
    world.server.add_credential("carl", CredentialKind::Ssh, "old", None);
    world.server.add_access_key("PAY", "deploy", true, None);
    world.server.add_access_key("PAY/api", "mirror", false, Some(30));
    world.server.add_token_of("WEB/site", "bot", None);
    world.daemon.deactivate("carl").expect_success("cut off");
    insta::assert_snapshot!(drift(&["--credentials"]).stdout_text(), @"
    Gone, and still there (6), mended by `oam bitbucket apply`
      user:carl still has the SSH key 3 `old`: `carl` was cut off
      user:carl still has licensed-user: `carl` was cut off
      PAY: user:carl still has admin: `carl` was cut off
      WEB: user:carl still has read: `carl` was cut off
      WEB/shop: user:carl still has write: `carl` was cut off
      user:carl is still in the group eng: `carl` was cut off
    Let in, and known to no source (2), mended by `oam bitbucket apply --fix unknown-account`
      user:boss is let in, and no source knows the account: it is in no group, and has neither token nor key
      user:root is let in, and no source knows the account: it is in no group, and has neither token nor key
    Administers Bitbucket, and not by the policy (1), mended by `oam bitbucket apply --fix administers`
      user:root has sys-admin, and no rule gives admin in every project
    Granted by nobody (1), mended by `oam bitbucket apply --fix not-granted`
      PAY: user:boss has admin, and no rule gives it
    For everybody (1), mended by `oam bitbucket apply --fix everybody`
      WEB: everybody who is signed in has write
    Not as the policy says (1), mended by `oam bitbucket apply`
      PAY: user:ada has read in place of write: rule `topics`, role `developer`
    Branch restrictions that are not for everybody (1), mended by `oam bitbucket apply --fix exemption`
      PAY/api: no-deletes on refs/heads/**, but not for boss
    Branch restrictions beside the policy (1), mended by `oam bitbucket apply --fix restriction`
      PAY: read-only on refs/heads/main
    Access keys that write (1), mended by `oam bitbucket apply --fix key-writes`
      PAY: access key 1 `deploy` may write, whoever has it
    Never ends (3), mended by `oam bitbucket apply --fix endless`
      user:ada HTTP token 1 `ci` never ends
      PAY: access key 1 `deploy` never ends
      WEB/site: HTTP token 1 `bot` never ends
    Not used for long (5), mended by `oam bitbucket apply --fix unused`
      user:ada HTTP token 1 `ci` was made long ago, and is not known to have been used
      user:bob SSH key 2 `laptop` was last used long ago
      PAY: access key 1 `deploy` was made long ago, and is not known to have been used
      PAY/api: access key 2 `mirror` was made long ago, and is not known to have been used
      WEB/site: HTTP token 1 `bot` was made long ago, and is not known to have been used
    23 findings. `oam bitbucket apply` mends 7.
    ");
    // Without them nobody's keys are asked for but those of whoever is gone.
    let before = world.server.requests().len();
    drift(&["--json"]);
    let asked = world.server.requests().split_off(before);
    assert!(!asked.iter().any(|one| one.ends_with("users/ada")), "{asked:?}");
    assert!(asked.iter().all(|one| one.starts_with("GET ")), "looking changes nothing: {asked:?}");
}

/// Default permissions and access keys are nobody's: they are taken where the configuration says that what others gave is ours.
#[test]
fn what_is_nobodys_is_taken_where_it_was_adopted() {
    let world = World::applied("adopt = [\"WEB\"]\nautomatic = [\"take\"]");
    world.server.permit_everybody("WEB", Permission::Write);
    world.server.permit_everybody("PAY", Permission::Read);
    for (place, label, writes, expiry) in [
        ("WEB", "deploy", true, None),
        ("WEB/shop", "mirror", false, None),
        ("WEB/site", "ci", true, Some(30)),
        ("PAY", "theirs", true, None),
    ] {
        world.server.add_access_key(place, label, writes, expiry);
    }
    let default = "- WEB: everybody who is signed in loses write (no rule gives anything to everybody)";
    assert_eq!(world.planned(), [default]);
    let with_keys = world.oam("plan", &["--access-keys"]).expect_success("oam bitbucket plan").stdout_text();
    let key = "- WEB: the access key 1 `deploy` is deleted (it may write, whoever has it, and never ends)";
    assert!(with_keys.contains(default) && with_keys.contains(key), "{with_keys}");
    assert!(with_keys.contains("2 changes: 1 taken, 1 tokens or keys deleted."), "{with_keys}");
    let drift = world.oam("drift", &[]).stdout_text();
    assert!(
        drift.contains("For everybody (2)") && drift.contains("`oam bitbucket apply` mends 1."),
        "{drift}"
    );
    // Keys are never deleted without being asked.
    world.oam("watch", &[]).expect_success("oam bitbucket watch");
    let everybody = ["WEB", "PAY"].map(|project| world.server.everybody(project));
    assert_eq!(everybody, [None, Some(Permission::Read)]);
    assert_eq!(world.server.access_keys("WEB"), ["deploy"]);
    world.oam("apply", &["--access-keys"]).expect_success("oam bitbucket apply");
    let left = ["WEB", "WEB/shop", "WEB/site", "PAY"].map(|place| world.server.access_keys(place).len());
    assert_eq!(left, [0, 1, 1, 1]);
    let steps: Vec<_> = world.recorded().into_iter().rev().take(4).map(|(_, one)| one.step).collect();
    assert_eq!(steps, ["delete-access-key", "delete-access-key", "revoke-default", "revoke-default"]);
    world.ended(oam_audit::entry::ChangeStage::Done);
    assert!(world.oam("plan", &["--access-keys"]).stdout_text().contains("Nothing is to be done."));
}

/// What is new is told once: in the log, in red, to whoever listens, and counted; what stays is counted.
#[test]
fn what_is_new_is_an_alarm_and_what_stays_is_none() {
    let mut world = World::applied("[http]\nlisten = \"127.0.0.1:0\"\n");
    let status = |world: &World| {
        let status = world.daemon.oam(["status"]);
        (status.code, status.stdout_text())
    };
    let look =
        |world: &World| world.oam("watch", &["--drift-every", "6h"]).expect_success("oam bitbucket watch");
    assert_eq!(status(&world).0, 0);
    // `root`, and the first administrator of PAY.
    let told = look(&world).stderr_text();
    assert!(told.contains("4 findings beside the policy, 4 of them new"), "{told}");
    let (code, text) = status(&world);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains(
            "ALARM: Within a day Bitbucket got what the policy does not say: unknown-account 2, administers 1, not-granted 1."
        ),
        "{text}"
    );
    let first = world.drifted().remove(0);
    assert!(first.actor.starts_with("uid "), "{first:?}");
    assert_eq!((first.new, first.over, first.found.len()), (4, 0, 4));
    assert_eq!(
        (first.found[0].finding.as_str(), first.found[0].user.as_deref()),
        ("unknown-account", Some("boss"))
    );
    // The next rounds, also after a restart, have no news.
    look(&world);
    world.daemon.kill();
    world.daemon.spawn();
    look(&world);
    assert_eq!(world.drifted().len(), 1);
    // A careless administrator.
    world.server.permit_in("@eng", "PAY/api", Permission::Admin);
    world.server.permit_everybody("WEB", Permission::Write);
    let told = look(&world).stderr_text();
    assert!(told.contains("6 findings beside the policy, 2 of them new"), "{told}");
    let second = world.drifted().remove(1);
    let found: Vec<_> = second.found.iter().map(|one| one.finding.as_str()).collect();
    assert_eq!((second.new, second.over, found), (2, 0, vec!["not-granted", "everybody"]));
    assert_eq!(second.found[0].group.as_deref(), Some("eng"));
    let metrics = crate::observing::get(&world.daemon, "/metrics").1;
    for line in [
        "oam_bitbucket_drift{kind=\"not-granted\"} 2",
        "oam_bitbucket_drift{kind=\"everybody\"} 1",
        "oam_bitbucket_drift{kind=\"gone\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let tail = world.daemon.oam(["audit", "tail"]).stdout_text();
    assert!(
        tail.contains("drift: 2 things new: PAY/api: `eng` has admin, and no rule gives it [not-granted]"),
        "{tail}"
    );
    // That it goes further is news, however long it is known: a higher level, and one more person who is exempt.
    world.server.restrict("PAY", "read-only", "refs/heads/main", &["boss"]);
    look(&world);
    world.server.permit_in("@eng", "PAY/api", Permission::Write);
    world.server.permit_everybody("WEB", Permission::Admin);
    world.server.lift("read-only", "refs/heads/main");
    let many: Vec<_> = (0..400).map(|number| format!("somebody-{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    world.server.restrict("PAY", "read-only", "refs/heads/main", &many);
    look(&world);
    let further = world.drifted().split_off(2);
    let found = |one: &BitbucketDrift| one.found.iter().map(|one| one.finding.clone()).collect::<Vec<_>>();
    assert_eq!(found(&further[0]), ["exemption"]);
    assert_eq!(
        (further[1].over, found(&further[1])),
        (3, ["not-granted", "everybody", "exemption"].map(str::to_owned).to_vec())
    );
    // Keys were not looked at by anybody.
    world.server.add_access_key("PAY", "deploy", true, None);
    look(&world);
    assert_eq!(world.drifted().len(), 4);
    let keys = world.oam("drift", &["--credentials", "--tell"]);
    assert_eq!(keys.code, 1, "{keys:?}");
    let third = world.drifted().remove(4);
    let found: Vec<_> = third.found.iter().map(|one| one.finding.as_str()).collect();
    assert_eq!((third.over, found), (0, vec!["key-writes", "endless", "unused"]));
    // Where nobody looks at keys again they are not over.
    look(&world);
    assert_eq!(world.drifted().len(), 5);
}

/// Whoever is renamed before they are gone is nobody whom a source says is gone; and a group gives what its role is given.
#[test]
fn a_leaver_under_another_name_and_a_stranger_in_a_group_are_told() {
    let world = super::world("groups = [\"okta\"]");
    world.apply().expect_success("the first apply");
    world.oam("drift", &["--tell"]);
    world.server.rename("carl", "carl.old");
    world.server.add_credential("carl.old", CredentialKind::Token, "ci", None);
    world.server.add_user("eve", oam_tests::bitbucket_server::Global::Licensed);
    world.server.add_group("eng", &["ada", "bob", "carl.old", "eve"]);
    let drift = world.oam("drift", &["--tell", "--credentials"]).stdout_text();
    for line in [
        "user:carl.old is let in, and no source knows the account, which was `carl`: it is in `eng`, and has the HTTP token 1 `ci`",
        "user:eve is let in, and no source knows the account: it is in `eng`, and has neither token nor key",
        "user:eve is in the group eng, to which a role is mapped, and no source has them there",
    ] {
        assert!(drift.contains(line), "{line}: {drift}");
    }
    let status = world.daemon.oam(["status"]).stdout_text();
    assert!(status.contains("unknown-account 4, administers 1, group-member 2"), "{status}");
}

/// Of what the round itself mends nothing is told.
#[test]
fn what_a_round_mends_alarms_nobody() {
    let world = World::applied("automatic = [\"leavers\", \"give\", \"take\"]");
    world.oam("drift", &["--tell"]);
    world.server.permit("ada", "WEB", Permission::Write);
    world.server.add_credential("carl", CredentialKind::Ssh, "old", None);
    world.daemon.deactivate("carl").expect_success("cut off");
    world.oam("watch", &["--drift-every", "6h"]).expect_success("oam bitbucket watch");
    assert_eq!(world.drifted().len(), 1, "{:?}", world.drifted());
}

/// Whoever is held back, to keep somebody in, still has what they had: that is no matter for a journal only.
#[test]
fn a_leaver_who_is_the_last_administrator_is_found_as_gone() {
    let world = World::applied("");
    world.oam("drift", &["--tell"]);
    world.server.permit("carl", "WEB", Permission::Admin);
    world.server.add_credential("carl", CredentialKind::Token, "ci", None);
    world.now(&[("carl", false, &[])]);
    let watched = world.oam("watch", &["--drift-every", "6h"]);
    assert_eq!((watched.code, world.server.credentials("carl")), (1, 0), "{watched:?}");
    let second = world.drifted().remove(1);
    let found: Vec<_> = second.found.iter().map(|one| (one.finding.as_str(), one.user.as_deref())).collect();
    assert_eq!(found, [("gone", Some("carl"))]);
    let told = "still has admin: `carl` is deactivated in the directory; not done: nobody else would administer WEB: give that to somebody first";
    assert_eq!(second.found[0].detail, told);
    let drift = world.oam("drift", &[]).stdout_text();
    assert!(drift.contains(&format!("WEB: user:carl {told}")) && !drift.contains("mends"), "{drift}");
    let status = world.daemon.oam(["status"]).stdout_text();
    assert!(
        status.contains("ALARM: WHO IS GONE IS NOT OUT: they still have something in Bitbucket: gone 1."),
        "{status}"
    );
    // With another administrator they are out.
    world.server.permit("boss", "WEB", Permission::Admin);
    world.oam("watch", &["--drift-every", "6h"]).expect_success("the next round");
    world.oam("drift", &["--tell"]);
    let status = world.daemon.oam(["status"]).stdout_text();
    assert!(!status.contains("WHO IS GONE"), "{status}");
}

/// One thing that cannot be read stops the rest of the search, which is tried again in the next round and not hours later.
#[test]
fn what_came_to_nothing_is_looked_for_again_in_the_next_round() {
    let world = World::applied("");
    world.server.stumble_at("GET /rest/branch-permissions/latest/projects/PAY/restrictions", 500);
    let mut oam = world.command("watch", &["--every", "1s", "--drift-every", "6h"]);
    let said = world.folder.path().join("said");
    oam.stdout(std::process::Stdio::null()).stderr(std::fs::File::create(&said).unwrap());
    let mut watch = oam.spawn().unwrap();
    let has_said = |what: &str| std::fs::read_to_string(&said).unwrap().contains(what);
    oam_tests::wait::until("it stumbles", || has_said("restrictions").then_some(()));
    assert!(world.drifted().is_empty());
    world.server.comes_back();
    oam_tests::wait::until("it is found", || {
        has_said("4 findings beside the policy, 4 of them new").then_some(())
    });
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!(world.drifted().len(), 1);
}

/// A daemon that keeps no permissions is told nothing.
#[test]
fn without_permissions_to_keep_nobody_is_told() {
    let world = World::applied("");
    let other = oam_tests::Daemon::start();
    let mut oam = other.oam_command();
    let token = world.folder.path().join("token");
    oam.args([
        "bitbucket",
        "drift",
        "--tell",
        "--url",
        world.server.url(),
        "--network",
        "loopback",
        "--token-file",
    ]);
    oam.arg(token);
    let refused = oam_tests::Run::run(&mut oam);
    assert!(refused.code == 1 && refused.stderr_text().contains("[bitbucket.provisioning]"), "{refused:?}");
}
