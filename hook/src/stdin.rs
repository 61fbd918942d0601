//! The push as git writes it to a hook's standard input: one line for each ref, `<old> SP <new> SP <ref> LF`.
//!
//! It is read line by line, never as a whole, and strictly: a line that is not exactly as git writes it means that
//! something other than git is talking, and nothing is decided on it.

use std::io::{self, BufRead, Read as _};

use oam_policy::{ObjectId, RefChange, RefName, RefUpdate, name::ObjectFormat, printable::Printable};
use oam_proto::limits;
use thiserror::Error;

/// The longest line that git can write: the longest name, two SHA-256 ids, two spaces and the line feed.
const MAX_LINE: u64 = RefName::MAX_LEN as u64 + 2 * 64 + 3;

/// How much of a bad line is shown, in bytes.
const SHOWN: usize = 60;

/// Why standard input is no push.
#[derive(Debug, Error)]
pub enum StdinError {
    /// It cannot be read.
    #[error("the push could not be read from git: {0}")]
    Read(#[from] io::Error),
    /// Not even one line.
    #[error("git named no ref that is to change")]
    Empty,
    /// A line that git does not write.
    #[error("line {line} of what git sent is malformed: {detail}; it begins with `{beginning}`")]
    Malformed {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        detail: String,
        /// Its first bytes, made printable.
        beginning: String,
    },
    /// More refs than one push may have.
    #[error("the push changes more than {} refs", limits::UPDATES_PER_PUSH)]
    TooMany,
}

impl StdinError {
    /// What an administrator can do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::TooMany => "the push has to be made in smaller parts",
            Self::Empty => "the hook must be installed as pre-receive; nothing else tells it what is pushed",
            Self::Read(_) | Self::Malformed { .. } => {
                "look at what runs the hook: it must be git's own receive-pack"
            }
        }
    }
}

/// Reads all lines.
///
/// # Errors
/// At the first thing that is not exactly as git writes it.
pub fn read(input: &mut dyn BufRead) -> Result<Vec<RefUpdate>, StdinError> {
    let mut updates = Vec::new();
    let mut format = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if updates.len() >= limits::UPDATES_PER_PUSH {
            return Err(StdinError::TooMany);
        }
        let update = parse(&line, &mut format).map_err(|detail| StdinError::Malformed {
            line: updates.len().saturating_add(1),
            detail,
            beginning: Printable::new(line.get(..SHOWN).unwrap_or(&line)).to_string(),
        })?;
        updates.push(update);
    }
    if updates.is_empty() { Err(StdinError::Empty) } else { Ok(updates) }
}

