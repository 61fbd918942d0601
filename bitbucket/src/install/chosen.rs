use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ProjectKey;

/// What was chosen when the hook was installed: what should be there from then on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// Whether it is meant for every project, also for those to come.
    pub every_project: bool,
    /// The projects that it was installed for, as they were then.
    pub projects: BTreeSet<ProjectKey>,
    /// The hook: its path on every host, or its file where the app External Hooks runs it.
    pub hook: String,
    /// The version that installed it.
    pub version: String,
}

impl Chosen {
    /// What is chosen once more is chosen besides: whoever installs for one more project leaves the others as they are.
    pub fn besides(self, before: Option<Self>) -> Self {
        let Some(before) = before else { return self };
        Self {
            every_project: self.every_project || before.every_project,
            projects: before.projects.into_iter().chain(self.projects).collect(),
            ..self
        }
    }

    /// It is meant for none any more: that is noted too, so that nothing is missed which was taken away.
    pub fn clear(&mut self) {
        self.every_project = false;
        self.projects.clear();
    }

    /// Whether it is meant for none.
    pub fn is_none(&self) -> bool {
        !self.every_project && self.projects.is_empty()
    }

    /// Whether the hook should be on for a project. Those of persons are not looked at.
    pub fn has(&self, project: &ProjectKey) -> bool {
        !project.is_of_person() && (self.every_project || self.projects.contains(project))
    }

    /// Whether a project was made after the hook was installed for every one.
    pub fn is_new(&self, project: &ProjectKey) -> bool {
        self.every_project && !self.projects.contains(project)
    }
}

#[cfg(test)]
mod tests {
    use super::Chosen;
    use crate::ProjectKey;

    fn key(text: &str) -> ProjectKey {
        text.parse().unwrap()
    }

    fn of(every_project: bool, projects: &[&str], hook: &str) -> Chosen {
        Chosen {
            every_project,
            projects: projects.iter().map(|one| key(one)).collect(),
            hook: hook.to_owned(),
            version: "1".to_owned(),
        }
    }

    #[test]
    fn one_more_is_one_besides_and_every_one_stays_every_one() {
        let first = of(false, &["PAY"], "/hook");
        assert!(first.has(&key("PAY")) && !first.has(&key("WEB")) && !first.is_new(&key("WEB")));
        let both = of(false, &["WEB"], "/hook-2").besides(Some(first));
        assert_eq!(both, of(false, &["PAY", "WEB"], "/hook-2"));
        let every = of(false, &["WEB"], "/hook").besides(Some(of(true, &["PAY"], "/hook")));
        assert_eq!(every, of(true, &["PAY", "WEB"], "/hook"));
        assert!(!every.has(&key("~ada")));
        assert!(every.has(&key("NEW")) && every.is_new(&key("NEW")) && !every.is_new(&key("PAY")));
    }

    #[test]
    fn it_is_read_as_it_was_written_and_a_key_is_one() {
        let text = serde_json::to_string(&of(true, &["PAY"], "/hook")).unwrap();
        assert_eq!(serde_json::from_str::<Chosen>(&text).unwrap(), of(true, &["PAY"], "/hook"));
        assert!(serde_json::from_str::<Chosen>(&text.replace("PAY", "../x")).is_err());
    }
}
