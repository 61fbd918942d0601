use std::collections::{BTreeMap, BTreeSet};

use oam_bitbucket::{AccountId, permission::Holder};

/// By what name an account was known, by Bitbucket's number of it: a username can be another one tomorrow, or another's.
#[derive(Debug, Clone, Default)]
pub struct Numbers {
    names: BTreeMap<AccountId, Holder>,
    ids: BTreeMap<Holder, BTreeSet<AccountId>>,
}

impl Numbers {
    /// The name by which an account was known last.
    pub fn name_of(&self, id: AccountId) -> Option<&Holder> {
        self.names.get(&id)
    }

    /// Whether other accounts were known by a name, and this one was not.
    pub fn is_another(&self, name: &Holder, id: AccountId) -> bool {
        self.ids.get(name).is_some_and(|ids| !ids.contains(&id))
    }

    /// The accounts that were known by a name.
    pub fn ids_of(&self, name: &Holder) -> impl Iterator<Item = AccountId> {
        self.ids.get(name).into_iter().flatten().copied()
    }

    /// Everything that is known.
    pub fn all(&self) -> impl Iterator<Item = (AccountId, &Holder)> {
        self.names.iter().map(|(id, name)| (*id, name))
    }

    pub(super) fn note(&mut self, id: AccountId, name: Holder) {
        self.forget(id);
        self.names.insert(id, name.clone());
        self.ids.entry(name).or_default().insert(id);
    }

    pub(super) fn forget(&mut self, id: AccountId) {
        if let Some(name) = self.names.remove(&id)
            && let Some(ids) = self.ids.get_mut(&name)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.ids.remove(&name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use oam_bitbucket::{AccountId, permission::Holder};

    use super::Numbers;

    #[test]
    fn a_name_that_moved_on_with_its_account_is_free() {
        let id = |number| AccountId::of_wire(number).unwrap();
        let name = |name| Holder::user(name).unwrap();
        let mut numbers = Numbers::default();
        assert!(!numbers.is_another(&name("carl"), id(1)));
        numbers.note(id(1), name("carl"));
        assert_eq!(numbers.name_of(id(1)), Some(&name("CARL")));
        assert!(numbers.is_another(&name("Carl"), id(2)) && !numbers.is_another(&name("carl"), id(1)));
        // Both are: somebody said so.
        numbers.note(id(2), name("carl"));
        assert!(!numbers.is_another(&name("carl"), id(2)) && numbers.is_another(&name("carl"), id(3)));
        assert_eq!(numbers.ids_of(&name("carl")).collect::<Vec<_>>(), [id(1), id(2)]);
        numbers.note(id(1), name("carla"));
        numbers.note(id(2), name("karl"));
        assert!(!numbers.is_another(&name("carl"), id(3)));
        assert_eq!(numbers.all().count(), 2);
        numbers.forget(id(1));
        numbers.forget(id(3));
        assert!(numbers.name_of(id(1)).is_none() && !numbers.is_another(&name("carla"), id(4)));
        assert!(numbers.is_another(&name("karl"), id(1)));
    }
}
