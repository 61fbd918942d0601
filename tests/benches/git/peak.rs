//! The most memory that a question takes, measured in a process of its own: this program again.

use std::process::Command;

use crate::world::View;

const NEW_COMMITS: &str = "--peak-of-new-commits";
const NOTHING: &str = "--peak-of-nothing";

/// The peak of a process that asks for the new commits, in MiB; the files that it maps count, as far as it reads them.
pub(crate) fn mib(view: &View, new: &str, cover: &str) -> f64 {
    let mut own = Command::new(std::env::current_exe().unwrap());
    own.args([NEW_COMMITS, view.path.to_str().unwrap(), new, cover]).envs(view.more_variables());
    peak(own)
}

/// The peak of a process that asks for nothing.
pub(crate) fn mib_of_nothing() -> f64 {
    let mut own = Command::new(std::env::current_exe().unwrap());
    own.arg(NOTHING);
    peak(own)
}

fn peak(mut own: Command) -> f64 {
    let output = own.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse::<f64>().unwrap_or_else(|_| panic!("{output:?}")) / 1024.0
}

/// Whether this process is one that is measured; then it has done its work.
pub(crate) fn is_child(arguments: &[String]) -> bool {
    match arguments {
        [mark, path, new, cover] if mark == NEW_COMMITS => {
            View::from_environment(path).new_commits(new, cover);
        }
        [mark] if mark == NOTHING => {}
        _ => return false,
    }
    println!("{}", own_peak_kib());
    true
}

/// Of this program alone: what the system tells of a process counts the one that it came from, too.
pub(crate) fn own_peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells it");
    peak.trim().trim_end_matches("kB").trim().parse().unwrap()
}
