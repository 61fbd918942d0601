use std::borrow::Cow;

/// The candidate that `text` most likely was meant to be, if any is near: at most one slip for every three characters.
///
/// Costs little for most candidates: a comparison of lengths, or of what stands before and behind the slips.
pub(crate) fn nearest<'c>(text: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // Nobody mistypes a text of this length; and the distance costs the product of the lengths.
    const LONGEST: usize = 64;
    if text.len() > LONGEST {
        return None;
    }
    let text = folded(text);
    let slips = (text.chars().count() / 3).max(1);
    // A character has at most four bytes.
    let may_be_near =
        |candidate: &&str| candidate.len() <= LONGEST && candidate.len().abs_diff(text.len()) <= slips * 4;
    candidates
        .into_iter()
        .filter(may_be_near)
        .map(|candidate| (distance(&text, &folded(candidate)), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, candidate)| candidate)
}

fn folded(text: &str) -> Cow<'_, str> {
    let is_folded = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if text.bytes().all(is_folded) { text.into() } else { text.to_lowercase().into() }
}

/// How many characters must be put in, taken out, replaced or swapped to make `a` of `b`. What both begin and end with
/// has no part in it.
fn distance(a: &str, b: &str) -> usize {
    let same = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
        pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
    };
    let before = same(&mut a.chars().zip(b.chars()));
    let (a, b) = (a.get(before..).unwrap_or_default(), b.get(before..).unwrap_or_default());
    let behind = same(&mut a.chars().rev().zip(b.chars().rev()));
    let without = |text: &str| text.get(..text.len() - behind).unwrap_or_default().to_owned();
    strsim::osa_distance(&without(a), &without(b))
}

/// "did you mean …?" for the nearest candidate.
pub(crate) fn did_you_mean<'c>(text: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<String> {
    nearest(text, candidates).map(|candidate| {
        let shown = crate::printable::Printable::new(candidate);
        format!("did you mean `{shown}`?")
    })
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn near_is_near() {
        let keys = ["refs", "verbs", "on", "to"];
        assert_eq!(nearest("ref", keys), Some("refs"));
        assert_eq!(nearest("verb", keys), Some("verbs"));
        assert_eq!(nearest("REFS", keys), Some("refs"));
        assert_eq!(nearest("rfes", keys), Some("refs"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest(&"refs".repeat(1_000_000), keys), None);
        assert_eq!(nearest("develloper", ["release-manager", "developer"]), Some("developer"));
    }

    proptest::proptest! {
        #[test]
        fn what_is_alike_at_the_ends_does_not_count(a in "[abé]{0,8}", b in "[abé]{0,8}") {
            proptest::prop_assert_eq!(distance(&a, &b), strsim::osa_distance(&a, &b));
        }
    }
}
