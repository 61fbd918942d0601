use std::collections::HashSet;

use oam_policy::{RefChange, RefUpdate, Username, rule::RefSet};
use oam_proto::{limits, v1};

use crate::git::ancestry::Pair;

/// What a daemon wants to know, found to make sense.
#[derive(Debug)]
pub struct Asked {
    /// The updates whose ancestry is asked for, with their tips.
    pub ancestry: Vec<(u64, Pair)>,
    /// In the order in which they are told.
    pub histories: Vec<HistoryAsked>,
    /// What the histories are seen in view of.
    pub covers: Vec<RefSet>,
    /// The pusher as the directory spells them, for `${user}` in the patterns; where the daemon says nothing, they are called
    /// what the git server calls them.
    pub pusher: Option<Username>,
}

/// What is wanted of the new commits of one update.
#[derive(Debug, Clone, Copy)]
pub struct HistoryAsked {
    /// What the update does. Never a deletion.
    pub change: RefChange,
    /// The place of the cover.
    pub cover: usize,
    /// See `HistoryNeeded` in `authorize.proto`, here and below.
    pub paths: bool,
    /// New files.
    pub files: bool,
    /// Commits.
    pub commits: bool,
    /// Signatures, of commits and of the tip.
    pub signatures: bool,
    /// What the ref is to name.
    pub tip: bool,
    /// After so many commits, one more is told, and no other.
    pub at_most: Option<u64>,
}

impl Asked {
    /// Understands what is asked about these updates.
    ///
    /// # Errors
    /// When it makes no sense; in words that follow "the daemon".
    pub fn read(needed: &v1::FactsNeeded, updates: &[RefUpdate]) -> Result<Self, String> {
        if needed.ancestry.is_empty() && needed.histories.is_empty() {
            return Err("asked for facts without saying which".into());
        }
        if !needed.ancestry.is_sorted_by(|one, next| one < next) {
            return Err("asked for facts in no order".into());
        }
        if needed.histories.len() > limits::HISTORIES_ASKED || needed.covers.len() > limits::HISTORIES_ASKED {
            return Err(format!("asked for more than {} histories", limits::HISTORIES_ASKED));
        }
        let ancestry = needed.ancestry.iter().map(|index| Ok((*index, pair(*index, updates)?)));
        let covers = needed.covers.iter().map(cover);
        let mut seen = HashSet::new();
        let histories = needed.histories.iter().map(|history| {
            if !seen.insert((history.update, history.cover)) {
                return Err(format!("asked twice for one history of update {}", history.update));
            }
            asked(history, needed.covers.len(), updates)
        });
        let pusher = (!needed.pusher.is_empty()).then(|| Username::parse(&needed.pusher)).transpose();
        Ok(Self {
            pusher: pusher.map_err(|error| format!("named the pusher by what is no name: {error}"))?,
            ancestry: ancestry.collect::<Result<_, String>>()?,
            histories: histories.collect::<Result<_, String>>()?,
            covers: covers.collect::<Result<_, String>>()?,
        })
    }
}

fn change(index: u64, updates: &[RefUpdate]) -> Option<RefChange> {
    usize::try_from(index).ok().and_then(|index| updates.get(index)).map(|update| update.change)
}

fn pair(index: u64, updates: &[RefUpdate]) -> Result<Pair, String> {
    match change(index, updates) {
        Some(RefChange::Move { old, new }) => Ok(Pair { old, new }),
        _ => Err(format!("asked for the ancestry of update {index}, which moves no ref")),
    }
}

fn cover(cover: &v1::Cover) -> Result<RefSet, String> {
    let patterns = cover.refs.iter().map(|source| RefSet::parse_one(source));
    let refs = patterns.collect::<Result<Vec<_>, _>>().and_then(RefSet::new);
    refs.map_err(|error| format!("asked in view of refs that cannot be told: {error}"))
}

