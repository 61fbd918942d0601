//! How often each rule of a policy decided.

use oam_proto::v1::{ReplayDone, ReplayUntold, RuleUse};
use serde::Serialize;

use super::{
    Page, json,
    layout::Table,
    page::{counted, moment, number, short, utc},
    quoted,
    replay::UntoldJson,
    shown, shown_line,
};

/// How many rules are named in one sentence.
const MOST: usize = 20;

/// The uses of the rules of the policy in force.
#[derive(Debug, Serialize)]
pub struct UsageJson<'a> {
    policy: Option<&'a str>,
    in_force_since: Option<String>,
    since: Option<String>,
    log_begins: Option<String>,
    untold: Vec<UntoldJson<'a>>,
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
    beside_pushes: bool,
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
            beside_pushes: one.beside_pushes,
        }
    }
}

/// See [`UsageJson`].
pub fn json(done: &ReplayDone) -> UsageJson<'_> {
    UsageJson {
        policy: json::some(&done.in_force),
        in_force_since: json::time(done.in_force_since_micros),
        since: json::time(done.in_force_rules_since_micros),
        log_begins: json::time(done.log_begins_micros),
        untold: done.untold.iter().map(Into::into).collect(),
        rules: done.in_force_rules.iter().map(Into::into).collect(),
    }
}

/// A table of all of them, the unused ones last.
pub fn text(done: &ReplayDone, page: &Page) -> String {
    let uncounted: String = done.untold.iter().filter(|one| one.doubt).map(uncounted).collect();
    let table = table(&done.in_force_rules, page);
    format!("{}\n{table}\n{}{uncounted}", heading(done, page), unused(done))
}

fn heading(done: &ReplayDone, page: &Page) -> String {
    let since = moment(known_since(done)).map_or_else(String::new, utc);
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

/// What is in the log and could not be read, or not as a whole: what is said to be unused may have been used there.
fn uncounted(one: &ReplayUntold) -> String {
    let entries = counted(one.pushes, "entry", "entries");
    let example = one.examples.first().map_or_else(String::new, |id| format!(", such as {}", shown(id)));
    format!("Not counted, or not as a whole: {entries}: {}{example}.\n", shown_line(&one.why))
}

/// From when on it is known what was used: the log may begin later than it is asked for.
fn known_since(done: &ReplayDone) -> i64 {
    done.in_force_rules_since_micros.max(done.log_begins_micros)
}

/// Which rules of the policy in force were not used, in a sentence each.
pub(super) fn unused(done: &ReplayDone) -> String {
    if done.in_force_rules_since_micros == 0 {
        return String::new();
    }
    let Some(since) = moment(known_since(done)).map(utc) else { return String::new() };
    let (roles, rules): (Vec<&RuleUse>, _) =
        done.in_force_rules.iter().filter(|one| !is_used(one)).partition(|one| one.kind == "role");
    let (beside, rules): (Vec<&RuleUse>, Vec<_>) = rules.into_iter().partition(|one| one.beside_pushes);
    let mut text = match rules.as_slice() {
        [] if beside.is_empty() => format!("Every rule in force was used since {since}.\n"),
        [] => String::new(),
        rules => format!("Rules in force that decided nothing since {since}: {}.\n", listed(rules, true)),
    };
    if known_since(done) > done.in_force_rules_since_micros {
        text.push_str(&format!("The log begins at {since}: what was used before is not known.\n"));
    }
    if !beside.is_empty() {
        text.push_str(&format!(
            "Grants that carried no push, and give `read` or `admin`, which needs none: {}.\n",
            listed(&beside, false)
        ));
    }
    if rules.iter().any(|one| one.kind == "require") {
        text.push_str(
            "A require counts where it refused, or would have; how often it was met is not counted, and may be always.\n",
        );
    }
    if !roles.is_empty() {
        text.push_str(&format!("Roles that nobody held who pushed: {}.\n", listed(&roles, false)));
    }
    // A rule is known by its id: it may be younger than that, or have said something else.
    if done.in_force_since_micros > known_since(done)
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

    use super::{ReplayUntold, json, text, unused};
    use crate::output::samples::page;

    /// A daemon that counted this since the first microsecond.
    fn counted(rules: Vec<RuleUse>) -> ReplayDone {
        ReplayDone {
            in_force_rules: rules,
            in_force_rules_since_micros: 1,
            log_begins_micros: 1,
            ..ReplayDone::default()
        }
    }

    fn rule(kind: &str, id: &str, decided: u64) -> RuleUse {
        RuleUse { kind: kind.into(), id: id.into(), decided, ..RuleUse::default() }
    }

    #[test]
    fn of_what_was_before_the_log_begins_nothing_is_said() {
        let mut done = counted(vec![rule("grant", "old", 0)]);
        assert!(!unused(&done).contains("The log begins"));
        done.log_begins_micros = 86_400_000_000;
        let told = text(&done, &page());
        assert!(told.contains("since 1970-01-02T00:00:00Z\n"), "{told}");
        assert!(told.contains("decided nothing since 1970-01-02T00:00:00Z: grant `old`"), "{told}");
        assert!(told.contains("The log begins at 1970-01-02T00:00:00Z: what was used before is not known."));
        assert!(!told.contains("1970-01-01"), "{told}");
        let json = serde_json::to_value(json(&done)).unwrap();
        assert_eq!(json["since"], "1970-01-01T00:00:00.000001Z");
        assert_eq!(json["log_begins"], "1970-01-02T00:00:00.000000Z");
    }

    #[test]
    fn what_could_not_be_read_is_told_with_what_was_not_used() {
        let untold = ReplayUntold {
            code: "not-understood".into(),
            why: "the entry is none that this version of oamd reads".into(),
            doubt: true,
            pushes: 3,
            examples: vec!["entry 17".into()],
            ..ReplayUntold::default()
        };
        let done = ReplayDone { untold: vec![untold], ..counted(vec![rule("grant", "old", 0)]) };
        let told = text(&done, &page());
        assert!(
            told.contains("3 entries: the entry is none that this version of oamd reads, such as entry 17."),
            "{told}"
        );
        assert_eq!(serde_json::to_value(json(&done)).unwrap()["untold"][0]["pushes"], 3);
    }

    #[test]
    fn a_grant_that_needs_no_push_is_not_called_unused() {
        let readers = RuleUse { beside_pushes: true, ..rule("grant", "readers", 0) };
        let told = unused(&counted(vec![rule("grant", "main", 1), readers.clone()]));
        assert!(!told.contains("decided nothing") && !told.contains("Every rule"), "{told}");
        assert!(told.contains("give `read` or `admin`, which needs none: `readers`."), "{told}");
        let told = unused(&counted(vec![rule("grant", "old", 0), readers]));
        assert!(told.contains("decided nothing since 1970-01-01T00:00:00Z: grant `old`.\n"), "{told}");
    }

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
