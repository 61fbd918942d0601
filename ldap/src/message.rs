//! What a server says.

use std::fmt;

use crate::{
    ber::{ENUMERATED, Fault, INTEGER, OCTET_STRING, Reader, SEQUENCE, SET},
    entry::{Attribute, Entry},
};

/// The longest message that is taken. One of a group with a hundred thousand members has some 10 MiB.
pub const MAX_BYTES: usize = 64 << 20;

/// A message of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which request it answers; 0: none.
    pub id: i32,
    /// The answer.
    pub response: Response,
    /// What comes with it.
    pub controls: Vec<Control>,
}

/// One answer, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// To a bind.
    Bind(Outcome),
    /// An object that was found.
    Entry(Entry),
    /// That more would be found elsewhere.
    Reference,
    /// The end of a search.
    Done(Outcome),
    /// To an extended request; to none: the server is about to close the connection.
    Extended(Outcome),
    /// Something in between.
    Intermediate {
        /// What it is: an object identifier, empty where the server says nothing.
        name: String,
        /// What it says.
        value: Vec<u8>,
    },
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The code.
    pub code: Code,
    /// The server's words.
    pub message: String,
}

/// A result code (RFC 4511, 4.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub i32);

/// A control: its object identifier and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// The object identifier.
    pub oid: String,
    /// What it says, if anything.
    pub value: Option<Vec<u8>>,
}

impl Code {
    /// Done as asked.
    pub const SUCCESS: Self = Self(0);
    /// There was more than the server gives to this account.
    pub const SIZE_LIMIT_EXCEEDED: Self = Self(4);
    /// There is no such object.
    pub const NO_SUCH_OBJECT: Self = Self(32);
    /// Name or password is wrong.
    pub const INVALID_CREDENTIALS: Self = Self(49);
    /// What is known is too old: all must be told again (RFC 4533).
    pub const REFRESH_REQUIRED: Self = Self(4096);

    /// The name in RFC 4511, of those that a client which only reads meets.
    fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "operationsError",
            2 => "protocolError",
            3 => "timeLimitExceeded",
            4 => "sizeLimitExceeded",
            7 => "authMethodNotSupported",
            8 => "strongerAuthRequired",
            10 => "referral",
            11 => "adminLimitExceeded",
            12 => "unavailableCriticalExtension",
            13 => "confidentialityRequired",
            32 => "noSuchObject",
            34 => "invalidDNSyntax",
            48 => "inappropriateAuthentication",
            49 => "invalidCredentials",
            50 => "insufficientAccessRights",
            51 => "busy",
            52 => "unavailable",
            53 => "unwillingToPerform",
            4096 => "e-syncRefreshRequired",
            _ => return None,
        })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "result code {}", self.0),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" => write!(f, "{}", self.code),
            message => write!(f, "{}: {message}", self.code),
        }
    }
}

impl Message {
    /// Reads one whole message.
    ///
    /// # Errors
    /// When it is none that a server sends to a client.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let mut message = Reader::new(bytes).inside(SEQUENCE)?;
        let id = message.integer(INTEGER)?;
        let operation = message.any()?;
        let mut inner = Reader::new(operation.content);
        let response = match operation.tag {
            0x61 => Response::Bind(outcome(&mut inner)?),
            0x64 => Response::Entry(entry(&mut inner)?),
            0x65 => Response::Done(outcome(&mut inner)?),
            0x73 => Response::Reference,
            0x78 => Response::Extended(outcome(&mut inner)?),
            0x79 => {
                let name = inner.optional(0x80)?.unwrap_or_default();
                let value = inner.optional(0x81)?.unwrap_or_default();
                Response::Intermediate { name: lossy(name), value: value.to_vec() }
            }
            _ => return Err(Fault::Value("the operation of a message")),
        };
        // Active Directory puts the name of a notice of disconnection here, where controls would be.
        let controls = match message.optional(0xa0)? {
            Some(content) => controls(Reader::new(content))?,
            None => Vec::new(),
        };
        Ok(Self { id, response, controls })
    }

    /// What the control with this object identifier says, if the message has it.
    pub fn control(&self, oid: &str) -> Option<&[u8]> {
        self.controls.iter().find(|control| control.oid == oid)?.value.as_deref()
    }
}

