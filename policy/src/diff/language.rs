//! The texts that can be asked about at all, as automata: full ref names, repositories in lower case, and paths.

use super::utf8::{self, Step};

/// A set of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Language {
    /// What git accepts as a full ref name (see [`crate::RefName`]), of any length.
    Refs,
    /// `project/slug` in lower case (see [`crate::Repository`]), of any length and with any character beyond ASCII.
    Repositories,
    /// What an entry of a tree can be called (see [`crate::TreePath`]), of any length.
    Paths,
}

/// A state of a language's automaton; 0 is the first.
pub(super) type State = u8;

const PREFIX: &[u8] = b"refs/";
/// At the beginning of a component of a ref name.
const START: State = 5;
const PLAIN: State = 6;
const DOT: State = 7;
const AT: State = 8;
/// `.l`, and one more for each letter up to `.lock`.
const L: State = 9;
const LOCK: State = 12;

/// Within `project/slug`: nothing yet, `.`, `..`, or something else; 4 more in the slug.
const PART_SOME: State = 3;
const SLUG: State = 4;

/// Within a component of a path, not at its beginning.
const NAMED: State = 1;

impl Language {
    /// The state after `byte`; `None` when no text of the language goes on so.
    pub(super) fn next(self, state: State, byte: u8) -> Option<State> {
        match self {
            Self::Refs => ref_name(state, byte),
            Self::Repositories => repository(state, byte),
            Self::Paths => path(state, byte),
        }
    }

    /// Whether a text may end here.
    pub(super) const fn accepts(self, state: State) -> bool {
        match self {
            Self::Refs => matches!(state, PLAIN | AT | L..LOCK),
            Self::Repositories => state == SLUG + PART_SOME,
            Self::Paths => state == NAMED,
        }
    }

    /// Bytes that it tells from all others.
    pub(super) const fn marks(self) -> &'static [u8] {
        match self {
            Self::Refs => b"refs/.@{lock",
            Self::Repositories => b"/.",
            Self::Paths => b"/",
        }
    }

    /// Whether any text of the language holds `byte`.
    pub(super) fn allows(self, byte: u8) -> bool {
        match self {
            Self::Refs => byte > b' ' && byte != 0x7f && !b"~^:?*[\\".contains(&byte),
            Self::Repositories => {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.~/".contains(&byte) || byte >= 0x80
            }
            Self::Paths => byte != 0,
        }
    }
}

fn ref_name(state: State, byte: u8) -> Option<State> {
    if !Language::Refs.allows(byte) {
        return None;
    }
    if state < START {
        return (PREFIX.get(usize::from(state)) == Some(&byte)).then_some(state + 1);
    }
    match (byte, state) {
        (b'/', START | LOCK) | (b'.', START | DOT) | (b'{', AT) => None,
        (b'/', _) => Some(START),
        (b'.', _) => Some(DOT),
        (b'@', _) => Some(AT),
        (b'l', DOT) | (b'o', 9) | (b'c', 10) | (b'k', 11) => Some(if state == DOT { L } else { state + 1 }),
        _ => Some(PLAIN),
    }
}

fn repository(state: State, byte: u8) -> Option<State> {
    if !Language::Repositories.allows(byte) {
        return None;
    }
    // The low three bits: where in the name. Above them: what a character that has begun lacks.
    let (part, pending) = (state & 7, state >> 3);
    let some = part & SLUG | PART_SOME;
    if pending != 0 {
        return match utf8::advance(pending, byte) {
            Step::Broken => None,
            Step::Done => Some(some),
            Step::More(pending) => Some(part | pending << 3),
        };
    }
    match (byte, part & PART_SOME) {
        (b'/', PART_SOME) if part < SLUG => Some(SLUG),
        (b'/', _) => None,
        (b'.', dots) => Some(part & SLUG | (dots + 1).min(PART_SOME)),
        (0x80.., _) => Some(part | utf8::begin(byte)? << 3),
        _ => Some(some),
    }
}

fn path(state: State, byte: u8) -> Option<State> {
    match (byte, state) {
        (0, _) => None,
        (b'/', NAMED) => Some(0),
        (b'/', _) => None,
        _ => Some(NAMED),
    }
}

#[cfg(test)]
mod tests {
    use super::Language;
    use crate::name::{RefName, Repository, TreePath};

    fn accepts(language: Language, text: &[u8]) -> bool {
        text.iter()
            .try_fold(0, |state, byte| language.next(state, *byte))
            .is_some_and(|state| language.accepts(state))
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

        #[test]
        fn refs_are_what_the_parser_takes(
            tail in "([a/.@{lock]|\\.lock|/){0,9}", any: Vec<u8>,
        ) {
            for name in [tail.clone().into_bytes(), any, b"/x.lock".to_vec()] {
                let name = [b"refs/h/", name.as_slice()].concat();
                proptest::prop_assert_eq!(accepts(Language::Refs, &name), RefName::parse(&name).is_ok(), "{:?}", name);
            }
        }

        #[test]
        fn repositories_are_what_the_parser_takes(text in "[a./é一~ ]{0,6}") {
            proptest::prop_assert_eq!(
                accepts(Language::Repositories, text.as_bytes()), Repository::parse(&text).is_ok(), "{}", text);
        }

        #[test]
        fn paths_are_what_the_parser_takes(text in "[a./\\x00]{0,6}", any: Vec<u8>) {
            for path in [text.into_bytes(), any] {
                proptest::prop_assert_eq!(
                    accepts(Language::Paths, &path), TreePath::parse(&path).is_ok(), "{:?}", path);
            }
        }
    }
}
