//! Who joins, moves and leaves; groups, and sign-ins that write them.

use oam_audit::entry::ChangeStage;
use oam_tests::bitbucket_server::{CredentialKind, Global, Permission};

use super::{World, world};

#[test]
fn who_joins_moves_and_leaves() {
    let world = World::applied("");
    // Joined: an account is there at last.
    world.server.add_user("newcomer", Global::Licensed);
    // Moved: bob is no developer any more, and leads.
    world.now(&[("bob", true, &["okta:leads"])]);
    let planned = world.planned();
    assert_eq!(
        planned,
        [
            "~ PAY: user:bob gets admin in place of write (rule `lead-pay`, role `lead`)",
            "+ PAY: user:newcomer gets write (rule `topics`, role `developer`)",
            "+ WEB: user:newcomer gets read (rule `see`, role `developer`)",
            "+ WEB/shop: user:newcomer gets write (rule `shop`, role `developer`)",
            "- WEB/shop: user:bob loses write (no rule gives it any more)",
        ]
    );
    world.apply().expect_success("joined and moved");
    assert!(world.planned().is_empty());
    // Left: with a token, keys, a permission that somebody gave by hand, and a group.
    for kind in [CredentialKind::Ssh, CredentialKind::Gpg, CredentialKind::Token] {
        world.server.add_credential("carl", kind, "carl's", None);
    }
    world.server.permit_in("carl", "PAY/api", Permission::Admin);
    world.now(&[("carl", false, &[]), ("bob", true, &["okta:leads"])]);
    world.apply().expect_success("left");
    assert_eq!((world.server.credentials("carl"), world.server.groups_of("carl")), (0, vec![]));
    assert!(!world.server.given().iter().any(|one| one.contains("carl")), "{:?}", world.server.given());
    let steps: Vec<_> = world
        .recorded()
        .into_iter()
        .filter(|(_, one)| one.stage == ChangeStage::Begun && one.user.as_deref() == Some("carl"))
        .map(|(_, one)| one.step)
        .skip_while(|step| step == "permit")
        .collect();
    let order = ["delete-token", "delete-ssh-key", "delete-gpg-key", "revoke-global"];
    assert_eq!(steps[..4], order);
    assert_eq!(steps[4..], ["revoke", "revoke", "revoke", "revoke", "leave-group"]);
    // Re-hired, as a lead: what the policy gives a lead, and nothing of what was there.
    world.now(&[("carl", true, &["okta:leads"]), ("bob", true, &["okta:leads"])]);
    let planned = world.planned();
    assert_eq!(planned.len(), 2, "{planned:?}");
    world.apply().expect_success("hired again");
    assert_eq!((world.server.credentials("carl"), world.server.groups_of("carl")), (0, vec![]));
    world.ended(ChangeStage::Done);
}

#[test]
fn where_sign_ins_write_groups_these_are_left_alone() {
    let world = World::applied("jit = true");
    world.daemon.deactivate("carl").expect_success("cut off");
    let plan = world.plan();
    assert!(plan.contains("Left in their groups, which Bitbucket writes at each sign-in: carl."), "{plan}");
    world.apply().expect_success("cut off");
    assert_eq!(world.server.groups_of("carl"), ["eng"]);
    assert!(!world.server.given().iter().any(|one| one.contains("carl")));
}

#[test]
fn groups_are_given_permissions_where_bitbucket_has_them() {
    let world = world("groups = [\"okta\"]");
    // `leads` is no group there: its people are.
    world.apply().expect_success("oam bitbucket apply");
    let given = world.server.given();
    assert_eq!(
        given,
        [
            "PAY @eng Write",
            "PAY boss Admin",
            "PAY carl Admin",
            "PAY lena Admin",
            "WEB @eng Read",
            "WEB carl Read",
            "WEB lena Read",
            "WEB/shop @eng Write"
        ]
    );
}
