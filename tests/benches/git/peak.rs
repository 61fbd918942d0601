//! The most memory that a question takes, measured in a process of its own: this program again.
//!
//! Two figures, since they mean different things. **Its own** memory is what the process allocated, which nobody else can
//! use: that has a target. The **pages of files** that it maps, packs and commit-graphs, are those of the system's cache:
//! they are shared with git and all other hooks, and are given back when something else needs them.

use std::{
    ops::Sub,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::{
    measure::{Target, judge},
    world::View,
};

const NEW_COMMITS: &str = "--peak-of-new-commits";
const NOTHING: &str = "--peak-of-nothing";

/// What a process held at most, in MiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peak {
    own: f64,
    files: f64,
}

impl Sub for Peak {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { own: self.own - other.own, files: self.files - other.files }
    }
}

impl Peak {
    /// Of a process that asks for the new commits.
    pub(crate) fn of_new_commits(view: &View, new: &str, cover: &str) -> Self {
        let mut own = Command::new(std::env::current_exe().unwrap());
        own.args([NEW_COMMITS, view.path.to_str().unwrap(), new, cover]).envs(view.more_variables());
        Self::told_by(own)
    }

    /// Of a process that asks for nothing.
    pub(crate) fn of_nothing() -> Self {
        let mut own = Command::new(std::env::current_exe().unwrap());
        own.arg(NOTHING);
        Self::told_by(own)
    }

    /// Runs this program so that it prints what it held.
    pub(crate) fn told_by(mut own: Command) -> Self {
        let output = own.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let figures: Vec<f64> = text.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
        let [own, files] = figures[..] else { panic!("{output:?}") };
        Self { own: own / 1024.0, files: files / 1024.0 }
    }

    /// Prints it beside the target; gives 1 when that is missed.
    pub(crate) fn judge(self) -> u32 {
        println!("         pages of files mapped, beyond an idle process: {:.1} MiB", self.files);
        judge("its own memory, MiB beyond an idle process", self.own, Target::AtMost(64.0))
    }
}

/// Does something, and prints the most that this process held meanwhile, in KiB: its own, and pages of files.
pub(crate) fn print_peak(act: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    let (mut own, mut files) = (0, 0);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = (0, 0);
            loop {
                // Once more after it is over, for what took no longer than a look.
                let is_last = is_over.load(Ordering::Acquire);
                most = (most.0.max(held("RssAnon:")), most.1.max(held("RssFile:")));
                if is_last {
                    return most;
                }
                thread::sleep(Duration::from_millis(1));
            }
        });
        act();
        is_over.store(true, Ordering::Release);
        (own, files) = watch.join().unwrap();
    });
    println!("{own} {files}");
}

/// Whether this process is one that is measured; then it has done its work.
pub(crate) fn is_child(arguments: &[String]) -> bool {
    match arguments {
        [mark, path, new, cover] if mark == NEW_COMMITS => print_peak(|| {
            View::from_environment(path).new_commits(new, cover);
        }),
        [mark] if mark == NOTHING => print_peak(|| {}),
        _ => return false,
    }
    true
}

fn held(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let held = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells it");
    held.trim().trim_end_matches("kB").trim().parse().unwrap()
}
