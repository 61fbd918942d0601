//! Foreign merges: those on the line of first parents of a ref that have the ref's old tip not on that line, but behind
//! another parent.
//!
//! Who merges `main` into their own work and pushes the outcome as `main` makes such a one: what was the main line is
//! then a side line. A merge of a topic into `main` is none. Nor are the merges within the topic, with which it was kept
//! up to date: the line of first parents passes them by.

use std::collections::{HashMap, HashSet};

use oam_policy::ObjectId;

/// The foreign merges of a ref that goes from `old` to `new`. `commits` are all that are reachable from `new` and not
/// from `old`, in any order, with their parents. Takes time and memory in proportion to their number.
pub fn foreign_merges(
    old: ObjectId,
    new: ObjectId,
    commits: &[(ObjectId, Vec<ObjectId>)],
) -> HashSet<ObjectId> {
    let places: HashMap<ObjectId, usize> =
        commits.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
    let parents =
        |id: &ObjectId| places.get(id).and_then(|place| commits.get(*place)).map(|(_, parents)| parents);
    let mut line = Vec::new();
    let mut at = Some(new);
    while let Some(id) = at {
        if id == old {
            return HashSet::new();
        }
        let Some(parents) = parents(&id) else { break };
        if parents.len() > 1 {
            line.push(id);
        }
        at = parents.first().copied();
    }
    let leads_to_old = behind(old, commits, &places);
    let leads =
        |id: &ObjectId| places.get(id).is_some_and(|place| leads_to_old.get(*place) == Some(&Some(true)));
    line.into_iter().filter(leads).collect()
}

/// For each commit, whether `old` is one of its ancestors. All are known in the end.
fn behind(
    old: ObjectId,
    commits: &[(ObjectId, Vec<ObjectId>)],
    places: &HashMap<ObjectId, usize>,
) -> Vec<Option<bool>> {
    let mut known: Vec<Option<bool>> = vec![None; commits.len()];
    // Parents first; without recursion, since histories are long.
    let mut ahead = Vec::new();
    for root in 0..commits.len() {
        ahead.push(root);
        while let Some(place) = ahead.last().copied() {
            let (Some((_, parents)), Some(None)) = (commits.get(place), known.get(place)) else {
                ahead.pop();
                continue;
            };
            let waiting = ahead.len();
            let among = parents.iter().filter_map(|parent| places.get(parent).copied());
            ahead.extend(among.filter(|parent| known.get(*parent) == Some(&None)));
            if ahead.len() > waiting {
                continue;
            }
            ahead.pop();
            let leads = |parent: &ObjectId| {
                let place = places.get(parent);
                *parent == old || place.is_some_and(|place| known.get(*place) == Some(&Some(true)))
            };
            let leads = parents.iter().any(leads);
            if let Some(known) = known.get_mut(place) {
                *known = Some(leads);
            }
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use oam_policy::ObjectId;

    use super::foreign_merges;

    fn id(name: u32) -> ObjectId {
        let mut bytes = [1; 20];
        bytes[..4].copy_from_slice(&name.to_be_bytes());
        ObjectId::Sha1(bytes)
    }

    const NONE: [u32; 0] = [];

    /// The commits with their parents, the new tip first; the old tip is 0, and 100 is behind it.
    fn foreign(commits: &[(u32, &[u32])]) -> Vec<u32> {
        let new = id(commits[0].0);
        let commits: Vec<_> = commits
            .iter()
            .map(|(name, parents)| (id(*name), parents.iter().map(|parent| id(*parent)).collect()))
            .collect();
        let found = foreign_merges(id(0), new, &commits);
        (0..200).filter(|name| found.contains(&id(*name))).collect()
    }

    #[test]
    fn the_old_tip_stays_on_the_line_of_first_parents() {
        // A topic merged into main.
        assert_eq!(foreign(&[(2, &[0, 1]), (1, &[100])]), NONE);
        // Main merged into a topic, and that pushed as main.
        assert_eq!(foreign(&[(2, &[1, 0]), (1, &[100])]), [2]);
        // A commit upon it changes nothing; a later merge of it has the old tip behind, too.
        assert_eq!(foreign(&[(3, &[2]), (2, &[1, 0]), (1, &[100])]), [2]);
        assert_eq!(foreign(&[(4, &[1, 3]), (3, &[2]), (2, &[1, 0]), (1, &[100])]), [4]);
        assert_eq!(foreign(&[(4, &[2, 3]), (3, &[100]), (2, &[1, 0]), (1, &[100])]), [2, 4]);
        // Merges within a topic that began at the old tip, or aside from it.
        assert_eq!(foreign(&[(4, &[0, 3]), (3, &[1, 2]), (2, &[0]), (1, &[0])]), NONE);
        assert_eq!(foreign(&[(4, &[0, 3]), (3, &[1, 2]), (2, &[100]), (1, &[100])]), NONE);
        // Main was merged into the topic, and the topic properly into main.
        assert_eq!(foreign(&[(3, &[0, 2]), (2, &[1, 0]), (1, &[100])]), NONE);
        // An octopus.
        assert_eq!(foreign(&[(3, &[1, 2, 0]), (2, &[100]), (1, &[100])]), [3]);
        // Another history put in place of this one.
        assert_eq!(foreign(&[(2, &[1, 100]), (1, &[])]), NONE);
    }

    #[test]
    fn a_long_history_in_whichever_order() {
        let mut line: Vec<_> = (1..100_000).map(|name| (id(name), vec![id(name - 1)])).collect();
        line.push((id(100_000), vec![id(200_000), id(99_999)]));
        line.push((id(200_000), vec![]));
        assert_eq!(foreign_merges(id(0), id(100_000), &line), [id(100_000)].into());
        line.reverse();
        assert_eq!(foreign_merges(id(0), id(100_000), &line), [id(100_000)].into());
    }
}
