//! What others did is mended where somebody names it, and nowhere else.

use std::{fs, os::unix::fs::symlink, thread};

use oam_audit::entry::ChangeStage;
use oam_tests::{
    Finished, HookConfig, binaries,
    bitbucket_server::{CredentialKind, Global, Permission},
    wait,
};

use super::{PEOPLE, POLICY, World, directory, world_of};

/// Every kind that has to be named, in an order in which there is something left of each.
const KINDS: [&str; 10] = [
    "not-granted",
    "administers",
    "group-member",
    "everybody",
    "exemption",
    "restriction",
    "key-writes",
    "endless",
    "unused",
    "unknown-account",
];

const LONG_AGO: u64 = 1_750_000_000_000;

impl World {
    /// How many findings of a kind there are.
    fn count(&self, kind: &str) -> u64 {
        let drift: serde_json::Value =
            serde_json::from_slice(&self.oam("drift", &["--credentials", "--json"]).stdout).unwrap();
        drift["counts"][kind].as_u64().unwrap()
    }

    /// Installs the hook, and tells the daemon that it is as it was installed.
    fn with_hook(&self) {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let (hook, noted) = (path("oam-hook"), path("noted.json"));
        symlink(binaries::path("oam-hook"), &hook).unwrap();
        fs::write(path("oam-hook.toml"), HookConfig::of(&self.daemon).to_toml()).unwrap();
        let install = ["--project", "PAY", "--binary", &hook, "--noted", &noted, "--apply"];
        self.oam("install", &install).expect_success("oam bitbucket install");
        self.oam("drift", &["--tell", "--noted", &noted]);
    }

    fn fix(&self, kind: &str) -> Finished {
        self.oam("apply", &["--fix", kind])
    }

    /// Runs `apply`, which waits before its change of that number; tells what came of it.
    fn fixed_meanwhile(&self, kind: &str, at: usize, meanwhile: impl FnOnce()) -> Finished {
        let wanted = self.changes() + at;
        self.server.pause_after(at - 1);
        thread::scope(|scope| {
            let run = scope.spawn(|| self.fix(kind));
            wait::until("that change is asked for", || (self.changes() == wanted).then_some(()));
            meanwhile();
            self.server.comes_back();
            run.join().unwrap()
        })
    }
}

/// A company in which whoever leads administers everything, by a group.
fn led(more: &str) -> World {
    let lead = "id    = \"lead-pay\"\nto    = [\"lead\"]\non    = ";
    let policy = POLICY.replace(&format!("{lead}[\"PAY/*\"]"), &format!("{lead}[\"**\"]"));
    assert_ne!(policy, POLICY);
    let world = world_of(&policy, &format!("groups = [\"okta\"]\n{more}"));
    world.server.add_group("leads", &["carl", "lena"]);
    world.server.permit_everywhere("leads", Global::SysAdmin);
    world.apply().expect_success("the first apply");
    world
}

#[test]
fn each_kind_is_found_and_mended_and_then_nothing_is_found() {
    let world = led("max_removed = \"100%\"");
    world.with_hook();
    let server = &world.server;
    server.add_user("stray", Global::Licensed);
    server.add_credential("stray", CredentialKind::Token, "ci", Some(30));
    server.add_group("eng", &["ada", "bob", "carl", "lena", "stray"]);
    server.permit_in("ada", "WEB/site", Permission::Admin);
    server.permit_everybody("WEB", Permission::Write);
    server.restrict("PAY", "read-only", "refs/heads/main", &[]);
    server.restrict("PAY/api", "no-deletes", "refs/heads/**", &["ada"]);
    server.add_credential("ada", CredentialKind::Token, "ci", None);
    server.add_credential("bob", CredentialKind::Ssh, "laptop", Some(30));
    server.last_used("bob", "laptop", LONG_AGO);
    server.add_access_key("PAY", "deploy", true, None);
    server.add_access_key("PAY/api", "mirror", false, Some(30));
    server.add_token_of("WEB/site", "bot", None);
    server.add_token_of("WEB", "bot", None);
    let before = world.changes();
    assert_eq!(world.apply().expect_success("apply").stdout_text(), "Nothing was to be done.\n");
    let all = KINDS.join(",");
    let plan = world.oam("plan", &["--fix", &all]).expect_success("a plan of all of it").stdout_text();
    assert!(plan.contains("- WEB/site: the HTTP token 1 `bot` is deleted (`endless`: "), "{plan}");
    assert_eq!(world.changes(), before, "nothing is mended that is not named");
    for kind in KINDS {
        assert!(world.count(kind) > 0, "{kind}");
        world.fix(kind).expect_success(kind);
        assert_eq!(world.count(kind), 0, "{kind}");
    }
    let found = world.oam("drift", &["--credentials"]);
    assert_eq!(found.code, 0, "{found:?}");
    // What was taken is what was named, and what is ours stayed.
    assert_eq!(server.groups_of("lena"), ["eng", "leads"].map(str::to_owned)[1..]);
    assert_eq!(server.groups_of("stray"), Vec::<String>::new());
    assert!(
        !server.given().iter().any(|one| one.contains("boss") || one.contains("site")),
        "{:?}",
        server.given()
    );
    assert!(server.given().contains(&"PAY @leads Admin".to_owned()), "{:?}", server.given());
    assert_eq!(
        world.recorded().len(),
        2 * world.ended(ChangeStage::Done),
        "each is recorded, and none failed"
    );
    // A restriction of others that was taken away has not become ours: whoever makes it again keeps it.
    server.restrict("PAY", "read-only", "refs/heads/main", &[]);
    assert!(world.planned().is_empty(), "{:?}", world.planned());
}

