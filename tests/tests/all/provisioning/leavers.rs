//! Those who go, where not all goes well.

use oam_audit::entry::ChangeStage;
use oam_tests::bitbucket_server::{CredentialKind, Global, Permission};

use super::{PEOPLE, Person, World};

impl World {
    /// These are not active any more.
    pub(super) fn leave(&self, names: &[&str]) {
        let gone: Vec<Person> = PEOPLE
            .iter()
            .filter(|one| names.contains(&one.0))
            .map(|(name, ..)| (*name, false, &[][..]))
            .collect();
        self.now(&gone);
    }

    pub(super) fn has_nothing(&self, name: &str) -> bool {
        let word = format!(" {name} ");
        !self.server.given().iter().any(|one| one.contains(&word))
            && (self.server.credentials(name), self.server.groups_of(name)) == (0, vec![])
    }

    /// In the middle of a run: what was read before is still believed.
    fn token_is_withdrawn(&self) {
        for right in ["/admin/users/remove-group", "/admin/permissions/"] {
            self.server.stumble_at(right, 401);
        }
    }
}

#[test]
fn one_of_whom_something_cannot_be_taken_holds_up_nobody_else() {
    let world = World::applied("max_removed = \"100%\"");
    for user in ["ada", "bob"] {
        world.server.add_credential(user, CredentialKind::Token, "ci", None);
        world.server.add_credential(user, CredentialKind::Ssh, "laptop", None);
    }
    world.leave(&["Ada", "bob", "carl"]);
    // Of ada's tokens Bitbucket says that they may not be deleted, and of bob's it gives no answer that is understood.
    world.server.stumble_at("DELETE /rest/access-tokens/latest/users/ada/", 403);
    world.server.stumble_at("DELETE /rest/access-tokens/latest/users/bob/", 500);
    let watched = world.oam("watch", &[]);
    assert_eq!(watched.code, 1, "{watched:?}");
    assert!(world.has_nothing("carl"), "{watched:?}");
    assert_eq!((world.ended(ChangeStage::Failed), world.ended(ChangeStage::Unknown)), (1, 1));
    // Of whom the widest door cannot be closed nothing else is done in this run, and that is told.
    let told = "user:ada loses the SSH key 2 `laptop`: not tried, since something before it could not be taken from them";
    assert!(watched.stdout_text().contains(told), "{watched:?}");
    world.server.comes_back();
    world.oam("watch", &[]).expect_success("the next round");
    assert!(["ada", "bob"].iter().all(|name| world.has_nothing(name)), "{:?}", world.server.given());
}

#[test]
fn what_fails_for_three_in_a_row_fails_for_all() {
    let world = World::applied("max_removed = \"100%\"");
    for user in ["ada", "bob", "carl", "lena"] {
        world.server.add_credential(user, CredentialKind::Token, "ci", None);
    }
    world.leave(&["Ada", "bob", "carl", "lena"]);
    world.server.stumble_at("DELETE /rest/access-tokens", 403);
    let before = world.changes();
    let watched = world.oam("watch", &[]);
    assert_eq!((watched.code, world.changes() - before), (5, 3), "{watched:?}");
    // Too much asking ends it at once.
    world.server.comes_back();
    world.server.stumble_at("DELETE /rest/access-tokens/latest/users/ada/", 429);
    let watched = world.oam("watch", &[]);
    assert_eq!((watched.code, world.server.credentials("bob")), (4, 1), "{watched:?}");
}

#[test]
fn one_whose_keys_cannot_be_read_is_told_and_loses_the_rest() {
    let world = World::applied("max_removed = \"100%\"");
    world.server.add_credential("bob", CredentialKind::Token, "ci", None);
    world.server.add_credential("bob", CredentialKind::Ssh, "laptop", None);
    world.leave(&["Ada", "bob"]);
    world.server.stumble_at("GET /rest/access-tokens/latest/users/bob", 500);
    let plan = world.plan();
    let told = "Gone, and what of theirs could not be read stays:\n  ! bob: reading each HTTP token of bob: ";
    assert!(plan.contains(told), "{plan}");
    let watched = world.oam("watch", &[]);
    assert_eq!(watched.code, 1, "{watched:?}");
    assert!(world.has_nothing("ada"), "{:?}", world.server.given());
    assert!(!world.server.given().iter().any(|one| one.contains("bob")), "{:?}", world.server.given());
    // What could be read is gone: the SSH key, and the groups.
    assert_eq!((world.server.credentials("bob"), world.server.groups_of("bob")), (1, vec![]));
    let drift = world.oam("drift", &[]).stdout_text();
    assert!(
        drift.contains("user:bob may still have what cannot be read: reading each HTTP token"),
        "{drift}"
    );
    world.server.comes_back();
    world.oam("watch", &[]).expect_success("the next round");
    assert!(world.has_nothing("bob"));
}

