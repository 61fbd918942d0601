use std::fmt;

use serde::{Deserialize, Serialize};

use super::{KeyError, armor, bounded};

/// A public key of OpenPGP, with its subkeys and all that is signed of it, as packets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpenPgpKey(Box<[u8]>);

const PUBLIC_KEY: u8 = 6;
const SECRET_KEY: u8 = 5;
const SECRET_SUBKEY: u8 = 7;

impl OpenPgpKey {
    /// Parses a text as `gpg --armor --export` writes it.
    ///
    /// # Errors
    /// When it is no public key, or holds more than one.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = armor::read(bounded(text)?)?;
        let mut packets = Packets(&bytes);
        let first = packets.next().ok_or(KeyError::Malformed("it is empty"))??;
        if first.kind != PUBLIC_KEY {
            return Err(if first.is_secret() {
                KeyError::Private
            } else {
                KeyError::Malformed("it does not begin with a key")
            });
        }
        match first.body.first() {
            Some(4 | 6) => {}
            Some(version) => return Err(KeyError::Version(*version)),
            None => return Err(KeyError::Malformed("it is cut short")),
        }
        for packet in packets {
            match packet? {
                packet if packet.is_secret() => return Err(KeyError::Private),
                Packet { kind: PUBLIC_KEY, .. } => {
                    return Err(KeyError::Malformed("it holds several keys: give each by itself"));
                }
                _ => {}
            }
        }
        Ok(Self(bytes.into()))
    }

    /// The packets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, in one form whatever it was read from.
    pub fn armored(&self) -> String {
        armor::write(&self.0)
    }
}

/// Nobody reads a key.
impl fmt::Debug for OpenPgpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenPgpKey({} bytes)", self.0.len())
    }
}

struct Packet<'a> {
    kind: u8,
    body: &'a [u8],
}

impl Packet<'_> {
    fn is_secret(&self) -> bool {
        matches!(self.kind, SECRET_KEY | SECRET_SUBKEY)
    }
}

/// The packets of a key, whose bodies are not looked into. Lengths that are only known at the end have no place in one.
struct Packets<'a>(&'a [u8]);

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, KeyError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let packet = self.read().ok_or(KeyError::Malformed("it is not made of OpenPGP packets"));
        if packet.is_err() {
            self.0 = &[];
        }
        Some(packet)
    }
}

impl<'a> Packets<'a> {
    fn read(&mut self) -> Option<Packet<'a>> {
        let header = self.number(1)?;
        if header & 0x80 == 0 {
            return None;
        }
        let (kind, len) = if header & 0x40 != 0 {
            (header & 0x3f, self.new_len()?)
        } else {
            let bytes = match header & 3 {
                0 => 1,
                1 => 2,
                2 => 4,
                _ => return None,
            };
            (header >> 2 & 0xf, self.number(bytes)?)
        };
        Some(Packet { kind: u8::try_from(kind).ok()?, body: self.take(len)? })
    }

    fn new_len(&mut self) -> Option<usize> {
        match self.number(1)? {
            short @ 0..=191 => Some(short),
            long @ 192..=223 => Some(((long - 192) << 8) + self.number(1)? + 192),
            255 => self.number(4),
            _ => None,
        }
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::{OpenPgpKey, armor};
    use crate::snapshot::KeyError;

    /// A packet of that kind in the new format.
    fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[0xc0 | kind, u8::try_from(body.len()).unwrap()][..], body].concat()
    }

    fn parse(packets: &[Vec<u8>]) -> Result<OpenPgpKey, KeyError> {
        OpenPgpKey::parse(&armor::write(&packets.concat()))
    }

    #[test]
    fn a_key_has_one_form() {
        let key = parse(&[packet(6, &[4; 80]), packet(13, b"Ann"), packet(2, &[4; 90])]).unwrap();
        let text = key.armored();
        let (first, body) = text.split_once("\n\n").unwrap();
        let with_headers = format!("{first}\r\nComment: mine\r\n\r\n{}", body.replace('\n', "\r\n"));
        for other in [text.clone(), with_headers, text.replace("-----END", "=AbCd\n-----END")] {
            assert_eq!(OpenPgpKey::parse(&other).unwrap().armored(), text, "{other}");
        }
    }

    #[test]
    fn what_is_no_key_is_told() {
        let key = || packet(6, &[4; 80]);
        for (packets, says) in [
            (vec![], "it is empty"),
            (vec![packet(2, &[4])], "does not begin with a key"),
            (vec![packet(5, &[4])], "private key"),
            (vec![key(), packet(7, &[4])], "private key"),
            (vec![key(), key()], "several keys"),
            (vec![packet(6, &[3; 80])], "version 3"),
            (vec![packet(6, &[])], "cut short"),
            (vec![key(), vec![0xc2, 9, 1]], "packets"),
            (vec![key(), vec![0x12]], "packets"),
            (vec![key(), vec![0xc2, 0xe0, 1]], "packets"),
        ] {
            let error = parse(&packets).unwrap_err().to_string();
            assert!(error.contains(says), "{packets:?}: {error}");
        }
        for (text, says) in [
            ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "private key"),
            ("-----BEGIN PGP SIGNATURE-----\n", "does not begin"),
            ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA", "does not end"),
            ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!\n-----END PGP PUBLIC KEY BLOCK-----", "not base64"),
            (
                "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\nx",
                "something follows",
            ),
        ] {
            let error = OpenPgpKey::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes: Vec<u8>) {
            if let Ok(key) = OpenPgpKey::parse(&armor::write(&bytes)) {
                proptest::prop_assert_eq!(key.as_bytes(), &bytes[..]);
            }
        }
    }
}
