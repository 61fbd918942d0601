use jiff::Timestamp;

use super::{About, Lint, Report, prover, scope::Standing};
use crate::{
    diff::proof::{List, Prover},
    name::RefName,
    request::Verb,
    rule::{Grant, Mode, Policy, RefSet},
};

/// What the main branch is called nearly everywhere.
const MAIN_BRANCHES: [&[u8]; 2] = [b"refs/heads/main", b"refs/heads/master"];

/// Grants of `force` or `delete` that take the main branch in by a pattern with wildcards, whatever it is called, and no
/// block keeps it out. Whoever names it, excludes it or protects it has thought of it.
pub(super) fn look(policy: &Policy, now: Timestamp, report: &mut Report) {
    let names: Vec<RefName> = MAIN_BRANCHES.iter().filter_map(|name| RefName::parse(name).ok()).collect();
    let mut blocks = Standing::all(policy);
    blocks.retain(|standing| names.iter().any(|name| standing.block.refs.matches(name, "")));
    let mut prover = prover();
    for grant in policy.grants().iter().filter(|grant| grant.mode == Mode::Enforce) {
        let is_over = grant.window.to().is_some_and(|end| end <= now);
        let Some(pattern) = (!is_over).then(|| wide_pattern(grant, &names)).flatten() else { continue };
        let open = |verb: &Verb| {
            grant.verbs.contains(*verb)
                && !names.iter().any(|name| is_protected(grant, *verb, name, &blocks, now, &mut prover))
        };
        let verbs: Vec<_> = [Verb::Force, Verb::Delete].into_iter().filter(open).map(Verb::as_str).collect();
        if !verbs.is_empty() {
            let message = format!(
                "the grant `{}` gives `{}` on the main branch, which `{pattern}` takes in",
                grant.id,
                verbs.join("` and `")
            );
            let help = "exclude it, as in `!refs/heads/main`, or protect it with a block";
            report.add(Lint::ForceOnWidePattern, About::Grant(grant.id.clone()), message, Some(help.into()));
        }
    }
    if prover.gave_up() {
        report.unfinished.insert(Lint::ForceOnWidePattern);
    }
}

/// The first pattern with a wildcard by which all of `names` are in the grant's refs, if they are.
fn wide_pattern(grant: &Grant, names: &[RefName]) -> Option<String> {
    let takes_all = |refs: &RefSet| names.iter().all(|name| refs.matches(name, ""));
    let is_given = |verb: Verb| grant.verbs.contains(verb);
    if !(is_given(Verb::Force) || is_given(Verb::Delete)) || !takes_all(&grant.refs) {
        return None;
    }
    let is_wide = |source: &String| {
        let has_wildcard = source.starts_with("re:") || source.contains(['*', '?']);
        has_wildcard
            && RefSet::parse_one(source).and_then(|one| RefSet::new([one])).is_ok_and(|one| takes_all(&one))
    };
    grant.refs.sources().into_iter().filter(|source| !source.starts_with('!')).find(is_wide)
}

/// Whether it is proved that blocks which do not except the grant's roles forbid this in all its repositories.
fn is_protected(
    grant: &Grant,
    verb: Verb,
    name: &RefName,
    blocks: &[Standing<'_>],
    now: Timestamp,
    prover: &mut Prover,
) -> bool {
    if !prover.spend(blocks.len() + 1) {
        // Not to be told, then.
        return true;
    }
    let protects = |standing: &&Standing<'_>| {
        let block = standing.block;
        block.verbs.contains(verb)
            && block.refs.matches(name, "")
            && block.except.is_disjoint(&grant.to)
            && standing.outlasts(&grant.window, now)
    };
    let on: Vec<&List> = blocks.iter().filter(protects).map(|standing| &standing.on).collect();
    !on.is_empty() && prover.repositories_within(&List::new(&grant.on.sources()), &on)
}