/// What cannot be read of anybody stays and is told, and everything else of everybody is taken.
#[test]
fn one_kind_of_key_that_cannot_be_read_keeps_no_other_door_open() {
    let world = World::applied("max_removed = \"100%\"");
    let gone = ["ada", "bob", "carl", "lena"];
    for user in gone {
        world.server.add_credential(user, CredentialKind::Token, "ci", None);
        world.server.add_credential(user, CredentialKind::Ssh, "laptop", None);
    }
    world.leave(&["Ada", "bob", "carl", "lena"]);
    world.server.stumble_at("GET /rest/ssh/latest/keys", 500);
    let file = world.folder.path().join("seen.json");
    let seen = ["--seen", file.to_str().unwrap(), "--seen-within", "1h"];
    let watched = world.oam("watch", &seen);
    assert_eq!(watched.code, 1, "{watched:?}");
    assert!(watched.stdout_text().contains("! lena: reading each SSH key of lena: "), "{watched:?}");
    assert_eq!(world.server.given(), ["PAY boss Admin"]);
    let left = gone.map(|user| (world.server.credentials(user), world.server.groups_of(user).len()));
    assert_eq!(left, [(1, 0); 4]);
    // Too much asking says nothing about anybody: it ends the round.
    world.server.stumble_at("GET /rest/gpg/latest/keys", 429);
    assert_eq!(world.oam("watch", &[]).code, 4);
    world.server.comes_back();
    // What was not read is not taken for read.
    world.oam("watch", &seen).expect_success("the next round");
    assert!(gone.iter().all(|user| world.has_nothing(user)));
}

/// Nobody knows what is there: nothing is given or taken, and everything else of everybody goes on.
#[test]
fn a_place_that_cannot_be_read_keeps_no_other_door_open() {
    let world = World::applied("max_removed = \"100%\"\nautomatic = [\"leavers\", \"give\", \"take\"]");
    world.server.add_group("owners", &["ada", "svc-oam"]);
    world.server.permit_group("owners", "PAY", Permission::Admin);
    for user in ["ada", "bob"] {
        world.server.add_credential(user, CredentialKind::Token, "ci", None);
    }
    world.oam("drift", &["--tell"]);
    world.leave(&["Ada", "bob"]);
    world.server.permit("carl", "PAY", Permission::Read);
    world.server.stumble_at("GET /rest/api/latest/projects/PAY/permissions/users", 500);
    let plan = world.plan();
    let told = "Could not be read, so nothing is given or taken there:\n  ! PAY: reading ";
    assert!(plan.contains(told) && !plan.contains("PAY: user:"), "{plan}");
    let watched = world.oam("watch", &["--drift-every", "6h"]);
    assert_eq!(watched.code, 1, "{watched:?}");
    let given = world.server.given();
    let left: Vec<_> = given.iter().filter(|one| one.contains(" ada ") || one.contains(" bob ")).collect();
    assert_eq!(left, ["PAY ada Write", "PAY bob Write"], "{watched:?}");
    assert!(given.contains(&"PAY carl Read".to_owned()), "{given:?}");
    assert_eq!((world.server.credentials("ada"), world.server.credentials("bob")), (0, 0));
    // Whoever may be the last in a group that may administer it stays there; in the other one somebody else is left.
    assert_eq!(
        (world.server.groups_of("ada"), world.server.groups_of("bob")),
        (vec!["owners".to_owned()], vec![])
    );
    assert!(
        watched.stdout_text().contains("user:ada leaves group:owners: nobody can say whether"),
        "{watched:?}"
    );
    let drift = world.oam("drift", &["--tell"]).stdout_text();
    assert!(drift.contains("PAY: is left as it is, since it could not be read: "), "{drift}");
    world.server.comes_back();
    // Somebody else administers PAY.
    world.oam("watch", &[]).expect_success("the next round");
    assert!(world.has_nothing("ada") && world.has_nothing("bob"), "{:?}", world.server.given());
    assert!(world.server.given().contains(&"PAY carl Admin".to_owned()));
}

