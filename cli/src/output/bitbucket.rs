//! What is to be done in Bitbucket, and how it is there.

use std::collections::{BTreeMap, BTreeSet};

use oam_bitbucket::{
    ProjectKey, When,
    install::{Chosen, Installed, Plan, Step},
    provision::Finding,
};
use oam_policy::Repository;
use oam_proto::v1::{BitbucketRepository, BitbucketState, Canary};
use serde::Serialize;

use super::{Page, json, layout::Table, page::counted, shown, shown_line};

/// What was done, or would be.
#[derive(Debug, Serialize)]
pub struct AppliedJson {
    /// Whether it was.
    pub done: bool,
    /// The steps.
    pub steps: Vec<StepJson>,
    /// How many things were as they should be already.
    pub unchanged: usize,
}

/// One step.
#[derive(Debug, Serialize)]
pub struct StepJson {
    step: &'static str,
    script: &'static str,
    project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    id: Option<u64>,
    triggers: Vec<String>,
}

impl StepJson {
    fn new(step: &'static str, when: When) -> Self {
        Self { step, script: when.as_str(), project: None, repository: None, id: None, triggers: Vec::new() }
    }

    /// One that is about a project.
    pub(super) fn of_project(step: &'static str, script: &'static str, project: &ProjectKey) -> Self {
        Self {
            step,
            script,
            project: Some(project.to_string()),
            repository: None,
            id: None,
            triggers: Vec::new(),
        }
    }
}

impl From<&Step> for StepJson {
    fn from(step: &Step) -> Self {
        let of = Self::new;
        match step {
            Step::Upload(upload) => of("upload", upload.when),
            Step::Replace(id, upload) => Self { id: Some(id.0), ..of("replace", upload.when) },
            Step::Enable { project, when, missing, .. } => Self {
                triggers: missing.iter().cloned().collect(),
                ..Self::of_project("enable", when.as_str(), project)
            },
            Step::Widen { repository, when, missing } => Self {
                triggers: missing.iter().cloned().collect(),
                repository: Some(repository.to_string()),
                ..of("widen", *when)
            },
            Step::Disable { project, when, id } => {
                Self { id: Some(id.0), ..Self::of_project("disable", when.as_str(), project) }
            }
            Step::Delete(when, id) => Self { id: Some(id.0), ..of("delete", *when) },
        }
    }
}

/// The steps, and whether they were taken.
pub fn plan_text(plan: &Plan, done: bool, page: &Page) -> String {
    let mut text = String::new();
    if !done {
        for step in &plan.steps {
            text.push_str(&format!("  {}\n", step_text(step, page)));
        }
    }
    text + &summed(plan.steps.len(), plan.unchanged, done, page)
}

/// How many steps there are, and what became of them.
pub(super) fn summed(steps: usize, unchanged: usize, done: bool, page: &Page) -> String {
    let unchanged = match unchanged {
        0 => String::new(),
        many => format!(" {} as it should be already.", counted(many as u64, "thing is", "things are")),
    };
    let told = counted(steps as u64, "step", "steps");
    let sum = match (steps, done) {
        (0, _) => page.good("Nothing is to be done."),
        (_, true) => page.good(&format!("{told} done.")),
        (_, false) => format!("{told}, none taken: add --apply to take them."),
    };
    format!("{sum}{unchanged}\n")
}

/// A step that was taken.
pub fn step_done(step: &Step) -> String {
    format!("done: {}", what(step))
}

fn step_text(step: &Step, page: &Page) -> String {
    let sign = match step {
        Step::Upload(_) | Step::Enable { is_on: false, .. } => page.good("+"),
        Step::Replace(..) | Step::Enable { is_on: true, .. } | Step::Widen { .. } => page.warn("~"),
        Step::Disable { .. } | Step::Delete(..) => page.bad("-"),
    };
    format!("{sign} {}", what(step))
}

