//! Others who change something at the same time: another run, and people.

use std::process::Stdio;

use oam_audit::entry::ChangeStage;
use oam_tests::wait;

use super::{GIVEN, world};

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
