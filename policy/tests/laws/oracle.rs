//! The naive implementation of the decision, written from the specification: it looks at every rule and every person, one
//! after the other, and shares nothing with the engine.

use std::collections::BTreeSet;

use crate::{
    conditions, history,
    leased::Leased,
    matching,
    world::{Person, Push, Rule, Says, Shown, Update, Use, Who, World},
};

/// Yes, no, or nobody can tell.
pub(crate) type Maybe = Option<bool>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Permitted,
    Undecided,
    Refused,
}

/// A reason's code, and the rule that says so.
pub(crate) type Reason = (&'static str, Option<String>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    /// Of a refusal: all that is wrong.
    pub(crate) reasons: BTreeSet<Reason>,
    /// Whether it may be undecided as well: it is refused, but nobody can tell for what.
    pub(crate) or_undecided: bool,
}

/// Who asks, as the policy and the directory know them.
#[derive(Debug, Clone)]
pub(crate) struct Pusher {
    pub(crate) name: String,
    pub(crate) roles: Vec<&'static str>,
    pub(crate) emails: Vec<&'static str>,
}

/// How a grant reaches somebody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'r> {
    pub(crate) grant: &'r Rule,
    /// Changes to these paths only, besides what the grant says.
    pub(crate) within: [Option<&'r Vec<&'static str>>; 2],
}

/// The naive implementation, looking at one push.
pub(crate) struct Oracle<'a> {
    pub(crate) world: &'a World,
    pub(crate) push: &'a Push,
    /// Whether it is told nothing but names and ids.
    pub(crate) blind: bool,
}

pub(crate) fn same_name(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

impl World {
    pub(crate) fn person(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|person| same_name(person.name, name))
    }

    pub(crate) fn is_cut_off(&self, name: &str) -> bool {
        self.cut_off.iter().any(|cut_off| same_name(cut_off, name))
    }

    /// Whether somebody may act: no source says otherwise.
    pub(crate) fn is_active(&self, name: &str) -> bool {
        !self.is_cut_off(name) && self.person(name).is_none_or(|person| person.active)
    }

    /// The roles of somebody, whether or not they may act.
    pub(crate) fn roles_of(&self, name: &str) -> Vec<&'static str> {
        let groups = self.person(name).map(|person| person.groups.clone());
        let holds = |number: &usize| {
            let role = &self.roles[*number];
            let by_group = groups.as_ref().is_some_and(|groups| {
                let any = role.any.is_empty() || role.any.iter().any(|group| groups.contains(group));
                let all = role.all.iter().all(|group| groups.contains(group));
                any && all && !(role.any.is_empty() && role.all.is_empty())
            });
            by_group || role.service.iter().any(|service| same_name(service, name))
        };
        (0..self.roles.len()).filter(holds).map(|number| crate::world::ROLES[number]).collect()
    }

    /// The roles with which somebody's approval counts: none of somebody who may not act.
    pub(crate) fn roles_that_count(&self, who: &Who) -> Vec<&'static str> {
        match who {
            Who::Holding(roles) => roles.clone(),
            Who::Name(name) if self.is_active(name) => self.roles_of(name),
            Who::Name(_) => Vec::new(),
        }
    }

    /// All that somebody could be refused for, whatever the refs.
    fn rejection(&self, name: &str) -> BTreeSet<Reason> {
        let mut reasons = BTreeSet::new();
        let is_service = self.roles.iter().any(|role| role.service.iter().any(|one| same_name(one, name)))
            || self.leased.iter().filter_map(Leased::account).any(|one| same_name(one, name));
        if self.is_cut_off(name) {
            reasons.insert(("revoked", None));
        }
        if self.person(name).is_some_and(|person| !person.active) {
            reasons.insert(("account-disabled", None));
        }
        if self.person(name).is_none() && !is_service {
            reasons.insert(("unknown-principal", None));
        }
        reasons
    }
}

impl<'a> Oracle<'a> {
    pub(crate) fn new(world: &'a World, push: &'a Push) -> Self {
        Self { world, push, blind: false }
    }

    /// The same, told nothing but names and ids.
    pub(crate) fn blind(world: &'a World, push: &'a Push) -> Self {
        Self { world, push, blind: true }
    }

