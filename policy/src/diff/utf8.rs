//! One character of UTF-8, byte by byte, as the standard library draws its borders.

/// What the bytes of a character that has begun still lack.
pub(super) type Pending = u8;

/// The number of [`Pending`] states; they count from 1.
pub(super) const STATES: u8 = 7;

/// What one more byte makes of a character that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The bytes are no character.
    Broken,
    /// They are one.
    Done,
    /// They can become one.
    More(Pending),
}

/// The state after a byte that can begin a character of several bytes.
pub(super) const fn begin(byte: u8) -> Option<Pending> {
    Some(match byte {
        0xc2..=0xdf => 1,
        0xe0 => 2,
        0xe1..=0xec | 0xee | 0xef => 3,
        0xed => 4,
        0xf0 => 5,
        0xf1..=0xf3 => 6,
        0xf4 => 7,
        _ => return None,
    })
}

/// The state after one more byte.
pub(super) const fn advance(pending: Pending, byte: u8) -> Step {
    match (pending, byte) {
        (1, 0x80..=0xbf) => Step::Done,
        (2, 0xa0..=0xbf) | (3, 0x80..=0xbf) | (4, 0x80..=0x9f) => Step::More(1),
        (5, 0x90..=0xbf) | (6, 0x80..=0xbf) | (7, 0x80..=0x8f) => Step::More(3),
        _ => Step::Broken,
    }
}

/// Bytes with the same number are alike to [`begin`] and [`advance`]; 0 for ASCII.
pub(super) const fn kind(byte: u8) -> u8 {
    match byte {
        0..=0x7f => 0,
        0x80..=0x8f => 1,
        0x90..=0x9f => 2,
        0xa0..=0xbf => 3,
        0xc0 | 0xc1 | 0xf5.. => 4,
        0xc2..=0xdf => 5,
        0xe0 => 6,
        0xed => 7,
        0xe1..=0xec | 0xee | 0xef => 8,
        0xf0 => 9,
        0xf1..=0xf3 => 10,
        0xf4 => 11,
    }
}

#[cfg(test)]
mod tests {
    use super::{Step, advance, begin};

    #[test]
    fn it_knows_every_character_and_nothing_else() {
        for character in ('\u{80}'..=char::MAX).step_by(7) {
            let mut buffer = [0; 4];
            let [first, rest @ ..] = character.encode_utf8(&mut buffer).as_bytes() else {
                panic!("no bytes")
            };
            let mut pending = begin(*first).unwrap();
            for (place, byte) in rest.iter().enumerate() {
                match advance(pending, *byte) {
                    Step::More(next) => pending = next,
                    Step::Done => {
                        assert_eq!(place + 1, rest.len());
                    }
                    Step::Broken => panic!("{character}"),
                }
            }
        }
        for first in 0x80..=0xff {
            for second in 0..=0xff {
                let accepted = begin(first).is_some_and(|pending| advance(pending, second) == Step::Done);
                assert_eq!(accepted, std::str::from_utf8(&[first, second]).is_ok(), "{first:x} {second:x}");
            }
        }
    }
}
