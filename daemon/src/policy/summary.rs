//! What a policy changes, in the few words that the audit log has room for.

use std::sync::Arc;

use jiff::Timestamp;
use oam_audit::entry;
use oam_policy::{
    Policy, RoleId, Snapshot,
    diff::{
        self, Because, Class, Condition, Effect, Holders, Limits, OfferChange, OfferTerms, Paths, Place,
        PolicyChange, Whom,
    },
    printable::Printable,
};

/// How many changes are told in words.
const MOST: usize = 20;
/// How long one of them may be, in bytes. All together leave most of an entry free, be every byte escaped.
const MOST_BYTES: usize = 600;

/// Compares two policies by the directory of now. It may take a second or two, beside the threads that serve.
pub(super) async fn summary(
    old: Arc<Policy>,
    new: Arc<Policy>,
    snapshot: Option<Snapshot>,
) -> entry::PolicyDiff {
    let compare = move || in_words(&old, &new, snapshot.as_ref(), Timestamp::now());
    tokio::task::spawn_blocking(compare).await.unwrap_or_else(|error| {
        tracing::error!(%error, "what a policy changes could not be computed");
        let first = vec!["it could not be computed".to_owned()];
        entry::PolicyDiff { changes: 0, exact: false, first }
    })
}

fn in_words(old: &Policy, new: &Policy, snapshot: Option<&Snapshot>, now: Timestamp) -> entry::PolicyDiff {
    let found = diff::diff(old, new, snapshot, now, &limits());
    let (was, is) = (old.change().approvals, new.change().approvals);
    let rule = (was != is).then(|| format!("approvals that the next policy needs: {is}, before {was}"));
    let changes = found.changes.iter().map(change).chain(found.offers.iter().map(offer));
    let first = rule.into_iter().chain(changes).take(MOST);
    entry::PolicyDiff {
        changes: (found.changes.len() + found.offers.len()) as u64,
        exact: found.exact,
        first: first.map(|text| clipped(&text)).collect(),
    }
}

/// A change waits for this, and it may be an urgent one. Who wants all of it asks for it: `oam policy diff`.
fn limits() -> Limits {
    Limits { steps: 40_000_000, ..Limits::default() }
}

fn change(change: &PolicyChange) -> String {
    let verbs: Vec<_> = change.verbs.iter().map(|verb| verb.to_string()).collect();
    let who = change.who.first().map(holders).unwrap_or_default();
    let place = change.places.first().map(place).unwrap_or_default();
    let from = change.from.map(|at| format!(" from {at}")).unwrap_or_default();
    let to = change.to.map(|at| format!(" until {at}")).unwrap_or_default();
    // Of what it takes only that is told which changes.
    let [before, after] = match change.effect {
        Effect::Tightens | Effect::Loosens | Effect::Changes => ["gone", "new"],
        Effect::Gains
        | Effect::Loses
        | Effect::MayLift
        | Effect::MayNoLongerLift
        | Effect::LiftsOtherwise => ["before", "after"],
    };
    format!(
        "{} {}{from}{to}: {who}{}, users: {}; {place}{}; {before}: {}; {after}: {}",
        change.effect.as_str(),
        verbs.join(", "),
        others(change.who.len(), "sets of roles"),
        change.users(),
        others(change.places.len(), "places"),
        because(&change.before),
        because(&change.after),
    )
}

fn offer(change: &OfferChange) -> String {
    let who = match &change.who {
        Whom::People(people) => {
            let first = people.first().map(holders).unwrap_or_default();
            format!("{first}{}, users: {}", others(people.len(), "sets of roles"), change.users())
        }
        Whom::Job(job) => format!("jobs of {job}"),
    };
    let place = change.places.first().map(|place| {
        let (repository, name) = (&place.repository, Printable::new(place.name.as_bytes()));
        format!("{} in {}, for example {repository} {name}", class(&place.refs), class(&place.repositories))
    });
    let verbs: Vec<_> = change.verbs.iter().map(|verb| verb.to_string()).collect();
    let verbs = if verbs.is_empty() { String::new() } else { format!(" to {}", verbs.join(", ")) };
    let terms = |terms: &[OfferTerms]| match terms {
        [] => "nothing".to_owned(),
        terms => terms.iter().map(OfferTerms::to_string).collect::<Vec<_>>().join(", or "),
    };
    format!(
        "{} {}{verbs}: {who}; {}{}; before: {}; after: {}",
        change.effect.as_str(),
        change.role,
        place.unwrap_or_default(),
        others(change.places.len(), "places"),
        terms(&change.before),
        terms(&change.after),
    )
}