fn asked(history: &v1::HistoryNeeded, covers: usize, updates: &[RefUpdate]) -> Result<HistoryAsked, String> {
    let v1::HistoryNeeded { update, cover, paths, files, commits, signatures, tip, at_most } = *history;
    let change = change(update, updates).filter(|change| !matches!(change, RefChange::Delete { .. }));
    let change =
        change.ok_or_else(|| format!("asked for the new commits of update {update}, which can have none"))?;
    let cover = usize::try_from(cover).ok().filter(|cover| *cover < covers);
    let cover = cover.ok_or_else(|| format!("asked for a history of update {update} in view of nothing"))?;
    if !(paths || files || commits || tip) {
        return Err(format!("asked for nothing of the new commits of update {update}"));
    }
    let at_most = (at_most > 0).then_some(at_most);
    Ok(HistoryAsked { change, cover, paths, files, commits, signatures, tip, at_most })
}

#[cfg(test)]
mod tests {
    use oam_policy::{ObjectId, RefChange, RefName, RefUpdate};
    use oam_proto::v1;

    use super::Asked;

    const ID: ObjectId = ObjectId::Sha1([1; 20]);

    fn updates() -> Vec<RefUpdate> {
        let name = RefName::parse(b"refs/heads/main").unwrap();
        let changes = [
            RefChange::Create { new: ID },
            RefChange::Move { old: ID, new: ID },
            RefChange::Delete { old: ID },
        ];
        changes.map(|change| RefUpdate { name: name.clone(), change }).into()
    }

    fn needed(history: v1::HistoryNeeded) -> v1::FactsNeeded {
        v1::FactsNeeded {
            histories: vec![history],
            covers: vec![v1::Cover { refs: vec!["refs/heads/**".into(), "!refs/heads/u/${user}/*".into()] }],
            ..v1::FactsNeeded::default()
        }
    }

    fn refusal(needed: &v1::FactsNeeded) -> String {
        Asked::read(needed, &updates()).unwrap_err()
    }

    #[test]
    fn what_makes_sense_is_taken() {
        let history =
            v1::HistoryNeeded { update: 1, paths: true, at_most: 5, ..v1::HistoryNeeded::default() };
        let asked = Asked::read(&needed(history), &updates()).unwrap();
        assert!(asked.ancestry.is_empty());
        assert!(asked.histories[0].paths && !asked.histories[0].commits);
        assert_eq!((asked.histories[0].cover, asked.histories[0].at_most), (0, Some(5)));
        assert!(asked.covers[0].matches(&RefName::parse(b"refs/heads/u/bob/x").unwrap(), "alice"));
        assert!(!asked.covers[0].matches(&RefName::parse(b"refs/heads/u/alice/x").unwrap(), "alice"));
    }

    #[test]
    fn what_makes_none_is_not() {
        let history = v1::HistoryNeeded { update: 1, paths: true, ..v1::HistoryNeeded::default() };
        assert_eq!(refusal(&v1::FactsNeeded::default()), "asked for facts without saying which");
        let twice = v1::FactsNeeded { histories: vec![history, history], ..needed(history) };
        let no_cover = v1::FactsNeeded { covers: vec![], ..needed(history) };
        let bad_cover = |refs: &str| v1::FactsNeeded {
            covers: vec![v1::Cover { refs: vec![refs.into()] }],
            ..needed(history)
        };
        for (needed, because) in [
            (twice, "asked twice for one history of update 1"),
            (no_cover, "in view of nothing"),
            (bad_cover("re:refs/("), "in view of refs that cannot be told"),
            (bad_cover("!refs/heads/x"), "in view of refs that cannot be told"),
            (needed(v1::HistoryNeeded { cover: 1, ..history }), "in view of nothing"),
            (needed(v1::HistoryNeeded { update: 2, ..history }), "update 2, which can have none"),
            (needed(v1::HistoryNeeded { update: 3, ..history }), "update 3, which can have none"),
            (needed(v1::HistoryNeeded { update: u64::MAX, ..history }), "which can have none"),
            (needed(v1::HistoryNeeded { paths: false, signatures: true, ..history }), "asked for nothing"),
        ] {
            let refusal = refusal(&needed);
            assert!(refusal.contains(because), "{refusal}");
        }
    }
}
