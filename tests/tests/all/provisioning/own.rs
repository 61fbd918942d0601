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

/// The daemon asks each time whose token it has: by what it was told once the account would be a stranger's.
#[test]
fn the_account_of_the_daemon_is_left_alone_when_it_is_called_otherwise() {
    let all = "adopt = [\"PAY\"]\nautomatic = [\"leavers\", \"give\", \"take\"]\nmax_removed = \"100%\"";
    let (world, _) = world(all).with_machines("svc-guard");
    let watched = world.oam("watch", &[]);
    assert!(world.may_write("svc-guard"), "{watched:?}");
    world.server.rename("svc-guard", "svc-watch");
    world.server.permit("svc-other", "PAY", Permission::Write);
    let watched = world.oam("watch", &[]);
    assert_eq!((world.may_write("svc-watch"), world.may_write("svc-other")), (true, false), "{watched:?}");
}

/// Whose token it is may be gone: nothing is taken from them by which the daemon asks, and that is told until it has another token.
#[test]
fn who_is_gone_and_lends_the_daemon_a_token_is_told_and_loses_all_when_it_has_another() {
    let world = world("");
    world.apply().expect_success("the first apply");
    let token = world.server.add_credential("carl", CredentialKind::Token, "canaries", None);
    let daemons = world.folder.path().join("daemon.token");
    fs::write(&daemons, &token).unwrap();
    world.leave(&["carl"]);
    let watched = world.oam("watch", &[]);
    assert!(watched.code == 1 && world.server.has_token(&token), "{watched:?}");
    let told = "user:carl loses the HTTP token 1 `canaries`: it is the account of the daemon's own token";
    assert!(watched.stdout_text().contains(told), "{watched:?}");
    let drift = world.oam("drift", &[]).stdout_text();
    assert!(drift.contains("user:carl still has the HTTP token 1 `canaries`"), "{drift}");
    fs::write(&daemons, world.server.token("svc-oam")).unwrap();
    world.oam("watch", &[]).expect_success("with another token");
    assert!(world.has_nothing("carl"), "{:?}", world.server.given());
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
