use std::sync::Arc;

/// The refs to which commits are new, or not: the patterns of a rule's `refs` as they are written, `${user}` included.
/// Rules with the same patterns see the same commits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cover(Arc<[String]>);

impl Cover {
    pub(crate) fn of(patterns: Vec<String>) -> Self {
        Self(patterns.into())
    }

    /// Of patterns that were recorded, as [`Self::patterns`] gave them.
    pub fn of_patterns(patterns: Vec<String>) -> Self {
        Self::of(patterns)
    }

    /// For facts that hold in view of whatever refs, as those of a question do that nobody has pushed.
    pub fn whatever() -> Self {
        Self(Arc::new([]))
    }

    /// The patterns, as in [`crate::rule::RefSet::sources`].
    pub fn patterns(&self) -> &[String] {
        &self.0
    }
}
