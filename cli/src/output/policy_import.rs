//! A policy that was made of what is in Bitbucket: what it does not say, and where it decides otherwise.

use std::{collections::BTreeMap, path::Path};

use oam_bitbucket::{
    import::{Compared, Difference, Imported, Left, LeftKind},
    model::{Answer, Doubt},
};
use serde::Serialize;

use super::{Page, page::counted, quoted, shown};

/// How many of one kind are listed for people.
const MOST_LISTED: usize = 20;

/// All there is to tell.
#[derive(Debug, Serialize)]
pub struct ImportJson {
    path: String,
    files: Vec<String>,
    roles: usize,
    grants: usize,
    blocks: usize,
    requires: usize,
    requests: u64,
    left: Vec<LeftJson>,
    unknown_groups: Option<Vec<String>>,
    compared: ComparedJson,
}

#[derive(Debug, Serialize)]
struct LeftJson {
    kind: &'static str,
    place: Option<String>,
    holder: Option<String>,
    what: String,
    help: &'static str,
    matters: bool,
}

#[derive(Debug, Serialize)]
struct ComparedJson {
    complete: bool,
    questions: u64,
    people: usize,
    kinds_of_people: usize,
    repositories: usize,
    kinds_of_repositories: usize,
    refs: u64,
    differing: u64,
    unexplained: u64,
    differences: Vec<DifferenceJson>,
    stricter_where_unclear: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct DifferenceJson {
    user: String,
    repository: String,
    #[serde(rename = "ref")]
    name: String,
    change: String,
    bitbucket: &'static str,
    policy: &'static str,
    wider: bool,
    /// The number of the entry in `left` that explains it, from 0 on.
    because: Option<usize>,
    people_alike: usize,
    repositories_alike: usize,
}

impl ImportJson {
    /// Of a policy in a folder.
    pub fn of(
        path: &Path,
        requests: u64,
        imported: &Imported,
        compared: &Compared,
        unknown: Option<&[String]>,
    ) -> Self {
        let policy = &imported.policy;
        Self {
            path: path.to_string_lossy().into_owned(),
            files: imported.files.iter().map(|file| file.name.clone()).collect(),
            roles: policy.roles().len(),
            grants: policy.grants().len(),
            blocks: policy.blocks().len(),
            requires: policy.requires().len(),
            requests,
            left: imported.left.iter().map(LeftJson::of).collect(),
            unknown_groups: unknown.map(<[String]>::to_vec),
            compared: ComparedJson::of(compared),
        }
    }

    /// Whether nothing is left that somebody should look at, and both decide the same.
    pub fn is_whole(&self) -> bool {
        let known = self.unknown_groups.as_ref().is_none_or(Vec::is_empty);
        known
            && self.compared.complete
            && self.compared.unexplained == 0
            && !self.left.iter().any(|left| left.matters)
    }
}

impl LeftJson {
    fn of(left: &Left) -> Self {
        let Left { kind, place, holder, what } = left;
        Self {
            kind: kind.as_str(),
            place: place.as_ref().map(ToString::to_string),
            holder: holder.as_ref().map(ToString::to_string),
            what: what.clone(),
            help: kind.help(),
            matters: kind.matters(),
        }
    }

    fn line(&self) -> String {
        let place = self.place.as_ref().map(|place| format!("{}: ", shown(place))).unwrap_or_default();
        let holder = self.holder.as_ref().map(|holder| format!("{} ", shown(holder))).unwrap_or_default();
        format!("  {place}{holder}{}\n", shown(&self.what))
    }
}

impl ComparedJson {
    fn of(compared: &Compared) -> Self {
        Self {
            complete: compared.complete,
            questions: compared.questions,
            people: compared.people.0,
            kinds_of_people: compared.people.1,
            repositories: compared.repositories.0,
            kinds_of_repositories: compared.repositories.1,
            refs: compared.refs,
            differing: compared.differing,
            unexplained: compared.unexplained,
            differences: compared.differences.iter().map(DifferenceJson::of).collect(),
            stricter_where_unclear: compared
                .unclear
                .iter()
                .map(|(doubt, count)| (doubt.as_str(), *count))
                .collect(),
        }
    }
}

impl DifferenceJson {
    fn of(one: &Difference) -> Self {
        Self {
            user: one.user.name().to_owned(),
            repository: one.repository.to_string(),
            name: one.name.to_string(),
            change: one.change.to_string(),
            bitbucket: match one.bitbucket {
                Answer::Permitted => "permitted",
                Answer::Refused => "refused",
                Answer::Unclear(_) => "unclear",
            },
            policy: one.policy.as_str(),
            wider: one.is_wider(),
            because: one.because,
            people_alike: one.people,
            repositories_alike: one.repositories,
        }
    }

