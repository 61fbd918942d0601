//! The same as people read it.

use oam_policy::diff::Effect;
use oam_proto::v1::{
    PathChange, PatternClass, PolicyBecause, PolicyChange, PolicyChangeHolders, PolicyDiffDone,
    PolicyWitness, path_change::Paths,
};

use crate::output::{
    Page,
    layout::names,
    page::{counted, moment, number, short, utc},
    shown, shown_line,
};

/// How many sets of roles, and how many classes of refs, a person is shown of one change.
pub(super) const MOST: usize = 3;

/// One change: who, where, why, and a push that shows it.
pub fn change_text(change: &PolicyChange, page: &Page) -> String {
    let nothing = PolicyBecause::default();
    let (before, after) =
        (change.before.as_ref().unwrap_or(&nothing), change.after.as_ref().unwrap_or(&nothing));
    let mut text = format!("{} {}{}\n", sign(&change.effect, page), names(&change.verbs), when(change));
    let mut line = |label: &str, value: String| text.push_str(&format!("    {label:<8}{value}\n"));
    line("who", format!("{} in all", counted(change.users, "user", "users")));
    for holders in change.who.iter().take(MOST) {
        line("", people(holders));
    }
    more(&mut line, change.who_total, "sets of roles");
    for place in change.places.iter().take(MOST) {
        let (refs, repositories) = (in_words(place.refs.as_ref()), in_words(place.repositories.as_ref()));
        line("where", format!("{refs} in {repositories}{}", paths(place.paths.as_ref())));
        if let Some(witness) = &place.witness {
            line("", page.dim(&format!("for example {}", push(witness))));
        }
    }
    more(&mut line, change.places_total, "such places");
    for (label, because) in reasons(&change.effect).into_iter().zip([before, after]) {
        let told = verdict(because);
        if !told.is_empty() {
            line(label, told);
        }
        for told in lifting(because) {
            line("", told);
        }
    }
    text
}

/// Of what it takes only that is told which changes.
fn reasons(effect: &str) -> [&'static str; 2] {
    match Effect::parse(effect) {
        Some(Effect::Tightens | Effect::Loosens | Effect::Changes) => ["gone", "new"],
        Some(
            Effect::Gains
            | Effect::Loses
            | Effect::MayLift
            | Effect::MayNoLongerLift
            | Effect::LiftsOtherwise,
        )
        | None => ["before", "after"],
    }
}

fn sign(effect: &str, page: &Page) -> String {
    match Effect::parse(effect) {
        Some(Effect::Gains) => page.good("+ may now"),
        Some(Effect::Loses) => page.bad("- may no longer"),
        Some(Effect::Tightens) => page.bad("- needs more to"),
        Some(Effect::Loosens) => page.good("+ needs less to"),
        Some(Effect::Changes) => page.warn("~ needs something else to"),
        Some(Effect::MayLift) => page.good("+ may now lift rules to"),
        Some(Effect::MayNoLongerLift) => page.bad("- may no longer lift rules to"),
        Some(Effect::LiftsOtherwise) => page.warn("~ may lift rules otherwise to"),
        // Of a daemon that knows more.
        None => page.warn(&format!("~ {}:", shown(effect))),
    }
}

pub(super) fn more(line: &mut impl FnMut(&str, String), total: u64, what: &str) {
    let rest = total.saturating_sub(MOST as u64);
    if rest > 0 {
        line("", format!("and {} more {what}: see --json", number(rest)));
    }
}

fn when(change: &PolicyChange) -> String {
    let weekly = if change.weekly { ", and so every week" } else { "" };
    period(change.from_micros, change.to_micros) + weekly
}

pub(super) fn period(from_micros: i64, to_micros: i64) -> String {
    let at = |micros| moment(micros).map(utc);
    match (at(from_micros), at(to_micros)) {
        (None, None) => String::new(),
        (Some(from), None) => format!(", from {from}"),
        (None, Some(to)) => format!(", until {to}"),
        (Some(from), Some(to)) => format!(", from {from} until {to}"),
    }
}

