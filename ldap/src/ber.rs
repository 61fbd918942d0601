//! The Basic Encoding Rules as LDAP restricts them (RFC 4511, 5.1): definite lengths, one-byte tags.
//!
//! Reading never recurses: whoever reads takes one element after the other, and goes into one where its type says so.

use thiserror::Error;

/// `BOOLEAN`
pub const BOOLEAN: u8 = 0x01;
/// `INTEGER`
pub const INTEGER: u8 = 0x02;
/// `OCTET STRING`
pub const OCTET_STRING: u8 = 0x04;
/// `ENUMERATED`
pub const ENUMERATED: u8 = 0x0a;
/// `SEQUENCE`
pub const SEQUENCE: u8 = 0x30;
/// `SET`
pub const SET: u8 = 0x31;

/// Why bytes are no message of LDAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// They end too early.
    #[error("an element is cut off")]
    CutOff,
    /// A length or tag that LDAP does not use.
    #[error("a length or a tag is not of the kind that LDAP uses")]
    Form,
    /// Another element was to come.
    #[error("an element of type {expected:#04x} was to come, and {found:#04x} did")]
    Tag {
        /// What was to come.
        expected: u8,
        /// What came.
        found: u8,
    },
    /// A value that makes no sense.
    #[error("{0} is not as LDAP has it")]
    Value(&'static str),
    /// More than anybody would send.
    #[error("a message of {bytes} bytes is longer than the {limit} that are taken")]
    TooLong {
        /// How long it says that it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
}

/// One element: its tag and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// The tag, with its class and whether it holds other elements.
    pub tag: u8,
    /// The content.
    pub content: &'a [u8],
}

/// Takes one element after the other.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

/// How long the element is that begins with these bytes, head and content; `None` until enough of it is there to tell.
///
/// # Errors
/// When it begins like nothing that LDAP uses, or is longer than `limit`.
pub fn framed(bytes: &[u8], limit: usize) -> Result<Option<usize>, Fault> {
    match head(bytes) {
        Ok((_, start, length)) => {
            let bytes = start.saturating_add(length);
            if bytes > limit { Err(Fault::TooLong { bytes, limit }) } else { Ok(Some(bytes)) }
        }
        Err(Fault::CutOff) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// The tag, where the content starts, and how long it is.
fn head(bytes: &[u8]) -> Result<(u8, usize, usize), Fault> {
    let [tag, first, rest @ ..] = bytes else { return Err(Fault::CutOff) };
    if tag & 0x1f == 0x1f {
        return Err(Fault::Form);
    }
    if first & 0x80 == 0 {
        return Ok((*tag, 2, usize::from(*first)));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=4).contains(&count) {
        return Err(Fault::Form);
    }
    let octets = rest.get(..count).ok_or(Fault::CutOff)?;
    let length = octets.iter().fold(0_usize, |length, octet| (length << 8) | usize::from(*octet));
    Ok((*tag, 2 + count, length))
}

impl<'a> Reader<'a> {
    /// Reads what these bytes hold.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is.
    ///
    /// # Errors
    /// When there is no whole one.
    pub fn any(&mut self) -> Result<Element<'a>, Fault> {
        let (tag, start, length) = head(self.rest)?;
        let end = start.checked_add(length).ok_or(Fault::Form)?;
        let content = self.rest.get(start..end).ok_or(Fault::CutOff)?;
        self.rest = self.rest.get(end..).unwrap_or_default();
        Ok(Element { tag, content })
    }

    /// The content of the next element, which has this tag.
    ///
    /// # Errors
    /// When it has another, or there is none.
    pub fn take(&mut self, tag: u8) -> Result<&'a [u8], Fault> {
        let element = self.any()?;
        if element.tag == tag {
            Ok(element.content)
        } else {
            Err(Fault::Tag { expected: tag, found: element.tag })
        }
    }

    /// The content of the next element if it has this tag; otherwise it stays.
    ///
    /// # Errors
    /// When it has this tag, and is not whole.
    pub fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Fault> {
        if self.rest.first() == Some(&tag) { self.take(tag).map(Some) } else { Ok(None) }
    }

    /// The next element, which holds others.
    ///
    /// # Errors
    /// When it is another.
    pub fn inside(&mut self, tag: u8) -> Result<Reader<'a>, Fault> {
        self.take(tag).map(Reader::new)
    }

    /// The next element as text.
    ///
    /// # Errors
    /// When it is another, or no UTF-8.
    pub fn text(&mut self, tag: u8) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.take(tag)?).map_err(|_| Fault::Value("a text"))
    }

    /// The next element as a whole number.
    ///
    /// # Errors
    /// When it is another, or out of range.
    pub fn integer(&mut self, tag: u8) -> Result<i32, Fault> {
        let content = self.take(tag)?;
        let (Some(first), true) = (content.first(), content.len() <= 4) else {
            return Err(Fault::Value("a number"));
        };
        let start = if first & 0x80 == 0 { 0 } else { -1 };
        Ok(content.iter().fold(start, |number, octet| (number << 8) | i32::from(*octet)))
    }

    /// The next element as a truth value, if there is one.
    ///
    /// # Errors
    /// When it is none.
    pub fn optional_boolean(&mut self) -> Result<Option<bool>, Fault> {
        match self.optional(BOOLEAN)? {
            None => Ok(None),
            Some([value]) => Ok(Some(*value != 0)),
            Some(_) => Err(Fault::Value("a truth value")),
        }
    }
}

