use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    About, Lint, Report,
    never::{VERBS, names_ref, names_repository, tags},
    prover,
    scope::Standing,
};
use crate::{
    diff::proof::{List, Prover},
    name::{RefName, Repository},
    request::Verb,
    rule::{Grant, Mode, Policy},
};

/// What it costs to look whether a block concerns a grant, in places of patterns.
const LOOK: usize = 4;
/// Of how many blocks those that matter are singled out.
const MAX_SINGLED_OUT: usize = 20;
/// How many blocks are named.
const NAMED: usize = 3;

/// Grants that give nothing, since blocks that bind everybody forbid all of it for as long as the grant is live.
pub(super) fn look(policy: &Policy, never: &BTreeSet<About>, now: Timestamp, report: &mut Report) {
    let mut blocks = Standing::all(policy);
    let lifted: BTreeSet<_> = policy
        .waivers()
        .iter()
        .filter(|waiver| waiver.mode == Mode::Enforce)
        .flat_map(|waiver| &waiver.lifts)
        .collect();
    blocks.retain(|standing| standing.block.except.is_empty() && !lifted.contains(&standing.block.id));
    let mut prover = prover();
    for grant in policy.grants().iter().filter(|grant| grant.mode == Mode::Enforce) {
        let about = About::Grant(grant.id.clone());
        let is_over = grant.window.to().is_some_and(|end| end <= now);
        let is_of_pushes = grant.verbs.iter().all(|verb| VERBS.contains(&verb));
        if never.contains(&about) || is_over || !is_of_pushes {
            continue;
        }
        if !prover.spend(LOOK * blocks.len() + 1) {
            break;
        }
        let claim = Claim::new(grant);
        let concerns = |standing: &&Standing<'_>| {
            standing.outlasts(&grant.window, now)
                && claim.on.may_meet(&standing.on)
                && claim.refs.may_meet(&standing.refs)
        };
        let concerning: Vec<_> = blocks.iter().filter(concerns).collect();
        if !prover.spend(LOOK * concerning.len()) {
            break;
        }
        if let Some(covering) = claim.covering(concerning, &mut prover) {
            let message =
                format!("the {about} gives nothing: all of it is forbidden by {}", named(&covering));
            let help = "take it out, or name in `except` of the block whom it is for";
            report.add(Lint::GrantCoveredByBlocks, about, message, Some(help.into()));
        }
    }
    if prover.gave_up() {
        report.unfinished.insert(Lint::GrantCoveredByBlocks);
    }
}

fn named(blocks: &[&Standing<'_>]) -> String {
    let mut named: Vec<_> =
        blocks.iter().take(NAMED).map(|standing| format!("the block `{}`", standing.block.id)).collect();
    if blocks.len() > NAMED {
        named.push(format!("{} more", blocks.len() - NAMED));
    }
    named.join(", ")
}

/// What a grant gives, for proofs.
struct Claim<'p> {
    grant: &'p Grant,
    on: List,
    refs: List,
}

impl<'p> Claim<'p> {
    fn new(grant: &'p Grant) -> Self {
        Self { grant, on: List::new(&grant.on.sources()), refs: List::new(&grant.refs.sources()) }
    }

    /// Those of `blocks` that forbid all that the grant gives, if it is proved that they do.
    fn covering<'s, 'b>(
        &self,
        mut blocks: Vec<&'s Standing<'b>>,
        prover: &mut Prover,
    ) -> Option<Vec<&'s Standing<'b>>> {
        // Most grants give what no block forbids, and one push shows it.
        if self.example().is_some_and(|example| !self.is_forbidden(&example, &blocks))
            || !self.is_covered(&blocks, prover)
        {
            return None;
        }
        let mut place = if blocks.len() > MAX_SINGLED_OUT { blocks.len() } else { 0 };
        while place < blocks.len() {
            let without = blocks.remove(place);
            if !self.is_covered(&blocks, prover) {
                blocks.insert(place, without);
                place += 1;
            }
        }
        Some(blocks)
    }

    /// A place that the grant gives to somebody called `a`.
    fn example(&self) -> Option<(Repository, RefName)> {
        let on = self.on.examples().find(|text| names_repository(&self.grant.on, text))?;
        let name = self.refs.examples().find(|text| names_ref(&self.grant.refs, text))?;
        Some((Repository::parse(std::str::from_utf8(&on).ok()?).ok()?, RefName::parse(&name).ok()?))
    }

    fn is_forbidden(&self, (repository, name): &(Repository, RefName), blocks: &[&Standing<'_>]) -> bool {
        // Nobody updates a tag, so that need not be forbidden.
        let mut verbs = self.grant.verbs.iter().filter(|verb| *verb != Verb::Update || !name.is_tag());
        verbs.all(|verb| {
            let mut those = blocks.iter().map(|standing| standing.block);
            those.any(|block| {
                block.verbs.contains(verb) && block.on.matches(repository) && block.refs.matches(name, "a")
            })
        })
    }

    /// Whether it is proved that these blocks forbid all of it, for everybody.
    fn is_covered(&self, blocks: &[&Standing<'_>], prover: &mut Prover) -> bool {
        let (everywhere, tags) = (List::new(&["**".to_owned()]), tags());
        self.grant.verbs.iter().all(|verb| {
            let those = blocks.iter().filter(|standing| standing.block.verbs.contains(verb));
            let mut those: Vec<_> = those.map(|standing| (&standing.on, &standing.refs)).collect();
            if verb == Verb::Update {
                those.push((&everywhere, &tags));
            }
            prover.everywhere_within(&self.on, &self.refs, &those)
        })
    }
}
