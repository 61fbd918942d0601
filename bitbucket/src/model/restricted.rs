//! Branch restrictions: each prevents something on the refs that it matches, but not for those who are exempt.

use std::collections::BTreeSet;

use oam_policy::Verb;

use super::{Answer, Change, Doubt, Matches};
use crate::{BranchModel, Forbids, Restriction};

/// The restrictions that may have a say about one ref.
#[derive(Debug)]
pub struct AtRef<'a> {
    is_tag: bool,
    matching: Vec<(&'a Restriction, Option<Doubt>)>,
}

/// Those of `all` that match the ref, in a repository with this branching model.
pub fn at_ref<'a>(
    all: impl IntoIterator<Item = &'a Restriction>,
    model: Option<&BranchModel>,
    name: &str,
) -> AtRef<'a> {
    let matching = |one: &'a Restriction| match Matches::of(&one.matcher, model, name) {
        Matches::Yes => Some((one, None)),
        Matches::Unclear(doubt) => Some((one, Some(doubt))),
        Matches::No => None,
    };
    AtRef { is_tag: name.starts_with("refs/tags/"), matching: all.into_iter().filter_map(matching).collect() }
}

impl<'a> AtRef<'a> {
    /// The restrictions.
    pub fn restrictions(&self) -> impl Iterator<Item = &'a Restriction> {
        self.matching.iter().map(|(one, _)| *one)
    }

    /// What they say of a change by somebody who may write, and is exempt from those that `is_exempt` says.
    pub fn decide(&self, change: Change, is_exempt: impl Fn(&Restriction) -> bool) -> Answer {
        let (exempt, binding): (Vec<_>, Vec<_>) = self.matching.iter().partition(|(one, _)| is_exempt(one));
        let exempted: BTreeSet<_> = exempt.into_iter().map(|(one, _)| one.kind.as_str()).collect();
        let mut answer = Answer::Permitted;
        for (one, matches) in binding {
            let prevents = self.prevents(one, change);
            let here = match (prevents, matches) {
                (Answer::Refused, Some(doubt)) => Answer::Unclear(doubt),
                (Answer::Refused, None) if exempted.contains(one.kind.as_str()) => {
                    Answer::Unclear(Doubt::ExemptOnce)
                }
                (prevents, _) => prevents,
            };
            answer = match (answer, here) {
                (Answer::Refused, _) | (_, Answer::Refused) => Answer::Refused,
                (Answer::Permitted, here) => here,
                (unclear, _) => unclear,
            };
        }
        answer
    }

    /// What a restriction that matches says of a change.
    fn prevents(&self, one: &Restriction, change: Change) -> Answer {
        let when = |is| if is { Answer::Refused } else { Answer::Permitted };
        match (one.forbids(), change.verb) {
            (None, _) => Answer::Unclear(Doubt::UnknownKind),
            (Some(Forbids::Changes), Verb::Create) => Answer::Unclear(Doubt::Creating),
            (Some(Forbids::Changes), _) => Answer::Refused,
            (Some(Forbids::Deletes), verb) => when(verb == Verb::Delete),
            (Some(Forbids::Creates), verb) => when(verb == Verb::Create),
            (Some(Forbids::Rewrites), Verb::Update) if self.is_tag => Answer::Unclear(Doubt::MovingTags),
            (Some(Forbids::Rewrites), verb) => when(verb == Verb::Force),
            (Some(Forbids::DirectChanges), _) if change.merged => Answer::Permitted,
            (Some(Forbids::DirectChanges), Verb::Create) => Answer::Unclear(Doubt::Creating),
            (Some(Forbids::DirectChanges), Verb::Delete) => Answer::Unclear(Doubt::Deleting),
            (Some(Forbids::DirectChanges), _) => Answer::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use oam_policy::Verb;

    use super::{Answer, Change, Doubt, at_ref};
    use crate::{Matcher, MatcherKind, Restriction};

    fn restriction(kind: &str, users: &[&str]) -> Restriction {
        let matcher = Matcher { kind: MatcherKind::AnyRef, id: String::new(), shown: "any".into() };
        let users = users.iter().map(|&user| user.to_owned()).collect();
        Restriction { id: 1, kind: kind.into(), matcher, users, groups: vec![], access_keys: vec![] }
    }

    fn decided(all: &[Restriction], verb: Verb, merged: bool) -> Answer {
        let exempt = |one: &Restriction| one.users.contains(&"ada".to_owned());
        at_ref(all, None, "refs/heads/main").decide(Change { verb, merged }, exempt)
    }

    #[test]
    fn each_prevents_what_it_is_about() {
        let table = [
            (
                "read-only",
                [
                    Answer::Unclear(Doubt::Creating),
                    Answer::Refused,
                    Answer::Refused,
                    Answer::Refused,
                    Answer::Refused,
                ],
            ),
            (
                "no-deletes",
                [Answer::Permitted, Answer::Permitted, Answer::Permitted, Answer::Permitted, Answer::Refused],
            ),
            (
                "fast-forward-only",
                [Answer::Permitted, Answer::Permitted, Answer::Permitted, Answer::Refused, Answer::Permitted],
            ),
            (
                "no-creates",
                [Answer::Refused, Answer::Permitted, Answer::Permitted, Answer::Permitted, Answer::Permitted],
            ),
            (
                "pull-request-only",
                [
                    Answer::Unclear(Doubt::Creating),
                    Answer::Refused,
                    Answer::Permitted,
                    Answer::Refused,
                    Answer::Unclear(Doubt::Deleting),
                ],
            ),
            ("of-tomorrow", [Answer::Unclear(Doubt::UnknownKind); 5]),
        ];
        for (kind, wanted) in table {
            let found =
                Change::ALL.map(|change| decided(&[restriction(kind, &[])], change.verb, change.merged));
            assert_eq!(found, wanted, "{kind}");
        }
    }

    #[test]
    fn whoever_is_exempt_once_may_be_bound_all_the_same() {
        let (hers, all) = (restriction("read-only", &["ada"]), restriction("read-only", &[]));
        assert_eq!(decided(std::slice::from_ref(&hers), Verb::Update, false), Answer::Permitted);
        assert_eq!(decided(&[hers.clone(), all], Verb::Update, false), Answer::Unclear(Doubt::ExemptOnce));
        // Of another kind it is no exemption.
        let deletes = restriction("no-deletes", &[]);
        assert_eq!(decided(&[hers, deletes], Verb::Delete, false), Answer::Refused);
    }
}