/// An element with this content.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len().to_be_bytes();
    match content.len() {
        short @ 0..=0x7f => bytes.extend(u8::try_from(short)),
        _ => {
            let octets: Vec<_> = length.into_iter().skip_while(|octet| *octet == 0).collect();
            bytes.extend(u8::try_from(octets.len()).map(|count| 0x80 | count));
            bytes.extend(octets);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// An element that holds others.
pub fn all(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    element(tag, &parts.concat())
}

/// A whole number that is not negative.
pub fn number(tag: u8, value: i32) -> Vec<u8> {
    let octets = value.max(0).to_be_bytes();
    let skipped = octets.iter().take_while(|octet| **octet == 0).count().min(3);
    let mut content: Vec<_> = octets.into_iter().skip(skipped).collect();
    if content.first().is_some_and(|first| first & 0x80 != 0) {
        content.insert(0, 0);
    }
    element(tag, &content)
}

/// A truth value.
pub fn boolean(value: bool) -> Vec<u8> {
    element(BOOLEAN, &[if value { 0xff } else { 0 }])
}

/// A text, or any other bytes.
pub fn octets(content: &[u8]) -> Vec<u8> {
    element(OCTET_STRING, content)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_and_tags_of_other_protocols_are_faults() {
        for (bytes, fault) in [
            (&[0x30, 0x80, 0, 0][..], Fault::Form),          // indefinite
            (&[0x30, 0x85, 1, 1, 1, 1, 1][..], Fault::Form), // five octets of length
            (&[0x1f, 0x81, 0x01, 0][..], Fault::Form),       // a long tag
            (&[0x04, 0x03, 1, 2][..], Fault::CutOff),
            (&[0x04][..], Fault::CutOff),
            (&[0x04, 0x82, 1][..], Fault::CutOff),
        ] {
            assert_eq!(Reader::new(bytes).any().unwrap_err(), fault, "{bytes:x?}");
        }
        assert_eq!(
            framed(&[0x30, 0x84, 0x7f, 0, 0, 0], 1000),
            Err(Fault::TooLong { bytes: 0x7f00_0006, limit: 1000 })
        );
        assert_eq!(framed(&[0x30, 0x82, 1], 1000), Ok(None));
        assert_eq!(framed(&[0x30, 0x02], 1000), Ok(Some(4)));
    }

    #[test]
    fn numbers_have_a_sign_and_a_bound() {
        for (content, number) in [(&[0x05][..], Ok(5)), (&[0xff][..], Ok(-1)), (&[0, 0x80][..], Ok(128))] {
            assert_eq!(Reader::new(&element(INTEGER, content)).integer(INTEGER), number);
        }
        for content in [&[][..], &[1, 2, 3, 4, 5][..]] {
            let read = Reader::new(&element(INTEGER, content)).integer(INTEGER);
            assert_eq!(read, Err(Fault::Value("a number")));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(tag in 0_u8..31, length in prop_oneof![0..300_usize, 65_000..66_000_usize], value in 0..i32::MAX) {
            let content = vec![tag; length];
            let bytes = element(tag, &content);
            prop_assert_eq!(framed(&bytes, 1 << 20), Ok(Some(bytes.len())));
            prop_assert_eq!(Reader::new(&bytes).any(), Ok(Element { tag, content: &content }));
            prop_assert_eq!(Reader::new(&number(INTEGER, value)).integer(INTEGER), Ok(value));
        }

        #[test]
        fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            let mut taken = 0;
            while let Ok(element) = reader.any() {
                taken += 2 + element.content.len();
            }
            prop_assert!(taken <= bytes.len());
        }
    }
}
