//! `oam bitbucket watch` on another host than the daemon's: the token with Bitbucket's highest right lies there, and whoever has it
//! signs in here as anybody does.

use oam_audit::entry::ChangeStage;
use oam_tests::{
    BitbucketServer,
    bitbucket_server::{CredentialKind, Global},
};

use super::*;

/// A watch on a host of its own.
struct Watch<'w> {
    world: &'w World,
    server: &'w BitbucketServer,
    /// Where its tokens are, and what it says.
    state: &'w Path,
}

impl Watch<'_> {
    /// `oam` as the service runs it: without a home.
    fn command(&self) -> Command {
        let mut oam = self.world.command_of(self.state);
        oam.env_remove("HOME").env("XDG_STATE_HOME", self.state);
        oam
    }

    fn runs(&self, meanwhile: impl FnOnce(&Self)) {
        let token = self.state.join("bitbucket.token");
        let mut oam = self.command();
        oam.args([
            "bitbucket",
            "watch",
            "--every",
            "1s",
            "--url",
            self.server.url(),
            "--network",
            "loopback",
        ]);
        oam.arg("--token-file").arg(token).stdin(Stdio::null()).stdout(Stdio::null());
        let mut watch = oam.stderr(fs::File::create(self.state.join("said")).unwrap()).spawn().unwrap();
        meanwhile(self);
        watch.kill().unwrap();
        watch.wait().unwrap();
    }

    fn says(&self, what: &str) -> bool {
        fs::read_to_string(self.state.join("said")).unwrap().contains(what)
    }

    /// The file with its tokens.
    fn session(&self) -> std::path::PathBuf {
        let mut folder = fs::read_dir(self.state.join("oam/tokens")).unwrap().filter_map(Result::ok);
        let json = folder.find(|file| file.path().extension().is_some_and(|ext| ext == "json"));
        json.expect("a session").path()
    }
}

#[test]
fn a_watch_on_another_host_signs_in_once_and_is_missed_when_that_has_ended() {
    let (server, state) = (BitbucketServer::start(), temporary::folder());
    server.add_user("svc-oam", Global::SysAdmin);
    server.add_user("carol", Global::Licensed);
    server.add_repository("PAY/api");
    server.add_credential("carol", CredentialKind::Token, "ci", None);
    let token = state.path().join("bitbucket.token");
    fs::write(&token, server.token("svc-oam")).unwrap();
    let mut world = started(&format!(
        "audience = \"oam-cli\"\n[bitbucket]\nurl = \"{}\"\ntoken_file = \"{}\"\nnetwork = \"loopback\"\n\
         [bitbucket.canary]\nevery = \"24h\"\n[bitbucket.provisioning]\naccount = \"svc-oam\"",
        server.url(),
        token.display(),
    ));
    let watched = world.daemon.state().join("watched");
    let watch = Watch { world: &world, server: &server, state: state.path() };
    watch.runs(|watch| wait::until("it is not let in", || watch.says("you are not signed in").then_some(())));
    assert!(!watched.exists());

    // Once, by somebody at another machine. What they get is good for a moment, and is renewed before each round.
    world.provider.turn("lifetime?seconds=30");
    World::log_in_by(watch.command()).expect_success("oam login --device");
    let first = fs::read_to_string(watch.session()).unwrap();
    watch.runs(|watch| {
        wait::until("a round is done", || watched.exists().then_some(()));
        world.daemon.deactivate("carol").expect_success("oam user deactivate");
        wait::until("the leaver is out", || (server.credentials("carol") == 0).then_some(()));
        wait::until("it is recorded", || {
            let mut entries = world.daemon.audit().entries.into_iter().map(|entry| entry.event);
            let is_done = |event: &Event| match event {
                Event::BitbucketChanged(one) => {
                    one.stage == ChangeStage::Done && one.actor == "corp:id-alice (alice)"
                }
                _ => false,
            };
            entries.any(|event| is_done(&event)).then_some(())
        });
        assert!(!watch.says("you are not signed in"));
    });
    let last = fs::read_to_string(watch.session()).unwrap();
    assert_ne!(first, last, "it was renewed");

    // The provider takes it back, as it does when the time is over that it allows.
    let session = watch.session();
    watch.command().args(["logout"]).run().expect_success("oam logout");
    fs::write(&session, last).unwrap();
    fs::set_permissions(&session, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    watch.runs(|watch| {
        // What it was given last is good for its moment still.
        wait::until("it is told", || watch.says("you are not signed in").then_some(()));
        let before = fs::read_to_string(&watched).unwrap();
        std::thread::sleep(std::time::Duration::from_secs(3));
        assert_eq!(fs::read_to_string(&watched).unwrap(), before, "that is no round");
    });
    let before = fs::read_to_string(&watched).unwrap();

    // An hour later.
    world.daemon.kill();
    let at: i64 = before.split([':', ',']).nth(1).unwrap().parse().unwrap();
    fs::write(&watched, before.replace(&at.to_string(), &(at - 3_600).to_string())).unwrap();
    world.daemon.spawn();
    let status = world.daemon.oam(["status"]).stdout_text();
    assert!(status.contains("`oam bitbucket watch` has done no round since"), "{status}");
}
