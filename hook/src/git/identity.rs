//! Whom commits and tags name, as `git log --format=%ae` finds them.

use super::Malformed;

/// The header of an object: everything before the first empty line, and what follows that line.
///
/// # Errors
/// When there is a NUL byte in it: git itself would see only what stands before.
pub fn split_header(data: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (header, message) = match find(data, b"\n\n") {
        Some(end) => (data.get(..=end), data.get(end.saturating_add(2)..)),
        None => (Some(data), None),
    };
    let header = header.unwrap_or_default();
    if header.contains(&0) {
        return Err(Malformed("its header contains a NUL byte"));
    }
    Ok((header, message.unwrap_or_default()))
}

/// The e-mail of the one line of the header that begins with `field` and a space; empty where there is none.
///
/// # Errors
/// When several lines do: the one program would take the first, the other the last.
pub fn email<'a>(header: &'a [u8], field: &[u8]) -> Result<&'a [u8], Malformed> {
    let mut lines = header
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_prefix(field).and_then(|rest| rest.strip_prefix(b" ")));
    let email = lines.next().and_then(between_brackets).unwrap_or_default();
    if lines.next().is_some() {
        return Err(Malformed("it names several authors, committers or taggers"));
    }
    Ok(email)
}

/// What stands between the first `<` and the `>` after it. `None` for an identity that git finds broken.
pub fn between_brackets(identity: &[u8]) -> Option<&[u8]> {
    let begin = identity.iter().position(|byte| *byte == b'<')?;
    let rest = identity.get(begin.saturating_add(1)..)?;
    let end = rest.iter().position(|byte| *byte == b'>')?;
    rest.get(..end)
}

fn find(data: &[u8], what: &[u8]) -> Option<usize> {
    data.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::{between_brackets, email, split_header};
    use crate::git::Malformed;

    #[test]
    fn odd_and_broken_identities() {
        for (identity, email) in [
            (&b"A U Thor <a@x> 1 +0000"[..], Some(&b"a@x"[..])),
            (b"<> 1 +0000", Some(b"")),
            (b"A < a b > 1 +0000", Some(b" a b ")),
            (b"A <a <b>> 1 +0000", Some(b"a <b")),
            (b"A > <a> 1 +0000", Some(b"a")),
            (b"A a@x 1 +0000", None),
            (b"A <a@x 1 +0000", None),
            (b"", None),
        ] {
            assert_eq!(between_brackets(identity), email, "{}", String::from_utf8_lossy(identity));
        }
    }

    #[test]
    fn one_line_of_the_header_names_them() {
        let header = b"tree x\nauthor A <a> 1 +0000\nmergetag object x\n author B <b> 1 +0000\ncommitter\n";
        assert_eq!(email(header, b"author"), Ok(&b"a"[..]));
        assert_eq!(email(header, b"committer"), Ok(&b""[..]));
        let twice = b"author A <a> 1 +0000\nauthor B <b> 1 +0000\n";
        assert!(email(twice, b"author").is_err());
    }

    #[test]
    fn the_header_ends_with_the_first_empty_line() {
        assert_eq!(split_header(b"a\n\nb\n\nc"), Ok((&b"a\n"[..], &b"b\n\nc"[..])));
        assert_eq!(split_header(b"a\n"), Ok((&b"a\n"[..], &b""[..])));
        assert_eq!(split_header(b"a\0\n\nb"), Err(Malformed("its header contains a NUL byte")));
        assert_eq!(split_header(b"a\n\n\0"), Ok((&b"a\n"[..], &b"\0"[..])));
    }
}
