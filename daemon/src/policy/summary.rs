//! What a policy changes, in the few words that the audit log has room for.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use oam_audit::entry;
use oam_policy::{
    Policy, RoleId, Snapshot,
    diff::{
        self, Because, Class, Condition, Effect, Holders, Limits, OfferChange, OfferTerms, Paths, Place,
        PolicyChange, RightChange, RoleChange, Whom,
    },
    printable::{Printable, as_written},
};
use tokio::sync::Semaphore;

use crate::config::AdminConfig;

/// How many changes are told in words.
const MOST: usize = 20;
/// How long one of them may be, in bytes. All together leave most of an entry free, be every byte escaped.
const MOST_BYTES: usize = 600;

/// How long a change of the policy waits to be told of. Its steps are bounded as well, so that what is not waited for ends.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many changes are compared at once: each takes memory of its own. Whoever only asks for a comparison takes none of
/// these turns.
static TURNS: Semaphore = Semaphore::const_new(1);

/// Compares two policies by the directory of now. It may take a second or two, beside the threads that serve.
pub(super) async fn summary(
    old: Arc<Policy>,
    new: Arc<Policy>,
    snapshot: Option<Snapshot>,
    admin: Arc<AdminConfig>,
) -> entry::PolicyDiff {
    within(PATIENCE, move || in_words(&old, &new, snapshot.as_ref(), &admin, Timestamp::now())).await
}

/// What `compare` says, or that it took too long.
async fn within(
    patience: Duration,
    compare: impl FnOnce() -> entry::PolicyDiff + Send + 'static,
) -> entry::PolicyDiff {
    let compared = async {
        // One that nobody waits for any more goes on, and the next one waits for it.
        let turn = TURNS.acquire().await;
        let compare = move || {
            let _turn = turn;
            compare()
        };
        tokio::task::spawn_blocking(compare).await
    };
    let why = match tokio::time::timeout(patience, compared).await {
        Ok(Ok(told)) => return told,
        Ok(Err(error)) => {
            tracing::error!(%error, "what a policy changes could not be computed");
            "it could not be computed"
        }
        Err(_) => {
            tracing::warn!("what a policy changes was not computed within its bound");
            "it was not computed within its bound: `oam policy diff` tells"
        }
    };
    entry::PolicyDiff { changes: 0, exact: false, first: vec![why.to_owned()] }
}

fn in_words(
    old: &Policy,
    new: &Policy,
    snapshot: Option<&Snapshot>,
    admin: &AdminConfig,
    now: Timestamp,
) -> entry::PolicyDiff {
    let found = diff::diff(old, new, snapshot, now, &limits());
    let rule =
        found.approvals.map(|(was, is)| format!("approvals that the next policy needs: {is}, before {was}"));
    // Who administers and who approves comes first: it is little, and weighs most.
    let changes = found.roles.iter().map(|change| role(change, admin)).chain(found.rights.iter().map(right));
    let changes = changes.chain(found.changes.iter().map(change)).chain(found.offers.iter().map(offer));
    let first = rule.into_iter().chain(changes).take(MOST);
    entry::PolicyDiff {
        changes: found.total() as u64,
        exact: found.exact,
        first: first.map(|text| clipped(&text)).collect(),
    }
}

/// A change waits for this, and it may be an urgent one. Who wants all of it asks for it: `oam policy diff`.
fn limits() -> Limits {
    Limits { steps: 40_000_000, ..Limits::default() }
}

fn role(change: &RoleChange, admin: &AdminConfig) -> String {
    let names = |crowd: &diff::Crowd| {
        let sample: Vec<_> =
            crowd.sample.iter().map(|user| Printable::new(user.as_str()).to_string()).collect();
        let more = others(crowd.users.saturating_sub(sample.len()) + 1, "users");
        if sample.is_empty() { "nobody".to_owned() } else { sample.join(", ") + &more }
    };
    let uses = admin.uses_of(&change.role).chain(change.uses.iter().map(ToString::to_string));
    let uses: Vec<_> = uses.collect();
    format!(
        "role {}: {} held it before, {} after; gained by {}; lost by {}; it {}",
        change.role,
        change.before,
        change.after,
        names(&change.gained),
        names(&change.lost),
        if uses.is_empty() { "is in no rule".to_owned() } else { uses.join("; ") },
    )
}

fn right(change: &RightChange) -> String {
    let who = change.who.first().map(holders).unwrap_or_default();
    let place = change.places.first();
    let place =
        place.map(|place| format!("{}, for example {}", class(&place.repositories), place.repository));
    let rules = |rules: &[oam_policy::RuleId]| match rules {
        [] => "nothing".to_owned(),
        rules => rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    format!(
        "{} {}{}: {who}{}, users: {}; {}{}; before: {}; after: {}",
        change.effect.as_str(),
        change.right.as_str(),
        period(change.from, change.to),
        others(change.who.len(), "sets of roles"),
        change.users(),
        place.unwrap_or_default(),
        others(change.places.len(), "places"),
        rules(&change.before),
        rules(&change.after),
    )
}

fn period(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    let from = from.map(|at| format!(" from {at}")).unwrap_or_default();
    let to = to.map(|at| format!(" until {at}")).unwrap_or_default();
    from + &to
}

fn change(change: &PolicyChange) -> String {
    let verbs: Vec<_> = change.verbs.iter().map(|verb| verb.to_string()).collect();
    let who = change.who.first().map(holders).unwrap_or_default();
    let place = change.places.first().map(place).unwrap_or_default();
    let weekly = if change.is_weekly { " and so every week" } else { "" };
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
        "{} {}{}{weekly}: {who}{}, users: {}; {place}{}; {before}: {}; {after}: {}",
        change.effect.as_str(),
        verbs.join(", "),
        period(change.from, change.to),
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
    patterns.iter().map(|one| as_written(one)).collect::<Vec<_>>().join(word)
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
mod tests;
