//! Classes in words: the fewest patterns that say where a text lies.

use super::{
    budget::{Budget, TOLD},
    product::{Cell, Explored, Reached},
};

/// The texts that match all of `within` and none of `without`; pattern numbers, ascending.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Cube {
    pub(super) within: Vec<usize>,
    pub(super) without: Vec<usize>,
}

impl Cube {
    /// All that is known of one class.
    fn exactly(cell: &Cell, patterns: usize) -> Self {
        let without = (0..patterns).filter(|pattern| cell.binary_search(pattern).is_err()).collect();
        Self { within: cell.to_vec(), without }
    }

    fn holds(&self, cell: &Cell) -> bool {
        self.within.iter().all(|pattern| cell.binary_search(pattern).is_ok())
            && !self.without.iter().any(|pattern| cell.binary_search(pattern).is_ok())
    }
}

/// Work beyond which classes are said in full.
const MAX_WORK: usize = 20_000_000;

/// How often one class is looked for in another in a step: mostly the first pattern tells.
const LOOKS: usize = 4;

/// Where classes lie, each with the one that is the example.
pub(super) struct Covered {
    pub(super) cubes: Vec<(Cube, usize)>,
    /// Whether that is all of them; else the budget did not last.
    pub(super) complete: bool,
}

/// Says where the classes `members` of `explored` lie, and which of them is the example for each saying.
///
/// Where all of them were explored they are every one that a pattern in `anchors` matches: then patterns that make no
/// difference are left out, so that one saying holds several classes; one anchor always stays, for nothing is known
/// of texts that match none.
pub(super) fn cover(
    explored: &Explored,
    members: &[usize],
    anchors: &[bool],
    budget: &mut Budget,
) -> Covered {
    let all = &explored.reached;
    let patterns = anchors.len();
    let others: Vec<&Cell> = (0..all.len())
        .filter(|number| members.binary_search(number).is_err())
        .filter_map(|number| all.get(number).map(|one| &one.cell))
        .collect();
    let work = members.len().saturating_mul(patterns).saturating_mul(others.len() + 1);
    let shorten = explored.complete && work <= MAX_WORK;
    let looks = if shorten { patterns * others.len() / LOOKS } else { 0 };
    let mut covered = Covered { cubes: Vec::new(), complete: true };
    // Those with the fewest patterns first: what is said of them holds most of the others.
    let mut members: Vec<_> =
        members.iter().filter_map(|number| Some((*number, all.get(*number)?))).collect();
    members.sort_by_key(|(_, one)| one.cell.len());
    for (number, one) in &members {
        // What is said in full holds no other class.
        if shorten && covered.cubes.iter().any(|(cube, _)| cube.holds(&one.cell)) {
            continue;
        }
        let mut cube = Cube::exactly(&one.cell, patterns);
        if shorten && budget.spend(looks) {
            loosen(&mut cube, &others, anchors);
        }
        if !budget.spend(patterns + TOLD * (cube.within.len() + cube.without.len())) {
            covered.complete = false;
            break;
        }
        #[cfg(test)]
        super::budget::done(cube.within.len() + cube.without.len());
        covered.cubes.push((cube, *number));
    }
    if shorten {
        leave_out_needless(&mut covered.cubes, &members);
    }
    covered
}

/// Leaves out what holds only classes that others hold as well.
fn leave_out_needless(cubes: &mut Vec<(Cube, usize)>, members: &[(usize, &Reached)]) {
    let held_by = |cube: &Cube| -> Vec<usize> {
        let held = members.iter().enumerate().filter(|(_, (_, one))| cube.holds(&one.cell));
        held.map(|(place, _)| place).collect()
    };
    let held: Vec<Vec<usize>> = cubes.iter().map(|(cube, _)| held_by(cube)).collect();
    let mut times = vec![0_usize; members.len()];
    for place in held.iter().flatten() {
        if let Some(times) = times.get_mut(*place) {
            *times += 1;
        }
    }
    let mut held = held.into_iter();
    cubes.retain(|_| {
        let places = held.next().unwrap_or_default();
        let is_needed = places.iter().any(|place| times.get(*place).is_none_or(|times| *times < 2));
        if !is_needed {
            for place in &places {
                if let Some(times) = times.get_mut(*place) {
                    *times -= 1;
                }
            }
        }
        is_needed
    });
}

/// Leaves out whatever can be left out without letting one of `others` in.
fn loosen(cube: &mut Cube, others: &[&Cell], anchors: &[bool]) {
    let is_anchor = |pattern: &usize| anchors.get(*pattern).copied().unwrap_or(false);
    let lets_in = |cube: &Cube| others.iter().any(|cell| cube.holds(cell));
    for pattern in cube.without.clone() {
        let kept = cube.without.clone();
        cube.without.retain(|other| *other != pattern);
        if lets_in(cube) {
            cube.without = kept;
        }
    }
    // What did not change explains less than what did, so it goes first.
    let (changed, same): (Vec<usize>, Vec<usize>) =
        cube.within.iter().copied().partition(|pattern| is_anchor(pattern));
    for pattern in same.into_iter().chain(changed) {
        let kept = cube.within.clone();
        cube.within.retain(|other| *other != pattern);
        if !cube.within.iter().any(is_anchor) || lets_in(cube) {
            cube.within = kept;
        }
    }
}
