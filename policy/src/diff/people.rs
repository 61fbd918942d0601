//! Whom a change can concern: everybody for whom both policies decide alike, as one.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    bounded::{Bounded, Bounds},
    budget::{Budget, KEPT},
    expression::{Expression, State},
    nfa::Pattern,
    patterns::{Patterns, Set},
    reach::Reach,
    table::{Rules, Table},
};
use crate::{
    decide::Subject,
    glob::{self, Token},
    name::{RefName, RoleId, Username, UsernameKey},
    rule::Policy,
    snapshot::Snapshot,
};

/// The name of somebody who is only roles, as in a policy's tests: it reads well where `${user}` stands in a pattern.
const PLACEHOLDER: &str = "${user}";

/// People for whom both policies decide alike, but for their own name in the place of `${user}`.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Roles under the old policy; `None` when nobody by that name may act at all.
    pub(super) before: Option<Vec<RoleId>>,
    /// …and under the new one.
    pub(super) after: Option<Vec<RoleId>>,
    /// The rules that concern them.
    pub(super) rules: Rules,
    /// Whether a rule says `${user}`.
    pub(super) by_name: bool,
    /// Their names, ascending; none for a role that nobody holds alone.
    pub(super) names: Vec<Username>,
    /// One of them.
    pub(super) example: Username,
}

/// Roles under the old policy and under the new one; `None` when nobody by that name may act at all.
type Roles = (Option<Vec<RoleId>>, Option<Vec<RoleId>>);

/// Everybody by their roles, by name in each.
pub(super) type Everybody = BTreeMap<Roles, Vec<Username>>;

/// Everybody who may act under either policy, and the holder of each role alone.
pub(super) fn everybody(old: &Policy, new: &Policy, snapshot: Option<&Snapshot>) -> Everybody {
    let mut alike = Everybody::new();
    if let Some(snapshot) = snapshot {
        for name in principals(old, new, snapshot) {
            let roles = |policy| {
                let (subject, bar) = Subject::resolve(policy, snapshot, &name);
                bar.is_none().then(|| subject.roles().cloned().collect())
            };
            alike.entry((roles(old), roles(new))).or_default().push(name);
        }
    }
    for roles in each_role_alone(old, new) {
        alike.entry(roles).or_default();
    }
    for names in alike.values_mut() {
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    }
    alike
}

const TOO_MANY: &str = "people hold roles in more ways than are compared at once: some were not asked about";

/// Everybody by the rules that concern them. Those for whom nothing that is said changes are left out.
pub(super) fn groups(
    table: &Table<'_>,
    old: &Policy,
    new: &Policy,
    everybody: &Everybody,
    budget: &mut Budget,
    bounded: &mut Bounds,
) -> Vec<Group> {
    let named: BTreeSet<UsernameKey> = named_by_grants(old).chain(named_by_grants(new)).collect();
    let reach = Reach::of(table);
    let mut groups = Vec::new();
    for group in parts(everybody, &named) {
        let enough = budget.spend(1 + group.roles());
        if enough && !reach.may_change(&group) {
            continue;
        }
        let rules = reach.concerning(&group);
        if !enough || !budget.spend(rules.looked_at + table.work(&rules.rules)) {
            bounded.because(TOO_MANY);
            break;
        }
        let rules = rules.rules;
        if rules.grant_nothing() || nothing_changes(table, &rules) {
            continue;
        }
        if !budget.spend(KEPT * rules.numbers().count()) {
            bounded.because(TOO_MANY);
            break;
        }
        #[cfg(test)]
        super::budget::done(rules.numbers().count());
        let sets: Vec<&Set> = rules
            .numbers()
            .filter_map(|number| table.rule(number))
            .filter_map(|rule| table.refs.at(rule.refs))
            .collect();
        groups.extend(by_signature(&table.refs, &sets, Group { rules, ..group }, budget, bounded));
    }
    groups
}

/// Everybody by their roles, those apart whom a rule names.
pub(super) fn parts<'e>(
    everybody: &'e Everybody,
    named: &'e BTreeSet<UsernameKey>,
) -> impl Iterator<Item = Group> + 'e {
    everybody.iter().flat_map(|((before, after), names)| {
        let (apart, together): (Vec<_>, Vec<_>) =
            names.iter().cloned().partition(|name| named.contains(&name.key()));
        let only_named = together.is_empty() && !apart.is_empty();
        let mut parts: Vec<Vec<Username>> = apart.into_iter().map(|name| vec![name]).collect();
        if !only_named {
            parts.push(together);
        }
        parts.into_iter().filter_map(|names| Group::of(before.clone(), after.clone(), names))
    })
}

impl Group {
    /// People with these roles.
    pub(super) fn of(
        before: Option<Vec<RoleId>>,
        after: Option<Vec<RoleId>>,
        names: Vec<Username>,
    ) -> Option<Self> {
        let example = names.first().cloned().or_else(|| Username::parse(PLACEHOLDER).ok())?;
        Some(Self { before, after, rules: Rules::default(), by_name: false, names, example })
    }

