//! The policy in force: read from files, kept by version, replaced only by one without a fault.

mod folder;
mod history;
mod manager;
#[cfg(test)]
mod tests;
mod watch;

pub use folder::{ReadError, fingerprint, read};
pub use history::{History, HistoryError, Version};
pub use manager::{Applied, ApplyError, Change, LivePolicy, PolicyManager, origin_code};
pub use watch::follow;