fn outcome(reader: &mut Reader<'_>) -> Result<Outcome, Fault> {
    let code = Code(reader.integer(ENUMERATED)?);
    reader.take(OCTET_STRING)?;
    // Words are for people: what is no UTF-8 in them is no reason not to know the code.
    let message = lossy(reader.take(OCTET_STRING)?);
    Ok(Outcome { code, message })
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

fn entry(reader: &mut Reader<'_>) -> Result<Entry, Fault> {
    let dn = reader.text(OCTET_STRING)?.to_owned();
    let mut list = reader.inside(SEQUENCE)?;
    let mut attributes = Vec::new();
    while !list.is_done() {
        let mut attribute = list.inside(SEQUENCE)?;
        let name = attribute.text(OCTET_STRING)?.to_owned();
        let mut set = attribute.inside(SET)?;
        let mut values = Vec::new();
        while !set.is_done() {
            values.push(set.take(OCTET_STRING)?.to_vec());
        }
        attributes.push(Attribute { name, values });
    }
    Ok(Entry { dn, attributes })
}

fn controls(mut reader: Reader<'_>) -> Result<Vec<Control>, Fault> {
    let mut controls = Vec::new();
    while !reader.is_done() {
        let mut control = reader.inside(SEQUENCE)?;
        let oid = control.text(OCTET_STRING)?.to_owned();
        control.optional_boolean()?;
        let value = control.optional(OCTET_STRING)?.map(<[u8]>::to_vec);
        controls.push(Control { oid, value });
    }
    Ok(controls)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ber::{all, number, octets};

    fn message(operation: Vec<u8>, more: &[Vec<u8>]) -> Result<Message, Fault> {
        let parts = [&[number(INTEGER, 7), operation][..], more].concat();
        Message::decode(&all(SEQUENCE, &parts))
    }

    #[test]
    fn an_entry_is_read_with_its_controls() {
        let values = all(SET, &[octets(b"alice"), octets(b"\xff")]);
        let attributes = all(SEQUENCE, &[all(SEQUENCE, &[octets(b"uid"), values])]);
        let control = all(SEQUENCE, &[octets(b"1.2.3"), crate::ber::boolean(true), octets(b"v")]);
        let read = message(all(0x64, &[octets(b"uid=alice"), attributes]), &[all(0xa0, &[control])]).unwrap();
        let Response::Entry(entry) = &read.response else { panic!("{read:?}") };
        assert_eq!(
            (entry.dn.as_str(), entry.text("UID"), entry.values("uid").len()),
            ("uid=alice", Some("alice"), 2)
        );
        assert_eq!((read.id, read.control("1.2.3"), read.control("1.2")), (7, Some(&b"v"[..]), None));
    }

    #[test]
    fn a_notice_of_disconnection_as_active_directory_sends_it_is_read() {
        let outcome = [number(ENUMERATED, 52), octets(b""), octets(b"bye\0")];
        let read =
            message(all(0x78, &outcome), &[crate::ber::element(0x8a, b"1.3.6.1.4.1.1466.20036")]).unwrap();
        let Response::Extended(outcome) = read.response else { panic!("{read:?}") };
        assert_eq!(outcome.to_string(), "unavailable (52): bye");
    }

    #[test]
    fn what_a_client_sends_is_no_answer() {
        for operation in [all(0x60, &[]), all(0x63, &[]), all(0x64, &[]), octets(b"x")] {
            assert!(message(operation, &[]).is_err());
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_server_sends_is_a_crash(bytes in prop::collection::vec(any::<u8>(), 0..200), tag in 0x60_u8..0x7a) {
            let _ = Message::decode(&bytes);
            let _ = message(crate::ber::element(tag, &bytes), &[]);
        }
    }
}