#[test]
fn the_last_administrator_what_is_ignored_and_what_is_too_much_stay() {
    let world = World::applied("");
    // `root` is the only one who administers Bitbucket but for the account that is used.
    for kind in ["administers", "unknown-account"] {
        let held = world.fix(kind);
        assert_eq!(held.code, 1, "{held:?}");
        let told = "nobody else would administer Bitbucket: give that to somebody first";
        assert!(held.stdout_text().contains(told), "{kind}: {held:?}");
    }
    assert!(!world.server.given().iter().any(|one| one.contains("boss")), "who is unknown goes otherwise");
    // A tenth of them at once, and never those of whom is ignored.
    let tokens = ["ada", "bob", "carl", "lena", "backup"]
        .map(|user| (user, world.server.add_credential(user, CredentialKind::Token, "ci", None)));
    let left = || tokens.iter().filter(|(_, token)| world.server.has_token(token)).count();
    let refused = world.fix("endless");
    let told = "4 of 5 tokens and keys would be taken, which is more than 10 %";
    assert!(refused.code == 1 && refused.stdout_text().contains(told), "{refused:?}");
    assert_eq!(left(), 5);
    world.oam("apply", &["--fix", "endless", "--yes-really"]).expect_success("said so");
    assert_eq!((left(), world.server.credentials("backup")), (1, 1));
}

#[test]
fn a_plan_that_was_kept_mends_what_it_says_and_no_more() {
    let world = World::applied("");
    let file = world.folder.path().join("plan.json");
    let file = file.to_str().unwrap();
    let plan = || world.oam("plan", &["--fix", "endless", "--out", file]).expect_success("a plan");
    let ada = world.server.add_credential("ada", CredentialKind::Token, "ci", None);
    plan();
    let bob = world.server.add_credential("bob", CredentialKind::Token, "cd", None);
    let refused = world.oam("apply", &[file]);
    assert!(
        refused.code == 1 && refused.stderr_text().contains("user:bob loses the HTTP token"),
        "{refused:?}"
    );
    assert!(world.server.has_token(&ada));
    plan();
    world.oam("apply", &[file, "--fix", "key-writes"]).expect_success("of what was planned nothing is that");
    assert!(world.server.has_token(&ada));
    world.oam("apply", &[file]).expect_success("the plan that was read");
    assert!(!world.server.has_token(&ada) && !world.server.has_token(&bob));
}

#[test]
fn a_kind_that_another_command_mends_is_not_taken() {
    let world = World::applied("");
    for (kind, told) in
        [("hook-off", "oam bitbucket install"), ("gone", "oam bitbucket apply"), ("x", "endless")]
    {
        let refused = world.fix(kind);
        assert!(refused.code == 2 && refused.stderr_text().contains(told), "{refused:?}");
    }
}

