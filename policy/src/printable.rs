//! Bytes from outside, made safe to print on a terminal.
//!
//! Ref names, usernames and messages reach a developer's terminal through git's side band, which passes escape
//! sequences on untouched. So whatever does not plainly show itself is written as an escape: control characters
//! (C0, DEL, C1), bytes that are not UTF-8, and the invisible or direction-changing characters with which one name
//! can be made to look like another.

use std::fmt::{self, Write as _};

/// Displays bytes with everything unprintable escaped: `\n` as `\x0a`, U+202E as `\u{202e}`, an invalid byte as `\xff`.
#[derive(Clone, Copy)]
pub struct Printable<'a>(&'a [u8]);

impl<'a> Printable<'a> {
    /// Shows `bytes`, which need not be UTF-8.
    pub fn new<T: AsRef<[u8]> + ?Sized>(bytes: &'a T) -> Self {
        Self(bytes.as_ref())
    }
}

/// A pattern, safe in the same way, whose backslashes stand as they were written: whoever wrote it is to find it again.
pub fn as_written(pattern: &str) -> String {
    let parts: Vec<_> = pattern.split('\\').map(|part| Printable::new(part).to_string()).collect();
    parts.join("\\")
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                write_character(f, character)?;
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

fn write_character(f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    match character {
        // Itself the mark of an escape: doubled, so that a name cannot counterfeit one.
        '\\' => f.write_str("\\\\"),
        '\0'..='\u{1f}' | '\u{7f}' => write!(f, "\\x{:02x}", u32::from(character)),
        _ if is_deceptive(character) => write!(f, "\\u{{{:x}}}", u32::from(character)),
        _ => f.write_char(character),
    }
}

/// Characters that show nothing, or that reorder what stands around them (Unicode general categories Cc, Cf, Zl, Zp,
/// Co, Cs and the fillers and variation selectors).
pub(crate) fn is_deceptive(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}'
        | '\u{3000}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        | '\u{f0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::{Printable, as_written};

    #[test]
    fn plain_text_is_left_alone() {
        assert_eq!(Printable::new("refs/heads/größe-日本").to_string(), "refs/heads/größe-日本");
    }

    #[test]
    fn nothing_that_moves_the_cursor_or_hides_gets_through() {
        for (raw, shown) in [
            (&b"a\x1b[31mb"[..], "a\\x1b[31mb"),
            (b"a\r\nb\x7f", "a\\x0d\\x0ab\\x7f"),
            (b"a\x9bb\xff", "a\\x9bb\\xff"),
            ("a\u{9b}31m".as_bytes(), "a\\u{9b}31m"),
            ("x\u{202e}y\u{200b}z\u{feff}".as_bytes(), "x\\u{202e}y\\u{200b}z\\u{feff}"),
            (b"back\\x1bslash", "back\\\\x1bslash"),
        ] {
            assert_eq!(Printable::new(raw).to_string(), shown);
        }
    }

    #[test]
    fn a_pattern_is_told_as_it_was_written() {
        assert_eq!(as_written(r"re:PAY-\d+\.x"), r"re:PAY-\d+\.x");
        assert_eq!(as_written("a\u{202e}\n"), "a\\u{202e}\\x0a");
    }

    proptest::proptest! {
        #[test]
        fn never_a_control_character(bytes: Vec<u8>) {
            let shown = Printable::new(&bytes).to_string();
            proptest::prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
