//! What we ask.

use crate::{
    ber::{self, ENUMERATED, INTEGER, SEQUENCE, all, element, number, octets},
    control::Ask,
    filter::Filter,
};

/// What a StartTLS request is called.
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// How far below its base a search looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The base alone.
    Base,
    /// What stands right below it.
    OneLevel,
    /// Everything below it, and itself.
    Subtree,
}

/// A search.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Where it begins.
    pub base: &'a str,
    /// How far it looks.
    pub scope: Scope,
    /// What it looks for.
    pub filter: &'a Filter,
    /// What is to be told of it.
    pub attributes: &'a [String],
}

/// Says who we are. The bytes hold the password.
pub fn bind(id: i32, dn: &str, password: &[u8]) -> Vec<u8> {
    let version = number(INTEGER, 3);
    message(id, all(0x60, &[version, octets(dn.as_bytes()), element(0x80, password)]), &[])
}

/// Asks for TLS on this connection.
pub fn start_tls(id: i32) -> Vec<u8> {
    message(id, all(0x77, &[element(0x80, START_TLS)]), &[])
}

/// Looks for objects.
pub fn search(id: i32, search: &Search<'_>, controls: &[Ask<'_>]) -> Vec<u8> {
    let scope = match search.scope {
        Scope::Base => 0,
        Scope::OneLevel => 1,
        Scope::Subtree => 2,
    };
    let attributes: Vec<_> = search.attributes.iter().map(|name| octets(name.as_bytes())).collect();
    let operation = all(
        0x63,
        &[
            octets(search.base.as_bytes()),
            number(ENUMERATED, scope),
            // Aliases are not followed: they would let whoever may write one bring in people from elsewhere.
            number(ENUMERATED, 0),
            number(INTEGER, 0),
            number(INTEGER, 0),
            ber::boolean(false),
            search.filter.encode(),
            all(SEQUENCE, &attributes),
        ],
    );
    message(id, operation, controls)
}

/// Says goodbye.
pub fn unbind(id: i32) -> Vec<u8> {
    message(id, element(0x42, &[]), &[])
}

fn message(id: i32, operation: Vec<u8>, controls: &[Ask<'_>]) -> Vec<u8> {
    let mut parts = vec![number(INTEGER, id), operation];
    if !controls.is_empty() {
        let controls: Vec<_> = controls.iter().map(Ask::encode).collect();
        parts.push(all(0xa0, &controls));
    }
    all(SEQUENCE, &parts)
}
