use oam_policy::facts::{Ancestry, Facts, FactsNeeded};

use crate::{WireError, v1};

/// Adds the facts of one message to those known.
///
/// # Errors
/// When a fact speaks of an update that was not sent, or was not asked for, or its value is unknown.
pub fn facts_from_wire(facts: &mut Facts, message: v1::Facts, needed: &FactsNeeded) -> Result<(), WireError> {
    for fact in message.ancestry {
        let index = usize::try_from(fact.index).map_err(|error| WireError::new("ancestry.index", error))?;
        if needed.ancestry.binary_search(&index).is_err() {
            return Err(WireError::new("ancestry.index", format_args!("{index} was not asked for")));
        }
        let ancestry = match v1::Ancestry::try_from(fact.ancestry) {
            Ok(v1::Ancestry::FastForward) => Ancestry::FastForward,
            Ok(v1::Ancestry::Diverged) => Ancestry::Diverged,
            Ok(v1::Ancestry::Unreadable) => Ancestry::Unreadable { why: fact.why },
            Err(error) => return Err(WireError::new("ancestry.ancestry", error)),
        };
        facts.learn_ancestry(index, ancestry);
    }
    Ok(())
}

/// The message that asks for facts.
pub fn facts_needed_to_wire(needed: &FactsNeeded) -> v1::FactsNeeded {
    v1::FactsNeeded {
        ancestry: needed.ancestry.iter().map(|index| *index as u64).collect(),
        ..v1::FactsNeeded::default()
    }
}

#[cfg(test)]
mod tests {
    use oam_policy::facts::{Ancestry, Facts, FactsNeeded};

    use super::facts_from_wire;
    use crate::v1;

    fn answer(index: u64, ancestry: i32) -> v1::Facts {
        v1::Facts {
            ancestry: vec![v1::AncestryFact { index, ancestry, why: "x".into() }],
            last: true,
            ..v1::Facts::default()
        }
    }

    #[test]
    fn only_what_was_asked_for_is_learnt() {
        let needed = FactsNeeded { ancestry: vec![3], ..FactsNeeded::default() };
        let mut facts = Facts::none();
        assert!(facts_from_wire(&mut facts, answer(2, 2), &needed).is_err());
        assert!(facts_from_wire(&mut facts, answer(3, 9), &needed).is_err());
        assert_eq!(facts.ancestry(3), None);
        facts_from_wire(&mut facts, answer(3, 2), &needed).unwrap();
        assert_eq!(facts.ancestry(3), Some(&Ancestry::FastForward));
    }

    #[test]
    fn the_zero_value_is_unreadable_and_so_never_permits() {
        let mut facts = Facts::none();
        facts_from_wire(
            &mut facts,
            answer(3, 0),
            &FactsNeeded { ancestry: vec![3], ..FactsNeeded::default() },
        )
        .unwrap();
        assert_eq!(facts.ancestry(3), Some(&Ancestry::Unreadable { why: "x".into() }));
    }
}
