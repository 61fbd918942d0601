//! The wire of Bitbucket OAM.
//!
//! **For:** the one protocol between hook, daemon and `oam`: the `.proto` files in `proto/`, the code generated from
//! them in [`v1`], and the conversions between messages and the types of [`oam_policy`].
//!
//! **In:** messages from outside, of which nothing is trusted. **Out:** [`oam_policy`] types, or a [`WireError`] that
//! says which field is wrong.
//!
//! **Must never:** decide anything, do I/O, or let a bare string past a conversion where a type exists.

mod facts;
mod lint;
mod merging;
mod shown;
mod trial;
mod update;
mod words;

pub use facts::{Asked, AskedHistory, FactsNews, HistoryNews, facts_from_wire};
pub use lint::warnings_to_wire;
pub use merging::{merging_from_wire, merging_to_wire};
pub use trial::test_outcome_to_wire;
pub use update::{channel_from_wire, channel_to_wire, update_from_wire, update_to_wire};
pub use words::{decision_to_wire, undecided_to_wire};

/// Generated code of package `oam.v1`.
#[expect(missing_docs, reason = "the `.proto` files document it")]
#[allow(clippy::all, clippy::indexing_slicing, unreachable_pub, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("oam.v1");
}

/// The encoded descriptors of package `oam.v1`, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/oam.v1.bin"));

/// Limits that both ends keep.
pub mod limits {
    /// The largest message that either end accepts, in bytes.
    pub const MESSAGE_BYTES: usize = 4 * 1024 * 1024;
    /// How many ref updates one message carries at most.
    pub const UPDATES_PER_MESSAGE: usize = 2_000;
    /// How many bytes of ref updates one message carries at most, so that long names fit [`MESSAGE_BYTES`].
    pub const UPDATE_BYTES_PER_MESSAGE: usize = 1024 * 1024;
    /// How many paths, files and commits one message carries at most.
    pub const ITEMS_PER_MESSAGE: usize = 2_000;
    /// How many bytes of facts one message carries at most.
    pub const FACT_BYTES_PER_MESSAGE: usize = 1024 * 1024;
    /// How many ref updates one push may have.
    pub const UPDATES_PER_PUSH: usize = 1_000_000;
    /// How many histories are asked for at once.
    pub const HISTORIES_PER_ROUND: usize = 100_000;
    /// How much of a commit's subject a hook tells, in bytes.
    pub const SUBJECT_BYTES: usize = 1_000;
    /// How long an e-mail may be to be somebody's, in bytes.
    pub const EMAIL_BYTES: usize = 1_000;
    /// How much is shown of a path that cannot be judged, in bytes.
    pub const PATH_BYTES_SHOWN: usize = 200;
    /// How long the token of a lease may be, in bytes.
    pub const LEASE_TOKEN_BYTES: usize = 8 * 1024;
    /// How many refs a decision describes in words; the others are counted.
    pub const REFS_DESCRIBED: usize = 20;
}

/// What a message got wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: {detail}")]
pub struct WireError {
    /// The field, as the `.proto` file names it.
    pub field: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

impl WireError {
    #[expect(clippy::needless_pass_by_value, reason = "errors and format arguments are given away")]
    pub(crate) fn new(field: &'static str, detail: impl ToString) -> Self {
        Self { field, detail: detail.to_string() }
    }
}