fn what(step: &Step) -> String {
    match step {
        Step::Upload(upload) => {
            format!("register the hook script `{}` ({})", upload.name, upload.when.as_str())
        }
        Step::Replace(id, upload) => {
            format!("replace the file of the hook script {id}, `{}` ({})", upload.name, upload.when.as_str())
        }
        Step::Enable { project, when, missing, is_on: false } => {
            let triggers = counted(missing.len() as u64, "trigger", "triggers");
            format!("{project}: switch the {} script on, for {triggers}", when.as_str())
        }
        Step::Enable { project, when, missing, is_on: true } => {
            let missing: Vec<_> = missing.iter().map(|trigger| format!("`{trigger}`")).collect();
            format!("{project}: switch the {} script on for {}, too", when.as_str(), missing.join(", "))
        }
        Step::Widen { repository, when, missing } => {
            let missing: Vec<_> = missing.iter().map(|trigger| format!("`{trigger}`")).collect();
            format!(
                "{repository}: switch the {} script on for {} there, too",
                when.as_str(),
                missing.join(", ")
            )
        }
        Step::Disable { project, when, .. } => format!("{project}: switch the {} script off", when.as_str()),
        Step::Delete(when, id) => format!("delete the hook script {id} ({})", when.as_str()),
    }
}

/// How it is in Bitbucket, and how canaries fare.
#[derive(Debug, Serialize)]
pub struct StatusJson {
    /// Through what changes may pass unseen.
    alarms: Vec<AlarmJson>,
    /// For each script whether it is registered, and of this version.
    scripts: Vec<ScriptJson>,
    projects: Vec<ProjectJson>,
    canaries: Option<CanariesJson>,
}

/// Something through which changes may pass unseen.
#[derive(Debug, Serialize)]
struct AlarmJson {
    place: Option<String>,
    what: String,
}

/// A script of ours.
#[derive(Debug, Serialize)]
pub(super) struct ScriptJson {
    script: &'static str,
    id: Option<u64>,
    up_to_date: bool,
}

/// Whether the hook is switched on for a project.
#[derive(Debug, Serialize)]
pub(super) struct ProjectJson {
    project: String,
    /// Whether the hook was installed for it; where nobody noted that, it is taken for so.
    chosen: bool,
    /// `on`, `partly` or `off`.
    before: &'static str,
    after: &'static str,
    repositories: Vec<RepositoryJson>,
}

#[derive(Debug, Serialize)]
struct RepositoryJson {
    repository: String,
    /// The same as of a project, where it says so itself.
    before: Option<&'static str>,
    after: Option<&'static str>,
    decided: Option<String>,
    canary: Option<CanaryJson>,
    #[serde(skip)]
    decided_micros: i64,
}

#[derive(Debug, Serialize)]
struct CanaryJson {
    at: Option<String>,
    outcome: String,
    detail: Option<String>,
    #[serde(skip)]
    at_micros: i64,
}

#[derive(Debug, Serialize)]
struct CanariesJson {
    url: String,
    proven: Option<String>,
    trouble: Option<String>,
}

