//! What repositories say themselves of the hooks of the app External Hooks, in the stead of their project: whoever administers one
//! repository can switch the hook off there, or have another file run, and nothing of that is seen at the project.

use std::collections::BTreeMap;

use oam_policy::{Repository, printable::Printable};

use super::{Chosen, app::HookFile};
use crate::{
    Bitbucket, Error, ProjectKey,
    external_hooks::OwnAppHook,
    permission::Place,
    provision::{Finding, FindingKind, MOST_IN_A_ROW},
};

/// What one can do about it.
const MEND: &str = "have it inherit its project's again, in its settings";

/// What each repository says that says anything.
pub type Below = BTreeMap<Repository, Vec<OwnAppHook>>;

/// Looks at every repository of these projects: one request for each. Beside it stands why not all of them could be read, where that is
/// so: one must not hide what others say. Whoever is silent again and again, or says that it is too much, is asked nothing more.
pub async fn see(bitbucket: &Bitbucket, projects: &[ProjectKey]) -> (Below, Option<Error>) {
    let (mut below, mut failed) = (Below::new(), Failed::default());
    for project in projects {
        if failed.is_enough {
            break;
        }
        for repository in failed.unless(bitbucket.repositories(project).await).unwrap_or_default() {
            if failed.is_enough {
                break;
            }
            let own = failed.unless(bitbucket.app_hooks_of(&repository).await).unwrap_or_default();
            if !own.is_empty() {
                below.insert(repository, own);
            }
        }
    }
    (below, failed.first)
}

/// What could not be read.
#[derive(Debug, Default)]
struct Failed {
    first: Option<Error>,
    /// How often in a row there was no answer at all.
    silent: usize,
    /// That nothing more is asked.
    is_enough: bool,
}

impl Failed {
    fn unless<T>(&mut self, read: Result<T, Error>) -> Option<T> {
        match read {
            Ok(read) => {
                self.silent = 0;
                Some(read)
            }
            Err(error) => {
                self.silent = if error.is_silence() { self.silent + 1 } else { 0 };
                self.is_enough |= error.is_busy() || self.silent >= MOST_IN_A_ROW;
                self.first = self.first.take().or(Some(error));
                None
            }
        }
    }
}

/// What of it lets changes pass that nobody is asked about. What runs the same as for the project is as good.
pub fn findings(below: &Below, chosen: &Chosen) -> Vec<Finding> {
    let file = HookFile(chosen.hook.clone());
    let meant = below.iter().filter(|(repository, _)| chosen.has(&ProjectKey::of(repository)));
    let all = meant.flat_map(|(repository, own)| own.iter().map(move |one| (repository, one)));
    all.filter_map(|(repository, OwnAppHook { kind, hook })| {
        let which = kind.as_str();
        let (found, what) = match &hook.executable {
            _ if !hook.is_on => (FindingKind::HookNarrowed, format!("has the {which} hook off")),
            Some(there) if *there == file.executable(*kind) => return None,
            Some(there) => {
                let exe = Printable::new(&there.exe);
                (FindingKind::HookReplaced, format!("has `{exe}` run as its {which} hook"))
            }
            None => (FindingKind::HookReplaced, format!("has its {which} hook run nothing that is known")),
        };
        Some(Finding {
            kind: found,
            place: Some(Place::Repository(repository.clone())),
            holder: None,
            thing: which.to_owned(),
            what: format!("is set otherwise than its project in External Hooks, and {what}: {MEND}"),
            mended: false,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::{Below, Chosen, Failed, findings};
    use crate::{
        Error, Problem,
        external_hooks::{AppHook, AppHookKind, Executable, OwnAppHook},
    };

    #[test]
    fn what_cannot_be_read_stops_nothing_but_too_much_asking() {
        let failing = |problem| Err::<(), _>(Error { doing: "reading it".into(), problem });
        let mut failed = Failed::default();
        assert_eq!((failed.unless(Ok(7)), failed.is_enough), (Some(7), false));
        for _ in 0..5 {
            assert_eq!(failed.unless(failing(Problem::NotFound("PAY".into()))), None);
        }
        assert!(!failed.is_enough && failed.first.is_some());
        failed.unless(failing(Problem::Busy));
        assert!(failed.is_enough && !failed.first.unwrap().is_busy());
    }

    fn own(kind: AppHookKind, is_on: bool, exe: &str, params: &str) -> OwnAppHook {
        let executable = Executable { exe: exe.into(), params: params.into(), safe_path: true };
        OwnAppHook { kind, hook: AppHook { is_on, executable: Some(executable) } }
    }

    #[test]
    fn what_a_repository_says_otherwise_is_told() {
        let below = Below::from([
            (
                "PAY/api".parse().unwrap(),
                vec![
                    own(AppHookKind::PreReceive, false, "oam-hook", ""),
                    own(AppHookKind::MergeCheck, true, "check-nothing", ""),
                    own(AppHookKind::PostReceive, true, "oam-hook", "applied"),
                ],
            ),
            // It was not meant for this one.
            ("WEB/shop".parse().unwrap(), vec![own(AppHookKind::PreReceive, false, "oam-hook", "")]),
        ]);
        let chosen = Chosen {
            every_project: false,
            projects: ["PAY".parse().unwrap()].into(),
            hook: "oam-hook".into(),
            version: "1".into(),
        };
        let found = findings(&below, &chosen);
        let told: Vec<_> = found.iter().map(|one| (one.kind.as_str(), one.thing.as_str())).collect();
        assert_eq!(told, [("hook-narrowed", "pre-receive"), ("hook-replaced", "merge-check")]);
        assert!(found.iter().all(|one| one.place.as_ref().unwrap().to_string() == "PAY/api"));
        assert!(findings(&below, &Chosen::default()).is_empty());
    }
}
