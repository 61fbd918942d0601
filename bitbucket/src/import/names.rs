//! Ids for roles and rules, from names that Bitbucket has.

use std::collections::BTreeSet;

/// How long an id may be.
const LONGEST: usize = 64;
/// What is left for a number behind it.
const ROOM: usize = 6;

/// Ids that are taken.
#[derive(Debug, Default)]
pub(super) struct Ids(BTreeSet<String>);

impl Ids {
    /// An id that says `wish` as well as an id can, and that nothing else has.
    pub(super) fn fresh(&mut self, wish: &str) -> String {
        let plain = plain(wish);
        let mut id = plain.clone();
        let mut number = 1;
        while !self.0.insert(id.clone()) {
            number += 1;
            id = format!("{plain}-{number}");
        }
        id
    }
}

/// Lower-case letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
fn plain(text: &str) -> String {
    let mut id = String::new();
    for character in text.to_lowercase().chars() {
        let kept = character.is_ascii_lowercase() || character.is_ascii_digit() || "_.".contains(character);
        match kept {
            true => id.push(character),
            false if !id.ends_with('-') => id.push('-'),
            false => {}
        }
    }
    let trimmed = id.trim_start_matches(|first: char| !first.is_ascii_alphanumeric()).trim_end_matches('-');
    let short: String = trimmed.chars().take(LONGEST - ROOM).collect();
    if short.is_empty() { "x".to_owned() } else { short }
}

#[cfg(test)]
mod tests {
    use oam_policy::{RoleId, RuleId};

    use super::Ids;

    #[test]
    fn whatever_a_name_is_its_id_is_one_and_its_own() {
        let mut ids = Ids::default();
        let long = "x".repeat(500);
        for wish in ["Payments Team", "payments-team", "", "äöü", "-.-", "**", &long, &long] {
            let id = ids.fresh(wish);
            assert!(RoleId::parse(&id).is_ok() && RuleId::parse(&id).is_ok(), "{wish} {id}");
        }
        assert_eq!(ids.fresh("Payments/Team"), "payments-team-3");
    }
}
