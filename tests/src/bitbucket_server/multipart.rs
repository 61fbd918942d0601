use std::collections::BTreeMap;

/// The parts of a form, by name (RFC 7578); `None` when it is none.
pub(crate) fn parts(content_type: &str, body: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=")?;
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    // The first one has no line before it.
    let mut rest: Vec<u8> = b"\r\n".to_vec();
    rest.extend_from_slice(body);
    let mut parts = BTreeMap::new();
    let mut at = find(&rest, &delimiter)? + delimiter.len();
    loop {
        let tail = &rest[at..];
        if tail.starts_with(b"--\r\n") {
            return Some(parts);
        }
        let end = find(tail, &delimiter)?;
        let part = tail[..end].strip_prefix(b"\r\n")?;
        let head_end = find(part, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&part[..head_end]).ok()?;
        let (_, name) = head.split_once("form-data; name=\"")?;
        let (name, _) = name.split_once('"')?;
        parts.insert(name.to_owned(), part[head_end + 4..].to_vec());
        at += end + delimiter.len();
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
