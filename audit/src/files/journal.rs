//! The journal of a log: its newest entries as lines, in files that are named after their first one.

use std::fmt;

/// The folder of the journal, in the folder of its log.
pub const JOURNAL: &str = "journal";
const SUFFIX: &str = ".jsonl";
/// As many digits as the largest number has, so that names are in the order of the log.
const DIGITS: usize = 20;

/// One file of the journal. Printed as its path in the folder of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// The sequence number of its first entry.
    pub first: u64,
}

impl Segment {
    /// The segment with this name in the folder of the journal; none when that is not a name of one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let digits = name.strip_suffix(SUFFIX)?;
        let plain = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten().map(|first| Self { first })
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{JOURNAL}/{:0DIGITS$}{SUFFIX}", self.first)
    }
}
