//! Which rules are mirrored, and as what.

use std::collections::{BTreeMap, BTreeSet};

use oam_policy::{
    Policy, RoleId, RuleId, Verb,
    rule::{Block, Mode, RefSet, RepositorySet, Require, VerbSet, Via, Window},
};

use super::{MirrorSettings, Mirrored, refs};
use crate::{Forbids, Matcher, permission::Place};

/// The verbs of every change.
const CHANGES: [Verb; 4] = [Verb::Create, Verb::Update, Verb::Force, Verb::Delete];

/// What of a policy is mirrored.
#[derive(Debug, Default)]
pub struct Protections<'a> {
    /// What is.
    pub said: Vec<Protection<'a>>,
    /// The rules that are not, or not whole, and why.
    pub unsaid: Vec<(RuleId, String)>,
}

/// A rule as restrictions.
#[derive(Debug)]
pub struct Protection<'a> {
    /// The rule.
    pub rule: &'a RuleId,
    on: &'a RepositorySet,
    forbids: BTreeSet<Forbids>,
    matchers: BTreeSet<Matcher>,
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
}

/// What blocks and requires have in common.
struct Rule<'a> {
    id: &'a RuleId,
    mode: Mode,
    on: &'a RepositorySet,
    refs: &'a RefSet,
    window: &'a Window,
    except: &'a BTreeSet<RoleId>,
}

impl<'a> Protections<'a> {
    /// Of a policy; `sources` are those whose groups Bitbucket has under the same names.
    pub fn of(policy: &'a Policy, settings: &MirrorSettings, sources: &BTreeSet<String>) -> Self {
        let mut all = Self::default();
        for block in policy.blocks() {
            let Block { id, mode, on, refs, verbs, paths, window, except, .. } = block;
            let rule = Rule { id, mode: *mode, on, refs, window, except };
            let forbids = match paths {
                Some(_) => Err("is about paths, of which Bitbucket's restrictions know nothing"),
                None => blocked(*verbs),
            };
            all.add(policy, settings, sources, &rule, forbids);
        }
        for require in policy.requires() {
            let Require { id, mode, on, refs, verbs, window, except, via, .. } = require;
            let rule = Rule { id, mode: *mode, on, refs, window, except };
            let forbids = match via {
                Some(Via::PullRequest) if CHANGES.iter().all(|verb| verbs.contains(*verb)) => {
                    Ok([Forbids::DirectChanges].into())
                }
                Some(Via::PullRequest) => {
                    Err("is about some verbs only, and a restriction to pull requests may be about all")
                }
                None => Err("asks for what only the hook can check"),
            };
            all.add(policy, settings, sources, &rule, forbids);
        }
        all
    }

    fn add(
        &mut self,
        policy: &Policy,
        settings: &MirrorSettings,
        sources: &BTreeSet<String>,
        rule: &Rule<'a>,
        forbids: Result<BTreeSet<Forbids>, &'static str>,
    ) {
        // What is only tried out refuses nothing.
        if rule.mode == Mode::Evaluate {
            return;
        }
        let protection = forbids.map_err(str::to_owned).and_then(|forbids| {
            lasts(policy, rule)?;
            let (users, groups) = exempt(policy, rule.except, sources)?;
            let matchers = matchers(rule.refs, settings.patterns)?;
            Ok(Protection { rule: rule.id, on: rule.on, forbids, matchers, users, groups })
        });
        match protection {
            Ok(protection) => self.said.push(protection),
            Err(why) => self.unsaid.push((rule.id.clone(), format!("is not mirrored: it {why}"))),
        }
    }

