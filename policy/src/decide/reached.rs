//! By what a grant reaches the pusher, for whoever tells of it.

use super::{Given, Known, OneRef, Part};
use crate::{request::Verb, rule::Grant};

impl<'a> OneRef<'_, 'a> {
    /// What the pusher was given for a while by which a grant reaches them, as it is weighed: where one is enough for all
    /// that changes, the first that is, and rather one of all paths; else all of it, since it may be enough together.
    pub(crate) fn given_to(&self, grant: &Grant, verb: Verb) -> Vec<Given<'a>> {
        let all: Vec<Given<'a>> = self.scope.given_to(grant, self.update, verb).collect();
        let part = |given: Given<'a>| Part { grant, within: given.paths };
        let is_whole = |given: &&Given<'a>| part(**given).bounds().next().is_none();
        let is_enough = |given: &&Given<'a>| matches!(self.uncovered(&[part(**given)]), Known::Is(None));
        let enough = all.iter().find(is_whole).or_else(|| all.iter().find(is_enough)).copied();
        enough.map_or(all, |one| vec![one])
    }
}
