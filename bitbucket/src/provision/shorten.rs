use sha2::{Digest as _, Sha256};

/// The longest text that a daemon takes of a change or of a finding, in bytes.
pub const LONGEST_TOLD: usize = 4_000;

/// What there must be room for besides: how much is missing, and the digest.
const REST: usize = 120;

/// A text as it may be told: of one that is too long the beginning, how much more there is, and the digest of all of it, so that two
/// that differ further on are told apart.
pub fn shortened(text: String) -> String {
    if text.len() <= LONGEST_TOLD {
        return text;
    }
    let mut end = LONGEST_TOLD - REST;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let start = text.get(..end).unwrap_or_default();
    let digest = hex::encode(Sha256::digest(&text));
    format!("{start}… and {} bytes more, SHA-256 of all {digest}", text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_TOLD, shortened};

    #[test]
    fn what_is_long_is_cut_and_still_told_apart() {
        let short = "é".repeat(LONGEST_TOLD / 2);
        assert_eq!(shortened(short.clone()), short);
        for more in 1..5 {
            let long = "x".repeat(more) + &"é".repeat(LONGEST_TOLD) + "a";
            let other = long.clone() + "b";
            let (one, two) = (shortened(long.clone()), shortened(other));
            assert!(one.len() <= LONGEST_TOLD && one.len() > LONGEST_TOLD - 100, "{}", one.len());
            assert!(one.contains(" bytes more, SHA-256 of all ") && one != two);
            assert!(long.starts_with(one.split('…').next().unwrap()));
        }
    }
}