    /// The restrictions of a place, by what tells them apart, with the rules that they are of.
    pub fn at(&self, place: &Place, settings: &MirrorSettings) -> Vec<(Mirrored, BTreeSet<String>)> {
        let mut all: BTreeMap<String, (Mirrored, BTreeSet<String>)> = BTreeMap::new();
        for one in self.said.iter().filter(|one| settings.covers(place) && one.is_at(place, settings)) {
            for (forbids, matcher) in
                one.forbids.iter().flat_map(|kind| one.matchers.iter().map(move |on| (kind, on)))
            {
                let mirrored = Mirrored {
                    kind: forbids.as_str().to_owned(),
                    matcher: matcher.clone(),
                    users: one.users.clone(),
                    groups: one.groups.clone(),
                };
                // There is one restriction of a kind on the same refs. Whoever is exempt from one rule only is refused by the hook.
                let (known, rules) =
                    all.entry(mirrored.thing()).or_insert_with(|| (mirrored.clone(), BTreeSet::new()));
                known.users.extend(mirrored.users);
                known.groups.extend(mirrored.groups);
                rules.insert(one.rule.to_string());
            }
        }
        all.into_values().collect()
    }
}

impl Protection<'_> {
    fn is_at(&self, place: &Place, settings: &MirrorSettings) -> bool {
        let whole = self.on.is_whole_project(place.project().as_str());
        match place {
            Place::Project(_) => whole,
            // What the project has need not be said again.
            Place::Repository(repository) => {
                self.on.matches(repository) && !(whole && settings.covers_project_of(place))
            }
        }
    }
}

/// Whether it holds all the time, and for everybody who is bound.
fn lasts(policy: &Policy, rule: &Rule<'_>) -> Result<(), String> {
    let window = rule.window;
    if window.from().is_some() || window.to().is_some() || window.weekly().is_some() {
        return Err("holds at some times only, and a restriction stays".to_owned());
    }
    let lifts =
        policy.waivers().iter().find(|waiver| waiver.mode == Mode::Enforce && waiver.lifts.contains(rule.id));
    match lifts {
        Some(waiver) => {
            Err(format!("may be lifted by the waiver `{}`, and a restriction would not be", waiver.id))
        }
        None => Ok(()),
    }
}

fn blocked(verbs: VerbSet) -> Result<BTreeSet<Forbids>, &'static str> {
    if CHANGES.iter().all(|verb| verbs.contains(*verb)) {
        return Ok([Forbids::Changes].into());
    }
    let each = [
        (Verb::Create, Forbids::Creates),
        (Verb::Force, Forbids::Rewrites),
        (Verb::Delete, Forbids::Deletes),
    ];
    let said: BTreeSet<_> =
        each.into_iter().filter(|(verb, _)| verbs.contains(*verb)).map(|(_, forbids)| forbids).collect();
    if said.is_empty() { Err("forbids updates only, which no restriction does") } else { Ok(said) }
}

/// Everybody who holds one of these roles, and perhaps more: users and groups of Bitbucket.
fn exempt(
    policy: &Policy,
    except: &BTreeSet<RoleId>,
    sources: &BTreeSet<String>,
) -> Result<(BTreeSet<String>, BTreeSet<String>), String> {
    let (mut users, mut groups) = (BTreeSet::new(), BTreeSet::new());
    for role in policy.roles().iter().filter(|role| except.contains(&role.id)) {
        users.extend(role.service.iter().map(|account| account.as_str().to_owned()));
        // Whoever is in all of these is in any one of them.
        let of = if role.any.is_empty() { role.all.iter().take(1) } else { role.any.iter().take(usize::MAX) };
        for group in of {
            if !sources.contains(group.source()) {
                return Err(format!(
                    "excepts `{}`, whose group `{}:{}` is of a source that is not in `bitbucket.provisioning.groups`",
                    role.id,
                    group.source(),
                    group.name()
                ));
            }
            groups.insert(group.name().to_owned());
        }
    }
    Ok((users, groups))
}

fn matchers(refs: &RefSet, patterns: bool) -> Result<BTreeSet<Matcher>, String> {
    let sources = refs.sources();
    if sources.iter().any(|source| source.starts_with('!')) {
        return Err("excludes refs, which Bitbucket's patterns cannot".to_owned());
    }
    let matchers: Result<_, _> = sources.iter().map(|source| refs::matcher(source, patterns)).collect();
    matchers.map_err(str::to_owned)
}