fn others(count: usize, what: &str) -> String {
    match count.saturating_sub(1) {
        0 => String::new(),
        more => format!(" and {more} more {what}"),
    }
}

fn holders(holders: &Holders) -> String {
    let roles = |roles: &Option<Vec<RoleId>>| match roles.as_deref() {
        None => "unknown".to_owned(),
        Some([]) => "without a role".to_owned(),
        Some(roles) => roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let (before, after) = (roles(&holders.before), roles(&holders.after));
    if before == after { before } else { format!("{before} (then {after})") }
}

fn place(place: &Place) -> String {
    let witness = &place.witness;
    format!(
        "{} in {}{}, for example {} {} {}{} by {}",
        class(&place.refs),
        class(&place.repositories),
        paths(&place.paths),
        witness.verb,
        witness.repository,
        Printable::new(witness.name.as_bytes()),
        witness.path.as_ref().map(|path| format!(" changing {path}")).unwrap_or_default(),
        Printable::new(witness.user.as_str()),
    )
}

fn paths(paths: &Paths) -> String {
    match paths {
        Paths::Whatever => String::new(),
        Paths::Nothing => ", changing no path".to_owned(),
        Paths::NoneOf(patterns) => format!(", changing nothing in {}", listed(patterns, " nor ")),
        Paths::Of(within) if within.within.is_empty() => format!(", changing any path{}", class(within)),
        Paths::Of(within) => format!(", changing {}", class(within)),
    }
}

fn class(class: &Class) -> String {
    let without = match class.without.as_slice() {
        [] => String::new(),
        patterns => format!(" but not {}", listed(patterns, " nor ")),
    };
    listed(&class.within, " and ") + &without
}

fn listed(patterns: &[String], word: &str) -> String {
    patterns.iter().map(|one| Printable::new(one.as_str()).to_string()).collect::<Vec<_>>().join(word)
}

fn because(because: &Because) -> String {
    let list = |some: Vec<String>| some.join(", ");
    let words = |conditions: &[Condition]| list(conditions.iter().map(Condition::to_string).collect());
    let rules = list(because.rules.iter().map(ToString::to_string).collect());
    let verdict = match (because.permitted, rules.as_str()) {
        (true, "") => String::new(),
        (true, _) => format!("granted by {rules}"),
        (false, "") => "no grant".to_owned(),
        (false, _) => format!("blocked by {rules}"),
    };
    let takes = match because.conditions.as_slice() {
        [] => String::new(),
        conditions => {
            let requires = list(because.requires.iter().map(ToString::to_string).collect());
            let with = if verdict.is_empty() { "" } else { "with " };
            format!("{with}{} ({requires})", words(conditions))
        }
    };
    let lifting = because.lifting.as_ref().map(|lifting| {
        let left = match lifting.conditions.as_slice() {
            [] => String::new(),
            conditions => format!(", then with {}", words(conditions)),
        };
        format!("lifting {}{left}", list(lifting.rules.iter().map(ToString::to_string).collect()))
    });
    let parts = [verdict, takes, lifting.unwrap_or_default()];
    let told: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
}

fn clipped(text: &str) -> String {
    if text.len() <= MOST_BYTES {
        return text.to_owned();
    }
    let fits = text.char_indices().take_while(|(at, one)| at + one.len_utf8() <= MOST_BYTES);
    fits.map(|(_, one)| one).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use oam_audit::entry::{EncodedEvent, Event, MAX_EVENT_BYTES, PolicyChanged, PolicyOrigin};
    use oam_policy::{
        Policy,
        file::{PolicySource, parse},
    };

    use super::in_words;

    fn policy(rules: &str) -> Policy {
        let text = format!("version = 1\n[[role]]\nid = \"developer\"\nany = [\"s:eng\"]\n{rules}");
        parse(&[PolicySource { name: "p.toml".into(), text }]).unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn grant(id: &str, refs: &str) -> String {
        format!(
            "[[grant]]\nid = \"{id}\"\nto = [\"developer\"]\non = [\"PAY/*\"]\nrefs = [\"{refs}\"]\nverbs = [\"force\"]\n"
        )
    }

    #[test]
    fn a_change_is_told_in_words() {
        let new = policy(&(grant("main", "refs/heads/main") + "[change]\napprovals = 1\n"));
        let told = in_words(&policy(""), &new, None, "2026-01-01T00:00:00Z".parse().unwrap());
        assert!(told.exact && told.changes == 1, "{told:?}");
        assert_eq!(
            told.first,
            [
                "approvals that the next policy needs: 1, before 0",
                "gains force: developer, users: 0; refs/heads/main in pay/*, for example force PAY/a refs/heads/main by \
                 ${user}; before: no grant; after: granted by main",
            ]
        );
    }

    #[test]
    fn what_it_takes_and_what_may_be_lifted_is_told_too() {
        let rules = grant("main", "refs/heads/main")
            + "[[block]]\nid = \"freeze\"\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\npaths = [\"deploy/**\"]\n";
        let more = "[[require]]\nid = \"reviewed\"\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\n\
                    approvals = [{ role = \"developer\" }]\n[[waiver]]\nid = \"hotfix\"\nlifts = [\"freeze\"]\n\
                    to = [\"developer\"]\nmax_time = \"1h\"\n";
        let new = policy(&(rules.clone() + more));
        let told = in_words(&policy(&rules), &new, None, "2026-01-01T00:00:00Z".parse().unwrap());
        assert!(told.exact, "{told:?}");
        assert_eq!(
            told.first,
            [
                "tightens force: developer, users: 0; refs/heads/main in ** and pay/*, changing nothing in deploy/**, for \
                 example force PAY/a refs/heads/main changing a by ${user}; gone: nothing; new: 1 approval by `developer` \
                 (reviewed)",
                "may-lift force: developer, users: 0; refs/heads/main in ** and pay/*, changing deploy/**, for example force \
                 PAY/a refs/heads/main changing deploy/a by ${user}; before: blocked by freeze; after: blocked by freeze, \
                 lifting `freeze` by `hotfix` (for up to 1 h, with a reason), then with 1 approval by `developer`",
            ]
        );
    }

    #[test]
    fn what_may_be_asked_for_is_told_too() {
        let grants = grant("main", "refs/heads/main");
        let more = "[[elevation]]\nid = \"on-call\"\nroles = [\"developer\"]\nto = [\"developer\"]\non = [\"PAY/*\"]\n\
                    max_time = \"4h\"\napproved_by = [\"developer\"]\n[[workload]]\nid = \"release\"\nprofile = \"gitlab\"\n\
                    issuer = \"https://gitlab.example.com\"\nclaims = { project_id = \"7\" }\nprincipal = \"svc\"\n\
                    roles = [\"developer\"]\non = [\"PAY/api\"]\nrefs = [\"refs/heads/main\"]\nverbs = [\"force\"]\n";
        let new = policy(&(grants.clone() + more));
        let told = in_words(&policy(&grants), &new, None, "2026-01-01T00:00:00Z".parse().unwrap());
        assert!(told.exact && told.changes == 3, "{told:?}");
        assert_eq!(
            told.first,
            [
                "may-ask developer: developer, users: 0; refs/** in pay/*, for example PAY/a refs/a; before: nothing; after: \
                 `on-call` (for up to 4 h, with a reason, with 1 approval by `developer`)",
                "may-approve developer: developer, users: 0; refs/** in pay/*, for example PAY/a refs/a; before: nothing; \
                 after: what is asked for by `developer`",
                "may-lease developer to force: jobs of https://gitlab.example.com, project_id = 7; refs/heads/main in pay/api, \
                 for example PAY/api refs/heads/main; before: nothing; after: `release` (as `svc`, for up to 5 min and 1 push)",
            ]
        );
    }

    /// However much changes, an entry holds what is told of it.
    #[test]
    fn it_fits_an_entry() {
        let long = |id: usize| grant(&format!("g{id}"), &format!("refs/heads/{}/{id}/**", "ä".repeat(1_500)));
        let new = policy(&(0..50).map(long).collect::<String>());
        let told = in_words(&policy(""), &new, None, "2026-01-01T00:00:00Z".parse().unwrap());
        assert!(told.changes >= 1 && told.first.iter().all(|text| text.len() < 700), "{told:?}");
        let changed = PolicyChanged {
            digest: "0".repeat(64),
            previous: Some("0".repeat(64)),
            origin: PolicyOrigin::Apply,
            author: "uid 4294967295".into(),
            reason: Some("\u{1}".repeat(1_000)),
            approved_by: vec!["uid 4294967295".into(); 16],
            unapproved: true,
            diff: Some(told),
        };
        assert!(EncodedEvent::new(&Event::PolicyChanged(changed)).unwrap().size() < MAX_EVENT_BYTES);
    }
}
