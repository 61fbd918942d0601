//! Signatures in commits and tags, and the bytes that they sign: exactly those that git hands to the verifying program.

use oam_policy::name::ObjectFormat;

/// A signature, and what it signs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signed {
    /// The armored signature.
    pub signature: Vec<u8>,
    /// The object without it.
    pub payload: Vec<u8>,
}

/// What a line begins with that begins a signature at the end of a tag: OpenPGP, X.509, SSH.
const ARMORS: [&[u8]; 4] = [
    b"-----BEGIN PGP SIGNATURE-----",
    b"-----BEGIN PGP MESSAGE-----",
    b"-----BEGIN SIGNED MESSAGE-----",
    b"-----BEGIN SSH SIGNATURE-----",
];

/// The header with the signature of a commit in a repository of that hash function.
fn header(format: ObjectFormat) -> &'static [u8] {
    match format {
        ObjectFormat::Sha1 => b"gpgsig ",
        ObjectFormat::Sha256 => b"gpgsig-sha256 ",
    }
}

/// The signature of a commit: a header whose further lines are indented by a space. Signatures of the commit's other
/// form, by the other hash function, are not part of what is signed.
pub fn in_commit(data: &[u8], format: ObjectFormat) -> Option<Signed> {
    let mut signed = Signed::default();
    let mut place = Place::Elsewhere;
    let mut rest = data;
    while let Some(line) = next_line(&mut rest) {
        if line == b"\n" {
            signed.payload.extend_from_slice(line);
            signed.payload.extend_from_slice(rest);
            break;
        }
        let continued = line.strip_prefix(b" ");
        let (next, content) = match (place, continued, line.strip_prefix(header(format))) {
            (Place::Signature, Some(continued), _) => (Place::Signature, continued),
            (_, _, Some(first)) => (Place::Signature, first),
            (Place::Other, Some(_), _) => (Place::Other, line),
            _ if line.starts_with(b"gpgsig") => (Place::Other, line),
            _ => (Place::Elsewhere, line),
        };
        place = next;
        match place {
            Place::Signature => signed.signature.extend_from_slice(content),
            Place::Other => {}
            Place::Elsewhere => signed.payload.extend_from_slice(content),
        }
    }
    (!signed.signature.is_empty()).then_some(signed)
}

/// Which header a line belongs to.
#[derive(Clone, Copy)]
enum Place {
    Signature,
    /// The signature of the commit's other form.
    Other,
    Elsewhere,
}

/// The signature of a tag: from the last line that begins an armor to the end.
pub fn in_tag(data: &[u8]) -> Option<Signed> {
    let mut rest = data;
    let mut begin = None;
    let mut at = 0_usize;
    while let Some(line) = next_line(&mut rest) {
        if ARMORS.iter().any(|armor| line.starts_with(armor)) {
            begin = Some(at);
        }
        at = at.saturating_add(line.len());
    }
    let (payload, signature) = data.split_at_checked(begin?)?;
    Some(Signed { signature: signature.to_vec(), payload: without_headers(payload) })
}

/// Without the headers that sign a tag's other form.
fn without_headers(data: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut in_signature = false;
    let mut rest = data;
    while let Some(line) = next_line(&mut rest) {
        if line == b"\n" {
            kept.extend_from_slice(line);
            kept.extend_from_slice(rest);
            break;
        }
        in_signature = line.starts_with(b"gpgsig ")
            || line.starts_with(b"gpgsig-sha256 ")
            || (in_signature && line.starts_with(b" "));
        if !in_signature {
            kept.extend_from_slice(line);
        }
    }
    kept
}

/// Takes a line, with its end.
fn next_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end.saturating_add(1));
    let (line, after) = rest.split_at_checked(end)?;
    *rest = after;
    Some(line)
}

#[cfg(test)]
mod tests {
    use oam_policy::name::ObjectFormat;

    use super::{Signed, in_commit, in_tag};

    fn signed(signature: &str, payload: &str) -> Option<Signed> {
        Some(Signed { signature: signature.into(), payload: payload.into() })
    }

    #[test]
    fn commits() {
        let text = "tree x\ngpgsig -----B\n a\n \n b\ngpgsig-sha256 other\n more\nencoding y\n\ngpgsig no\n";
        assert_eq!(
            in_commit(text.as_bytes(), ObjectFormat::Sha1),
            signed("-----B\na\n\nb\n", "tree x\nencoding y\n\ngpgsig no\n")
        );
        assert_eq!(
            in_commit(text.as_bytes(), ObjectFormat::Sha256),
            signed("other\nmore\n", "tree x\nencoding y\n\ngpgsig no\n")
        );
        assert_eq!(in_commit(b"tree x\nmergetag object\n gpgsig y\n\ngpgsig z\n", ObjectFormat::Sha1), None);
    }

    #[test]
    fn tags() {
        let armor = "-----BEGIN SSH SIGNATURE-----\nx\n";
        let text = format!("object x\ngpgsig-sha256 a\n b\ntagger t\n\nmessage\n{armor}{armor}");
        assert_eq!(
            in_tag(text.as_bytes()),
            signed(armor, &format!("object x\ntagger t\n\nmessage\n{armor}"))
        );
        assert_eq!(in_tag(b"object x\n\n -----BEGIN SSH SIGNATURE-----\n"), None);
    }
}
