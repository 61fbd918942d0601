//! What the audit log costs: appending beside a plain append with `fdatasync`, verifying, starting, and its size.
//!
//! `cargo bench -p oam-daemon --bench audit`, with `-- --quick` for a tenth of it, and with `-- --growth` for ten million
//! entries besides (some 10 GB in the system's folder for temporary files; `TMPDIR` names another disk).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark fails loudly, prints, and rounds"
)]

mod append;
mod entry;
mod memory;
mod whole;

fn main() {
    let asked = |name: &str| std::env::args().any(|argument| argument == name);
    let part = if asked("--quick") { 10 } else { 1 };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        append::run(part).await;
        whole::run(1_000_000 / part).await;
        if asked("--growth") {
            whole::growth(10_000_000 / part).await;
        }
    });
}
