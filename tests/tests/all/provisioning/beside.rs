//! Others who change something at the same time: another run, and people.

use std::process::Stdio;

use oam_audit::entry::ChangeStage;
use oam_tests::{
    bitbucket_server::{Global, Permission},
    wait,
};

use super::{GIVEN, World, world};

/// A round of `watch` finds a change that `apply` is about to make: it is not there, and may be a moment later.
#[test]
fn a_watch_beside_an_apply_leaves_what_that_gives_known() {
    let world = world("");
    world.server.pause_after(5);
    let mut apply = world.command("apply", &[]);
    let mut apply = apply.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait::until("the sixth change is asked for", || (world.changes() == 6).then_some(()));
    world.oam("watch", &[]).expect_success("oam bitbucket watch");
    world.server.comes_back();
    assert!(apply.wait().unwrap().success(), "it goes on whatever the other one said");
    assert_eq!(world.server.given(), GIVEN);
    assert_eq!((world.ended(ChangeStage::Done), world.ended(ChangeStage::Unknown)), (10, 1));
    // All of it is ours: it can be taken again.
    world.now(&[("Ada", true, &[]), ("bob", true, &[])]);
    let planned = world.planned();
    assert!(
        planned.contains(&"- WEB: user:bob loses read (no rule gives it any more)".to_owned()),
        "{planned:?}"
    );
    assert_eq!(planned.len(), 6, "{planned:?}");
}

/// A file that keeps what was read, and how it is named.
struct Kept(String);

impl World {
    fn kept(&self) -> Kept {
        let kept = Kept(self.folder.path().join("seen.json").to_str().unwrap().to_owned());
        self.oam("watch", &kept.arguments()).expect_success("a first round");
        kept
    }
}

impl Kept {
    fn arguments(&self) -> [&str; 4] {
        ["--seen", &self.0, "--seen-within", "1h"]
    }
}

const ALL: &str = "automatic = [\"leavers\", \"give\", \"take\"]\nmax_removed = \"100%\"";

#[test]
fn what_others_gave_since_it_was_looked_at_is_not_overwritten() {
    let world = World::applied(ALL);
    let kept = world.kept();
    // Lena develops now, too, and bob does no more; an administrator was faster with both.
    world.server.permit_in("lena", "WEB/shop", Permission::Admin);
    world.server.permit("bob", "PAY", Permission::Admin);
    world.now(&[("lena", true, &["okta:leads", "okta:eng"]), ("bob", true, &[])]);
    let watched = world.oam("watch", &kept.arguments());
    assert_eq!(watched.code, 1, "{watched:?}");
    for line in [
        "NOT done: WEB/shop: user:lena gets write: somebody changed it meanwhile: it is admin now; plan again",
        "NOT done: PAY: user:bob loses write: somebody changed it meanwhile: it is admin now; plan again",
        "done: WEB: user:bob loses read",
    ] {
        assert!(watched.stderr_text().contains(line), "{line}: {watched:?}");
    }
    let given = world.server.given();
    assert!(
        given.contains(&"WEB/shop lena Admin".into()) && given.contains(&"PAY bob Admin".into()),
        "{given:?}"
    );
    // What was not made was not begun either.
    assert_eq!(world.ended(ChangeStage::Done), 13);
    // The next round knows: what others gave is theirs, and what they raised of ours is ours.
    world.oam("watch", &kept.arguments()).expect_success("another round");
    let given = world.server.given();
    assert!(given.contains(&"WEB/shop lena Admin".into()), "{given:?}");
    assert!(!given.iter().any(|one| one.contains("bob")), "{given:?}");
}

#[test]
fn the_last_administrator_is_the_last_by_what_is_there_now() {
    let world = World::applied(ALL);
    let kept = world.kept();
    // Nobody leads any more. By what was kept `boss` administers PAY besides.
    let (status, _) = world.server.ask("root", "DELETE", "/projects/PAY/permissions/users?name=boss", None);
    assert_eq!(status, 204);
    world.now(&[("carl", true, &[]), ("lena", true, &[])]);
    let watched = world.oam("watch", &kept.arguments());
    assert_eq!(watched.code, 1, "{watched:?}");
    let told = "PAY: user:lena loses admin: nobody else would administer PAY: give that to somebody first";
    assert!(watched.stderr_text().contains(told), "{watched:?}");
    let admins: Vec<_> = world.server.given().into_iter().filter(|one| one.ends_with("Admin")).collect();
    assert_eq!(admins, ["PAY lena Admin"]);
}

#[test]
fn the_last_who_administers_bitbucket_is_the_last_by_what_is_there_now() {
    let world = World::applied(ALL);
    world.server.add_user("lena", Global::SysAdmin);
    let kept = world.kept();
    // By what was kept `root` administers Bitbucket besides.
    world.server.add_user("root", Global::Licensed);
    world.now(&[("lena", false, &[])]);
    let watched = world.oam("watch", &kept.arguments());
    assert_eq!(watched.code, 1, "{watched:?}");
    let told = "everywhere: user:lena loses sys-admin: nobody else would administer Bitbucket: give that to somebody first";
    assert!(watched.stderr_text().contains(told), "{watched:?}");
    // What somebody changed meanwhile is left to the next plan.
    world.server.add_user("root", Global::SysAdmin);
    let kept = Kept(world.folder.path().join("other.json").to_str().unwrap().to_owned());
    world.oam("plan", &kept.arguments()).expect_success("what is there is kept");
    world.server.add_user("lena", Global::Admin);
    let watched = world.oam("watch", &kept.arguments());
    let told = "everywhere: user:lena loses sys-admin: somebody changed it meanwhile: it is admin now; plan again";
    assert!(watched.stderr_text().contains(told), "{watched:?}");
    world.oam("watch", &kept.arguments()).expect_success("another round");
}

/// Whoever goes is the last but for a group in which nobody is left.
#[test]
fn a_group_in_which_nobody_is_left_administers_nothing() {
    let world = World::applied(ALL);
    world.server.add_group("owners", &["carl", "svc-oam"]);
    world.server.permit_group("owners", "WEB", Permission::Admin);
    world.server.permit("lena", "WEB", Permission::Admin);
    world.now(&[("carl", false, &[]), ("lena", false, &[])]);
    let watched = world.oam("watch", &[]);
    assert_eq!(watched.code, 1, "{watched:?}");
    for held in ["WEB: user:lena loses admin", "user:carl leaves group:owners"] {
        let told = format!("{held}: nobody else would administer WEB: give that to somebody first");
        assert!(watched.stdout_text().contains(&told), "{told}: {watched:?}");
    }
    assert_eq!(world.server.groups_of("carl"), ["owners"]);
}