    /// How many roles they hold, on both sides.
    pub(super) fn roles(&self) -> usize {
        self.before.iter().chain(&self.after).map(Vec::len).sum()
    }
}

fn nothing_changes(table: &Table<'_>, rules: &Rules) -> bool {
    table
        .changed(rules, |rule| {
            (rule.on, rule.refs, rule.verbs.iter().collect::<Vec<_>>(), rule.window, rule.says)
        })
        .is_empty()
}

fn principals(old: &Policy, new: &Policy, snapshot: &Snapshot) -> Vec<Username> {
    let policies = [old, new].into_iter();
    let by_roles = policies.clone().flat_map(Policy::roles).flat_map(|role| role.service.iter().cloned());
    let by_workloads = policies.flat_map(Policy::workloads).map(|workload| workload.principal.key());
    let services: BTreeSet<UsernameKey> = by_roles.chain(by_workloads).collect();
    let outside = services.into_iter().filter(|key| snapshot.user(key).is_none());
    let outside = outside.filter_map(|key| Username::parse(key.as_str()).ok());
    snapshot
        .users()
        .filter(crate::snapshot::UserView::is_active)
        .map(|user| user.username().clone())
        .chain(outside)
        .collect()
}

fn each_role_alone(old: &Policy, new: &Policy) -> BTreeSet<Roles> {
    let ids: BTreeSet<&RoleId> =
        [old, new].into_iter().flat_map(Policy::roles).map(|role| &role.id).collect();
    let [before, after] =
        [old, new].map(|policy| policy.roles().iter().map(|role| &role.id).collect::<BTreeSet<_>>());
    let held =
        |known: &BTreeSet<&RoleId>, id: &RoleId| Some(known.get(id).copied().cloned().into_iter().collect());
    ids.into_iter().map(|id| (held(&before, id), held(&after, id))).collect()
}

fn named_by_grants(policy: &Policy) -> impl Iterator<Item = UsernameKey> {
    policy.grants().iter().filter_map(|grant| grant.user.as_ref()).map(|exception| exception.user.key())
}

/// What stands between two slashes of a pattern.
type Segment = Vec<Token>;

/// What the patterns that concern somebody could see of their name.
#[derive(Debug, Default)]
struct View {
    /// Segments without `${user}`.
    segments: BTreeSet<Segment>,
    /// Whether `${user}` is in any pattern.
    by_name: bool,
    /// Patterns in which it is a part of one, or which could see more of a name than segments do.
    partial: Vec<String>,
    /// `re:` patterns, with all their states.
    expressions: Vec<(Rc<Expression>, Vec<State>)>,
}

/// How a name meets the patterns: which segments match it, and where it leads in each `re:` pattern from everywhere.
type Signature = (Vec<bool>, Vec<Option<State>>);

/// Splits people by how their names meet the patterns, when `${user}` is in any.
///
/// Where `${user}` is always a whole segment this is exact: take two names that the same other segments match. Trading
/// one for the other in every segment of every ref name is a one-to-one mapping of ref names that takes each ref that
/// a pattern matches for the one to a ref that it matches for the other. So what holds for one name holds for the
/// other, each with their own name in it. To a `re:` pattern two names are the same when each leads from every state to
/// where the other one does.
pub(super) fn by_signature(
    refs: &Patterns,
    sets: &[&Set],
    group: Group,
    budget: &mut Budget,
    bounded: &mut Bounds,
) -> Vec<Group> {
    let view = View::of(refs, sets, budget);
    if !view.by_name {
        return vec![group];
    }
    let group = Group { by_name: true, ..group };
    if group.names.is_empty() {
        return vec![group];
    }
    let (apart, alike): (Vec<Username>, Vec<Username>) =
        group.names.iter().cloned().partition(|name| !view.partial.is_empty() || name.as_str().contains('/'));
    let mut parts: Vec<Vec<Username>> = Vec::new();
    let mut by_signature: BTreeMap<Signature, Vec<Username>> = BTreeMap::new();
    let alike = if apart.len() <= budget.limits().people_apart {
        parts.extend(apart.into_iter().map(|name| vec![name]));
        alike
    } else {
        let why = "`${user}` is not a whole segment, or meets a large `re:` pattern, so that only one of the people whose names \
                   look alike was asked about";
        bounded.add(Bounded::new(why, view.partial.iter().map(String::as_str)));
        group.names.clone()
    };
    let states: usize = view.expressions.iter().map(|(_, states)| states.len()).sum();
    for name in alike {
        if !budget.spend(view.segments.len() + states * name.as_str().len()) {
            bounded.because(TOO_MANY);
            break;
        }
        by_signature.entry(view.signature(&name)).or_default().push(name);
    }
    parts.extend(by_signature.into_values());
    let part = |names: Vec<Username>| {
        let example = names.first().cloned()?;
        Some(Group { names, example, ..group.clone() })
    };
    parts.into_iter().filter_map(part).collect()
}