impl StatusJson {
    /// Of what was found in Bitbucket, what would have to be done, and what the daemon says.
    pub fn of(seen: &Installed, wanted: &Plan, daemon: &BitbucketState) -> Self {
        let stale: BTreeSet<_> = wanted
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Upload(upload) | Step::Replace(_, upload) => Some(upload.when),
                Step::Enable { .. } | Step::Widen { .. } | Step::Disable { .. } | Step::Delete(..) => None,
            })
            .collect();
        let script = |when: When| ScriptJson {
            script: when.as_str(),
            id: seen.scripts.get(&when).map(|place| place.id.0),
            up_to_date: !stale.contains(&when),
        };
        let project = |key| {
            let [before, after] = When::ALL.map(|when| how_far(seen, wanted, key, when));
            ProjectJson::new(key, before, after)
        };
        let mut status =
            Self::new(When::ALL.map(script).into(), seen.projects.keys().map(project).collect(), daemon);
        status.repositories(seen, wanted);
        status
    }

    /// Every repository that was looked at, and what it says itself.
    fn repositories(&mut self, seen: &Installed, wanted: &Plan) {
        for repository in seen.repositories.keys() {
            let own = |when| own_state(seen, wanted, repository, when);
            let key = ProjectKey::of(repository).to_string();
            let Some(project) = self.projects.iter_mut().find(|one| one.project.eq_ignore_ascii_case(&key))
            else {
                continue;
            };
            let same = |one: &&mut RepositoryJson| one.repository.eq_ignore_ascii_case(repository.as_str());
            let [before, after] = When::ALL.map(own);
            match project.repositories.iter_mut().find(same) {
                Some(known) => (known.before, known.after) = (before, after),
                None => project.repositories.push(RepositoryJson {
                    before,
                    after,
                    ..RepositoryJson::unseen(repository.to_string())
                }),
            }
        }
        self.projects
            .iter_mut()
            .for_each(|one| one.repositories.sort_by(|a, b| a.repository.cmp(&b.repository)));
    }

    /// With what is not as it was installed.
    pub fn with_findings(mut self, found: &[Finding]) -> Self {
        let alarm = |one: &Finding| AlarmJson {
            place: one.place.as_ref().map(ToString::to_string),
            what: one.what.clone(),
        };
        self.alarms.extend(found.iter().map(alarm));
        self
    }

    /// Where it is known for which projects the hook was installed.
    pub fn meant_for(mut self, chosen: &Chosen) -> Self {
        for project in &mut self.projects {
            project.chosen = project.project.parse().is_ok_and(|key| chosen.has(&key));
        }
        self
    }

    /// With what the daemon says.
    pub(super) fn new(
        scripts: Vec<ScriptJson>,
        mut projects: Vec<ProjectJson>,
        daemon: &BitbucketState,
    ) -> Self {
        let mut repositories: BTreeMap<String, Vec<RepositoryJson>> = BTreeMap::new();
        for one in &daemon.repositories {
            if let Ok(repository) = Repository::parse(&one.repository) {
                let project = ProjectKey::of(&repository).to_string().to_ascii_lowercase();
                repositories.entry(project).or_default().push(one.into());
            }
        }
        for project in &mut projects {
            project.repositories =
                repositories.remove(&project.project.to_ascii_lowercase()).unwrap_or_default();
        }
        let canaries = json::some(&daemon.url).map(|url| CanariesJson {
            url: url.to_owned(),
            proven: json::time(daemon.proven_micros).filter(|_| daemon.proven_micros != 0),
            trouble: json::some(&daemon.trouble).map(str::to_owned),
        });
        Self { alarms: Vec::new(), scripts, projects, canaries }
    }

    /// Whether everything is registered and on where it was chosen, and no canary went in anywhere.
    pub fn is_well(&self) -> bool {
        let went_in =
            |one: &RepositoryJson| one.canary.as_ref().is_some_and(|canary| canary.outcome == "accepted");
        let is_less = |one: &RepositoryJson| [one.before, one.after].iter().flatten().any(|own| *own != "on");
        let is_on = |project: &ProjectJson| {
            project.before == "on" && project.after == "on" && !project.repositories.iter().any(is_less)
        };
        self.alarms.is_empty()
            && self.scripts.iter().all(|script| script.up_to_date)
            && self.projects.iter().all(|project| {
                (!project.chosen || is_on(project)) && !project.repositories.iter().any(went_in)
            })
            && self.canaries.as_ref().is_none_or(|canaries| canaries.trouble.is_none())
    }
}

impl ProjectJson {
    /// Of a project: `on`, `partly` or `off`, before changes and after them.
    pub(super) fn new(key: &ProjectKey, before: &'static str, after: &'static str) -> Self {
        Self { project: key.to_string(), chosen: true, before, after, repositories: Vec::new() }
    }
}

impl RepositoryJson {
    /// One of which the daemon knows nothing.
    fn unseen(repository: String) -> Self {
        Self { repository, before: None, after: None, decided: None, canary: None, decided_micros: 0 }
    }
}

impl From<&BitbucketRepository> for RepositoryJson {
    fn from(one: &BitbucketRepository) -> Self {
        let canary = |canary: &Canary| CanaryJson {
            at: json::time(canary.at_micros),
            outcome: canary.outcome.clone(),
            detail: json::some(&canary.detail).map(str::to_owned),
            at_micros: canary.at_micros,
        };
        Self {
            before: None,
            after: None,
            repository: one.repository.clone(),
            decided: json::time(one.decided_micros).filter(|_| one.decided_micros != 0),
            canary: one.canary.as_ref().map(canary),
            decided_micros: one.decided_micros,
        }
    }
}

