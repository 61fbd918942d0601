//! Every lint has its chapter, and what the chapter shows is warned of as it says.

use std::{collections::BTreeMap, fs};

use oam_policy::{
    Policy, Snapshot,
    file::{self, PolicySource},
    lint::{Lint, Warning, lint},
    snapshot::{Directory, Person},
};

use crate::book::{Block, source};

const NOW: &str = "2026-11-23T09:00:00Z";

/// One lint's examples.
#[derive(Default)]
struct Chapter {
    warns: Vec<String>,
    quiet: Vec<String>,
}

/// The rules beside which the examples stand, and the chapters.
fn page() -> (String, BTreeMap<String, Chapter>) {
    let text = fs::read_to_string(source().join("reference/lints.md")).unwrap();
    let (mut base, mut chapters) = (String::new(), BTreeMap::<String, Chapter>::new());
    let mut chapter = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(id) = line.strip_prefix("### `").and_then(|rest| rest.strip_suffix('`')) {
            chapter = id.to_owned();
            chapters.entry(chapter.clone()).or_default();
        } else if let Some(info) = line.strip_prefix("```") {
            let code: String =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            match info {
                "toml,policy" => base = code,
                "toml,lint" => chapters.get_mut(&chapter).expect("in a chapter").warns.push(code),
                "toml,quiet" => chapters.get_mut(&chapter).expect("in a chapter").quiet.push(code),
                _ => {}
            }
        }
    }
    (base, chapters)
}

/// The company that the page tells of.
fn company() -> Snapshot {
    let names = (0..38).map(|number| format!("user-{number}")).chain(["ada".into(), "grace".into()]);
    let person = |name: String| {
        let groups: &[&str] =
            if name.starts_with("user") { &["okta:eng"] } else { &["okta:eng", "okta:release"] };
        Person {
            username: name.parse().unwrap(),
            id: None,
            display_name: None,
            emails: Vec::new(),
            active: true,
            groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
            keys: Default::default(),
        }
    };
    let directory =
        Directory { people: names.map(person).collect(), groups: ["okta:interns".parse().unwrap()].into() };
    Snapshot::of_directory(1, NOW.parse().unwrap(), &directory, BTreeMap::new()).unwrap()
}

fn policy(text: &str) -> Policy {
    let source = PolicySource { name: "lints.md".into(), text: text.to_owned() };
    file::parse(&[source]).unwrap_or_else(|faults| panic!("{text}\n{faults}"))
}

/// The warnings that are not allowed.
fn open(text: &str) -> Vec<Warning> {
    let report = lint(&policy(text), Some(&company()), NOW.parse().unwrap());
    assert!(report.unfinished.is_empty());
    report.open().cloned().collect()
}

#[test]
fn every_lint_is_explained_by_an_example() {
    let (base, chapters) = page();
    let explained: Vec<_> = chapters.keys().map(String::as_str).collect();
    let mut known = Lint::ALL.map(Lint::id);
    known.sort_unstable();
    assert_eq!(explained, known);
    assert_eq!(open(&base), []);
    for (id, chapter) in &chapters {
        assert!(!chapter.warns.is_empty(), "`{id}` has no example");
        for example in &chapter.warns {
            let text = format!("{base}\n{example}");
            let found = open(&text);
            let lints: Vec<_> = found.iter().map(|warning| warning.lint.id()).collect();
            assert_eq!(lints, [id.as_str()], "{example}");
            let allowed = allowing(&text, &found[0]);
            assert_eq!(open(&allowed), [], "allowed, it is still warned of:\n{allowed}");
        }
        for example in &chapter.quiet {
            assert_eq!(open(&format!("{base}\n{example}")), [], "{example}");
        }
    }
}

/// The policy, with an `allow` of that warning in the rule that it is about.
fn allowing(text: &str, warning: &Warning) -> String {
    let entry = format!("{{ lint = \"{}\", reason = \"an example\" }}", warning.lint);
    let mut parts: Vec<String> = text.split("[[").map(str::to_owned).collect();
    let is_meant = |part: &&mut String| {
        let mut lines = part.lines();
        let kind = lines.next().and_then(|line| line.strip_suffix("]]"));
        let id = lines.filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == "id");
        kind == Some(warning.about.kind())
            && id.is_some_and(|(_, id)| id.trim() == format!("\"{}\"", warning.about.id()))
    };
    let part = parts.iter_mut().find(is_meant).expect("the rule is there");
    *part = match part.contains("allow ") {
        true => part.replace("= [{ lint", &format!("= [{entry}, {{ lint")),
        false => format!("{}\nallow = [{entry}]\n\n", part.trim_end()),
    };
    parts.join("[[")
}

/// The blocks of the page that are not policies of their own.
pub(crate) fn is_example(block: &Block) -> bool {
    ["toml,lint", "toml,quiet"].contains(&block.info.as_str()) && block.place.contains("lints.md")
}