/// Groups of a directory that Bitbucket only reads: what it answers then nobody knows. As much as may be taken at once is what it is
/// without a word.
#[test]
fn a_group_that_nobody_can_leave_holds_up_nothing_else() {
    let world = World::applied("");
    let gone = ["ada", "bob", "carl", "lena"];
    // Before `eng`, by their names.
    let groups = [("a-401", 401), ("a-403", 403), ("a-500", 500)];
    for (group, status) in groups {
        world.server.add_group(group, &gone);
        world.server.group_is_read_only(group, status);
    }
    world.leave(&["Ada", "bob", "carl"]);
    let watched = world.oam("watch", &[]);
    assert_eq!(watched.code, 1, "{watched:?}");
    assert_eq!((world.ended(ChangeStage::Failed), world.ended(ChangeStage::Unknown)), (6, 3), "{watched:?}");
    // Whoever goes later is one, however many are left in a group.
    world.leave(&["Ada", "bob", "carl", "lena"]);
    let watched = world.oam("watch", &[]);
    assert_eq!(watched.code, 1, "{watched:?}");
    assert_eq!(world.server.given(), ["PAY boss Admin"], "{watched:?}");
    for user in gone {
        assert_eq!(world.server.groups_of(user), groups.map(|(group, _)| group), "{user}: {watched:?}");
    }
}

#[test]
fn a_group_out_of_which_nobody_is_taken_is_tried_once_a_day() {
    let world = World::applied("");
    world.server.add_group("a-403", &["bob"]);
    world.server.group_is_read_only("a-403", 403);
    world.leave(&["bob"]);
    let file = world.folder.path().join("seen.json");
    let seen = ["--seen", file.to_str().unwrap(), "--seen-within", "1h"];
    assert_eq!(world.oam("watch", &seen).code, 1);
    let recorded = world.recorded().len();
    let watched = world.oam("watch", &seen);
    assert_eq!((watched.code, world.recorded().len()), (1, recorded), "{watched:?}");
    let text = watched.stdout_text();
    assert!(
        text.contains("user:bob leaves group:a-403: ") && text.contains("; it is tried once a day"),
        "{text}"
    );
    // Whoever asks for it has it tried at once.
    assert_eq!((world.apply().code, world.recorded().len()), (1, recorded + 2));
}

/// A token that is withdrawn in the middle is refused as a group is that nobody may leave.
#[test]
fn what_is_refused_since_the_token_is_good_no_more_is_tried_again_at_once() {
    let world = World::applied("");
    world.leave(&["bob"]);
    let file = world.folder.path().join("seen.json");
    let seen = ["--seen", file.to_str().unwrap(), "--seen-within", "1h"];
    // Nothing is left but the group.
    world.server.stumble_at("/admin/users/remove-group", 500);
    assert_eq!(world.oam("watch", &seen).code, 1);
    world.server.comes_back();
    world.token_is_withdrawn();
    let watched = world.oam("watch", &seen);
    assert_eq!((watched.code, world.ended(ChangeStage::Failed)), (1, 1), "{watched:?}");
    world.server.comes_back();
    world.oam("watch", &seen).expect_success("with a token that is good");
    assert!(world.has_nothing("bob"));
}

/// As of anything else: a run that went on would be refused all of it.
#[test]
fn three_groups_in_a_row_that_a_token_may_not_change_end_the_run() {
    let world = World::applied("max_removed = \"100%\"");
    let gone = ["ada", "bob", "carl", "lena"];
    world.server.add_group("eng", &gone);
    world.leave(&["Ada", "bob", "carl", "lena"]);
    let file = world.folder.path().join("seen.json");
    let seen = ["--seen", file.to_str().unwrap(), "--seen-within", "1h"];
    // Nothing is left but the group.
    world.server.stumble_at("/admin/users/remove-group", 500);
    assert_eq!(world.oam("watch", &seen).code, 1);
    world.server.comes_back();
    world.token_is_withdrawn();
    let before = world.changes();
    let watched = world.oam("watch", &seen);
    assert_eq!((watched.code, world.changes() - before), (5, 3), "{watched:?}");
    assert_eq!(world.ended(ChangeStage::Failed), 3, "{watched:?}");
    world.server.comes_back();
    world.oam("watch", &seen).expect_success("with a token that is good");
    assert!(gone.iter().all(|name| world.has_nothing(name)));
}

