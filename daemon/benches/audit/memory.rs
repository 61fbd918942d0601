//! How much memory this process holds, as Linux tells it.

use std::fs;

/// Forgets what the most was so far.
pub(crate) fn forget_peak() {
    // 5 resets `VmHWM`, see proc(5).
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// The most since then, in MiB.
pub(crate) fn peak() -> u64 {
    status("VmHWM:")
}

/// What it is now, in MiB.
pub(crate) fn resident() -> u64 {
    status("VmRSS:")
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}