fn how_far(seen: &Installed, wanted: &Plan, key: &ProjectKey, which: When) -> &'static str {
    let is_it =
        |step: &&Step| matches!(step, Step::Enable { project, when, .. } if project == key && *when == which);
    let on = seen.projects.get(key).is_some_and(|on| on.triggers.contains_key(&which));
    match (on, wanted.steps.iter().any(|step| is_it(&step))) {
        (false, _) => "off",
        (true, true) => "partly",
        (true, false) => "on",
    }
}

/// How far a script runs for a repository that says so itself.
fn own_state(seen: &Installed, wanted: &Plan, key: &Repository, which: When) -> Option<&'static str> {
    let own = seen.repositories.get(key)?.get(&which)?;
    let is_it = |step: &Step| matches!(step, Step::Widen { repository, when, .. } if repository == key && *when == which);
    Some(match (own.is_empty(), wanted.steps.iter().any(is_it)) {
        (true, _) => "off",
        (false, true) => "partly",
        (false, false) => "on",
    })
}

/// How it is in Bitbucket, for people.
pub fn status_text(status: &StatusJson, page: &Page) -> String {
    let mut text = String::new();
    for AlarmJson { place, what } in &status.alarms {
        let place = place.as_ref().map(|place| format!("{}: ", shown(place))).unwrap_or_default();
        text.push_str(&format!("{}\n", page.bad(&format!("ALARM: {place}{}", shown_line(what)))));
    }
    for script in &status.scripts {
        let state = match (script.id, script.up_to_date) {
            (None, _) => page.bad("not registered"),
            (Some(id), true) => page.good(&format!("registered as {id}, of this version")),
            (Some(id), false) => page.warn(&format!("registered as {id}, of another version")),
        };
        text.push_str(&format!("{} script: {state}\n", script.script));
    }
    match &status.canaries {
        None => text.push_str(&format!(
            "canaries: {}\n",
            page.warn("none are sent: the daemon has no `[bitbucket]`")
        )),
        Some(canaries) => {
            let proven = match &canaries.proven {
                Some(proven) => page.good(&format!("last refused at {}", shown(proven))),
                None => page.warn("none was refused since the daemon started"),
            };
            text.push_str(&format!("canaries: {proven}\n"));
            if let Some(trouble) = &canaries.trouble {
                text.push_str(&format!("  {}\n", page.bad(&shown_line(trouble))));
            }
        }
    }
    let mut table = Table::new(["project", "PRE", "POST", "repository", "last decision", "last canary"]);
    for project in &status.projects {
        let state = |of_project: &'static str, own: Option<&'static str>| match own.unwrap_or(of_project) {
            "on" => page.good("on"),
            "off" if !project.chosen => "-".to_owned(),
            "partly" => page.warn("partly"),
            other => page.bad(other),
        };
        let row = |own: [Option<&'static str>; 2], one: [String; 3]| {
            let ([before, after], [repository, decided, canary]) = (own, one);
            let (before, after) = (state(project.before, before), state(project.after, after));
            [shown(&project.project), before, after, repository, decided, canary]
        };
        if project.repositories.is_empty() {
            table.push(row([None; 2], ["-".into(), "-".into(), "-".into()]));
        }
        for one in &project.repositories {
            table.push(row([one.before, one.after], cells(one, page)));
        }
    }
    text.push('\n');
    text.push_str(&table.laid_out(page));
    if status.projects.iter().any(|project| !project.chosen) {
        text.push_str("Where PRE and POST are `-` the hook was not installed, as was chosen.\n");
    }
    text
}

fn cells(one: &RepositoryJson, page: &Page) -> [String; 3] {
    let when = |micros: i64| if micros == 0 { "-".to_owned() } else { page.time(micros) };
    let canary = one.canary.as_ref().map_or_else(
        || "-".to_owned(),
        |canary| {
            let outcome = match canary.outcome.as_str() {
                "refused" => page.good("refused"),
                "accepted" => page.bad("WENT IN"),
                _ => page.warn("unknown"),
            };
            let detail =
                canary.detail.as_ref().map_or_else(String::new, |text| format!(": {}", shown_line(text)));
            format!("{outcome} {}{detail}", when(canary.at_micros))
        },
    );
    [shown(&one.repository), when(one.decided_micros), canary]
}
