//! How often each rule of a policy decided.

use oam_proto::v1::{ReplayDone, RuleUse};
use serde::Serialize;

use super::{
    Page, json,
    layout::Table,
    page::{moment, number, short, utc},
    quoted, shown,
};

/// How many rules are named in one sentence.
const MOST: usize = 20;

/// The uses of the rules of the policy in force.
#[derive(Debug, Serialize)]
pub struct UsageJson<'a> {
    policy: Option<&'a str>,
    in_force_since: Option<String>,
    since: Option<String>,
    rules: Vec<RuleUseJson<'a>>,
}

/// The uses of one rule, or of one role.
#[derive(Debug, Serialize)]
pub struct RuleUseJson<'a> {
    kind: &'a str,
    id: &'a str,
    evaluate_only: bool,
    decided: u64,
    would: u64,
    last: Option<String>,
}

impl<'a> From<&'a RuleUse> for RuleUseJson<'a> {
    fn from(one: &'a RuleUse) -> Self {
        Self {
            kind: &one.kind,
            id: &one.id,
            evaluate_only: one.evaluate_only,
            decided: one.decided,
            would: one.would,
            last: json::time(one.last_micros),
        }
    }
}

/// See [`UsageJson`].
pub fn json(done: &ReplayDone) -> UsageJson<'_> {
    UsageJson {
        policy: json::some(&done.in_force),
        in_force_since: json::time(done.in_force_since_micros),
        since: json::time(done.in_force_rules_since_micros),
        rules: done.in_force_rules.iter().map(Into::into).collect(),
    }
}

/// A table of all of them, the unused ones last.
pub fn text(done: &ReplayDone, page: &Page) -> String {
    format!("{}\n{}\n{}", heading(done, page), table(&done.in_force_rules, page), unused(done))
}

fn heading(done: &ReplayDone, page: &Page) -> String {
    let since = moment(done.in_force_rules_since_micros).map_or_else(String::new, utc);
    page.bold(&format!("Uses of the rules of policy {} since {since}", short(&done.in_force)))
}

/// A table of those that were used, the most used first.
pub(super) fn table(rules: &[RuleUse], page: &Page) -> String {
    let mut used: Vec<_> = rules.iter().filter(|one| is_used(one)).collect();
    used.sort_by_key(|one| (one.kind == "role", std::cmp::Reverse(one.decided + one.would)));
    if used.is_empty() {
        return "  none\n".into();
    }
    let mut table = Table::new(["KIND", "ID", "DECIDED", "WOULD HAVE", "LAST"]);
    for one in used {
        let last = moment(one.last_micros).map_or_else(|| "-".into(), utc);
        let would = if one.would == 0 { "-".into() } else { number(one.would) };
        table.push([shown(&one.kind), shown(&one.id), number(one.decided), would, last]);
    }
    table.laid_out(page)
}

/// Which rules of the policy in force were not used, in a sentence each.
pub(super) fn unused(done: &ReplayDone) -> String {
    let Some(since) = moment(done.in_force_rules_since_micros).map(utc) else { return String::new() };
    let (roles, rules): (Vec<&RuleUse>, _) =
        done.in_force_rules.iter().filter(|one| !is_used(one)).partition(|one| one.kind == "role");
    let mut text = match rules.as_slice() {
        [] => format!("Every rule in force was used since {since}.\n"),
        rules => format!("Rules in force that decided nothing since {since}: {}.\n", listed(rules, true)),
    };
    if rules.iter().any(|one| one.kind == "require") {
        text.push_str(
            "A require counts where it refused, or would have; how often it was met is not counted, and may be always.\n",
        );
    }
    if !roles.is_empty() {
        text.push_str(&format!("Roles that nobody held who pushed: {}.\n", listed(&roles, false)));
    }
    // A rule is known by its id: it may be younger than that, or have said something else.
    if done.in_force_since_micros > done.in_force_rules_since_micros
        && let Some(at) = moment(done.in_force_since_micros)
    {
        text.push_str(&format!("The policy is in force since {} only; a rule may be as young.\n", utc(at)));
    }
    text
}

/// Those that decided nothing, or held nothing, in one list.
pub(super) fn listed(rules: &[&RuleUse], with_kind: bool) -> String {
    let one = |one: &&RuleUse| match with_kind {
        true => format!("{} {}", shown(&one.kind), quoted(&one.id)),
        false => quoted(&one.id),
    };
    let some = rules.iter().take(MOST).map(one).collect::<Vec<_>>().join(", ");
    match rules.len().saturating_sub(MOST) {
        0 => some,
        rest => format!("{some} and {} more: see --json", number(rest as u64)),
    }
}

pub(super) fn is_used(one: &RuleUse) -> bool {
    one.decided + one.would > 0
}

#[cfg(test)]
mod tests {
    use oam_proto::v1::{ReplayDone, RuleUse};

    use super::unused;

    #[test]
    fn of_a_require_it_is_told_what_nothing_means() {
        let told = |kind: &str| {
            let one = RuleUse { kind: kind.into(), id: "one".into(), ..RuleUse::default() };
            unused(&ReplayDone {
                in_force_rules: vec![one],
                in_force_rules_since_micros: 1,
                ..ReplayDone::default()
            })
        };
        assert!(told("require").contains("how often it was met is not counted"));
        assert!(!told("grant").contains("how often it was met is not counted"));
    }
}
