use serde::Serialize;

/// What a tag must be like when it is created or moved. The default asks for nothing, and so does any of it of a ref that
/// is no tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TagChecks {
    /// The ref names a tag object.
    pub annotated: bool,
    /// The ref names a tag object, with a signature that is good, with a key of its tagger.
    pub signed: bool,
}

impl TagChecks {
    /// Whether they ask for nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One of the checks of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TagCheck {
    /// Either of [`TagChecks`]: what is no tag object has no signature of its own.
    Annotated,
    /// [`TagChecks::signed`]
    Signed,
}
