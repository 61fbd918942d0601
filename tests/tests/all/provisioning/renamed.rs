//! Who is called otherwise than before, and who has the name of another one. Bitbucket's number of an account is what stays.

use oam_audit::entry::{BitbucketChanged, ChangeStage};
use oam_tests::bitbucket_server::{CredentialKind, Global};

use super::{PEOPLE, Person, World, directory};

impl World {
    fn told_by_drift(&self) -> String {
        self.oam("drift", &[]).stdout_text()
    }

    /// The account that drift says how to accept, as it is printed.
    fn to_accept(&self) -> String {
        let drift = self.told_by_drift();
        let (_, pair) = drift.split_once("--accept-accounts=").unwrap_or_else(|| panic!("{drift}"));
        pair.split('`').next().unwrap().to_owned()
    }

    fn has_as_much_as(&self, name: &str, before: &[String], called: &str) -> bool {
        let known = self.server.given();
        let mut other: Vec<_> =
            before.iter().map(|one| one.replace(&format!(" {called} "), &format!(" {name} "))).collect();
        other.sort();
        known == other
    }
}

/// Whoever is renamed before they leave is nobody whom a source knows by that name.
#[test]
fn a_leaver_loses_all_under_another_name_too() {
    let world = World::applied("");
    let token = world.server.add_credential("carl", CredentialKind::Token, "ci", None);
    world.server.add_credential("carl", CredentialKind::Ssh, "laptop", None);
    world.server.rename("carl", "carl.old");
    world.leave(&["carl"]);
    let plan = world.plan();
    let told = "user:carl.old loses the HTTP token 1 `ci` (`carl.old`, which was `carl`, is deactivated in the directory)";
    assert!(plan.contains(told), "{plan}");
    let watched = world.oam("watch", &[]).expect_success("oam bitbucket watch");
    assert!(world.has_nothing("carl.old") && !world.server.has_token(&token), "{watched:?}");
    assert_eq!(world.ended(ChangeStage::Failed), 0);
    // What was given under the old name is forgotten.
    world.apply().expect_success("the rest");
    assert!(world.planned().is_empty(), "{:?}", world.planned());
    // A second name changes nothing.
    world.server.add_credential("carl.old", CredentialKind::Token, "again", None);
    world.server.rename("carl.old", "c.older");
    world.oam("watch", &[]).expect_success("oam bitbucket watch");
    assert!(world.has_nothing("c.older"));
}

/// Cut off by command, under a name that was noted before the daemon was started anew.
#[test]
fn who_was_renamed_is_known_after_a_restart() {
    let mut world = World::applied("");
    world.server.add_credential("bob", CredentialKind::Token, "ci", None);
    world.server.rename("bob", "robert");
    world.daemon.kill();
    world.daemon.spawn();
    world.daemon.deactivate("bob").expect_success("cut off");
    world.oam("watch", &[]).expect_success("oam bitbucket watch");
    assert!(world.has_nothing("robert"), "{:?}", world.server.given());
}

/// Still employed, and upstream the old name: to the policy they are nobody, and what they have stays.
#[test]
fn a_colleague_who_was_renamed_loses_nothing_by_itself() {
    let world = World::applied("automatic = [\"leavers\", \"give\", \"take\"]");
    world.server.add_credential("carl", CredentialKind::Token, "ci", None);
    let before = world.server.given();
    world.server.rename("carl", "carla");
    world.oam("watch", &[]).expect_success("oam bitbucket watch");
    assert!(world.has_as_much_as("carla", &before, "carl"), "{:?}", world.server.given());
    assert_eq!(
        (world.server.credentials("carla"), world.server.groups_of("carla")),
        (1, vec!["eng".to_owned()])
    );
    let drift = world.told_by_drift();
    let told = "user:carla is let in, and no source knows the account, which was `carl`: it is in `eng`";
    assert!(drift.contains(told), "{drift}");
    // Upstream the name follows. A file has nothing but names: by that `carl` is gone, and whoever has the account must be looked at.
    let follows = directory(&PEOPLE).replace("\"carl\"", "\"carla\"");
    world.daemon.import(&follows);
    world.oam("watch", &[]).expect_success("oam bitbucket watch");
    assert!(world.has_as_much_as("carla", &before, "carl"), "{:?}", world.server.given());
    let drift = world.told_by_drift();
    assert!(drift.contains("this account was `carl`, who is gone"), "{drift}");
    let carla = world.to_accept();
    assert!(carla.starts_with("carla="), "{carla}");
    // Who names another number accepts nothing.
    let refused = world.oam("apply", &["--accept-accounts", "carla=999999"]);
    assert!(refused.stderr_text().contains("no account `carla` with the number 999999"), "{refused:?}");
    world
        .oam("apply", &["--accept-accounts", &carla])
        .expect_success("oam bitbucket apply --accept-accounts");
    assert!(world.has_as_much_as("carla", &before, "carl"), "{:?}", world.server.given());
    let drift = world.told_by_drift();
    assert!(!drift.contains("carla"), "{drift}");
    // And whoever gets the old name then is nobody's double.
    world.server.add_user("carl", Global::Licensed);
    assert!(!world.told_by_drift().contains("told apart"), "{}", world.told_by_drift());
    // What was given to them before is ours under the new name, too.
    let nothing: [Person; 5] = PEOPLE.map(|one| match one.0 {
        "carl" => ("carla", true, &[][..]),
        _ => one,
    });
    world.daemon.import(&directory(&nothing));
    world.oam("watch", &[]).expect_success("oam bitbucket watch");
    let left = world.server.given();
    assert!(!left.iter().any(|one| one.contains(" carla ")), "{left:?}");
}