/// Right before each change: a key that somebody uses again, and a restriction that is another one.
#[test]
fn what_is_not_as_it_was_is_not_mended() {
    let world = World::applied("max_removed = \"100%\"");
    for user in ["bob", "carl"] {
        world.server.add_credential(user, CredentialKind::Ssh, "laptop", None);
        world.server.last_used(user, "laptop", LONG_AGO);
    }
    let fixed =
        world.fixed_meanwhile("unused", 1, || world.server.last_used("carl", "laptop", 4_000_000_000_000));
    let told = "NOT done: user:carl loses the SSH key 2 `laptop`: it is not as it was when it was looked at";
    assert!(fixed.code == 1 && fixed.stderr_text().contains(told), "{fixed:?}");
    assert_eq!((world.server.credentials("bob"), world.server.credentials("carl")), (0, 1));
    for place in ["PAY", "WEB"] {
        world.server.restrict(place, "read-only", "refs/heads/main", &[]);
    }
    // Where nobody knows that the hook refuses they may be all that does.
    let held = world.fix("restriction");
    assert!(held.code == 1 && held.stderr_text().contains("See to the hook first"), "{held:?}");
    assert_eq!(world.server.restrictions().len(), 2);
    world.with_hook();
    let fixed = world.fixed_meanwhile("restriction", 1, || {
        world.server.lift("read-only", "refs/heads/main");
        world.server.restrict("PAY", "no-deletes", "refs/heads/main", &[]);
        world.server.restrict("WEB", "read-only", "refs/heads/main", &["ada"]);
    });
    assert!(fixed.code == 1 && fixed.stderr_text().contains("it is not as it was"), "{fixed:?}");
    assert!(
        world.server.restrictions().iter().any(|one| one.ends_with("ada")),
        "{:?}",
        world.server.restrictions()
    );
}

/// A pilot in one project refuses nothing in another.
#[test]
fn a_restriction_stays_where_no_hook_was_installed() {
    let world = World::applied("max_removed = \"100%\"");
    world.with_hook();
    for place in ["PAY", "WEB"] {
        world.server.restrict(place, "read-only", "refs/heads/main", &[]);
    }
    let fixed = world.fix("restriction");
    let told = "nobody has told that the hook was installed for `WEB`";
    assert!(fixed.code == 1 && fixed.stderr_text().contains(told), "{fixed:?}");
    let left = world.server.restrictions();
    assert!(left.len() == 1 && left[0].starts_with("WEB "), "{left:?}");
}

/// Somebody may be known, and in a group upstream, by the time at which it would be mended.
#[test]
fn who_is_known_meanwhile_keeps_what_they_have() {
    let world = led("max_removed = \"100%\"");
    world.server.add_group("eng", &["ada", "bob", "boss", "carl", "lena"]);
    let fixed = world.fixed_meanwhile("group-member", 1, || {
        world.now(&[("lena", true, &["okta:leads", "okta:eng"])]);
    });
    let told = "NOT done: user:lena leaves group:eng: `lena` is to be in that group now (active): plan again";
    assert!(fixed.code == 1 && fixed.stderr_text().contains(told), "{fixed:?}");
    assert_eq!(world.server.groups_of("boss"), Vec::<String>::new());
    world.server.add_user("stray", Global::Licensed);
    world.server.permit("stray", "WEB", Permission::Read);
    let fixed = world.fixed_meanwhile("unknown-account", 1, || {
        let people = directory(&[&PEOPLE[..], &[("stray", true, &[])]].concat());
        world.daemon.import(&people);
    });
    assert!(
        fixed.code == 1 && fixed.stderr_text().contains("`stray` is known now (active): plan again"),
        "{fixed:?}"
    );
    assert!(world.server.given().contains(&"WEB stray Read".to_owned()), "{:?}", world.server.given());
}

/// Both who are in the group that administers leave it by the same plan: one stays.
#[test]
fn who_leaves_a_group_by_the_plan_is_not_left_to_administer_by_it() {
    let world = led("max_removed = \"100%\"");
    world.server.add_project("OPS");
    world.server.permit_group("eng", "OPS", Permission::Admin);
    world.server.add_group("eng", &["boss", "lena"]);
    let fixed = world.fix("group-member");
    let told = "group:eng: nobody else would administer OPS: give that to somebody first";
    assert!(fixed.code == 1 && fixed.stdout_text().contains(told), "{fixed:?}");
    let there = ["boss", "lena"].map(|user| world.server.groups_of(user).contains(&"eng".to_owned()));
    assert_eq!(there, [true, true]);
}
