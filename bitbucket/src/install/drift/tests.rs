use std::collections::{BTreeMap, BTreeSet};

use oam_policy::Repository;

use super::{findings, findings_by_app, gone, meant};
use crate::{
    ProjectKey, ScriptId, When,
    external_hooks::{AppHook, AppHookKind, Executable},
    install::{Chosen, Installed, OnProject, Place, script},
    provision::Finding,
    script::triggers,
};

fn key(text: &str) -> ProjectKey {
    text.parse().unwrap()
}

fn chosen(every_project: bool, projects: &[&str]) -> Chosen {
    let projects = projects.iter().map(|one| key(one)).collect();
    Chosen { every_project, projects, hook: "/hook".to_owned(), version: "1".to_owned() }
}

/// Installed in `PAY` and `WEB`, and nothing is missing.
fn whole() -> Installed {
    let place = |when, id| {
        let upload = script(when, "/hook", "1");
        (when, Place { id: ScriptId(id), digest: upload.digest(), description: upload.description })
    };
    let on =
        || OnProject { triggers: When::ALL.map(|when| (when, triggers())).into(), ..OnProject::default() };
    Installed {
        scripts: BTreeMap::from([place(When::Before, 1), place(When::After, 2)]),
        strays: BTreeMap::new(),
        projects: ["PAY", "WEB"].map(|one| (key(one), on())).into(),
        repositories: BTreeMap::new(),
    }
}

fn told(found: &[Finding]) -> Vec<String> {
    let place = |one: &Finding| one.place.as_ref().map_or("-".to_owned(), ToString::to_string);
    found.iter().map(|one| format!("{} {}: {}", one.kind.as_str(), place(one), one.thing)).collect()
}

#[test]
fn what_is_as_it_was_installed_is_no_finding() {
    assert_eq!(findings(&whole(), &chosen(true, &["PAY", "WEB"])), []);
}

#[test]
fn what_somebody_narrowed_switched_off_or_replaced_is_found_each_by_its_kind() {
    let mut seen = whole();
    let pay = seen.projects.get_mut(&key("PAY")).unwrap();
    pay.triggers.insert(When::Before, BTreeSet::from(["branch-create".to_owned()]));
    pay.triggers.remove(&When::After);
    let less: BTreeSet<_> = triggers().into_iter().filter(|one| one != "push").collect();
    let repository = Repository::parse("WEB/shop").unwrap();
    seen.repositories.insert(repository, BTreeMap::from([(When::Before, less)]));
    let file = seen.scripts.get_mut(&When::After).unwrap();
    file.digest = "another".to_owned();
    let found = findings(&seen, &chosen(false, &["PAY", "WEB"]));
    assert_eq!(
        told(&found),
        [
            "hook-replaced -: POST",
            "hook-narrowed PAY: PRE branch-delete,file-edit,merge,pull-request-merge,push,tag-create,tag-delete",
            "hook-off PAY: POST",
            "hook-narrowed WEB/shop: PRE push",
        ]
    );
    assert!(found[3].what.contains("is set otherwise than for its project, and does not run for `push`"));
    // What was not chosen is nobody's business.
    assert!(told(&findings(&seen, &chosen(false, &[]))).iter().all(|one| one == "hook-replaced -: POST"));
    assert!(found.iter().all(|one| !one.mended && one.what.contains("`oam bitbucket install`")));
}

#[test]
fn another_version_is_told_and_what_is_not_registered_once() {
    let newer = Chosen { version: "2".into(), ..chosen(true, &["PAY", "WEB"]) };
    assert_eq!(told(&findings(&whole(), &newer)), ["hook-replaced -: PRE", "hook-replaced -: POST"]);
    let none = Installed {
        projects: ["PAY", "WEB"].map(|one| (key(one), OnProject::default())).into(),
        ..Installed::default()
    };
    assert_eq!(
        told(&findings(&none, &chosen(true, &["PAY", "WEB"]))),
        ["hook-gone -: PRE", "hook-gone -: POST"]
    );
}

#[test]
fn a_project_that_came_since_is_told_once_where_every_one_is_meant() {
    let mut seen = whole();
    seen.projects.insert(key("NEW"), OnProject::default());
    assert_eq!(told(&findings(&seen, &chosen(true, &["PAY", "WEB"]))), ["hook-not-yet NEW: PRE"]);
    // What it has of it already is not told.
    let on = seen.projects.get_mut(&key("NEW")).unwrap();
    on.triggers.insert(When::Before, triggers());
    assert_eq!(told(&findings(&seen, &chosen(true, &["PAY", "WEB"]))), ["hook-not-yet NEW: POST"]);
    let there = ["NEW", "PAY", "~ada"].map(key);
    assert_eq!(meant(&chosen(true, &["PAY"]), &there), ["NEW", "PAY"].map(key));
    assert_eq!(meant(&chosen(false, &["PAY"]), &there), ["PAY"].map(key));
}

#[test]
fn a_project_that_was_chosen_and_is_not_there_is_no_silence() {
    let there = [key("PAY")];
    assert_eq!(told(&gone(&chosen(false, &["PAY", "WEB"]), &there)), ["hook-off WEB: project"]);
    assert_eq!(gone(&chosen(true, &["PAY", "WEB"]), &there), []);
}

#[test]
fn what_the_app_does_not_run_any_more_is_found_too() {
    let on = |exe: &str, params: &str| AppHook {
        is_on: true,
        executable: Some(Executable { exe: exe.into(), params: params.into(), safe_path: true }),
    };
    let hooks = BTreeMap::from([
        (AppHookKind::PreReceive, on("check-jira", "")),
        (AppHookKind::MergeCheck, AppHook::default()),
        (AppHookKind::PostReceive, on("oam-hook", "")),
    ]);
    let seen = BTreeMap::from([(key("PAY"), hooks)]);
    let by_app = |every, projects: &[&str]| Chosen { hook: "oam-hook".into(), ..chosen(every, projects) };
    assert_eq!(
        told(&findings_by_app(&seen, &by_app(false, &["PAY"]))),
        ["hook-off PAY: merge-check", "hook-replaced PAY: post-receive", "hook-replaced PAY: pre-receive"]
    );
    let new = told(&findings_by_app(&seen, &by_app(true, &[])));
    assert!(new.contains(&"hook-not-yet PAY: merge-check".to_owned()), "{new:?}");
}
