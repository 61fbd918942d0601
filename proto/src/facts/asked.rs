use std::collections::HashMap;

use oam_policy::{
    Username,
    facts::{Cover, FactsNeeded, HistoryNeeded, HistoryPart, UpdateIndex},
};

use crate::{limits, v1};

/// What a hook is asked for at once, in the order in which the wire counts it.
#[derive(Debug, Default)]
pub struct Asked {
    ancestry: Vec<UpdateIndex>,
    histories: Vec<AskedHistory>,
}

/// What is asked of the new commits of one update in view of one cover.
#[derive(Debug)]
pub struct AskedHistory {
    /// The update.
    pub update: UpdateIndex,
    /// In view of which refs.
    pub cover: Cover,
    /// The parts that are wanted.
    pub parts: Vec<HistoryPart>,
}

impl Asked {
    /// What can be asked of `needed`; and what cannot, since there is too much of it, or no hook knows it.
    pub fn of(needed: &FactsNeeded) -> (Self, FactsNeeded) {
        let FactsNeeded { ancestry, histories, pull_request, refused_anyway: _ } = needed;
        let mut asked = Self { ancestry: ancestry.clone(), histories: Vec::new() };
        let mut beyond = FactsNeeded { pull_request: *pull_request, ..FactsNeeded::default() };
        for one in histories {
            let HistoryNeeded { update, cover, part } = one;
            let is_full = asked.histories.len() >= limits::HISTORIES_PER_ROUND;
            match asked.histories.last_mut() {
                // They come in order.
                Some(last) if last.update == *update && last.cover == *cover => last.parts.push(*part),
                _ if is_full => beyond.histories.push(one.clone()),
                _ => {
                    let (cover, parts) = (cover.clone(), vec![*part]);
                    asked.histories.push(AskedHistory { update: *update, cover, parts });
                }
            }
        }
        (asked, beyond)
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.ancestry.is_empty() && self.histories.is_empty()
    }

    /// The updates whose ancestry is asked for, ascending.
    pub fn ancestry(&self) -> &[UpdateIndex] {
        &self.ancestry
    }

    /// Whether the ancestry of `update` is asked for.
    pub fn is_ancestry_of(&self, update: UpdateIndex) -> bool {
        self.ancestry.binary_search(&update).is_ok()
    }

    /// The histories, by their positions on the wire.
    pub fn histories(&self) -> &[AskedHistory] {
        &self.histories
    }

    /// The same histories, as a decision asks for them.
    pub fn histories_needed(&self) -> Vec<HistoryNeeded> {
        let needed = |one: &AskedHistory| {
            let (update, cover) = (one.update, one.cover.clone());
            one.parts.clone().into_iter().map(move |part| HistoryNeeded {
                update,
                cover: cover.clone(),
                part,
            })
        };
        self.histories.iter().flat_map(needed).collect()
    }

    /// The message that asks for it, of a push by `pusher` as the directory spells them.
    pub fn to_wire(&self, pusher: &Username) -> v1::FactsNeeded {
        let mut covers = Vec::new();
        let mut places = HashMap::new();
        let histories = self.histories.iter().map(|history| {
            let cover = *places.entry(&history.cover).or_insert_with(|| {
                covers.push(v1::Cover { refs: history.cover.patterns().to_vec() });
                u32::try_from(covers.len() - 1).unwrap_or(u32::MAX)
            });
            history.to_wire(cover)
        });
        let histories = histories.collect();
        v1::FactsNeeded {
            ancestry: self.ancestry.iter().map(|index| *index as u64).collect(),
            histories,
            covers,
            pusher: pusher.as_str().to_owned(),
        }
    }
}

impl AskedHistory {
    /// Whether a part is asked for. Signatures come with their commits, and commits are told to be counted.
    pub fn wants(&self, part: HistoryPart) -> bool {
        let has = |part| self.parts.contains(&part);
        let lists =
            |part: &HistoryPart| matches!(part, HistoryPart::Signatures | HistoryPart::CommitCount(_));
        has(part) || part == HistoryPart::Commits && self.parts.iter().any(lists)
    }

    fn to_wire(&self, cover: u32) -> v1::HistoryNeeded {
        v1::HistoryNeeded {
            update: self.update as u64,
            cover,
            paths: self.wants(HistoryPart::Paths),
            files: self.wants(HistoryPart::Files),
            commits: self.wants(HistoryPart::Commits),
            // A tag's comes with the tag.
            signatures: self.wants(HistoryPart::Signatures) || self.wants(HistoryPart::Tip),
            tip: self.wants(HistoryPart::Tip),
            at_most: self.at_most().unwrap_or_default(),
        }
    }

    /// How many commits are asked for at most, and one more to show that there are more: where they are only counted.
    pub fn at_most(&self) -> Option<u64> {
        let mut most = 0;
        for part in &self.parts {
            let HistoryPart::CommitCount(max) = part else { return None };
            most = most.max(*max);
        }
        Some(most)
    }
}
