//! `ALLOWED SIGNERS` of `ssh-keygen`: who may sign with which key, for what and when.

use std::{collections::BTreeMap, fmt};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use oam_policy::{Username, printable::Printable, snapshot::SshKey};
use ssh_key::{Fingerprint, HashAlg, PublicKey};

/// Who may sign with a key.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) principals: Principals,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

/// Names and addresses: patterns with `*` and `?`, `!` before one that takes out.
#[derive(Debug)]
pub(super) struct Principals(Box<str>);

/// When a key that may not be used may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    NotYet(Timestamp),
    Over(Timestamp),
}

/// All of a file.
pub(super) type Signers = BTreeMap<Fingerprint, Vec<Signer>>;

impl Signer {
    /// Whether the key may have been used at that moment.
    pub(super) fn is_valid_at(&self, at: Timestamp) -> Result<(), When> {
        match (self.from, self.to) {
            (Some(from), _) if at < from => Err(When::NotYet(from)),
            (_, Some(to)) if at > to => Err(When::Over(to)),
            _ => Ok(()),
        }
    }
}

impl Principals {
    /// Whether an address is one of them, in any ASCII case.
    pub(super) fn match_address(&self, address: &str) -> bool {
        self.matches(&address.to_ascii_lowercase())
    }

    /// Whether somebody is one of them by their username.
    pub(super) fn match_name(&self, username: &Username) -> bool {
        self.matches(&username.as_str().to_ascii_lowercase())
    }

    fn matches(&self, lower: &str) -> bool {
        let mut is_in = false;
        for pattern in self.0.split(',') {
            match pattern.strip_prefix('!') {
                Some(out) if is_like(out.as_bytes(), lower.as_bytes()) => return false,
                Some(_) => {}
                None => is_in |= is_like(pattern.as_bytes(), lower.as_bytes()),
            }
        }
        is_in
    }
}

impl fmt::Display for Principals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `*` and `?`, in time that grows with the product of both lengths.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    // Where the last star is, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(sign) if *sign == b'?' || Some(sign) == text.get(in_text) => {
                at += 1;
                in_text += 1;
            }
            _ => match &mut star {
                Some((place, taken)) => {
                    *taken += 1;
                    (at, in_text) = (*place + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|sign| *sign == b'*')
}

/// Reads a file.
///
/// # Errors
/// Everything that is wrong with it, each with its line.
pub(super) fn parse(text: &str) -> Result<Signers, Vec<String>> {
    let (mut signers, mut faults) = (Signers::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match read_line(line) {
            Ok(Some((key, signer))) => signers.entry(key).or_default().push(signer),
            // It is about signatures of something else.
            Ok(None) => {}
            Err(fault) => faults.push(format!("line {}: {fault}", number + 1)),
        }
    }
    if faults.is_empty() { Ok(signers) } else { Err(faults) }
}

/// A public key of a line that holds nothing else.
pub(super) fn key(text: &str) -> Result<Fingerprint, String> {
    let key = SshKey::parse(text).map_err(|error| error.to_string())?;
    let key =
        PublicKey::from_openssh(key.as_str()).map_err(|error| format!("this key cannot be used: {error}"))?;
    Ok(key.fingerprint(HashAlg::Sha256))
}

fn read_line(line: &str) -> Result<Option<(Fingerprint, Signer)>, String> {
    let (principals, rest) = word(line)?;
    if principals.is_empty() || principals.split(',').any(|one| matches!(one, "" | "!")) {
        return Err("it begins with those who may sign: addresses or names, with commas between them".into());
    }
    let is_key = |text: &str| ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| text.starts_with(kind));
    let (options, rest) = if is_key(rest) { ("", rest) } else { options(rest)? };
    let mut signer =
        Signer { principals: Principals(principals.to_ascii_lowercase().into()), from: None, to: None };
    let mut is_for_git = true;
    for (name, value) in split(options) {
        match (name.to_ascii_lowercase().as_str(), value) {
            ("namespaces", Some(value)) => is_for_git = Principals(value.into()).matches("git"),
            ("valid-after", Some(value)) => signer.from = Some(moment(value)?),
            ("valid-before", Some(value)) => signer.to = Some(moment(value)?),
            ("cert-authority", None) => {
                return Err("`cert-authority` is not supported: list the keys themselves".into());
            }
            _ => {
                let name = Printable::new(name).to_string();
                return Err(format!(
                    "`{name}` is no option that is known: `namespaces=\"git\"`, `valid-after=\"20260101\"`, \
                     `valid-before=\"20270101\"`"
                ));
            }
        }
    }
    let key = key(rest)?;
    Ok(is_for_git.then_some((key, signer)))
}

/// The first word, which may stand in quotes, and what follows it.
fn word(text: &str) -> Result<(&str, &str), String> {
    let (word, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or("a `\"` has no other")?,
        None => text.split_once([' ', '\t']).ok_or("no key follows")?,
    };
    Ok((word, rest.trim_start()))
}

