//! A provider deactivates somebody, and the next push of theirs is refused.

use std::time::Instant;

use crate::{
    Effort,
    build::Built,
    world::{World, judge, millis, quantile},
};

/// From the moment in which the PATCH is sent to the end of the next push, which must be refused: by the hook that
/// git runs, and by all of `git push`.
pub(crate) fn run(built: &Built, effort: Effort) -> u32 {
    let world = World::start(built);
    let id = world.user("alice");
    world.engineers(std::slice::from_ref(&id));
    let work = world.repository.working_copy().pushing_as("alice");
    work.commit("something");
    let (mut answered, mut hook, mut alone, mut whole) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 0..effort.revocations {
        world.set_active(&id, true);
        alone.push(millis(world.hook("alice", true)));
        let sent = Instant::now();
        world.set_active(&id, false);
        answered.push(millis(sent.elapsed()));
        world.hook("alice", false);
        hook.push(millis(sent.elapsed()));
        // A whole push takes so long that a tenth of them will do, and shows that nothing stands between.
        if run % 10 == 0 {
            world.set_active(&id, true);
            let sent = Instant::now();
            world.set_active(&id, false);
            let push = work.push([format!("HEAD:refs/heads/feature/{run}")]);
            whole.push(millis(sent.elapsed()));
            assert_eq!(push.verdict(), oam_tests::Verdict::Refused, "{push:?}");
        }
    }
    println!("\nA revocation, {} times (ms)                      p50      p99", effort.revocations);
    for (what, times) in [
        ("PATCH sent, answered", &mut answered),
        ("a push's hook by itself, permitted", &mut alone),
        ("PATCH sent, the next push's hook refuses", &mut hook),
        ("PATCH sent, the next whole git push is refused", &mut whole),
    ] {
        println!("  {what:<48}{:>8.2}{:>9.2}", quantile(times, 0.5), quantile(times, 0.99));
    }
    judge("PATCH sent, the next push refused, p99 in ms", quantile(&mut hook, 0.99), 50.0)
}
