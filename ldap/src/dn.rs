//! Distinguished names (RFC 4514), as far as it must be told whether two are one.

use serde::{Deserialize, Serialize};

/// A distinguished name in one spelling, whichever a server uses: without case, spaces that mean nothing, and
/// unnecessary escapes. Cases are folded whatever the attribute, as those that name people and groups are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DnKey(Box<str>);

impl DnKey {
    /// Reads a name; `None` when it is none.
    pub fn of(dn: &str) -> Option<Self> {
        let mut key = String::with_capacity(dn.len());
        let mut rest = dn;
        loop {
            let (kind, behind) = rest.split_once('=')?;
            let kind = kind.trim();
            let is_kind = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            if kind.is_empty() || !kind.chars().all(is_kind) {
                return None;
            }
            let (value, separator, behind) = value(behind)?;
            key.push_str(&kind.to_ascii_lowercase());
            key.push('=');
            push_folded(&mut key, &value);
            match separator {
                None => return Some(Self(key.into())),
                Some(separator) => key.push(separator),
            }
            rest = behind;
        }
    }

    /// Whether the object is that one, or below it.
    pub fn is_within(&self, base: &Self) -> bool {
        self.0.strip_suffix(&*base.0).is_some_and(|rest| rest.is_empty() || rest.ends_with(','))
    }
}

/// The value of the first pair, what ends it, and what follows.
fn value(text: &str) -> Option<(String, Option<char>, &str)> {
    let mut bytes = Vec::new();
    // How many bytes are not spaces that merely stand before the end.
    let mut kept = 0;
    let mut rest = text.trim_start_matches(' ');
    loop {
        let mut chars = rest.chars();
        match chars.next() {
            None => return finish(bytes, kept).map(|value| (value, None, "")),
            Some(separator @ (',' | '+' | ';')) => {
                // `;` is what RFC 2253 let stand for `,`.
                let separator = if separator == ';' { ',' } else { separator };
                return finish(bytes, kept).map(|value| (value, Some(separator), chars.as_str()));
            }
            Some('\\') => {
                let escaped = chars.as_str();
                if let Some(byte) = escaped.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                    bytes.push(byte);
                    rest = escaped.get(2..)?;
                } else {
                    let mut after = escaped.chars();
                    bytes.extend(after.next()?.encode_utf8(&mut [0; 4]).bytes());
                    rest = after.as_str();
                }
                kept = bytes.len();
            }
            Some(c) => {
                bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
                kept = if c == ' ' { kept } else { bytes.len() };
                rest = chars.as_str();
            }
        }
    }
}

fn finish(mut bytes: Vec<u8>, kept: usize) -> Option<String> {
    bytes.truncate(kept);
    String::from_utf8(bytes).ok()
}

/// The value in lower case, without spaces around it and runs of them as one (RFC 4518, 2.6.1), what would end it
/// escaped.
fn push_folded(key: &mut String, value: &str) {
    let mut after_space = false;
    for c in value.trim_matches(' ').chars().flat_map(char::to_lowercase) {
        if c == ' ' && after_space {
            continue;
        }
        after_space = c == ' ';
        if matches!(c, ',' | '+' | ';' | '\\' | '=') {
            key.push('\\');
        }
        key.push(c);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::DnKey;

    #[test]
    fn one_name_has_many_spellings() {
        for (one, other) in [
            ("uid=alice,dc=example,dc=com", "UID=Alice, DC=Example , dc=com"),
            ("cn=Lučić\\, James,dc=x", "CN=lu\\C4\\8Di\\C4\\87\\2C james,DC=X"),
            ("cn=a b,dc=x", "cn= a  b ;dc=x"),
            ("cn=a+sn=b,dc=x", "CN=A + SN=B,DC=X"),
            ("cn=a\\ ,dc=x", "cn=a\\20,dc=x"),
            ("2.5.4.3=a", "2.5.4.3 = A"),
        ] {
            assert!(DnKey::of(one).is_some(), "{one}");
            assert_eq!(DnKey::of(one), DnKey::of(other), "{one} | {other}");
        }
    }

    #[test]
    fn another_name_is_another() {
        for (one, other) in [
            ("cn=a\\,dc=x", "cn=a,dc=x"),
            ("cn=a,dc=x", "cn=a,dc=x,dc=y"),
            ("cn=a+sn=b", "cn=a,sn=b"),
            ("cn=ab", "cn=a b"),
            ("cn=a\\+sn=b", "cn=a+sn=b"),
            ("cn=\\=", "cn=="),
        ] {
            let same = DnKey::of(one) == DnKey::of(other);
            // An equals sign needs no escape in a value.
            assert_eq!(same, one == "cn=\\=", "{one} | {other}");
        }
        for none in ["", "alice", "=a", "cn=a,", "cn=a,b", "c n=a", "cn=a\\"] {
            assert_eq!(DnKey::of(none), None, "{none}");
        }
    }

    #[test]
    fn what_lies_below_is_told_by_whole_names() {
        let within = |dn: &str, base: &str| DnKey::of(dn).unwrap().is_within(&DnKey::of(base).unwrap());
        assert!(within("uid=a,ou=people,dc=x", "OU=People,DC=x"));
        assert!(within("dc=x", "dc=x"));
        assert!(!within("dc=x", "ou=people,dc=x"));
        assert!(!within("uid=a,mydc=x", "dc=x"));
        assert!(!within("uid=a\\,dc=x", "dc=x"));
    }

    proptest! {
        #[test]
        fn any_value_comes_back_alone(value in "\\PC{1,12}") {
            let escaped: String = value.bytes().map(|byte| format!("\\{byte:02x}")).collect();
            let key = DnKey::of(&format!("cn={escaped},dc=x"));
            prop_assert!(key.is_some());
            // Escaped as a whole it never ends early, and is read again as it is.
            let key = key.unwrap();
            prop_assert_eq!(DnKey::of(&key.0), Some(key.clone()));
            prop_assert!(key.is_within(&DnKey::of("dc=x").unwrap()));
        }
    }
}
