use oam_policy::PrivilegeId;
use uuid::Uuid;

/// Digits and letters that are not taken for each other.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How many of them: 40 bits, so that none comes twice in the life of a log.
const LENGTH: usize = 8;

/// An id that `is_taken` does not know, short enough to be read out.
pub(super) fn fresh(is_taken: impl Fn(&PrivilegeId) -> bool) -> PrivilegeId {
    loop {
        let mut bits = Uuid::now_v7().as_u128();
        let mut text = String::with_capacity(LENGTH);
        for _ in 0..LENGTH {
            let sign = ALPHABET.get((bits & 31) as usize).copied().unwrap_or(b'0');
            text.push(char::from(sign));
            bits >>= 5;
        }
        // So many of these signs always make an id.
        if let Ok(id) = PrivilegeId::parse(&text)
            && !is_taken(&id)
        {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::fresh;

    #[test]
    fn ids_are_plain_and_none_comes_twice() {
        let mut seen = BTreeSet::new();
        for _ in 0..1_000 {
            let id = fresh(|id| seen.contains(id));
            assert_eq!(id.as_str().len(), 8);
            assert!(seen.insert(id));
        }
    }
}
