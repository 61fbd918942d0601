use oam_policy::ObjectId;

use super::{Git, Unreadable};

/// The best common ancestors of two commits, as git finds them; none where they have nothing in common.
///
/// # Errors
/// When git cannot be run, or fails.
pub fn merge_bases(git: &Git, one: ObjectId, other: ObjectId) -> Result<Vec<ObjectId>, Unreadable> {
    let mut bases = Vec::new();
    // Of `git merge-base`, a failure and "none" would look alike.
    git.each_line(&["rev-parse", "--end-of-options", &format!("{one}...{other}")], [], |line| {
        if let Some(base) = line.strip_prefix(b"^") {
            let base = ObjectId::parse_hex(base);
            bases.push(base.map_err(|error| Unreadable::Failed(error.to_string()))?);
        }
        Ok(())
    })?;
    Ok(bases)
}
