//! The accounts that OAM itself has in Bitbucket are left alone, also where nobody wrote down which these are.

use std::fs;

use oam_tests::bitbucket_server::{CredentialKind, Global, Permission};

use super::{World, world};

impl World {
    /// Two accounts that are in no directory, may write and have a token that never ends; by that of `guard` the daemon asks.
    fn with_machines(self, guard: &str) -> (Self, [String; 2]) {
        let tokens = [guard, "svc-other"].map(|user| {
            self.server.add_user(user, Global::Licensed);
            self.server.permit(user, "PAY", Permission::Write);
            self.server.add_credential(user, CredentialKind::Token, "canaries", None)
        });
        fs::write(self.folder.path().join("daemon.token"), &tokens[0]).unwrap();
        (self, tokens)
    }

    fn may_write(&self, user: &str) -> bool {
        self.server.given().contains(&format!("PAY {user} Write"))
    }
}

#[test]
fn the_account_of_the_daemon_is_left_alone_by_what_others_are_not() {
    let all = "automatic = [\"leavers\", \"give\", \"take\"]\nmax_removed = \"100%\"";
    // A name that stands in the header otherwise than it is.
    let guard = "svc.guard@example.com";
    let (world, _) = world(&format!("adopt = [\"PAY\"]\n{all}")).with_machines(guard);
    let watched = world.oam("watch", &[]);
    assert_eq!((world.may_write(guard), world.may_write("svc-other")), (true, false), "{watched:?}");

    for kind in ["endless", "unknown-account"] {
        let (world, [own, other]) = super::world(all).with_machines(guard);
        let fixed = world.oam("apply", &["--fix", kind]);
        let left = (world.server.has_token(&own), world.server.has_token(&other));
        assert_eq!(left, (true, false), "{kind}: {fixed:?}");
        assert!(world.may_write(guard), "{kind}: {fixed:?}");
        let drift = world.oam("drift", &["--credentials"]).stdout_text();
        assert!(!drift.contains(&format!("user:{guard} HTTP token")), "{drift}");
        assert!(!drift.contains(&format!("user:{guard} is let in")), "{drift}");
    }
}

#[test]
fn a_token_of_another_account_than_the_one_that_is_left_alone_does_nothing() {
    let world = world("");
    fs::write(world.folder.path().join("token"), world.server.token("root")).unwrap();
    for task in ["plan", "apply", "watch"] {
        let refused = world.oam(task, &[]);
        let told = "the token is that of `root`, and `bitbucket.provisioning.account` is `svc-oam`";
        assert!(refused.code == 1 && refused.stderr_text().contains(told), "{task}: {refused:?}");
    }
    assert_eq!((world.changes(), world.recorded().len()), (0, 0));
    // Where Bitbucket does not tell nobody knows.
    world.server.tells_who_asked(false);
    world.apply().expect_success("oam bitbucket apply");
}