    /// The outcome of the whole push.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.rejection() {
            Some(_) => Outcome::Refused,
            None => self.answers().iter().map(|answer| answer.outcome).max().unwrap(),
        }
    }

    /// All that it could be refused for whatever the refs, if it is. One of it is told.
    pub(crate) fn rejection(&self) -> Option<BTreeSet<Reason>> {
        let Who::Name(name) = &self.push.by else { return None };
        let mut reasons = self.world.rejection(name);
        match self.world.shown {
            Some(Shown::Not(code)) => drop(reasons.insert((code, None))),
            Some(Shown::Of(number)) => {
                let lease = self.world.leased.get(number);
                if lease.is_none_or(|lease| !lease.is_in_force(self.push)) {
                    reasons.insert(("lease-not-in-force", None));
                }
            }
            None => {}
        }
        Some(reasons).filter(|reasons| !reasons.is_empty())
    }

    /// What is decided about each update.
    pub(crate) fn answers(&self) -> Vec<Answer> {
        self.push.updates.iter().map(|update| self.answer(update)).collect()
    }

    fn answer(&self, update: &Update) -> Answer {
        let (as_update, as_force) = match verb(update) {
            Some(verb) => return self.answer_to(update, verb),
            None => (self.answer_to(update, "update"), self.answer_to(update, "force")),
        };
        let reasons = as_update.reasons.intersection(&as_force.reasons).cloned().collect();
        match (as_update.outcome, as_force.outcome) {
            (Outcome::Refused, Outcome::Refused) => {
                Answer { outcome: Outcome::Refused, reasons, or_undecided: true }
            }
            (Outcome::Permitted, Outcome::Permitted) => as_update,
            _ => Answer { outcome: Outcome::Undecided, reasons, or_undecided: false },
        }
    }

    fn answer_to(&self, update: &Update, verb: &str) -> Answer {
        let mut reasons = BTreeSet::new();
        let mut unclear = false;
        let mut say = |is_so: Maybe, code, rule: Option<&Rule>| match is_so {
            Some(true) => drop(reasons.insert((code, rule.map(|rule| rule.id.clone())))),
            Some(false) => {}
            None => unclear = true,
        };
        for rule in [replace_refs(), canary()] {
            let is_so = is_built_in(&rule.id, update.name) && rule.verbs.contains(&verb);
            say(Some(is_so), "blocked", Some(&rule));
        }
        let about: Vec<_> = self
            .world
            .rules
            .iter()
            .filter(|rule| !rule.evaluate && self.is_about(rule, update, verb))
            .collect();
        let matching: Vec<_> = about.iter().copied().filter(|rule| self.concerns(rule)).collect();
        for rule in matching.iter().filter(|rule| !self.is_lifted(rule, update)) {
            match &rule.says {
                Says::Block { paths, .. } => say(self.touches(rule, paths, update), "blocked", Some(rule)),
                Says::Require(asked) => {
                    for (code, missing) in conditions::missing(self, update, rule, asked) {
                        say(missing, code, Some(rule));
                    }
                }
                Says::Grant { .. } | Says::Waiver { .. } => {}
            }
        }
        let grants = about.into_iter().filter(|rule| rule.is_grant());
        let ways: Vec<_> = grants.flat_map(|rule| self.ways(rule, update, verb)).collect();
        say(Some(ways.is_empty()), "no-grant", None);
        if !ways.is_empty() {
            say(self.is_uncovered(&ways, update), "paths-not-granted", None);
        }
        let outcome = match (reasons.is_empty(), unclear) {
            (false, _) => Outcome::Refused,
            (true, true) => Outcome::Undecided,
            (true, false) => Outcome::Permitted,
        };
        Answer { outcome, reasons, or_undecided: false }
    }

    pub(crate) fn pusher(&self) -> Pusher {
        match &self.push.by {
            Who::Holding(roles) => {
                Pusher { name: "${user}".to_owned(), roles: roles.clone(), emails: Vec::new() }
            }
            Who::Name(name) => {
                let person = self.world.person(name);
                Pusher {
                    name: person.map_or(*name, |person| person.name).to_owned(),
                    roles: self.world.roles_of(name),
                    emails: person.map(|person| person.emails.clone()).unwrap_or_default(),
                }
            }
        }
    }

    /// Whether a rule is about this at all: where, what, when. Whom, and paths, aside.
    pub(crate) fn is_about(&self, rule: &Rule, update: &Update, verb: &str) -> bool {
        self.is_on(rule) && self.is_in_refs(rule, update) && rule.verbs.contains(&verb) && self.is_live(rule)
    }

    /// All ways by which a grant that is about this reaches the pusher: it names them or a role of theirs, or one that they
    /// have for a while.
    pub(crate) fn ways<'r>(&'r self, grant: &'r Rule, update: &Update, verb: &str) -> Vec<Way<'r>> {
        let standing = self.concerns(grant).then_some(Way { grant, within: [None; 2] });
        let elevated =
            self.world.elevated.iter().filter(|one| {
                grant.roles.contains(&one.role()) && one.is_good(self.world, self.push, update)
            });
        let counting = self
            .world
            .leased
            .iter()
            .enumerate()
            .filter(|(number, one)| one.counts(*number, self.world.shown));
        let leased = counting.map(|(_, one)| one).filter(|one| {
            grant.roles.contains(&one.role())
                && one.is_for(verb)
                && one.is_good(self.world, self.push, update)
        });
        let elevated = elevated.map(|_| Way { grant, within: [None; 2] });
        let leased = leased.map(|one| Way { grant, within: one.within() });
        standing.into_iter().chain(elevated).chain(leased).collect()
    }

    pub(crate) fn is_on(&self, rule: &Rule) -> bool {
        matching::any_in_any_case(&rule.on, self.push.repository)
    }

    pub(crate) fn is_in_refs(&self, rule: &Rule, update: &Update) -> bool {
        matching::any(&rule.refs, update.name, &self.pusher().name)
    }

    /// Whether a grant reaches the pusher, a waiver may be theirs, or anything else binds them.
    pub(crate) fn concerns(&self, rule: &Rule) -> bool {
        let pusher = self.pusher();
        let named = rule.roles.iter().any(|role| pusher.roles.contains(role));
        match &rule.says {
            Says::Grant { user: Some(user), .. } => same_name(user, &pusher.name),
            Says::Grant { .. } | Says::Waiver { .. } => named,
            Says::Block { .. } | Says::Require(_) => !named,
        }
    }

    pub(crate) fn is_live(&self, rule: &Rule) -> bool {
        let now = self.push.now;
        rule.live.from.is_none_or(|from| from <= now)
            && rule.live.to.is_none_or(|to| now < to)
            && rule.live.weekly.is_none_or(|weekly| matching::weekly(weekly, now))
    }

    /// Whether a change is to one of the paths that a rule is about.
    pub(crate) fn touches(&self, rule: &Rule, paths: &Option<Vec<&'static str>>, update: &Update) -> Maybe {
        let Some(patterns) = paths else { return Some(true) };
        let changed = self.paths(update, &rule.refs)?;
        Some(changed.iter().any(|path| matching::any(patterns, path, "")))
    }

    /// Whether some path changes that none of `ways` covers. A grant covers what is not new in its view; a lease bounds it.
    pub(crate) fn is_uncovered(&self, ways: &[Way<'_>], update: &Update) -> Maybe {
        let mut views = Vec::new();
        for Way { grant, within } in ways {
            let Says::Grant { paths, .. } = &grant.says else { continue };
            let bounds: Vec<&Vec<&'static str>> =
                paths.iter().chain(within.iter().copied().flatten()).collect();
            if bounds.is_empty() {
                return Some(false);
            }
            views.push((bounds, self.paths(update, &grant.refs)));
        }
        let views: Vec<_> =
            views.into_iter().map(|(bounds, view)| Some((bounds, view?))).collect::<Option<_>>()?;
        let covers = |(bounds, view): &(Vec<&Vec<_>>, Vec<&str>), path: &str| {
            !view.contains(&path) || bounds.iter().all(|patterns| matching::any(patterns, path, ""))
        };
        let mut changed = views.iter().flat_map(|(_, view)| view);
        Some(changed.any(|path| !views.iter().any(|view| covers(view, path))))
    }

    /// Whether somebody uses a waiver that lifts `rule` for this update.
    pub(crate) fn is_lifted(&self, rule: &Rule, update: &Update) -> bool {
        !matches!(rule.says, Says::Grant { .. } | Says::Waiver { .. } | Says::Block { absolute: true, .. })
            && self.world.uses.iter().any(|one| self.lifts(one, rule, update))
    }

    fn lifts(&self, one: &Use, rule: &Rule, update: &Update) -> bool {
        let Some(waiver) = self.world.rules.iter().find(|waiver| waiver.id == one.waiver) else {
            return false;
        };
        let Says::Waiver { lifts, minutes, reason, second_person } = &waiver.says else { return false };
        let now = self.push.now;
        let by_pusher = same_name(one.by, &self.pusher().name);
        let in_time = one.from <= now && now < one.to && now < one.from + minutes;
        let named = lifts.contains(&rule.id) && (one.lifts.is_empty() || one.lifts.contains(&rule.id));
        let here = one.on.is_none_or(|on| on.eq_ignore_ascii_case(self.push.repository))
            && self.is_on(waiver)
            && self.is_in_refs(waiver, update);
        let approved = second_person.is_empty()
            || one.approved_by.as_ref().is_some_and(|other| {
                let another = !matches!(other, Who::Name(name) if same_name(name, one.by));
                another && self.world.roles_that_count(other).iter().any(|role| second_person.contains(role))
            });
        let reasoned = !reason || !one.reason.trim().is_empty();
        !waiver.evaluate
            && by_pusher
            && self.concerns(waiver)
            && in_time
            && named
            && here
            && approved
            && reasoned
    }

    /// The changed paths, in view of refs.
    pub(crate) fn paths(&self, update: &Update, refs: &[&'static str]) -> Option<Vec<&'static str>> {
        if update.change == "delete" {
            return Some(Vec::new());
        }
        if self.blind || update.dark.paths {
            return None;
        }
        Some(history::paths(self.push, update, refs, &self.pusher().name))
    }

    /// The new or changed files, with their sizes.
    pub(crate) fn files(&self, update: &Update, refs: &[&'static str]) -> Option<Vec<(&'static str, u64)>> {
        if update.change == "delete" {
            return Some(Vec::new());
        }
        if self.blind || update.dark.files {
            return None;
        }
        Some(history::files(self.push, update, refs, &self.pusher().name))
    }

    /// How many new commits there are.
    pub(crate) fn count(&self, update: &Update, refs: &[&'static str]) -> Option<usize> {
        if update.change == "delete" {
            return Some(0);
        }
        // Whoever was told of the commits has counted them, unless that failed on its own.
        if self.blind || update.dark.count {
            return None;
        }
        Some(history::count(self.push, update, refs, &self.pusher().name))
    }

    /// What the ref is to name.
    pub(crate) fn tip<'u>(&self, update: &'u Update) -> Option<&'u crate::world::Tip> {
        (!self.blind && !update.dark.tip).then_some(&update.tip)
    }

    /// The new commits.
    pub(crate) fn commits(
        &self,
        update: &Update,
        refs: &[&'static str],
    ) -> Option<Vec<crate::world::Commit>> {
        if update.change == "delete" {
            return Some(Vec::new());
        }
        if self.blind || update.dark.commits {
            return None;
        }
        Some(history::commits(self.push, update, refs, &self.pusher().name))
    }
}

/// The verb, where it can be told.
pub(crate) fn verb(update: &Update) -> Option<&'static str> {
    match (update.change, update.forward) {
        ("create", _) => Some("create"),
        ("delete", _) => Some("delete"),
        ("move", _) if update.name.starts_with("refs/tags/") => Some("force"),
        ("merge", _) | (_, Some(true)) => Some("update"),
        (_, Some(false)) => Some("force"),
        (_, None) => None,
    }
}

/// Whether a ref is among those of a built-in rule.
pub(crate) fn is_built_in(rule: &str, name: &str) -> bool {
    match rule {
        "oam:replace-refs" => name.starts_with("refs/replace/"),
        "oam:canary" => name.starts_with("refs/heads/oam-canary/"),
        other => panic!("{other} is not built in"),
    }
}

fn canary() -> Rule {
    Rule {
        id: "oam:canary".to_owned(),
        refs: vec!["refs/heads/oam-canary/**"],
        verbs: vec!["create", "update", "force"],
        ..replace_refs()
    }
}

fn replace_refs() -> Rule {
    Rule {
        id: "oam:replace-refs".to_owned(),
        evaluate: false,
        on: vec!["**"],
        refs: vec!["refs/replace/**"],
        verbs: vec!["create", "update", "force", "delete"],
        live: crate::world::Live::default(),
        roles: Vec::new(),
        says: Says::Block { absolute: true, paths: None },
    }
}
