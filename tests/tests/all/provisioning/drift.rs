//! What others change in Bitbucket.

use oam_tests::bitbucket_server::{CredentialKind, Permission};

use super::World;

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
    // `root` and the first administrator of PAY were there before OAM was.
    let drift = |more: &[&str]| world.oam("drift", more);
    let found = drift(&[]);
    assert_eq!(found.code, 1, "{found:?}");
    assert_eq!(found.stdout_text().lines().filter(|line| line.starts_with("  ")).count(), 2, "{found:?}");
    world.server.permit_everybody("WEB", Permission::Write);
    world.server.restrict("PAY", "read-only", "refs/heads/main", &[]);
    world.server.restrict("PAY/api", "no-deletes", "refs/heads/**", &["boss"]);
    world.server.permit("ada", "PAY", Permission::Read);
    world.server.add_credential("ada", CredentialKind::Token, "ci", None);
    world.server.add_credential("bob", CredentialKind::Ssh, "laptop", Some(30));
    world.server.add_credential("carl", CredentialKind::Ssh, "old", None);
    world.daemon.deactivate("carl").expect_success("cut off");
    insta::assert_snapshot!(drift(&["--credentials"]).stdout_text(), @"
    Gone, and still there (6)
      user:carl still has the SSH key 3 `old`: `carl` was cut off
      user:carl still has licensed-user: `carl` was cut off
      PAY: user:carl still has admin: `carl` was cut off
      WEB: user:carl still has read: `carl` was cut off
      WEB/shop: user:carl still has write: `carl` was cut off
      user:carl is still in the group eng: `carl` was cut off
    Administers Bitbucket, and not by the policy (1)
      user:root has sys-admin, and no rule gives admin in every project
    Granted by nobody (1)
      PAY: user:boss has admin, and no rule gives it
    For everybody (1)
      WEB: everybody who is signed in has write
    Not as the policy says (1)
      PAY: user:ada has read in place of write: rule `topics`, role `developer`
    Branch restrictions that are not for everybody (1)
      PAY/api: no-deletes on refs/heads/**, but not for boss
    Branch restrictions beside the policy (1)
      PAY: read-only on refs/heads/main
    Never ends (1)
      user:ada HTTP token 1 `ci` never ends
    Not used for long (1)
      user:ada HTTP token 1 `ci` was made long ago, and is not known to have been used
    14 findings. `oam bitbucket apply` mends 7.
    ");
    // Without them nobody's keys are asked for but those of whoever is gone.
    let before = world.server.requests().len();
    drift(&["--json"]);
    let asked = world.server.requests().split_off(before);
    assert!(!asked.iter().any(|one| one.ends_with("users/ada")), "{asked:?}");
    assert!(asked.iter().all(|one| one.starts_with("GET ")), "looking changes nothing: {asked:?}");
}