pub(super) fn people(holders: &PolicyChangeHolders) -> String {
    let roles = |known: bool, roles: &[String]| match (known, roles) {
        (false, _) => "unknown".to_owned(),
        (true, []) => "without a role".into(),
        (true, roles) => names(roles),
    };
    let before = roles(holders.known_before, &holders.roles_before);
    let after = roles(holders.known_after, &holders.roles_after);
    let roles = if before == after { before } else { format!("{before} (then {after})") };
    if holders.users == 0 {
        return format!("{roles}: nobody now");
    }
    let rest = holders.users.saturating_sub(holders.sample.len() as u64);
    let rest = if rest == 0 { String::new() } else { format!(" and {} more", number(rest)) };
    format!("{roles}: {}{rest}", names(&holders.sample))
}

pub(super) fn in_words(class: Option<&PatternClass>) -> String {
    let Some(class) = class else { return "?".into() };
    let without = if class.without.is_empty() {
        String::new()
    } else {
        format!(" but not {}", listed(&class.without, " nor "))
    };
    format!("{}{without}", listed(&class.within, " and "))
}

fn listed(patterns: &[String], word: &str) -> String {
    patterns.iter().map(|pattern| shown_line(pattern)).collect::<Vec<_>>().join(word)
}

fn paths(paths: Option<&PathChange>) -> String {
    match paths.and_then(|paths| paths.paths.as_ref()) {
        None | Some(Paths::Whatever(_)) => String::new(),
        Some(Paths::Nothing(_)) => ", changing no path".into(),
        Some(Paths::NoneOf(class)) => format!(", changing nothing in {}", listed(&class.without, " nor ")),
        Some(Paths::Of(class)) if class.within.is_empty() => {
            format!(", changing any path{}", in_words(Some(class)))
        }
        Some(Paths::Of(class)) => format!(", changing {}", in_words(Some(class))),
    }
}