/// A name that was given to another account: what whoever was known by it is to lose is not theirs to lose.
#[test]
fn a_name_that_another_account_has_is_told_and_nothing_is_done() {
    let world = World::applied("");
    world.server.add_credential("carl", CredentialKind::Token, "ci", None);
    world.server.rename("carl", "carl.old");
    world.server.add_user("carl", Global::Licensed);
    world.server.add_credential("carl", CredentialKind::Token, "new", None);
    world.leave(&["carl"]);
    let watched = world.oam("watch", &[]);
    assert_eq!(watched.code, 1, "{watched:?}");
    assert!(watched.stdout_text().contains("another account was known by this name"), "{watched:?}");
    assert!(world.has_nothing("carl.old"), "{:?}", world.server.given());
    assert_eq!(world.server.credentials("carl"), 1);
    let drift = world.told_by_drift();
    assert!(drift.contains("user:carl is told apart from whoever has that name"), "{drift}");
    // Nor does a run by somebody, unless they say whose it is.
    world.apply();
    assert_eq!(world.server.credentials("carl"), 1);
    // By a plan that is refused nobody is accepted.
    let (file, carl) = (world.folder.path().join("plan.json"), world.to_accept());
    let plan = || file.to_str().unwrap();
    world.oam("plan", &["--out", plan()]);
    world.server.add_credential("carl", CredentialKind::Ssh, "later", None);
    let refused = world.oam("apply", &["--accept-accounts", &carl, plan()]);
    assert!(refused.stderr_text().contains("nothing was done"), "{refused:?}");
    let is_accepted = || !world.told_by_drift().contains("told apart");
    assert!(!is_accepted() && world.server.credentials("carl") == 2);
    world.oam("plan", &["--out", plan()]);
    world.oam("apply", &["--accept-accounts", &carl, plan()]).expect_success("it is theirs");
    let is_one = |one: &BitbucketChanged| one.step == "accept-account" && one.user.as_deref() == Some("carl");
    assert_eq!(world.recorded().iter().filter(|(_, one)| is_one(one)).count(), 1);
    assert!(world.has_nothing("carl") && is_accepted(), "{}", world.told_by_drift());
}

/// In another Bitbucket, as somebody says, the number was another one's.
#[test]
fn after_a_move_nothing_is_taken_from_who_has_the_number_of_a_leaver() {
    let world = World::applied("");
    world.server.rename("lena", "svc-build");
    world.server.add_user("lena", Global::Licensed);
    world.server.add_credential("svc-build", CredentialKind::Token, "ci", None);
    world.leave(&["lena"]);
    let plan = world.plan();
    assert!(plan.contains("user:svc-build loses the HTTP token"), "{plan}");
    world.oam("apply", &["--accept-accounts", "all"]).expect_success("after a move");
    world.oam("watch", &[]).expect_success("the next round");
    assert_eq!(world.server.credentials("svc-build"), 1);
    assert!(world.has_nothing("lena"), "{:?}", world.server.given());
    let why = |one: &BitbucketChanged| (one.step == "accept-account").then(|| one.because.clone());
    let why: Vec<_> = world.recorded().iter().filter_map(|(_, one)| why(one)).collect();
    assert!(why.contains(&"its number was that of `lena` in another Bitbucket".to_owned()), "{why:?}");
}

/// What was kept may be older than the account that has the name now.
#[test]
fn whose_a_name_is_is_read_anew_before_anything_is_taken() {
    let world = World::applied("");
    let seen = world.folder.path().join("seen.json");
    let watch = || world.oam("watch", &["--seen", seen.to_str().unwrap(), "--seen-within", "1h"]);
    watch().expect_success("what is there is kept");
    world.server.rename("carl", "carl.old");
    world.server.add_user("carl", Global::Licensed);
    world.server.add_credential("carl", CredentialKind::Token, "new", None);
    world.leave(&["carl"]);
    let watched = watch();
    assert!(watched.stdout_text().contains("another account was known by this name"), "{watched:?}");
    assert_eq!(world.server.credentials("carl"), 1);
}

/// Whoever goes might be called as somebody who is to come.
#[test]
fn a_leaver_under_a_name_that_is_known_is_given_nothing() {
    let world = World::applied("automatic = [\"leavers\", \"give\"]");
    let before = world.server.given();
    world.server.rename("lena", "newcomer");
    world.leave(&["lena"]);
    let watched = world.oam("watch", &[]);
    assert_eq!(watched.code, 1, "{watched:?}");
    assert!(watched.stdout_text().contains("this account was `lena`, who is gone"), "{watched:?}");
    assert!(world.has_as_much_as("newcomer", &before, "lena"), "{:?}", world.server.given());
    assert!(world.told_by_drift().contains("user:newcomer is told apart"), "{}", world.told_by_drift());
}
