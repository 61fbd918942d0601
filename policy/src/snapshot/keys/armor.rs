//! The armor of OpenPGP: base64 between a first and a last line.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::KeyError;

const FIRST: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const LAST: &str = "-----END PGP PUBLIC KEY BLOCK-----";
/// How long a line of base64 is.
const WIDTH: usize = 64;

/// The bytes in a text.
pub(super) fn read(text: &str) -> Result<Vec<u8>, KeyError> {
    let mut lines = text.lines().map(str::trim_end);
    if lines.next() != Some(FIRST) {
        return Err(KeyError::Malformed("it does not begin with `-----BEGIN PGP PUBLIC KEY BLOCK-----`"));
    }
    let (mut base64, mut is_in_headers) = (String::with_capacity(text.len()), true);
    for line in lines.by_ref() {
        match line {
            LAST => {
                if lines.any(|line| !line.is_empty()) {
                    return Err(KeyError::Malformed(
                        "something follows its last line: give each key by itself",
                    ));
                }
                return STANDARD.decode(base64).map_err(|_| KeyError::Malformed("it is not base64"));
            }
            "" => is_in_headers = false,
            // `Comment: …`
            _ if is_in_headers && line.contains(": ") => {}
            // A sum over the bytes, which finds no change that matters.
            _ if line.starts_with('=') => {}
            _ => {
                is_in_headers = false;
                base64.push_str(line);
            }
        }
    }
    Err(KeyError::Malformed("it does not end with `-----END PGP PUBLIC KEY BLOCK-----`"))
}

/// The text of bytes, one and the same for the same bytes.
pub(super) fn write(bytes: &[u8]) -> String {
    let base64 = STANDARD.encode(bytes);
    let mut text = format!("{FIRST}\n\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(WIDTH).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text + LAST
}
