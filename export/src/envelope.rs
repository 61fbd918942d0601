//! Entries for collectors, as lines of JSON: the entry as the log holds it, and what one needs to find it there again.

use oam_audit::{entry::Entry, merkle::TreeHash};

/// An entry, whose bytes are `line`: `{"index":7,"leaf":"<hexadecimal>","entry":{…}}`.
///
/// The bytes of the entry stand in it as they are, so what hashes to `leaf` can be cut out of it.
#[must_use]
pub fn line(entry: &Entry, line: &str) -> String {
    format!(r#"{{"index":{},"leaf":"{}","entry":{line}}}"#, entry.seq, TreeHash::leaf(line.as_bytes()))
}
