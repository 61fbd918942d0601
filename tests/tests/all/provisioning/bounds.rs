//! What is never done, and what only where somebody says so.

use oam_tests::bitbucket_server::Permission;

use super::{PEOPLE, Person, World, world};

#[test]
fn the_last_administrator_and_the_account_itself_stay_in() {
    let world = world("adopt = [\"PAY\"]");
    // Nobody leads any more: `boss` is the last who administers PAY, and no rule says so.
    world.now(&[("carl", true, &["okta:eng"]), ("lena", true, &[])]);
    world.server.permit("svc-oam", "PAY", Permission::Admin);
    let applied = world.apply();
    assert_eq!(applied.code, 1, "{applied:?}");
    assert!(applied.stdout_text().contains("nobody else would administer PAY"), "{applied:?}");
    let given = world.server.given();
    assert!(
        given.contains(&"PAY boss Admin".into()) && given.contains(&"PAY svc-oam Admin".into()),
        "{given:?}"
    );
    assert!(given.contains(&"PAY ada Write".into()), "the rest is done: {given:?}");
    // Somebody else leads: then it goes, once they have it.
    world.now(&[("carl", true, &["okta:eng"])]);
    assert_eq!(world.apply().code, 1);
    let given = world.server.given();
    assert!(
        given.contains(&"PAY boss Admin".into()) && given.contains(&"PAY lena Admin".into()),
        "{given:?}"
    );
    world.apply().expect_success("somebody else leads");
    let given = world.server.given();
    assert!(
        !given.contains(&"PAY boss Admin".into()) && given.contains(&"PAY lena Admin".into()),
        "{given:?}"
    );
}

#[test]
fn too_much_at_once_takes_somebody_who_says_so() {
    let world = World::applied("");
    let gone: Vec<Person> = PEOPLE.iter().map(|(name, ..)| (*name, false, &[][..])).collect();
    world.now(&gone);
    let before = world.changes();
    let refused = world.apply();
    assert_eq!((refused.code, world.changes()), (1, before), "{refused:?}");
    assert!(refused.stderr_text().contains("people would lose all that they have"), "{refused:?}");
    let watched = world.oam("watch", &[]);
    assert_eq!((watched.code, world.changes()), (1, before), "{watched:?}");
    world.oam("apply", &["--yes-really"]).expect_success("it is meant");
    assert_eq!(world.server.given(), ["PAY boss Admin"]);
}

#[test]
fn only_what_is_allowed_is_done_without_being_asked() {
    let world = World::applied("");
    world.now(&[("carl", false, &[]), ("bob", true, &[]), ("lena", true, &["okta:leads", "okta:eng"])]);
    let planned = world.planned();
    assert_eq!(planned.iter().filter(|line| line.contains("carl")).count(), 5, "{planned:?}");
    let watched = world.oam("watch", &[]).expect_success("oam bitbucket watch");
    assert!(watched.stderr_text().contains("4 changes are left"), "{watched:?}");
    let left = world.planned();
    assert!(left.len() == 4 && !left.iter().any(|line| line.contains("carl")), "{left:?}");
}
