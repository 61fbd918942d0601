//! Others who change something at the same time: another run, and people.

use std::{process::Stdio, thread};

use oam_audit::entry::ChangeStage;
use oam_tests::{
    Finished,
    bitbucket_server::{CredentialKind, Global, Permission},
    wait,
};

use super::{GIVEN, POLICY, World, world};

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
    let told =
        "everywhere: user:lena loses sys-admin: somebody changed it meanwhile: it is admin now; plan again";
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

impl World {
    /// Runs a task that waits before its change of that number, counted from now, is made; tells what came of it.
    fn interrupted(&self, task: &str, at: usize, meanwhile: impl FnOnce()) -> Finished {
        let wanted = self.changes() + at;
        self.server.pause_after(at - 1);
        thread::scope(|scope| {
            let run = scope.spawn(|| self.oam(task, &[]));
            wait::until("that change is asked for", || (self.changes() == wanted).then_some(()));
            meanwhile();
            self.server.comes_back();
            run.join().unwrap()
        })
    }
}

#[test]
fn a_long_run_gives_nobody_what_was_withdrawn_meanwhile() {
    let world = world("");
    let applied =
        world.interrupted("apply", 5, || drop(world.daemon.deactivate("lena").expect_success("cut off")));
    assert_eq!(applied.code, 1, "{applied:?}");
    let told = "NOT done: WEB: user:lena gets read: `lena` may not act any more (cut-off): plan again";
    assert!(applied.stderr_text().contains(told), "{applied:?}");
    let given = world.server.given();
    assert!(
        given.contains(&"PAY lena Admin".into()) && !given.contains(&"WEB lena Read".into()),
        "{given:?}"
    );
    assert!(given.contains(&"WEB/shop carl Write".into()), "the rest is done: {given:?}");
    // What was refused was never begun.
    assert_eq!(world.ended(ChangeStage::Done), 10);
}

#[test]
fn a_long_run_ends_where_another_policy_is_in_force() {
    let world = world("");
    let in_force = |what: &str| world.daemon.oam(["policy", "show"]).stdout_text().contains(what);
    let applied = world.interrupted("apply", 5, || {
        world.daemon.write_policy(&POLICY.replace("\"shop\"", "\"market\""));
        wait::until("another policy is in force", || in_force("market").then_some(()));
    });
    assert_eq!(applied.code, 1, "{applied:?}");
    assert!(applied.stderr_text().contains("another policy is in force now"), "{applied:?}");
    assert!(applied.stderr_text().contains("plan again"), "{applied:?}");
    // The one that had begun is the last one.
    assert_eq!((world.changes(), world.ended(ChangeStage::Done)), (5, 5));
    world.apply().expect_success("by the policy that is in force");
    assert_eq!(world.server.given(), GIVEN);
}

#[test]
fn from_one_who_is_back_meanwhile_nothing_more_is_taken() {
    let world = World::applied("");
    for label in ["ci", "cd"] {
        world.server.add_credential("carl", CredentialKind::Token, label, None);
    }
    world.daemon.deactivate("carl").expect_success("cut off");
    let back = ["user", "reactivate", "carl", "--reason", "is back"];
    let watched = world.interrupted("watch", 1, || drop(world.daemon.oam(back).expect_success("is back")));
    assert_eq!(watched.code, 1, "{watched:?}");
    let told =
        "NOT done: user:carl loses the HTTP token 2 `cd`: `carl` is not gone any more (active): plan again";
    assert!(watched.stderr_text().contains(told), "{watched:?}");
    assert_eq!((world.server.credentials("carl"), world.server.groups_of("carl")), (1, vec!["eng".into()]));
    assert_eq!(world.server.given(), GIVEN);
}

/// As long as somebody may do anything they can make a token.
#[test]
fn a_token_that_is_made_while_the_rest_is_taken_is_deleted_as_well() {
    let world = World::applied("");
    world.server.add_credential("carl", CredentialKind::Token, "ci", None);
    world.daemon.deactivate("carl").expect_success("cut off");
    let watched = world.interrupted("watch", 3, || {
        world.server.add_credential("carl", CredentialKind::Token, "late", None);
    });
    assert_eq!(watched.code, 0, "{watched:?}");
    assert!(watched.stderr_text().contains("done: user:carl loses the HTTP token 1 `late`"), "{watched:?}");
    assert_eq!(world.server.credentials("carl"), 0);
}

#[test]
fn what_is_there_again_is_not_forgotten() {
    let world = World::applied(ALL);
    let kept = Kept(world.folder.path().join("seen.json").to_str().unwrap().to_owned());
    let path = "/projects/WEB/permissions/users?name=lena";
    assert_eq!(world.server.ask("root", "DELETE", path, None).0, 204);
    world.now(&[("lena", true, &[])]);
    let plan = world.oam("plan", &kept.arguments()).stdout_text();
    assert!(plan.contains("WEB: user:lena has no longer what we gave: forget that"), "{plan}");
    world.server.permit("lena", "WEB", Permission::Write);
    let watched = world.oam("watch", &kept.arguments());
    assert_eq!(watched.code, 1, "{watched:?}");
    let told = "forget that: somebody changed it meanwhile: it is write now; plan again";
    assert!(watched.stderr_text().contains(told), "{watched:?}");
    // It is known as ours.
    world.apply().expect_success("another round");
    assert!(!world.server.given().iter().any(|one| one.contains("lena")), "{:?}", world.server.given());
}

/// Who else administers is looked at right before the change, wherever it stood: by name, or in a group.
#[test]
fn who_else_administers_is_looked_at_again() {
    let world = World::applied(ALL);
    world.server.add_group("owners", &["carl", "bob"]);
    world.server.permit_group("owners", "WEB", Permission::Admin);
    world.server.permit("lena", "WEB", Permission::Admin);
    world.server.add_project("OPS");
    world.server.add_group("staff", &["ada"]);
    world.server.permit_group("staff", "OPS", Permission::Admin);
    world.server.permit("boss", "OPS", Permission::Admin);
    world.now(&[("Ada", false, &[]), ("lena", false, &[]), ("carl", true, &[])]);
    let kept = Kept(world.folder.path().join("seen.json").to_str().unwrap().to_owned());
    world.oam("plan", &kept.arguments()).expect_success("what is there is kept");
    // Then bob is in that group no more, and OPS has no other administrator.
    world.server.add_group("owners", &[]);
    let path = "/projects/OPS/permissions/users?name=boss";
    assert_eq!(world.server.ask("root", "DELETE", path, None).0, 204);
    let watched = world.oam("watch", &kept.arguments());
    assert_eq!(watched.code, 1, "{watched:?}");
    for not in [
        "WEB: user:lena loses admin: nobody else would administer WEB",
        "user:ada leaves group:staff: nobody else would administer OPS",
    ] {
        assert!(watched.stderr_text().contains(&format!("NOT done: {not}")), "{not}: {watched:?}");
    }
    assert_eq!(world.server.groups_of("ada"), ["staff"]);
    assert!(world.server.given().contains(&"WEB lena Admin".into()), "{:?}", world.server.given());
}
