//! The policy in force: read from files, kept by version, replaced only by one without a fault, and only when as many
//! others approve as the one in force wants.

mod approval;
mod error;
mod folder;
mod history;
mod manager;
mod place;
mod proposals;
mod start;
mod summary;
#[cfg(test)]
mod tests;
mod watch;
mod written;

pub use approval::Known;
pub use error::{ApplyError, ProposalError};
pub use folder::{ReadError, read};
pub use history::{History, HistoryError, Version};
pub use manager::{Applied, Change, LivePolicy, PolicyManager, origin_code};
pub use proposals::{Approval, Proposal};
pub use watch::follow;
