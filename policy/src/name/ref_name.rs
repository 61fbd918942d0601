use std::fmt;

use thiserror::Error;

use crate::printable::Printable;

/// A full ref name, `refs/…`, exactly as git sends it: bytes, not text, under git's own rules
/// (git-check-ref-format(1)). It may hold any other byte: invalid UTF-8, look-alikes, shell syntax.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefName(Box<[u8]>);

/// Which of git's rules a name breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RefNameError {
    /// git refuses to create such a "funny" ref.
    #[error("it does not begin with `refs/`")]
    NotUnderRefs,
    /// Longer than any file system holds.
    #[error("it is longer than {} bytes", RefName::MAX_LEN)]
    TooLong,
    /// `refs//x`, `refs/x/`.
    #[error("it has an empty component")]
    EmptyComponent,
    /// `refs/heads/.x`.
    #[error("a component begins with `.`")]
    LeadingDot,
    /// `refs/heads/x.lock`.
    #[error("a component ends with `.lock`")]
    LockSuffix,
    /// `refs/heads/a..b`.
    #[error("it contains `..`")]
    DoubleDot,
    /// `refs/heads/a@{b`.
    #[error("it contains `@{{`")]
    AtBrace,
    /// `refs/heads/x.`.
    #[error("it ends with `.`")]
    TrailingDot,
    /// A control character, a space, or one of `~^:?*[\`.
    #[error("it contains the byte 0x{0:02x}, which git allows in no ref name")]
    Byte(u8),
}

impl RefName {
    /// The longest name that is judged, in bytes: four times what a file system takes, and so that every name fits
    /// one entry of the audit log.
    pub const MAX_LEN: usize = 16_384;

    /// Parses a full ref name.
    ///
    /// # Errors
    /// The first of git's rules that `name` breaks.
    pub fn parse(name: &[u8]) -> Result<Self, RefNameError> {
        if name.len() > Self::MAX_LEN {
            return Err(RefNameError::TooLong);
        }
        if !name.starts_with(b"refs/") {
            return Err(RefNameError::NotUnderRefs);
        }
        if let Some(byte) = name.iter().copied().find(|byte| is_forbidden(*byte)) {
            return Err(RefNameError::Byte(byte));
        }
        if has(name, b"..") {
            return Err(RefNameError::DoubleDot);
        }
        if has(name, b"@{") {
            return Err(RefNameError::AtBrace);
        }
        for component in name.split(|byte| *byte == b'/') {
            check_component(component)?;
        }
        if name.ends_with(b".") {
            return Err(RefNameError::TrailingDot);
        }
        Ok(Self(name.into()))
    }

    /// The name's bytes, from `refs/` on.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the name is a tag's. Moving a tag is always a force, whatever the ancestry.
    pub fn is_tag(&self) -> bool {
        self.0.starts_with(b"refs/tags/")
    }
}

fn check_component(component: &[u8]) -> Result<(), RefNameError> {
    if component.is_empty() {
        return Err(RefNameError::EmptyComponent);
    }
    if component.starts_with(b".") {
        return Err(RefNameError::LeadingDot);
    }
    if component.ends_with(b".lock") {
        return Err(RefNameError::LockSuffix);
    }
    Ok(())
}

fn is_forbidden(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f || b"~^:?*[\\".contains(&byte)
}

fn has(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable::new(&self.0).fmt(f)
    }
}

impl fmt::Debug for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefName({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{RefName, RefNameError as E};

    #[test]
    fn what_git_accepts() {
        for name in [
            &b"refs/heads/main"[..],
            b"refs/heads/refs/heads/main",
            b"refs/heads/HEAD",
            b"refs/heads/MAIN",
            b"refs/heads/caf\xc3\xa9",
            b"refs/heads/cafe\xcc\x81",
            b"refs/heads/a\xff\x9bb",
            b"refs/heads/$(reboot)",
            b"refs/heads/--help",
            b"refs/heads/%n",
            b"refs/heads/\"quoted'",
            b"refs/heads/a.lockb",
            b"refs/heads/a{b}",
            b"refs/heads/@",
            b"refs/pull-requests/1/from",
            b"refs/tags/main",
            b"refs/stash",
        ] {
            assert_eq!(RefName::parse(name).map(|parsed| parsed.as_bytes().to_vec()), Ok(name.to_vec()));
        }
    }

    #[test]
    fn what_git_refuses() {
        for (name, error) in [
            (&b""[..], E::NotUnderRefs),
            (b"HEAD", E::NotUnderRefs),
            (b"heads/main", E::NotUnderRefs),
            (b"refs/", E::EmptyComponent),
            (b"refs//main", E::EmptyComponent),
            (b"refs/heads/", E::EmptyComponent),
            (b"refs/heads/.x", E::LeadingDot),
            (b"refs/heads/x.lock", E::LockSuffix),
            (b"refs/x.lock/y", E::LockSuffix),
            (b"refs/heads/a..b", E::DoubleDot),
            (b"refs/heads/a@{1}", E::AtBrace),
            (b"refs/heads/a.", E::TrailingDot),
            (b"refs/heads/a b", E::Byte(b' ')),
            (b"refs/heads/a\nb", E::Byte(b'\n')),
            (b"refs/heads/a\0b", E::Byte(0)),
            (b"refs/heads/a\x7fb", E::Byte(0x7f)),
            (b"refs/heads/*", E::Byte(b'*')),
            (b"refs/heads/a\\b", E::Byte(b'\\')),
        ] {
            assert_eq!(RefName::parse(name), Err(error), "{name:?}");
        }
    }
}