impl View {
    fn of(refs: &Patterns, sets: &[&Set], budget: &mut Budget) -> Self {
        let patterns: BTreeSet<usize> =
            sets.iter().flat_map(|set| set.include.iter().chain(&set.exclude)).copied().collect();
        // The language of ref names itself knows these.
        let mut view = Self {
            segments: [&b"refs"[..], b"tags"].map(|text| vec![Token::Literal(text.into())]).into(),
            ..Self::default()
        };
        budget.spend(patterns.len());
        let mut expressions = Vec::new();
        for pattern in patterns {
            let glob = match refs.automaton(pattern) {
                Some(Pattern::Glob(glob)) => glob,
                Some(Pattern::Expression(expression)) => {
                    expressions.push((pattern, expression));
                    continue;
                }
                None => continue,
            };
            for segment in glob.alternatives().iter().flat_map(|tokens| segments(tokens)) {
                let is_by_name = segment.contains(&Token::User);
                view.by_name |= is_by_name;
                if segment == [Token::User] {
                    continue;
                }
                if is_by_name {
                    view.partial.push(refs.source(pattern).to_owned());
                } else {
                    view.segments.insert(segment);
                }
            }
        }
        // Where nobody's name is in any pattern, nobody asks where names lead.
        if view.by_name {
            for (pattern, expression) in expressions {
                view.add_expression(expression, refs.source(pattern), budget);
            }
        }
        view.partial.dedup();
        view
    }

    fn add_expression(&mut self, expression: &Rc<Expression>, source: &str, budget: &mut Budget) {
        let states = if budget.spend(1) { expression.states() } else { None };
        match states.filter(|states| budget.spend(states.len())) {
            Some(states) => self.expressions.push((Rc::clone(expression), states.to_vec())),
            None => self.partial.push(source.to_owned()),
        }
    }

    fn signature(&self, name: &Username) -> Signature {
        let name = name.as_str().as_bytes();
        let is_name = |before: &[u8], after: &[u8]| RefName::parse(&[before, name, after].concat()).is_ok();
        let language = [is_name(b"refs/", b"/x"), is_name(b"refs/x/", b""), name.contains(&b'/')];
        let seen = self.segments.iter().map(|segment| glob::matches(segment, name, b""));
        let leads = self.expressions.iter().flat_map(|(expression, states)| {
            states.iter().map(|state| expression.run(*state, name).ok().flatten())
        });
        (language.into_iter().chain(seen).collect(), leads.collect())
    }
}

/// A pattern cut at its slashes; `**` matches every segment, and so tells none from another.
fn segments(tokens: &[Token]) -> Vec<Segment> {
    let mut segments = vec![Vec::new()];
    let mut push = |token: Option<Token>| match (token, segments.last_mut()) {
        (Some(token), Some(last)) => last.push(token),
        _ => segments.push(Vec::new()),
    };
    for token in tokens {
        match token {
            Token::Literal(bytes) => {
                for (place, part) in bytes.split(|byte| *byte == b'/').enumerate() {
                    if place > 0 {
                        push(None);
                    }
                    if !part.is_empty() {
                        push(Some(Token::Literal(part.into())));
                    }
                }
            }
            Token::Segments | Token::Rest => push(None),
            Token::One | Token::Run | Token::User => push(Some(token.clone())),
        }
    }
    segments.retain(|segment| !segment.is_empty());
    segments
}

#[cfg(test)]
#[cfg(feature = "regex")]
mod tests {
    use super::{
        super::{
            budget::{Budget, Limits},
            patterns::Interner,
        },
        View,
    };

    /// What is looked at where these patterns concern somebody, with so many steps, and how many are left.
    fn view(sources: &[&str], steps: u64) -> (View, bool) {
        let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
        let mut interner = Interner::default();
        interner.add(sources.clone());
        let mut patterns = interner.numbered(false);
        let set = patterns.set(&sources);
        let mut budget = Budget::new(&Limits { steps, ..Limits::default() });
        let view = View::of(&patterns, &[patterns.at(set).unwrap()], &mut budget);
        (view, budget.spend(1))
    }

    #[test]
    fn where_a_regular_expression_leads_is_asked_only_for_names_and_is_paid_for() {
        let expression = "re:refs/heads/[ab]{20}";
        let (seen, is_left) = view(&[expression, "refs/heads/**"], 5);
        assert!(seen.expressions.is_empty() && seen.partial.is_empty() && is_left);
        let by_name = [expression, "refs/heads/${user}/**"];
        let (seen, is_left) = view(&by_name, 1_000);
        assert!(seen.expressions.len() == 1 && is_left);
        let (seen, is_left) = view(&by_name, 10);
        assert!(seen.expressions.is_empty() && !is_left);
        assert_eq!(seen.partial, [expression]);
    }
}
