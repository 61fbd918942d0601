use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{KeyError, bounded};

/// A public key of SSH: its kind and its base64, as in `authorized_keys`, without a comment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SshKey(Box<str>);

impl SshKey {
    /// Parses a line as `ssh-keygen` writes them: the kind, the key in base64, and perhaps a comment.
    ///
    /// # Errors
    /// When it is no public key, or of a kind that is not accepted.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut words = bounded(text)?.split_ascii_whitespace();
        let kind = words.next().ok_or(KeyError::Malformed("it is empty"))?;
        if let Some(name) = kind.strip_suffix("-cert-v01@openssh.com") {
            return Err(KeyError::Certificate(name.to_owned()));
        }
        let shape = Shape::of(kind).ok_or_else(|| KeyError::Kind(kind.chars().take(60).collect()))?;
        let base64 = words.next().ok_or(KeyError::Malformed("nothing follows its kind"))?;
        let blob = STANDARD.decode(base64).map_err(|_| KeyError::Malformed("it is not base64"))?;
        shape.check(kind, &blob)?;
        Ok(Self(format!("{kind} {base64}").into()))
    }

    /// The kind and the base64.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What follows the kind in the bytes of a key.
enum Shape {
    Ed25519,
    Ecdsa { curve: &'static str, point: usize },
    Rsa,
    SkEd25519,
    SkEcdsa,
}

const P256: (&str, usize) = ("nistp256", 65);

impl Shape {
    fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "ssh-ed25519" => Self::Ed25519,
            "ecdsa-sha2-nistp256" => Self::Ecdsa { curve: P256.0, point: P256.1 },
            "ecdsa-sha2-nistp384" => Self::Ecdsa { curve: "nistp384", point: 97 },
            "ecdsa-sha2-nistp521" => Self::Ecdsa { curve: "nistp521", point: 133 },
            "ssh-rsa" => Self::Rsa,
            "sk-ssh-ed25519@openssh.com" => Self::SkEd25519,
            "sk-ecdsa-sha2-nistp256@openssh.com" => Self::SkEcdsa,
            _ => return None,
        })
    }

    fn check(&self, kind: &str, blob: &[u8]) -> Result<(), KeyError> {
        let mut fields = Fields(blob);
        let mut next = || fields.next().ok_or(KeyError::Malformed("it is cut short"));
        if next()? != kind.as_bytes() {
            return Err(KeyError::Malformed("its base64 is of another kind"));
        }
        let is_whole = match self {
            Self::Ed25519 => next()?.len() == 32,
            Self::Ecdsa { curve, point } => next()? == curve.as_bytes() && is_point(next()?, *point),
            Self::Rsa => {
                next()?;
                return match bits(next()?) {
                    2048..=4096 if fields.0.is_empty() => Ok(()),
                    2048..=4096 => Err(KeyError::Malformed("something follows it")),
                    bits => Err(KeyError::RsaBits(bits)),
                };
            }
            // What is last is the application.
            Self::SkEd25519 => next()?.len() == 32 && !next()?.is_empty(),
            Self::SkEcdsa => next()? == P256.0.as_bytes() && is_point(next()?, P256.1) && !next()?.is_empty(),
        };
        if is_whole && fields.0.is_empty() {
            Ok(())
        } else {
            Err(KeyError::Malformed("its base64 is not what its kind is made of"))
        }
    }
}

/// An uncompressed point.
fn is_point(field: &[u8], len: usize) -> bool {
    field.len() == len && field.first() == Some(&4)
}

/// How long a number is, without leading zeros.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    match number.get(zeros..) {
        Some([first, rest @ ..]) => rest.len() * 8 + (8 - first.leading_zeros() as usize),
        _ => 0,
    }
}

/// Fields, each behind its length.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk::<4>()?;
        let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
        let (field, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::SshKey;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn a_comment_is_left_out() {
        for text in [ED25519.to_owned(), format!("  {ED25519} alice@example.com laptop\n")] {
            assert_eq!(SshKey::parse(&text).unwrap().as_str(), ED25519);
        }
    }

    #[test]
    fn what_is_no_key_is_told() {
        for (text, says) in [
            ("", "it is empty"),
            ("ssh-ed25519", "nothing follows"),
            ("ssh-ed25519 !", "not base64"),
            ("ssh-ed25519 AAAA", "cut short"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL", "not base64"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==", "cut short"),
            ("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti", "another kind"),
            ("ssh-dss AAAA", "no kind of SSH key"),
            ("ssh-ed25519-cert-v01@openssh.com AAAA", "give the key itself"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "this is a private key"),
            ("ssh-rsa AAAAB3NzaC1yc2EAAAABAwAAAAIA8Q==", "8 bits"),
        ] {
            let error = SshKey::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes: Vec<u8>) {
            use base64::Engine as _;
            let base64 = base64::engine::general_purpose::STANDARD.encode(&bytes);
            for kind in ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp521", "sk-ssh-ed25519@openssh.com"] {
                if let Ok(key) = SshKey::parse(&format!("{kind} {base64}")) {
                    proptest::prop_assert_eq!(SshKey::parse(key.as_str()).unwrap(), key);
                }
            }
        }
    }
}
