use crate::{
    facts::{Ancestry, Facts},
    name::{ObjectId, RefName, Repository, Username},
    nonempty::NonEmpty,
    request::{Channel, RefChange, RefUpdate, Request, Verb},
};

/// What somebody could do to one ref, without a history: a decision on it rests on names and verbs only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Where.
    pub repository: Repository,
    /// To which ref.
    pub name: RefName,
    /// What; never [`Verb::Read`] or [`Verb::Admin`], which carry no refs. Moving a tag is a [`Verb::Force`] whether
    /// or not that is what is asked.
    pub verb: Verb,
    /// By which way in.
    pub channel: Channel,
}

impl Question {
    /// The question as `pusher` would ask it, with made-up object ids.
    pub fn request(&self, pusher: Username) -> Request {
        let (old, new) = (ObjectId::Sha1([1; 20]), ObjectId::Sha1([2; 20]));
        let change = match self.verb {
            Verb::Create => RefChange::Create { new },
            Verb::Delete => RefChange::Delete { old },
            Verb::Update | Verb::Force | Verb::Read | Verb::Admin => RefChange::Move { old, new },
        };
        Request {
            repository: self.repository.clone(),
            pusher,
            channel: self.channel,
            updates: NonEmpty::one(RefUpdate { name: self.name.clone(), change }),
        }
    }

    /// The facts that the verb implies.
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::none();
        let ancestry = if self.verb == Verb::Force { Ancestry::Diverged } else { Ancestry::FastForward };
        facts.learn_ancestry(0, ancestry);
        facts
    }

    /// The verb that rules are compared with.
    pub fn decided_verb(&self) -> Verb {
        match self.verb {
            Verb::Update | Verb::Force if self.name.is_tag() => Verb::Force,
            verb => verb,
        }
    }
}