fn push(witness: &PolicyWitness) -> String {
    let who = if witness.is_person { shown(&witness.username) } else { "somebody".into() };
    let (verb, repository, name) = (shown(&witness.verb), shown(&witness.repository), shown(&witness.r#ref));
    let path = match shown(&witness.path) {
        none if none.is_empty() => none,
        path => format!(", changing {path}"),
    };
    format!("{who}: {verb} {repository} {name}{path}")
}

/// What makes it so, and what it takes; nothing where it takes nothing.
fn verdict(because: &PolicyBecause) -> String {
    let rules = match (because.permitted, because.rules.as_slice()) {
        (false, []) => Some("no grant".to_owned()),
        (false, rules) => Some(format!("blocked by {}", names(rules))),
        (true, []) => None,
        (true, rules) => Some(format!("granted by {}", names(rules))),
    };
    let conditions: Vec<_> = because.conditions.iter().map(|condition| shown_line(condition)).collect();
    let with = if rules.is_some() { "with " } else { "" };
    let takes = (!conditions.is_empty())
        .then(|| format!("{with}{} ({})", conditions.join("; "), names(&because.requires)));
    rules.into_iter().chain(takes).collect::<Vec<_>>().join(", ")
}

/// What waivers can do about it.
fn lifting(because: &PolicyBecause) -> Vec<String> {
    let Some(lifting) = &because.lifting else { return Vec::new() };
    let rules = lifting.rules.iter().map(|rule| format!("may lift {}", shown_line(rule)));
    let conditions: Vec<_> = lifting.conditions.iter().map(|condition| shown_line(condition)).collect();
    let left = (!conditions.is_empty()).then(|| format!("then with {}", conditions.join("; ")));
    rules.chain(left).collect()
}

/// How much of the answer it was.
pub fn done_text(done: &PolicyDiffDone, page: &Page) -> String {
    let (old, new) = (short(&done.old), short(&done.new));
    let mut text = if done.changes == 0 && done.exact {
        format!("Nobody may do anything otherwise between policy {old} and {new}.\n")
    } else {
        format!("{} between policy {old} and {new}.\n", counted(done.changes, "change", "changes"))
    };
    if done.approvals_before != done.approvals_after {
        let (before, after) = (done.approvals_before, done.approvals_after);
        let told = format!("What comes after it needs the approval of {after} others; now it is {before}.");
        text.push_str(&format!("{}\n", page.warn(&told)));
    }
    for bound in &done.bounded {
        let rest = bound.patterns_total.saturating_sub(bound.patterns.len() as u64);
        let rest = if rest == 0 { String::new() } else { format!(" and {} more", number(rest)) };
        let about = if bound.patterns.is_empty() {
            String::new()
        } else {
            format!(" ({}{rest})", listed(&bound.patterns, ", "))
        };
        text.push_str(&format!("{} {}{about}\n", page.warn("warning:"), shown_line(&bound.why)));
    }
    if !done.exact {
        text.push_str("This is not all: there may be changes that are not listed.\n");
    }
    if done.snapshot.is_none() {
        text.push_str("No directory is loaded: this is about the holder of each role alone.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use oam_proto::v1::{
        PathChange, PatternClass, PolicyBecause, PolicyChange, PolicyChangeHolders, PolicyChangePlace,
        PolicyLifting, PolicyWitness, path_change::Paths,
    };

    use super::change_text;
    use crate::output::samples::page;

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }

    fn change(
        effect: &str,
        paths: Paths,
        path: &str,
        before: PolicyBecause,
        after: PolicyBecause,
    ) -> PolicyChange {
        let class = |within: &str| Some(PatternClass { within: texts(&[within]), without: Vec::new() });
        let witness = PolicyWitness {
            username: "ada".into(),
            is_person: true,
            verb: "update".into(),
            repository: "PAY/a".into(),
            r#ref: b"refs/heads/main".to_vec(),
            path: path.into(),
            ..PolicyWitness::default()
        };
        let who = PolicyChangeHolders {
            known_before: true,
            roles_before: texts(&["developer"]),
            known_after: true,
            roles_after: texts(&["developer"]),
            users: 1,
            sample: texts(&["ada"]),
        };
        let place = PolicyChangePlace {
            repositories: class("pay/*"),
            refs: class("refs/heads/main"),
            witness: Some(witness),
            paths: Some(PathChange { paths: Some(paths) }),
        };
        PolicyChange {
            effect: effect.into(),
            verbs: texts(&["update"]),
            who: vec![who],
            who_total: 1,
            users: 1,
            places: vec![place],
            places_total: 1,
            before: Some(before),
            after: Some(after),
            ..PolicyChange::default()
        }
    }

    fn taking(conditions: &[&str], requires: &[&str]) -> PolicyBecause {
        let (conditions, requires) = (texts(conditions), texts(requires));
        PolicyBecause { permitted: true, conditions, requires, ..PolicyBecause::default() }
    }

    #[test]
    fn a_condition_comes_and_another_goes() {
        let deploy = Paths::Of(PatternClass {
            within: texts(&["deploy/**"]),
            without: texts(&[r"re:deploy/docs\..*"]),
        });
        let before = taking(&["1 approval by `developer`"], &["reviewed"]);
        let after = taking(&["2 approvals by `developer`", "signed commits"], &["reviewed", "strictly"]);
        let told = change_text(&change("tightens", deploy, "deploy/a", before, after), &page());
        insta::assert_snapshot!(told, @r"
        - needs more to update
            who     1 user in all
                    developer: ada
            where   refs/heads/main in pay/*, changing deploy/** but not re:deploy/docs\..*
                    for example ada: update PAY/a refs/heads/main, changing deploy/a
            gone    1 approval by `developer` (reviewed)
            new     2 approvals by `developer`; signed commits (reviewed, strictly)
        ");
    }

    #[test]
    fn a_right_comes_with_conditions() {
        let after = PolicyBecause { rules: texts(&["main"]), ..taking(&["a pull request"], &["reviewed"]) };
        let told =
            change_text(&change("gains", Paths::Nothing(true), "", PolicyBecause::default(), after), &page());
        insta::assert_snapshot!(told, @"
        + may now update
            who     1 user in all
                    developer: ada
            where   refs/heads/main in pay/*, changing no path
                    for example ada: update PAY/a refs/heads/main
            before  no grant
            after   granted by main, with a pull request (reviewed)
        ");
    }

    #[test]
    fn a_rule_may_be_lifted_now() {
        let before = PolicyBecause { rules: texts(&["freeze"]), ..PolicyBecause::default() };
        let lifting = PolicyLifting {
            rules: texts(&["`freeze` by `hotfix` (for up to 1 h, with a reason)"]),
            conditions: texts(&["a pull request"]),
        };
        let after = PolicyBecause { lifting: Some(lifting), ..before.clone() };
        let told = change_text(&change("may-lift", Paths::Whatever(true), "", before, after), &page());
        insta::assert_snapshot!(told, @"
        + may now lift rules to update
            who     1 user in all
                    developer: ada
            where   refs/heads/main in pay/*
                    for example ada: update PAY/a refs/heads/main
            before  blocked by freeze
            after   blocked by freeze
                    may lift `freeze` by `hotfix` (for up to 1 h, with a reason)
                    then with a pull request
        ");
    }
}
