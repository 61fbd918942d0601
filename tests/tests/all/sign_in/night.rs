//! The night of [`crate::two_in_the_morning`], with tokens in the place of users of the host: whoever is who is said by the
//! provider, and nobody need be root.

use oam_tests::{BareRepo, Verdict, sample};
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::two_in_the_morning::RULES;

const PEOPLE: &str = r#"{"version": 1, "users": [
    {"username": "alice", "id": "id-alice", "groups": ["okta:eng"]},
    {"username": "bob", "id": "id-bob", "groups": ["okta:eng", "okta:release"]}]}"#;

/// Somebody who is signed in.
struct Somebody<'w> {
    world: &'w World,
    home: TempDir,
}

impl<'w> Somebody<'w> {
    fn signs_in(world: &'w World, name: &str) -> Self {
        let home = temporary::folder();
        world.provider.turn(&format!("person?name={name}"));
        world.log_in_at(home.path()).expect_success("oam login");
        Self { world, home }
    }

    fn oam(&self, arguments: &[&str]) -> Finished {
        self.world.command_of(self.home.path()).arg("--json").args(arguments).run()
    }
}

fn read(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
}

#[test]
fn the_whole_night_by_tokens() {
    let setup = Setup {
        policy: format!("{}{RULES}", sample::POLICY),
        directory: Some(PEOPLE.to_owned()),
        ..Setup::default()
    };
    let world = started_with("audience = \"oam-cli\"", &setup);
    let (alice, bob) = (Somebody::signs_in(&world, "alice"), Somebody::signs_in(&world, "bob"));
    let repository = BareRepo::guarded_by(&world.daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let push = || work.push(["HEAD:refs/heads/release/9"]).verdict();
    assert_eq!(push(), Verdict::Refused);
    let words = ["grant", "request", "--role", "release-manager", "--on", "DEMO/app"];
    let more = ["--refs", "refs/heads/release/9", "--for", "60m", "--reason", "INC-7"];
    let asked = alice.oam(&[&words[..], &more[..]].concat());
    assert_eq!(asked.code, 6, "{asked:?}");
    let id = read(&asked)["id"].as_str().unwrap().to_owned();
    assert_eq!(push(), Verdict::Refused, "it waits");
    // Nobody answers for themselves, whoever holds the token of another does: it is theirs.
    let own = alice.oam(&["grant", "approve", &id]);
    assert!(own.code == 5 && own.stderr_text().contains("somebody else must approve"), "{own:?}");
    bob.oam(&["grant", "approve", &id]).expect_success("oam grant approve");
    // The very next push.
    assert_eq!(push(), Verdict::Permitted);
    alice.oam(&["grant", "revoke", &id, "--reason", "done"]).expect_success("oam grant revoke");
    work.commit("two");
    assert_eq!(push(), Verdict::Refused);
    let shown = read(&bob.oam(&["grant", "show", &id]));
    assert_eq!((&shown["ended"], &shown["username"]), (&"returned".into(), &"alice".into()), "{shown}");
}