/// Options end at the first space that is not in quotes.
fn options(text: &str) -> Result<(&str, &str), String> {
    let mut is_quoted = false;
    let end = text.find(|sign: char| {
        is_quoted ^= sign == '"';
        !is_quoted && (sign == ' ' || sign == '\t')
    });
    let (options, rest) = end.and_then(|end| text.split_at_checked(end)).ok_or("no key follows")?;
    Ok((options, rest.trim_start()))
}

/// Options with their values, which may hold commas in quotes.
fn split(options: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut is_quoted = false;
    let parts = options.split(move |sign: char| {
        is_quoted ^= sign == '"';
        !is_quoted && sign == ','
    });
    parts.filter(|part| !part.is_empty()).map(|part| match part.split_once('=') {
        Some((name, value)) => (name, Some(value.trim_matches('"'))),
        None => (part, None),
    })
}

/// `20260131`, with hours, minutes and seconds or without, by the clock of the machine or, with `Z`, of UTC.
fn moment(text: &str) -> Result<Timestamp, String> {
    let wrong = || {
        let text = Printable::new(text).to_string();
        format!("`{text}` is no moment: write it as in `20260131`, `202601312359` or `20260131235959Z`")
    };
    let (digits, zone) = match text.strip_suffix('Z') {
        Some(digits) => (digits, TimeZone::UTC),
        None => (text, TimeZone::system()),
    };
    if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole = format!("{digits:0<14}");
    let civil = DateTime::strptime("%Y%m%d%H%M%S", &whole).map_err(|_| wrong())?;
    zone.to_timestamp(civil).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::{Principals, is_like, moment, parse};

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn patterns_are_ssh_s() {
        for (pattern, text, is) in [
            ("ann@example.com", "ann@example.com", true),
            ("*@example.com", "ann@example.com", true),
            ("*@example.com", "ann@example.com.evil", false),
            ("a?n", "ann", true),
            ("a?n", "an", false),
            ("**a*b*", "xaxxb", true),
            ("*a*b", "xaxxbc", false),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(is_like(pattern.as_bytes(), text.as_bytes()), is, "{pattern} {text}");
        }
        let list = Principals("*@example.com,!root@example.com,ann".into());
        assert!(list.match_address("Bob@Example.com") && list.match_address("ann"));
        assert!(!list.match_address("root@example.com") && !list.match_address("bob@example.org"));
    }

    #[test]
    fn lines_are_read() {
        let text = format!(
            "# people\n\nann@example.com {KEY} a comment\n\
             \"bob@example.com,carol@example.com\" namespaces=\"git,file\",valid-before=\"20270101Z\" {KEY}\n\
             dora@example.com namespaces=\"file\" {KEY}\n"
        );
        let signers = parse(&text).unwrap();
        let of_key: Vec<_> = signers.values().flatten().collect();
        let [ann, both] = of_key.as_slice() else { panic!("{signers:?}") };
        assert!(ann.principals.match_address("ann@example.com") && ann.to.is_none());
        assert!(both.principals.match_address("carol@example.com"));
        assert_eq!(both.to.unwrap().to_string(), "2027-01-01T00:00:00Z");
    }

    #[test]
    fn faults_are_told_with_their_lines() {
        let text = format!(
            "ann\n\"ann {KEY}\nann ssh-dss AAAA\nann cert-authority {KEY}\n,ann {KEY}\nann valid-after=\"soon\" {KEY}\n\
             ann no-touch {KEY}\nann {KEY}\n"
        );
        let faults = parse(&text).unwrap_err();
        for (line, says) in [
            (1, "no key follows"),
            (2, "has no other"),
            (3, "no kind of SSH key"),
            (4, "`cert-authority` is not supported"),
            (5, "those who may sign"),
            (6, "`soon` is no moment"),
            (7, "`no-touch` is no option"),
        ] {
            let told = faults
                .iter()
                .any(|fault| fault.starts_with(&format!("line {line}: ")) && fault.contains(says));
            assert!(told, "{line} {says}: {faults:?}");
        }
        assert_eq!(faults.len(), 7, "{faults:?}");
    }

    #[test]
    fn moments_have_a_form() {
        for (text, moment_is) in [
            ("20260131Z", "2026-01-31T00:00:00Z"),
            ("202601312359Z", "2026-01-31T23:59:00Z"),
            ("20260131235958Z", "2026-01-31T23:59:58Z"),
        ] {
            assert_eq!(moment(text).unwrap().to_string(), moment_is);
        }
        for wrong in ["", "2026", "20261301Z", "20260131x", "20260230Z", "20260131 Z"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,80}", more in "[a-z@,!*\"= ]{0,40}") {
            let _ = (parse(&text), parse(&format!("{more} {KEY}")));
        }
    }
}