/// Where Bitbucket answers nothing at all, nothing is begun, nor waited for with each who is gone.
#[test]
fn a_bitbucket_that_does_not_answer_is_asked_about_three_and_no_more() {
    let world = World::applied("max_removed = \"100%\"");
    let file = world.folder.path().join("seen.json");
    let seen = ["--seen", file.to_str().unwrap(), "--seen-within", "1h"];
    world.oam("plan", &seen).expect_success("what is there is kept");
    world.leave(&["Ada", "bob", "carl", "lena"]);
    let before = world.recorded().len();
    world.server.answers(false);
    let watched = world.oam("watch", &seen);
    assert_eq!((watched.code, world.recorded().len()), (4, before), "{watched:?}");
    assert!(!watched.stderr_text().contains("NOT done"), "{watched:?}");
}

/// Those who are gone grow more and more, and nothing of theirs changes.
#[test]
fn who_has_nothing_left_is_looked_at_again_once_a_day() {
    let world = World::applied("max_removed = \"100%\"");
    world.leave(&["Ada", "bob"]);
    let file = world.folder.path().join("seen.json");
    let seen = ["--seen", file.to_str().unwrap(), "--seen-within", "1h"];
    world.oam("watch", &seen).expect_success("they have nothing left");
    world.oam("plan", &seen).expect_success("which is noted");
    // A plan after so many hours; tells how often it was asked by what somebody could come in.
    let hours_later = |hours: u64| {
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, older(serde_json::from_str(&text).unwrap(), hours * 3_600).to_string())
            .unwrap();
        let before = world.server.requests().len();
        world.oam("plan", &seen).expect_success("a later plan");
        let asked = world.server.requests().split_off(before);
        let doors = ["access-tokens", "ssh/latest/keys", "gpg/latest/keys", "users/more-members"];
        let of_doors = asked.iter().filter(|one| doors.iter().any(|door| one.contains(door))).count();
        assert!(asked.len() > of_doors, "all else is read again: {asked:?}");
        of_doors
    };
    assert_eq!(hours_later(2), 0);
    assert_eq!(hours_later(23), 8);
    // Whoever has something is looked at each time.
    world.server.add_credential("bob", CredentialKind::Ssh, "new", None);
    assert_eq!((hours_later(25), hours_later(2)), (8, 4));
}

/// What was kept, as if it had been so many seconds earlier.
fn older(kept: serde_json::Value, by: u64) -> serde_json::Value {
    use serde_json::Value;
    match kept {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| match value.as_u64().filter(|at| name == "at" && *at > by) {
                    Some(at) => (name, (at - by).into()),
                    None => (name, older(value, by)),
                })
                .collect(),
        ),
        Value::Array(all) => Value::Array(all.into_iter().map(|one| older(one, by)).collect()),
        other => other,
    }
}

#[test]
fn nobody_leaves_the_last_group_that_administers() {
    let world = World::applied("");
    world.server.add_group("owners", &["carl", "svc-oam"]);
    world.server.permit_group("owners", "WEB", Permission::Admin);
    world.leave(&["carl"]);
    let watched = world.oam("watch", &[]);
    assert_eq!(watched.code, 1, "{watched:?}");
    let told = "user:carl leaves group:owners: nobody else would administer WEB: give that to somebody first";
    assert!(watched.stdout_text().contains(told), "{watched:?}");
    // What administers nothing is left.
    assert_eq!(world.server.groups_of("carl"), ["owners"]);
    // With somebody else in it nothing is in the way.
    world.server.add_user("dora", Global::Licensed);
    world.server.add_group("owners", &["carl", "svc-oam", "dora"]);
    world.oam("watch", &[]).expect_success("the next round");
    assert!(world.has_nothing("carl"));
    assert_eq!(world.server.groups_of("dora"), ["owners"]);
}

#[test]
fn a_plan_that_was_kept_deletes_a_token_that_was_used_since() {
    let world = World::applied("");
    let token = world.server.add_credential("bob", CredentialKind::Token, "ci", None);
    world.leave(&["bob"]);
    let file = world.folder.path().join("plan.json");
    let file = file.to_str().unwrap();
    world.oam("plan", &["--out", file]).expect_success("a plan that is kept");
    // Somebody comes in with it, which Bitbucket tells from then on.
    let admin = world.folder.path().join("token");
    std::fs::write(&admin, &token).unwrap();
    assert_eq!(world.oam("plan", &[]).code, 5);
    std::fs::write(&admin, world.server.token("svc-oam")).unwrap();
    world.oam("apply", &[file]).expect_success("the plan that was read");
    assert!(world.has_nothing("bob"), "{:?}", world.server.given());
}