/// Parses one line. `format` is what earlier lines had, since one repository has one.
fn parse(line: &[u8], format: &mut Option<ObjectFormat>) -> Result<RefUpdate, String> {
    let line = line.strip_suffix(b"\n").ok_or_else(|| {
        format!("it has no end, or the ref's name is longer than {} bytes", RefName::MAX_LEN)
    })?;
    let mut fields = line.splitn(3, |byte| *byte == b' ');
    let (Some(old), Some(new), Some(name)) = (fields.next(), fields.next(), fields.next()) else {
        return Err("it does not have three fields".into());
    };
    let id = |field: &str, text: &[u8]| {
        ObjectId::parse_hex_or_zero(text).map_err(|_| format!("the {field} object id is none"))
    };
    let change = match (id("old", old)?, id("new", new)?) {
        _ if old.len() != new.len() => return Err("the two object ids are of different kinds".into()),
        (None, None) => return Err("both object ids are zero".into()),
        (None, Some(new)) => RefChange::Create { new },
        (Some(old), None) => RefChange::Delete { old },
        (Some(old), Some(new)) => RefChange::Move { old, new },
    };
    let kind = if old.len() == 40 { ObjectFormat::Sha1 } else { ObjectFormat::Sha256 };
    if *format.get_or_insert(kind) != kind {
        return Err("its object ids are of another kind than those before".into());
    }
    let name = RefName::parse(name).map_err(|error| format!("the ref's name is none: {error}"))?;
    Ok(RefUpdate { name, change })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use oam_policy::{ObjectId, RefChange, RefName, RefUpdate};
    use proptest::prelude::*;

    use super::{StdinError, read};

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    const Z: &str = "0000000000000000000000000000000000000000";

    fn parse(text: impl AsRef<[u8]>) -> Result<Vec<RefUpdate>, StdinError> {
        read(&mut text.as_ref())
    }

    #[test]
    fn the_kinds_of_change() {
        let (a, b) = (ObjectId::Sha1([0xaa; 20]), ObjectId::Sha1([0xbb; 20]));
        let text = format!("{Z} {A} refs/heads/c\n{A} {B} refs/heads/m\n{B} {Z} refs/heads/d\n");
        let changes: Vec<_> = parse(text).unwrap().into_iter().map(|update| update.change).collect();
        let expected =
            [RefChange::Create { new: a }, RefChange::Move { old: a, new: b }, RefChange::Delete { old: b }];
        assert_eq!(changes, expected);
    }

    #[test]
    fn names_are_bytes() {
        let line = [format!("{A} {B} refs/heads/").as_bytes(), b"\xff\x9b\n"].concat();
        assert_eq!(parse(line).unwrap()[0].name.as_bytes(), b"refs/heads/\xff\x9b");
        let long = format!("refs/heads/{}", "x".repeat(RefName::MAX_LEN - 11));
        assert_eq!(parse(format!("{A} {B} {long}\n")).unwrap()[0].name.as_bytes(), long.as_bytes());
    }

    #[test]
    fn what_git_does_not_write() {
        let wide = "c".repeat(64);
        let said: Vec<_> = [
            String::new(),
            "\n".into(),
            format!("{A} {B} refs/heads/x"),
            format!("{A} {B} refs/heads/x\r\n"),
            format!("{A} {B}  refs/heads/x\n"),
            format!("{A} {B}\n"),
            format!(" {A} {B} refs/heads/x\n"),
            format!("{A}\t{B}\trefs/heads/x\n"),
            format!("{} {B} refs/heads/x\n", A.to_uppercase()),
            format!("{A} {} refs/heads/x\n", "b".repeat(39)),
            format!("{Z} {Z} refs/heads/x\n"),
            format!("{A} {wide} refs/heads/x\n"),
            format!("{A} {B} refs/heads/x\n{wide} {wide} refs/heads/y\n"),
            format!("{A} {B} HEAD\n"),
            format!("{A} {B} refs/heads/\u{1b}[31m\n"),
            format!("{A} {B} refs/heads/x\n\n"),
            format!("{A} {B} refs/heads/{}\n", "x".repeat(70_000)),
        ]
        .iter()
        .map(|text| parse(text).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        git named no ref that is to change
        line 1 of what git sent is malformed: it does not have three fields; it begins with `\x0a`
        line 1 of what git sent is malformed: it has no end, or the ref's name is longer than 16384 bytes; it begins with `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb`
        line 1 of what git sent is malformed: the ref's name is none: it contains the byte 0x0d, which git allows in no ref name; it begins with `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb`
        line 1 of what git sent is malformed: the ref's name is none: it does not begin with `refs/`; it begins with `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb`
        line 1 of what git sent is malformed: it does not have three fields; it begins with `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb`
        line 1 of what git sent is malformed: the old object id is none; it begins with ` aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbb`
        line 1 of what git sent is malformed: it does not have three fields; it begins with `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x09bbbbbbbbbbbbbbbbbbb`
        line 1 of what git sent is malformed: the old object id is none; it begins with `AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA bbbbbbbbbbbbbbbbbbb`
        line 1 of what git sent is malformed: the new object id is none; it begins with `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb`
        line 1 of what git sent is malformed: both object ids are zero; it begins with `0000000000000000000000000000000000000000 0000000000000000000`
        line 1 of what git sent is malformed: the two object ids are of different kinds; it begins with `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ccccccccccccccccccc`
        line 2 of what git sent is malformed: its object ids are of another kind than those before; it begins with `cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc`
        line 1 of what git sent is malformed: the ref's name is none: it does not begin with `refs/`; it begins with `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb`
        line 1 of what git sent is malformed: the ref's name is none: it contains the byte 0x1b, which git allows in no ref name; it begins with `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb`
        line 2 of what git sent is malformed: it does not have three fields; it begins with `\x0a`
        line 1 of what git sent is malformed: it has no end, or the ref's name is longer than 16384 bytes; it begins with `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb`
        ");
    }

    #[test]
    fn a_push_has_a_bound() {
        struct Endless(Vec<u8>, usize);
        impl std::io::Read for Endless {
            fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
                let from = &self.0[self.1..];
                let count = from.len().min(to.len());
                to[..count].copy_from_slice(&from[..count]);
                self.1 = (self.1 + count) % self.0.len();
                Ok(count)
            }
        }
        let line = format!("{Z} {A} refs/x\n").into_bytes();
        let mut endless = std::io::BufReader::new(Endless(line, 0));
        assert!(matches!(read(&mut endless), Err(StdinError::TooMany)));
    }

    fn update() -> impl Strategy<Value = RefUpdate> {
        let id = any::<[u8; 20]>().prop_filter_map("zero", |bytes| ObjectId::from_bytes(&bytes).ok());
        let name = "refs/[a-zé$%\"'()-]{1,40}(/[a-z]{1,9}){0,3}";
        let name = name.prop_filter_map("no name", |name| RefName::parse(name.as_bytes()).ok());
        (name, id.clone(), id, 0..3).prop_map(|(name, old, new, kind)| {
            let change = match kind {
                0 => RefChange::Create { new },
                1 => RefChange::Delete { old },
                _ => RefChange::Move { old, new },
            };
            RefUpdate { name, change }
        })
    }

    proptest! {
        #[test]
        fn what_git_writes_is_read_back(updates in prop::collection::vec(update(), 1..20)) {
            let mut text = String::new();
            for RefUpdate { name, change } in &updates {
                let name = std::str::from_utf8(name.as_bytes()).unwrap();
                let _ = match change {
                    RefChange::Create { new } => writeln!(text, "{Z} {new} {name}"),
                    RefChange::Delete { old } => writeln!(text, "{old} {Z} {name}"),
                    RefChange::Move { old, new } => writeln!(text, "{old} {new} {name}"),
                    RefChange::Merge { .. } => panic!("git writes no merge"),
                };
            }
            prop_assert_eq!(parse(&text).unwrap(), updates);
            // One byte less is no push, and never a shorter one.
            prop_assert!(parse(text.trim_end()).is_err());
        }

        #[test]
        fn no_bytes_crash_it_or_reach_the_terminal_raw(bytes: Vec<u8>) {
            if let Err(error) = parse(bytes) {
                prop_assert!(!error.to_string().chars().any(char::is_control));
            }
        }
    }
}
