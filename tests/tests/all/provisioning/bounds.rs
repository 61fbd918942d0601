//! What is never done, and what only where somebody says so.

use oam_tests::bitbucket_server::{Global, Permission};

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
fn too_much_at_once_takes_somebody_who_says_so_and_holds_up_nothing_else() {
    let world = World::applied("automatic = [\"leavers\", \"give\"]\n");
    let gone: Vec<Person> =
        PEOPLE.iter().filter(|one| one.0 != "newcomer").map(|(name, ..)| (*name, false, &[][..])).collect();
    world.now(&gone);
    let before = world.changes();
    let refused = world.apply();
    assert_eq!((refused.code, world.changes()), (1, before), "{refused:?}");
    let told = "Too much at once, so 18 changes not made: 4 of 8 people would lose all that they have, which is more than 10 %.";
    assert!(refused.stdout_text().contains(told), "{refused:?}");
    // Somebody joins all the same.
    world.server.add_user("newcomer", Global::Licensed);
    let watched = world.oam("watch", &[]);
    assert_eq!((watched.code, world.changes()), (1, before + 3), "{watched:?}");
    assert!(world.server.given().contains(&"PAY newcomer Write".into()), "{watched:?}");
    world.oam("apply", &["--yes-really"]).expect_success("it is meant");
    assert_eq!(
        world.server.given(),
        ["PAY boss Admin", "PAY newcomer Write", "WEB newcomer Read", "WEB/shop newcomer Write"]
    );
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
