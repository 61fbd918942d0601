use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// A directory server that hands out the members of a large group in parts, as Active Directory does: of `eng` first `alice`, and `bob` to
/// whoever asks on. It can be kept from handing out the rest.
#[derive(Debug)]
pub struct InParts {
    address: SocketAddr,
    is_cut: Arc<AtomicBool>,
}

impl InParts {
    /// Starts it; it ends with the process.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, is_cut) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let cut = Arc::clone(&is_cut);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let cut = Arc::clone(&cut);
                thread::spawn(move || serve(stream, &cut));
            }
        });
        Self { address, is_cut }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands out the rest of the members, or refuses to.
    pub fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::Relaxed);
    }
}

fn serve(mut stream: TcpStream, is_cut: &AtomicBool) {
    let mut buffer = Vec::new();
    let mut more = [0; 4096];
    loop {
        while let Some((_, message, rest)) = element(&buffer) {
            let (_, id, operation) = element(message).expect("a number");
            let (tag, content, _) = element(operation).expect("an operation");
            let answers = match tag {
                0x60 => vec![outcome(0x61, 0)],
                0x63 => found(content, is_cut.load(Ordering::Relaxed)),
                _ => return,
            };
            let id = put(0x02, id);
            for answer in answers {
                if stream.write_all(&put(0x30, &[id.clone(), answer].concat())).is_err() {
                    return;
                }
            }
            buffer = rest.to_vec();
        }
        match stream.read(&mut more) {
            Ok(read) if read > 0 => buffer.extend(&more[..read]),
            _ => return,
        }
    }
}

/// What a search finds: entries, and the end, with a page behind which there is none.
fn found(search: &[u8], is_cut: bool) -> Vec<Vec<u8>> {
    let (_, base, _) = element(search).expect("a base");
    let base = std::str::from_utf8(base).unwrap();
    let page = put(0x30, &[put(0x02, &[0]), put(0x04, b"")].concat());
    let control = put(0x30, &[put(0x04, b"1.2.840.113556.1.4.319"), put(0x04, &page)].concat());
    let end = [outcome(0x65, 0), put(0xa0, &control)].concat();
    let dn = |name: &str| format!("uid={name},ou=people,dc=x");
    let id = |number: u8| format!("00000000-0000-4000-8000-0000000000{number:02}");
    match base {
        "ou=people,dc=x" => {
            let user = |(number, name): (u8, &str)| {
                entry(&dn(name), &[("entryUUID", &id(number)), ("uid", name), ("cn", name)])
            };
            (1..).zip(["alice", "bob", "kim"]).map(user).chain([end]).collect()
        }
        "ou=groups,dc=x" => {
            let group = [("entryUUID", &*id(10)), ("cn", "eng"), ("member;range=0-0", &*dn("alice"))];
            vec![entry("cn=eng,ou=groups,dc=x", &group), end]
        }
        "cn=eng,ou=groups,dc=x" if is_cut => vec![outcome(0x65, 50)],
        "cn=eng,ou=groups,dc=x" => {
            assert!(search.windows(16).any(|bytes| bytes == b"member;range=1-*"), "the rest is asked for");
            vec![entry(base, &[("member;range=1-*", &dn("bob"))]), outcome(0x65, 0)]
        }
        _ => vec![outcome(0x65, 32)],
    }
}

fn entry(dn: &str, attributes: &[(&str, &str)]) -> Vec<u8> {
    let attribute = |(name, value): &(&str, &str)| {
        put(0x30, &[put(0x04, name.as_bytes()), put(0x31, &put(0x04, value.as_bytes()))].concat())
    };
    let attributes: Vec<_> = attributes.iter().map(attribute).collect();
    put(0x64, &[put(0x04, dn.as_bytes()), put(0x30, &attributes.concat())].concat())
}

fn outcome(tag: u8, code: u8) -> Vec<u8> {
    put(tag, &[put(0x0a, &[code]), put(0x04, b""), put(0x04, b"")].concat())
}

/// An element of BER.
fn put(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

/// The first element: its tag, its content, and what follows; `None`: it is not whole.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}