    fn line(&self, left: &[LeftJson]) -> String {
        let because = match self.because.and_then(|place| left.get(place)) {
            Some(left) => format!("explained by `{}` above", left.kind),
            None => "NOT EXPLAINED".to_owned(),
        };
        let Self { user, repository, name, change, bitbucket, policy, .. } = self;
        format!(
            "  {} {change} {repository} {}: Bitbucket {bitbucket}, policy {policy}; {because}\n",
            shown(user),
            shown(name)
        )
    }
}

/// The same for people.
pub fn import_text(import: &ImportJson, page: &Page) -> String {
    let ImportJson { path, roles, grants, blocks, requires, requests, .. } = import;
    let counts = [
        counted(*roles as u64, "role", "roles"),
        counted(*grants as u64, "grant", "grants"),
        counted(*blocks as u64, "block", "blocks"),
        counted(*requires as u64, "require", "requires"),
    ];
    let mut text = format!(
        "{} {}: {}, made by {requests} requests\n",
        page.good("written"),
        quoted(path),
        counts.join(", ")
    );
    text.push_str(&left_text(import, page));
    text.push_str(&groups_text(import.unknown_groups.as_deref(), page));
    text.push_str(&compared_text(import, page));
    text + &format!("  next  read it, then `oam policy check {}`\n", shown(path))
}

fn left_text(import: &ImportJson, page: &Page) -> String {
    if import.left.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", page.bold("What could not be carried over"));
    for kind in LeftKind::ALL {
        let all: Vec<_> = import.left.iter().filter(|left| left.kind == kind.as_str()).collect();
        if all.is_empty() {
            continue;
        }
        let title = format!("{} ({})", kind.as_str(), all.len());
        let title = if kind.matters() { page.warn(&title) } else { title };
        text.push_str(&format!("{title}: {}\n", kind.help()));
        all.iter().take(MOST_LISTED).for_each(|left| text.push_str(&left.line()));
        text.push_str(&more(all.len()));
    }
    text
}

fn groups_text(unknown: Option<&[String]>, page: &Page) -> String {
    match unknown {
        None => "\nThe daemon was not asked which groups its directory knows: `oam policy check` does.\n"
            .to_owned(),
        Some([]) => String::new(),
        Some(all) => {
            let title = format!("Groups that the directory does not know ({})", all.len());
            let lines: String =
                all.iter().take(MOST_LISTED).map(|one| format!("  {}\n", shown(one))).collect();
            format!("\n{}: decide which group is meant\n{lines}{}", page.warn(&title), more(all.len()))
        }
    }
}

fn compared_text(import: &ImportJson, page: &Page) -> String {
    let ComparedJson {
        complete,
        questions,
        people,
        kinds_of_people,
        repositories,
        kinds_of_repositories,
        refs,
        differing,
        unexplained,
        differences,
        ..
    } = &import.compared;
    let mut text = format!(
        "\n{}\n  {questions} questions: {people} people of {kinds_of_people} kinds, {repositories} repositories of \
         {kinds_of_repositories} kinds, {refs} refs\n",
        page.bold("Compared with what Bitbucket decides")
    );
    if !complete {
        text.push_str(&format!("  {}\n", page.bad("not all was compared: it is too much")));
    }
    let found = match (differing, unexplained) {
        (0, _) => page.good("no difference"),
        (all, 0) => format!("{all} answers differ, and what could not be carried over explains each"),
        (all, some) => page.bad(&format!("{all} answers differ, and nothing explains {some} of them")),
    };
    text.push_str(&format!("  {found}\n"));
    // What nothing explains comes first.
    let (explained, unexplained): (Vec<_>, Vec<_>) =
        differences.iter().partition(|one| one.because.is_some());
    let listed = unexplained.into_iter().chain(explained);
    listed.take(MOST_LISTED).for_each(|one| text.push_str(&one.line(&import.left)));
    text.push_str(&more(differences.len()));
    if !import.compared.stricter_where_unclear.is_empty() {
        text.push_str("  where Bitbucket's documentation leaves open what it does, the policy says no:\n");
    }
    for doubt in Doubt::ALL {
        if let Some(count) = import.compared.stricter_where_unclear.get(doubt.as_str()) {
            text.push_str(&format!("    {count} times: {doubt}\n"));
        }
    }
    text
}

fn more(all: usize) -> String {
    match all.saturating_sub(MOST_LISTED) {
        0 => String::new(),
        more => format!("  and {more} more: see --json\n"),
    }
}
