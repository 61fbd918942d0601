use super::mirror::User;
use crate::{config::SourceConfig, follow::Previewed};

/// What some of a provider's users and groups would be here.
pub(super) struct Preview<'a> {
    source: &'a SourceConfig,
    previewed: Previewed,
}

impl<'a> Preview<'a> {
    /// How many of each are shown.
    pub(super) const MOST: usize = 10;

    pub(super) fn new(source: &'a SourceConfig) -> Self {
        Self { source, previewed: Previewed::default() }
    }

    pub(super) fn user(&mut self, id: &str, user: &User) {
        let mapping = &self.source.mapping;
        match mapping.person(id, &user.document(id)) {
            Some(person) => self.previewed.users.push(person),
            None => {
                let attribute = mapping.username.as_str();
                self.problem(format!(
                    "the user `{}` has no Bitbucket username in `{attribute}`",
                    id.escape_debug()
                ));
            }
        }
    }

    pub(super) fn group(&mut self, id: &str, name: &str, members: usize) {
        match self.source.mapping.group(self.source.name.as_str(), name, Some(id)) {
            Some(group) => self.previewed.groups.push((group, members)),
            None => {
                let (name, attribute) = (name.escape_debug(), self.source.mapping.group.as_str());
                self.problem(format!(
                    "the group `{name}` has no name in `{attribute}` that a rule could write"
                ));
            }
        }
    }

    pub(super) fn problem(&mut self, problem: String) {
        self.previewed.problems.push(problem);
    }

    pub(super) fn done(self) -> Previewed {
        self.previewed
    }
}
