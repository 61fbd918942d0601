//! The files are looked at again and again, beside all else.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use oam_fetch::files::{self, Look};
use tokio::task::JoinHandle;

use super::{
    super::{PolicyManager, place::Reading},
    Bench, apply, approval, contact, policy, until,
};

/// Until it is aborted.
fn follow(manager: &Arc<PolicyManager>) -> JoinHandle<()> {
    tokio::spawn(super::super::watch::follow(Arc::clone(manager), Arc::default()))
}

/// The disk is full for a moment while a freeze is merged.
#[tokio::test]
async fn files_that_were_not_loaded_for_a_passing_reason_are_tried_again() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    let manager = Arc::new(bench.start().await);
    apply(&manager, &policy("one")).await.unwrap();
    let (index, aside) = (bench.history("index.jsonl"), bench.history("aside"));
    fs::rename(&index, &aside).unwrap();
    fs::create_dir(&index).unwrap();
    let following = follow(&manager);
    bench.edit(&policy("two"));
    until("no trouble is told", || manager.trouble().is_some()).await;
    assert_eq!(contact(&manager).as_deref(), Some("one"));
    fs::remove_dir(&index).unwrap();
    fs::rename(&aside, &index).unwrap();
    until("it is not tried again", || contact(&manager).as_deref() == Some("two")).await;
    following.abort();
}

/// Whoever opens a pipe to read waits for one who writes: so a thread that serves pushes would wait for ever.
#[tokio::test]
async fn what_is_no_file_is_told_and_holds_up_nothing() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    let manager = Arc::new(bench.start().await);
    apply(&manager, &policy("one")).await.unwrap();
    let following = follow(&manager);
    let pipe = bench.pipe();
    until("it is not seen", || manager.trouble().is_some()).await;
    let told = manager.trouble().unwrap();
    assert!(told.contains("z.toml") && told.contains("it is a pipe"), "{told}");
    assert_eq!(contact(&manager).as_deref(), Some("one"));
    fs::remove_file(&pipe).unwrap();
    until("it is not seen", || manager.trouble().is_none()).await;
    following.abort();
}

/// What was read at the start is what is followed, and what could not be read then is read when it can be.
#[tokio::test]
async fn what_changed_before_it_was_followed_is_loaded() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    apply(&bench.start().await, &policy("one")).await.unwrap();
    for (next, was_readable) in [("two", true), ("three", false)] {
        let pipe = (!was_readable).then(|| bench.pipe());
        if pipe.is_some() {
            bench.edit(&policy(next));
        }
        let manager = Arc::new(bench.start().await);
        assert_eq!(manager.trouble().is_none(), was_readable);
        match pipe {
            None => bench.edit(&policy(next)),
            Some(pipe) => fs::remove_file(pipe).unwrap(),
        }
        let following = follow(&manager);
        until("it is not loaded", || contact(&manager).as_deref() == Some(next)).await;
        following.abort();
    }
}

/// As of a mount that hangs, and answers again as before.
#[tokio::test]
async fn silence_is_told_until_it_is_over() {
    static HANGS: AtomicBool = AtomicBool::new(false);
    fn look(place: &Path) -> Look {
        while HANGS.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
        files::look(place)
    }
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    let manager = bench.start().await;
    apply(&manager, &policy("one")).await.unwrap();
    let reading = Reading { look, patience: Duration::from_millis(200), ..Reading::default() };
    let manager = Arc::new(PolicyManager { reading, ..manager });
    let following = follow(&manager);
    HANGS.store(true, Ordering::SeqCst);
    until("it is not told", || manager.trouble().is_some_and(|told| told.contains("does not answer"))).await;
    assert_eq!(contact(&manager).as_deref(), Some("one"));
    HANGS.store(false, Ordering::SeqCst);
    until("it is told for ever", || manager.trouble().is_none()).await;
    following.abort();
}

/// Also where that was when the daemon was started.
#[tokio::test]
async fn what_could_not_be_kept_at_the_start_is_tried_again() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    apply(&bench.start().await, &policy("one")).await.unwrap();
    bench.edit(&policy("two"));
    let in_the_way = bench.history(&format!("{}.draft", approval::digest(&policy("two"))));
    fs::write(&in_the_way, "").unwrap();
    let manager = Arc::new(bench.start().await);
    assert!(manager.trouble().is_some());
    assert_eq!(contact(&manager).as_deref(), Some("one"));
    fs::remove_file(&in_the_way).unwrap();
    let following = follow(&manager);
    until("it is not tried again", || contact(&manager).as_deref() == Some("two")).await;
    following.abort();
}

#[tokio::test]
async fn what_is_faulty_is_told_once() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    apply(&bench.start().await, &policy("one")).await.unwrap();
    bench.edit("version = 1\nfaulty");
    let manager = Arc::new(bench.start().await);
    let rejected = || bench.kinds_after(0).iter().filter(|kind| *kind == "rejected").count();
    assert_eq!(rejected(), 1);
    let following = follow(&manager);
    // For some looks.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(rejected(), 1);
    following.abort();
}
